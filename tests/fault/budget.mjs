// SPDX-License-Identifier: MIT
// 200 clients on one hard budget, then on one prepaid balance, over 8 workers,
// with memcached flushed and workers killed meanwhile.
// CHECKLIST B6, B7, B9, B14.
import { execFile } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { promisify } from 'node:util';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  base, env, json, management, modelsInForce, newKey, sql, tollgate, until,
} from '../wire/lib.mjs';

const CLIENTS = 200;
const BUDGET_USD = 1;
const KILLS = Number(env.FAULT_KILLS ?? 6);
const PUSD = 10n ** 12n;
const run = promisify(execFile);
const sleep = (ms) => new Promise((wake) => { setTimeout(wake, ms); });
const pusd = (text) => {
  const [, sign, whole, part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  return BigInt(`${sign}1`) * (BigInt(whole) * PUSD + BigInt(part.padEnd(12, '0')));
};

// Prices per million tokens; upstream's words decide what comes of them.
const models = {
  quick: { upstream: 'sim-fixed', input: 50, output: 100 },
  long: { upstream: 'sim-fixed:90', input: 50, output: 100, max: 200 },
  drawn: { upstream: 'sim-pace:20:30', input: 50, output: 100, max: 64 },
  penny: { upstream: 'sim-fixed', input: 0, output: 0, request: '0.001' },
  slow: { upstream: 'sim-pace:20:150', input: 0, output: 0, request: '0.001' },
  free: { upstream: 'sim-fixed', input: 0, output: 0 },
};

function make(name, m) {
  tollgate('model', 'add', '--name', name, '--provider', 'lawgent',
    '--upstream-name', m.upstream, '--context-length', '8192',
    ...(m.max ? ['--max-output', String(m.max)] : []));
  tollgate('price', 'set', '--model', name, '--input', String(m.input),
    '--output', String(m.output), ...(m.request ? ['--request', m.request] : []));
}

// One request; status 0: the connection broke (its worker was killed).
function call(key, model, members = {}, path = '/v1/chat/completions') {
  const body = JSON.stringify({
    model, messages: [{ role: 'user', content: 'hello there' }], ...members,
  });
  return new Promise((resolve) => {
    const rq = http.request({
      agent: false, host: base.hostname, port: base.port, method: 'POST', path,
      headers: { ...json, Authorization: `Bearer ${key}` },
    }, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      const end = () => resolve({
        status: answer.statusCode, headers: answer.headers, text,
      });
      answer.on('end', end);
      answer.on('error', end);
    });
    rq.on('error', () => resolve({ status: 0, headers: {}, text: '' }));
    rq.end(body);
  });
}

function workers() {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readlinkSync(`/proc/${pid}/exe`)
        .startsWith(`${env.TOLLGATE_STACK_DIR}/bin/tollgate.fcgi`);
    } catch {
      return false;
    }
  }).map(Number);
}

const flushMemcached = () => new Promise((resolve, reject) => {
  const s = net.connect(env.TOLLGATE_MEMCACHED_SOCKET, () => s.write('flush_all\r\nquit\r\n'));
  s.on('close', resolve);
  s.on('error', reject);
  s.resume();
});

async function query(text) {
  const { stdout } = await run('mariadb', ['--no-defaults', '-u', 'root', '-S',
    env.TOLLGATE_DB_SOCKET, '-N', '-B', env.TOLLGATE_DB_NAME, '-e', text]);
  return stdout.split('\n').filter(Boolean).map((line) => line.split('\t'));
}

const spentAndLeased = (id) => query(`SELECT p.spent_usd,
  COALESCE((SELECT SUM(l.leased_usd) FROM budget_leases l
    WHERE l.budget_id = p.budget_id), 0)
  FROM budget_periods p WHERE p.budget_id = ${id}`)
  .then(([row]) => row.map(pusd));

const isClean = async () => {
  try {
    const { stdout } = await run(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`,
      ['reconcile', '--json']);
    const said = JSON.parse(stdout);
    return said.clean && said.pending_requests === 0;
  } catch {
    return false;
  }
};
const settled = async (id) => {
  await until('dead series to be closed', async () => Number((await query(
    'SELECT COUNT(*) FROM journal_offsets WHERE closed = 0'))[0][0])
    <= workers().length, 60000);
  await until('reconcile to find nothing', isClean, 60000);
  await until('leases to be given back', async () => (await spentAndLeased(id))[1] === 0n, 60000);
};

for (const [name, m] of Object.entries(models)) make(name, m);
const { key, id: keyId } = await newKey({
  name: 'bounded', budget: { amount_usd: '1.00', period: 'total' },
});
await modelsInForce({ Authorization: `Bearer ${key}` }, Object.keys(models));
const budgetId = sql(`SELECT budget_id FROM budgets WHERE api_key_id = ${keyId}`)[0][0];

const shapes = [
  ['quick', {}], ['quick', { max_tokens: 4 }], ['quick', { stream: true }],
  ['long', {}], ['long', { max_tokens: 40, stream: true }], ['long', { n: 2, max_tokens: 20 }],
  ['drawn', { stream: true }], ['drawn', { stream: true, max_tokens: 9 }], ['drawn', {}],
];
const seen = { answered: 0, refused: 0, broken: 0, other: [] };
const refusals = [];
let isOver = false;
let isKilling = true;
const above = [];

// Until budgets refuse again and again, once the killing is over.
async function client(n) {
  let refused = 0;
  for (let i = n; above.length === 0 && (isKilling || refused < 3); i += 1) {
    const [model, members] = shapes[i % shapes.length];
    const a = await call(key, model, members);
    if (a.status === 200) seen.answered += 1;
    else if (a.status === 429) {
      refused += 1;
      seen.refused += 1;
      refusals.push(a);
      await sleep(20 + 200 * (n % 7) / 7);
    } else if (a.status === 0 || a.status >= 500) {
      seen.broken += 1;
      await sleep(50);
    } else seen.other.push(`${a.status} ${a.text}`);
  }
}

async function watch() {
  while (!isOver) {
    const [spent, leased] = await spentAndLeased(budgetId);
    if (spent > BigInt(BUDGET_USD) * PUSD || spent + leased > BigInt(BUDGET_USD) * PUSD)
      above.push(`${spent} + ${leased}`);
    await sleep(20);
  }
}

async function disturb() {
  for (let i = 0; i < KILLS; i += 1) {
    await sleep(700);
    if (i % 2 === 0) await flushMemcached();
    const pids = workers();
    if (pids.length) {
      try {
        process.kill(pids[(i * 5) % pids.length], 'SIGKILL');
      } catch { /* it has just ended */ }
    }
  }
  isKilling = false;
}

await until('the first request to make the period', async () => {
  await call(key, 'quick', { max_tokens: 1 });
  return (await query(`SELECT 1 FROM budget_periods WHERE budget_id = ${budgetId}`)).length;
});
const watching = watch();
await Promise.all([disturb(), ...Array.from({ length: CLIENTS }, (_, n) => client(n))]);
await settled(budgetId);
isOver = true;
await watching;
const [spentUnderLoad] = await spentAndLeased(budgetId);
console.log(`# ${JSON.stringify({ ...seen, other: seen.other.length })}, spent ${spentUnderLoad} pico-USD`);

await test('200 clients over 8 workers, some killed: what is spent and leased never passes the budget', () => {
  assert.deepEqual(above, []);
  assert.ok(seen.answered > 100, `${seen.answered} answers`);
  assert.ok(seen.refused > 0);
  assert.ok(spentUnderLoad <= PUSD);
});

await test('nobody saw anything but answers, refusals and killed workers', () => {
  assert.deepEqual(seen.other.slice(0, 3), []);
});

await test('a budget refuses as documented', () => {
  for (const { text, headers } of refusals.slice(0, 50)) {
    const { error } = JSON.parse(text);
    assert.equal(error.code, 'insufficient_quota');
    assert.equal(error.type, 'insufficient_quota');
    assert.equal(error.limit, 1);
    assert.ok(error.spent <= 1);
    assert.equal(error.resets_at, null);
    assert.equal(headers['x-should-retry'], 'false');
  }
});

await test('spent is the sum of the rows, each request once (B7, B14)', async () => {
  const [[sum]] = await query(`SELECT COALESCE(SUM(cost_in_usd), 0)
    FROM usage_records WHERE api_key_id = ${keyId}`);
  assert.equal(pusd(sum), spentUnderLoad);
  assert.deepEqual(await query(`SELECT request_id FROM usage_records
    GROUP BY request_id HAVING COUNT(*) > 1`), []);
  assert.deepEqual(await query(`SELECT usage_id FROM usage_records
    WHERE error_code = 'hold_exceeded'`), []);
});

// All that requests of this price fit into a rest is admitted, and no more.
async function spendRest(secret, budget, rest, refusal) {
  const price = PUSD / 1000n;
  const fits = rest / price;
  let n = 0n;
  for (let refused = 0; n < fits || refused === 0;) {
    const a = await call(secret, 'penny', { max_tokens: 4 });
    if (a.status === 200) {
      n += 1n;
      assert.ok(n <= fits);
      continue;
    }
    assert.equal(a.status, refusal, a.text);
    refused += 1;
    assert.ok(refused < 50, `${n} of ${fits} fitted`);
    await settled(budget);
  }
  console.log(`# ${fits} requests of 0.001 USD fitted into the rest`);
}

await test('the remaining cent is spendable, to what no request fits into', async () => {
  await spendRest(key, budgetId, PUSD - spentUnderLoad, 429);
  const [spent] = await spentAndLeased(budgetId);
  assert.ok(PUSD - spent < PUSD / 1000n);
});

await test('a free model does not meet the budget', async () => {
  const a = await call(key, 'free');
  assert.equal(a.status, 200, a.text);
});

await test('a balance of ten reservations admits ten of 200 at once at most (B6)', async () => {
  const c = await management('/customers', {
    name: 'Prepaid', email: 'prepaid@example.com', billing: 'prepaid',
  });
  const { key: paid } = await newKey({ customer_id: c.id, name: 'prepaid' });
  const credited = await management(`/customers/${c.id}/credits`, { amount_usd: '0.010' });
  assert.equal(credited.balance_usd, 0.01);
  const all = await Promise.all(Array.from({ length: CLIENTS }, () => call(paid, 'slow')));
  const admitted = all.filter((a) => a.status === 200).length;
  const refused = all.filter((a) => a.status === 402);
  console.log(`# ${admitted} admitted, ${refused.length} refused`);
  assert.ok(admitted <= 10 && admitted > 0);
  assert.equal(admitted + refused.length, CLIENTS);
  for (const { text, headers } of refused) {
    const { error } = JSON.parse(text);
    assert.equal(error.code, 'insufficient_balance');
    assert.equal(error.limit, 0.01);
    assert.equal(headers['x-should-retry'], 'false');
  }
  await until('reconcile to find nothing', isClean, 60000);
  const [[balance]] = await query(`SELECT -balance_usd FROM ledger_accounts
    WHERE customer_id = ${c.id} AND kind = 'receivable'`);
  const rest = PUSD / 100n - BigInt(admitted) * PUSD / 1000n;
  assert.equal(pusd(balance), rest);
  // What was held of it is given back, and a credit adds to it.
  await management(`/customers/${c.id}/credits`, { amount_usd: '0.005' });
  const [[id]] = await query(`SELECT budget_id FROM budgets WHERE customer_id = ${c.id} AND scope = 'balance'`);
  await spendRest(paid, id, rest + PUSD / 200n, 402);
});

await test('reconcile finds nothing', async () => {
  await until('reconcile', isClean, 60000);
});

done();
