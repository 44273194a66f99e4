// SPDX-License-Identifier: MIT
// Costs of random requests as exact rationals in big integers, compared with
// tests/support/price_cases. Amounts are pico-USD, markups millionths.
import { spawnSync } from 'node:child_process';
import { test, done, assert } from '../sdk/tap.mjs';

const CLASSES = 16; // eight, normal and long context
const MAX = 2n ** 63n - 1n;

// xorshift64*: the same cases every time.
let state = BigInt(process.env.MONEY_SEED ?? 20261122);
function random(bound) {
  state ^= (state << 13n) & (2n ** 64n - 1n);
  state ^= state >> 7n;
  state ^= (state << 17n) & (2n ** 64n - 1n);
  return state % bound;
}
// The same below 2^32 where many are wanted: mulberry32.
let quick = Number(state % 2n ** 32n);
function below(bound) {
  quick = (quick + 0x6d2b79f5) | 0;
  let t = Math.imul(quick ^ (quick >>> 15), 1 | quick);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return BigInt(((t ^ (t >>> 14)) >>> 0) % bound);
}
// As many small as large ones.
const spread = (digits) => random(10n ** random(BigInt(digits + 1)));

// numerator / denominator, half to even; both at least 0.
function rounded(numerator, denominator) {
  const whole = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  if (twice > denominator || (twice === denominator && whole % 2n === 1n)) return whole + 1n;
  return whole;
}

// Undefined beyond what 64 bits hold, wherever on the way that happens.
function costOf({ markup, request, prices, counts }) {
  let provider = request;
  for (let i = 0; i < CLASSES; i += 1) provider += prices[i] * counts[i];
  const charged = rounded(provider * markup, 1000000n);
  return provider > MAX || charged > MAX ? undefined : { charged, provider };
}

const line = (c) => [c.markup, c.request, ...c.prices, ...c.counts].join(' ');

function run(cases) {
  const { stdout, status } = spawnSync(
    `${process.env.TOLLGATE_BUILD_DIR}/tests/support/price_cases`,
    { input: `${cases.map(line).join('\n')}\n`, maxBuffer: 2 ** 28 },
  );
  assert.equal(status, 0);
  return stdout.toString().trimEnd().split('\n');
}

function compare(cases) {
  const got = run(cases);
  let sum = 0n;
  assert.equal(got.length, cases.length + 1);
  cases.forEach((c, i) => {
    const cost = costOf(c);
    assert.equal(got[i], cost ? `${cost.charged} ${cost.provider}` : 'range', line(c));
    sum += cost?.charged ?? 0n;
  });
  assert.equal(got.at(-1), sum > MAX ? 'sum range' : `sum ${sum}`);
  return got;
}

const some = (make) => Array.from({ length: CLASSES }, make);

await test('B1: 10,000 random requests: exactly the rational, rounded half to even once', () => {
  const cases = Array.from({ length: 10000 }, () => ({
    markup: random(4n) ? spread(7) : 1000000n,
    request: random(2n) ? spread(10) : 0n,
    prices: some(() => spread(8)),
    counts: some(() => (random(3n) ? 0n : spread(6))),
  }));
  assert.equal(compare(cases).filter((text) => text === 'range').length, 0);
});

await test('B1: ties: to the even neighbour', () => {
  const cases = Array.from({ length: 2000 }, () => ({
    markup: 500000n * (2n * random(1000n) + 1n), // odd halves
    request: 2n * random(1000000n) + 1n,
    prices: some(() => 0n),
    counts: some(() => 0n),
  }));
  for (const c of cases) assert.equal(2n * (c.request * c.markup % 1000000n), 1000000n);
  compare(cases);
});

await test('B1: at the edge of what 64 bits hold: exact or refused', () => {
  const cases = Array.from({ length: 2000 }, () => ({
    markup: random(3n) ? 1000000n : 999999n + random(3n),
    request: random(2n) ? MAX - spread(5) : 0n,
    prices: some(() => (random(8n) ? 0n : 10n ** 12n - random(3n))),
    counts: some(() => (random(4n) ? spread(2) : 9223372n)),
  }));
  const refused = compare(cases).filter((text) => text === 'range').length;
  assert.ok(refused > 100 && refused < 1900, `${refused} of 2000`);
});

// The ledger adds up what is charged; so do we, once a million times.
await test('B2: 1,000,000 requests: the sum is the sum, to the pico-dollar', () => {
  for (let batch = 0; batch < 10; batch += 1) {
    compare(Array.from({ length: 100000 }, () => {
      const counts = new Array(CLASSES).fill(0n);
      const prices = new Array(CLASSES).fill(0n);
      for (const i of [0, 1, 4, 5]) {
        counts[i] = below(5000);
        prices[i] = below(60000000);
      }
      return { markup: 1000000n + below(2000000), request: below(1000), prices, counts };
    }));
  }
});

done();
