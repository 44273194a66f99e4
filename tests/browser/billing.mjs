// SPDX-License-Identifier: MIT
// Billing: the balance, and months of the ledger whose lines come to it, to
// the last pico-dollar; with JavaScript and without.
import { done, test, assert } from '../sdk/tap.mjs';
import { sql } from '../wire/lib.mjs';
import {
  api, assertAccessible, assertNarrow, assertValid, browser, close, env, made, open,
  person, signIn, tollgate, url,
} from './visit.mjs';

const stamp = Date.now();
const DAY = 86400e3;
const iso = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const pico = (text) => {
  const [, sign, whole, part = ''] = text.replace(/[$,]/g, '').match(/^(-?)(\d+)\.?(\d*)$/);
  return BigInt(sign + whole + part.padEnd(12, '0'));
};
// Visible ASCII is all that a reference may hold: this is.
const hostile = '"><script>window.hit=1</script>';

const provider = `billed.${stamp}`;
tollgate('provider', 'add', '--name', provider, '--kind', 'openai', '--base-url',
  `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-x');
tollgate('model', 'add', '--name', provider, '--provider', provider, '--upstream-name', 'sim-fixed');
const modelId = Number(sql(`SELECT model_id FROM models WHERE name = '${provider}'`)[0][0]);
await made('/api/prices', {
  model_id: modelId, effective_from: iso(stamp - 500 * DAY), prices: { input: 0.310007, output: 1.23 },
});

async function newCustomer(name) {
  const customer = await made('/customers', { name, email: `${name}-${stamp}@example.org` });
  const [[owner]] = sql(`SELECT MIN(user_id) FROM users WHERE customer_id = ${customer.id}`);
  return { id: customer.id, user: Number(owner), page: `${url}/dashboard/${customer.id}/billing` };
}
const a = await newCustomer('Billed');
assert.equal((await api('PATCH', `/customers/${a.id}`, { markup: 1.337 })).status, 200);
let seed = 11;
const random = (n) => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return Math.floor((seed / 2147483648) * n);
};
const booked = await api('POST', '/api/usage', Array.from({ length: 300 }, () => ({
  user_id: a.user, model_id: modelId, request_timestamp: iso(stamp - random(90 * DAY)),
  token_in_count: random(50000), token_out_count: random(9000),
})));
assert.equal(booked.status, 201);
for (const [amount, reference] of [['25', hostile], ['0.000000000001', 'smallest'], ['-3.5', 'taken-back']]) {
  await made(`/customers/${a.id}/credits`, { amount_usd: amount, reference });
}
a.viewer = person('viewer', a.id, stamp);
const empty = await newCustomer('Unbilled');
empty.viewer = person('viewer', empty.id, stamp);

async function readMonth(page) {
  const lines = await Promise.all((await page.locator('#ledger tbody tr').all()).map(async (row) => ({
    what: await row.locator('td').first().textContent(),
    day: (await row.locator('time').getAttribute('datetime')).slice(0, 10),
    amount: pico(await row.locator('.amount data').getAttribute('value')),
    after: pico(await row.locator('.after data').getAttribute('value')),
  })));
  const [credited, used, closing] = await Promise.all((await page.locator('#totals data').all())
    .map(async (data) => pico(await data.getAttribute('value'))));
  return { lines, credited, used, closing, opening: pico(await page.locator('#opening data').getAttribute('value')) };
}

for (const javaScriptEnabled of [true, false]) {
  await test(`lines come to the balance, months to each other, ${javaScriptEnabled ? 'with' : 'without'} JavaScript (D18, D19)`, async () => {
    const page = await open({ javaScriptEnabled });
    await signIn(page, a.viewer);
    await page.getByRole('link', { name: 'Billing', exact: true }).first().click();
    assert.equal(page.url(), a.page);

    const [[balance]] = sql(`SELECT -balance_usd FROM ledger_accounts WHERE customer_id = ${a.id} AND kind = 'receivable'`);
    const shown = pico(await page.locator('#balance data').getAttribute('value'));
    const isOwing = await page.getByRole('heading', { name: 'Owed' }).count() === 1;
    assert.equal(isOwing ? -shown : shown, pico(balance));
    assert.equal(await page.locator('.notice').count(), 0);

    let after = pico(balance);
    let used = 0n;
    let credited = 0n;
    let n = 0;
    for (;; n += 1) {
      const month = await readMonth(page);
      assert.equal(month.closing, after);
      for (const line of month.lines) {
        assert.equal(line.after, after, JSON.stringify(line, (k, v) => (typeof v === 'bigint' ? `${v}` : v)));
        after -= line.amount;
        if (line.what.startsWith('Credit')) credited += line.amount;
        else {
          used -= line.amount;
          assert.equal(-line.amount, pico(sql(`SELECT COALESCE(SUM(cost_in_usd), 0) FROM usage_records
            WHERE customer_id = ${a.id} AND DATE(request_timestamp) = '${line.day}'`)[0][0]));
        }
      }
      assert.equal(month.opening, after);
      assert.equal(month.opening + month.credited - month.used, month.closing);
      const earlier = page.getByRole('link', { name: 'Earlier month' });
      if (!await earlier.count()) break;
      await earlier.click();
    }
    assert.ok(n >= 3);
    assert.equal(after, 0n);
    assert.equal(used, pico(sql(`SELECT SUM(cost_in_usd) FROM usage_records WHERE customer_id = ${a.id}`)[0][0]));
    assert.equal(credited, pico('21.500000000001'));
    // And back, to the month that it is.
    for (; n > 0; n -= 1) await page.getByRole('link', { name: 'Later month' }).click();
    assert.equal(await page.getByRole('link', { name: 'Later month' }).count(), 0);
    assert.ok((await page.locator('#ledger').textContent()).includes(`reference ${hostile}`));
    assert.equal(pico(await page.locator('#spent data').getAttribute('value')), pico(sql(
      `SELECT COALESCE(SUM(cost_in_usd), 0) FROM usage_records WHERE customer_id = ${a.id}
      AND request_timestamp >= '${new Date().toISOString().slice(0, 7)}-01'`)[0][0]));
    assert.ok(await page.getByText('No invoices yet.').isVisible());
    if (javaScriptEnabled) assert.equal(await page.evaluate('window.hit'), undefined);
    await close(page);
  });
}

await test('a day of it leads to its usage; a wrong month is a 400 page (D7)', async () => {
  const page = await open();
  await signIn(page, a.viewer);
  await page.goto(a.page);
  const line = page.locator('#ledger tbody tr', { hasText: 'Usage' }).first();
  const amount = pico(await line.locator('.amount data').getAttribute('value'));
  await line.getByRole('link', { name: 'Usage' }).click();
  assert.equal(pico(await page.locator('#figures data').first().getAttribute('value')), -amount);
  for (const month of ['2026-13', '2026_11', 'tenchar', '9998-12', '2026-1']) {
    assert.equal((await page.goto(`${a.page}?month=${month}`)).status(), 400, month);
  }
  assert.equal((await page.goto(`${a.page}?month=2020-01`)).status(), 200);
  assert.ok(await page.getByText('Nothing was used or credited in this month.').isVisible());
  await close(page);
});

await test('another customer\'s books are a 404; without credits and usage it is 0 (S8, D11)', async () => {
  const page = await open();
  await signIn(page, empty.viewer);
  assert.equal((await page.goto(a.page)).status(), 404);
  await page.goto(empty.page);
  assert.equal(pico(await page.locator('#balance data').getAttribute('value')), 0n);
  assert.ok(await page.getByText('Nothing was used or credited in this month.').isVisible());
  assert.equal(await page.getByRole('link', { name: 'Earlier month' }).count(), 0);
  await close(page);
});

await test('lines that don\'t come to the balance are said to', async () => {
  sql(`UPDATE ledger_accounts SET balance_usd = balance_usd + 1 WHERE customer_id = ${empty.id} AND kind = 'receivable'`);
  const page = await open();
  await signIn(page, empty.viewer);
  await page.goto(empty.page);
  assert.ok(await page.getByText('The lines don\'t come to the balance above.').isVisible());
  sql(`UPDATE ledger_accounts SET balance_usd = balance_usd - 1 WHERE customer_id = ${empty.id} AND kind = 'receivable'`);
  await page.reload();
  assert.equal(await page.locator('.notice').count(), 0);
  await close(page);
});

await test('more credits in a month than the page has lines for: its sums are right nonetheless', async () => {
  const many = await newCustomer('Credited');
  many.viewer = person('viewer', many.id, stamp);
  for (let n = 0; n < 1092; n += 91) {
    await Promise.all(Array.from({ length: 91 }, (_, i) => made(`/customers/${many.id}/credits`,
      { amount_usd: '0.01', reference: `credit-${n + i}` })));
  }
  // One of them in the month before.
  sql(`UPDATE ledger_transfers SET created_at = NOW(6) - INTERVAL 32 DAY WHERE credit_account_id = (SELECT
    account_id FROM ledger_accounts WHERE customer_id = ${many.id} AND kind = 'receivable') LIMIT 1`);
  const page = await open();
  await signIn(page, many.viewer);
  const answer = await page.goto(many.page);
  assert.ok(await page.getByText('There are more than 1,000 credits in this month').isVisible());
  assert.equal(await page.locator('.notice').count(), 1);
  assert.deepEqual(await Promise.all((await page.locator('#totals data').all())
    .map(async (data) => pico(await data.getAttribute('value')))), [pico('0.01'), pico('10.91'), 0n, pico('10.92')]);
  await assertValid(await answer.text(), many.page);
  await close(page);
});

for (const colorScheme of ['light', 'dark']) {
  await test(`full and empty are valid and axe finds nothing, ${colorScheme} (D2, D13, D20)`, async () => {
    for (const who of [a, empty]) {
      const page = await open({ colorScheme, bypassCSP: true });
      await signIn(page, who.viewer);
      await assertValid(await (await page.goto(who.page)).text(), who.page);
      await assertAccessible(page, who.page);
      await close(page);
    }
  });
}

await test('320 px wide: no scrolling sideways, targets of 24 px (D4)', async () => {
  const page = await open({ viewport: { width: 320, height: 640 } });
  await signIn(page, a.viewer);
  await page.goto(a.page);
  await assertNarrow(page, a.page);
  await close(page);
});

await browser.close();
done();
