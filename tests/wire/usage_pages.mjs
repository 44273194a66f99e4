// SPDX-License-Identifier: MIT
// Few rows among very many, by each way to list usage. A page of the store
// ends after 50,000 rows that it looked at; of these pages one finds nothing.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, newKey, sql, tollgate,
} from './lib.mjs';

const looked = 50000; // USAGE_SEARCH_MAX
const rows = 2 * looked + 10000;
// The newest page has two, the next none, the last two, with the oldest row.
const odd = [1, 5000, looked + 10001, rows - 7];
const from = '2027-02-01T00:00:00Z';
const to = '2027-02-02T00:00:00Z';

const key = await newKey({ name: 'many rows', scopes: ['usage:read'] });
const number = Number(key.id);
const [[customer, user]] = sql(`SELECT customer_id, user_id FROM api_keys WHERE api_key_id = ${number}`);
const mine = `api_key_id = ${number} AND request_timestamp >= '2027-02-01' AND request_timestamp < '2027-02-02'`;
// No request made them, so no rollup knows them: they go in the end.
sql(`INSERT INTO usage_records (request_timestamp, request_id, customer_id, api_key_id, user_id, model_id,
    model_requested, cost_in_usd, provider_cost_in_usd, request_status, usage_source, latency_ms)
  SELECT '2027-02-01' + INTERVAL seq * 500 * 1000 MICROSECOND, UNHEX(MD5(CONCAT('many', seq))), ${customer}, ${number},
    ${user}, 1, 'm', 0, 0, IF(seq IN (${odd}), 'timeout', 'ok'), 'provider', seq
  FROM seq_1_to_${rows}`);

const path = (more) => `/api/usage?api_key_id=${number}&request_status=timeout&from=${from}&to=${to}${more}`;
const auth = { 'X-API-Key': key.key };
const wanted = odd.toReversed(); // the newest first, by their latency
const latencyOfCsv = (text) => {
  const [head, ...lines] = text.trimEnd().split('\r\n').map((line) => line.split(','));
  return lines.map((line) => Number(line[head.indexOf('latency_ms')]));
};
const latencyOfLines = (text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line).latency_ms);

// An answer, and how much of it was there each time that something came.
const parts = (target) => new Promise((resolve, reject) => {
  http.get({ host: base.hostname, port: base.port, path: target, headers: auth, agent: false }, (answer) => {
    const seen = [];
    let text = '';
    answer.setEncoding('utf8').on('data', (part) => {
      text += part;
      seen.push(text.length);
    }).on('error', reject).on('end', () => resolve({ status: answer.statusCode, text, seen }));
  }).on('error', reject);
});

try {
  for (const limit of [1, 2, 3, 50]) {
    await test(`JSON, ${limit} a page: page after page to the end, each row once`, async () => {
      const pages = [];
      let cursor = '';
      do {
        const { status, text } = await ask('GET', path(`&limit=${limit}${cursor}`), auth);
        assert.equal(status, 200, text);
        const page = JSON.parse(text);
        assert.ok(page.data.length <= limit);
        pages.push(page.data.map((row) => row.latency_ms));
        cursor = page.next_cursor && `&cursor=${page.next_cursor}`;
        assert.ok(pages.length < 12);
      } while (cursor);
      assert.deepEqual(pages.flat(), wanted);
      // A page that found nothing is not the end.
      assert.ok(pages.slice(0, -1).some((page) => page.length === 0), JSON.stringify(pages));
      if (limit === 50) assert.deepEqual(pages.map((page) => page.length), [2, 0, 2]);
    });
  }

  await test('CSV: all of them, and something comes while nothing is found', async () => {
    const { status, text, seen } = await parts(path('&format=csv'));
    assert.equal(status, 200);
    assert.deepEqual(latencyOfCsv(text), wanted);
    // What the first page found but for the last kilobyte comes before the end.
    assert.ok(seen.length >= 2 && seen[0] < text.length, seen.join());
    assert.equal(seen.at(-1), text.length);
    // The worker, without a web server that may join what it gets: the page
    // that finds nothing sends a byte.
    const target = path('&format=csv');
    const sizes = execFileSync(`${env.TOLLGATE_BUILD_DIR}/tests/support/fcgi_call`, ['-s',
      `${env.TOLLGATE_STACK_DIR}/run/worker.sock-0`, 'REQUEST_METHOD=GET', `REQUEST_URI=${target}`,
      `QUERY_STRING=${target.split('?')[1]}`, `HTTP_X_API_KEY=${key.key}`], { input: '' }).toString().trim().split('\n').map(Number);
    assert.deepEqual(sizes.filter((n) => n > 0).slice(-3).map((n) => n === 1), [false, true, false], sizes.join());
  });

  await test('NDJSON: all of them', async () => {
    const { status, text } = await parts(path('&format=ndjson'));
    assert.equal(status, 200);
    assert.deepEqual(latencyOfLines(text), wanted);
    const { text: few } = await parts(path('&format=ndjson&limit=3'));
    assert.deepEqual(latencyOfLines(few), wanted.slice(0, 3));
  });

  await test('none at all: only the head of a CSV file, and no line of NDJSON', async () => {
    const none = path('').replace('timeout', 'interrupted');
    const { text } = await parts(`${none}&format=csv`);
    assert.match(text, /^[a-z_,]+\r\n$/);
    assert.equal((await parts(`${none}&format=ndjson`)).text, '');
  });

  await test('by command: all of them', async () => {
    const args = ['usage', 'list', '--key', String(number), '--status', 'timeout', '--from', from, '--to', to];
    const run = (...more) => execFileSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`, [...args, ...more]).toString();
    assert.deepEqual(latencyOfCsv(run()), wanted);
    assert.deepEqual(latencyOfLines(run('--json')), wanted);
  });
} finally {
  sql(`DELETE FROM usage_records WHERE ${mine}`);
}

tollgate('key', 'revoke', String(number));
done();
