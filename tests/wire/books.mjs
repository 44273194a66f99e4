// SPDX-License-Identifier: MIT
// Books of a real stack, tampered with as no account of the program may.
import { execFileSync } from 'node:child_process';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, management, newKey, sql, until, usageRow,
} from './lib.mjs';

// What one run says: its exit status, and its output.
const reconcile = () => {
  try {
    const out = execFileSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`, ['reconcile'], { stdio: ['ignore', 'pipe', 'pipe'] });
    return { code: 0, out: out.toString() };
  } catch (error) {
    return { code: error.status, out: `${error.stdout}${error.stderr}` };
  }
};
// Journals that were not drained yet are no difference for long.
const clean = () => until('a clean reconcile', () => reconcile().code === 0, 20000);

const customer = await management('/customers', { name: 'books', email: `books-${process.pid}-${Date.now()}@example.com` });
const { key } = await newKey({ customer_id: customer.id });
const answers = [];
for (let i = 0; i < 40; i += 1) {
  answers.push(await ask('POST', '/generate', { ...json, 'X-API-Key': key },
    JSON.stringify({ text: 'word '.repeat(1 + (i % 7)), model_id: 2, max_length: 5 + i })));
}
const ids = answers.map((a) => a.headers['x-request-id']);
const { usage_id: id } = await usageRow(ids[3], ['usage_id']);
for (const request of ids) await usageRow(request, ['usage_id']);

await test('B2: the requests\' costs, the rows\', the rollups\' and the ledger\'s are one sum, to the pico-dollar', async () => {
  await clean();
  // As integers of pico-dollars, from the texts of the answers.
  const pico = (text) => {
    const [whole, part = ''] = text.split('.');
    return BigInt(whole) * 10n ** 12n + BigInt(part.padEnd(12, '0'));
  };
  const told = answers.reduce((sum, a) => sum + pico(/"cost":([\d.]+)/.exec(a.text)[1]), 0n);
  assert.ok(told > 0n);
  for (const query of [
    `SELECT SUM(cost_in_usd) FROM usage_records WHERE customer_id = ${customer.id}`,
    `SELECT SUM(cost_in_usd) FROM usage_hourly WHERE customer_id = ${customer.id}`,
    `SELECT SUM(cost_in_usd) FROM usage_daily WHERE customer_id = ${customer.id}`,
    `SELECT SUM(t.amount_usd) FROM ledger_transfers t JOIN ledger_accounts a ON a.account_id = t.debit_account_id
      WHERE a.customer_id = ${customer.id}`,
    `SELECT MAX(ABS(balance_usd)) FROM ledger_accounts WHERE customer_id = ${customer.id}`,
  ]) assert.equal(pico(sql(query)[0][0]), told, query);
});

sql('DROP TABLE IF EXISTS tampered_usage');
// Those that the database does not work out itself.
const columns = sql(`SELECT GROUP_CONCAT(COLUMN_NAME) FROM information_schema.COLUMNS WHERE TABLE_NAME = 'usage_records'
  AND TABLE_SCHEMA = '${env.TOLLGATE_DB_NAME}' AND EXTRA NOT LIKE '%GENERATED%'`)[0][0];
const copy = `CREATE TABLE tampered_usage AS SELECT ${columns} FROM usage_records WHERE usage_id = ${id}`;
const put = `INSERT INTO usage_records (${columns}) SELECT ${columns} FROM tampered_usage`;
// A row's twin needs another time: no index lets the same request in twice at one.
const tampers = {
  'a missing row': [`${copy}; DELETE FROM usage_records WHERE usage_id = ${id}`,
    `${put}; DROP TABLE tampered_usage`],
  'a row that is there twice': [`${copy}; UPDATE tampered_usage SET usage_id = 4000000000,
    request_timestamp = request_timestamp + INTERVAL 1 MICROSECOND; ${put}`,
    'DELETE FROM usage_records WHERE usage_id = 4000000000; DROP TABLE tampered_usage'],
  'a row with another cost': [`UPDATE usage_records SET cost_in_usd = cost_in_usd + 0.000000000001 WHERE usage_id = ${id}`,
    `UPDATE usage_records SET cost_in_usd = cost_in_usd - 0.000000000001 WHERE usage_id = ${id}`],
  'a row with another count': [`UPDATE usage_records SET token_in_count = token_in_count + 1 WHERE usage_id = ${id}`,
    `UPDATE usage_records SET token_in_count = token_in_count - 1 WHERE usage_id = ${id}`],
  'a row with tokens of another class': [
    `UPDATE usage_records SET token_in_count = token_in_count - 1, token_out_count = token_out_count + 1 WHERE usage_id = ${id}`,
    `UPDATE usage_records SET token_in_count = token_in_count + 1, token_out_count = token_out_count - 1 WHERE usage_id = ${id}`],
};
for (const [what, [tamper, mend]] of Object.entries(tampers)) {
  await test(`B37: ${what}: one run finds it, and none is found once it is mended`, async () => {
    await clean();
    sql(tamper);
    let found;
    try {
      found = reconcile();
    } finally {
      sql(mend);
    }
    assert.equal(found.code, 1, found.out);
    await clean();
  });
}

done();
