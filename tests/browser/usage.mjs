// SPDX-License-Identifier: MIT
// Usage and Requests: what the pages say is what their file, the API and the
// database say; found, filtered and exported with and without script.
import fs from 'node:fs';
import { done, test, assert } from '../sdk/tap.mjs';
import { modelsInForce, sql, until } from '../wire/lib.mjs';
import {
  api, assertAccessible, assertNarrow, assertValid, browser, close, contrast, env, made, nasty, once, open,
  person, signIn, tollgate, url,
} from './visit.mjs';

const stamp = Date.now();
const DAY = 86400e3;
const iso = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

// The same numbers at each run.
let seed = 20261126;
const random = (n) => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return Math.floor((seed / 2147483648) * n);
};
const pick = (list) => list[random(list.length)];

// Amounts as whole pico-dollars, or finer.
function pico(text, decimals = 12) {
  const [whole, part = ''] = text.replace(/[$,]/g, '').split('.');
  assert.ok(part.length <= decimals, text);
  return BigInt(whole + part.padEnd(decimals, '0'));
}
const sum = (list) => list.reduce((a, b) => a + b, 0n);

// ---- what there is to be seen ----

const [provider, secondProvider] = [`used.${stamp}`, `second.${stamp}`];
const providers = [provider, secondProvider].map((name) => tollgate('provider', 'add', '--name', name, '--kind', 'openai',
  '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-x').id);
async function newModel(name, at = provider) {
  tollgate('model', 'add', '--name', name, '--provider', at, '--upstream-name', 'sim-fixed');
  const [[id]] = sql(`SELECT model_id FROM models WHERE name = '${name}'`);
  return Number(id);
}
const models = [await newModel(`priced.${stamp}`), await newModel(`unpriced.${stamp}`, secondProvider)];
await made('/api/prices', {
  model_id: models[0], effective_from: iso(stamp - 500 * DAY),
  prices: { input: 0.31, cached_input: 0.077, output: 1.23, reasoning: 4.9 },
});

async function newCustomer(name) {
  const customer = await made('/customers', { name, email: `${stamp}-${random(1e9)}@example.org` });
  const [[owner]] = sql(`SELECT MIN(user_id) FROM users WHERE customer_id = ${customer.id}`);
  return { id: customer.id, user: Number(owner) };
}
const a = await newCustomer(`Used ${stamp}`);
assert.equal((await api('PATCH', `/customers/${a.id}`, { markup: 1.37 })).status, 200);
for (const kind of ['project', 'agent', 'connector']) {
  a[`${kind}s`] = [null];
  for (const name of ['one', nasty]) {
    a[`${kind}s`].push((await made(`/api/${kind}s`, { customer_id: a.id, name })).id);
  }
}
a.users = [a.user, (await made('/api/users', { customer_id: a.id, name: nasty, role: 'developer', email: `dev-${stamp}@example.org` })).id];
a.keys = [null];
for (const name of ['=1+1', nasty, '@sum', 'quote "x", y', 'k5', 'k6', 'k7', 'k8', 'k9', 'k10']) {
  const key = await made('/api/keys', { customer_id: a.id, name, scopes: ['infer', 'usage:read'] });
  a.secret = key.key;
  a.keys.push(key.id);
}
const statuses = ['ok', 'ok', 'ok', 'upstream_error', 'timeout', 'client_closed', 'interrupted'];
const book = async (events) => {
  for (let i = 0; i < events.length; i += 100) {
    const answer = await api('POST', '/api/usage', events.slice(i, i + 100));
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
  }
};
const event = (more) => ({
  user_id: pick(a.users), api_key_id: pick(a.keys), project_id: pick(a.projects),
  agent_id: pick(a.agents), connector_id: pick(a.connectors), model_id: models[random(5) ? 0 : 1],
  request_timestamp: iso(stamp - (random(2) ? random(3 * DAY) : random(360 * DAY))),
  token_in_count: random(5000), token_out_count: random(900),
  token_in_cached_context_count: random(3) ? 0 : random(4000),
  token_out_reasoning_count: random(3) ? 0 : random(400),
  request_status: pick(statuses), latency_ms: random(9000),
  time_to_first_token_ms: random(2) ? random(3000) : undefined, ...more,
});
await book(Array.from({ length: 700 }, () => event()));
// Some that were refused.
const bounded = await made('/api/keys', { customer_id: a.id, name: 'bounded', rate_limit: 1 });
await modelsInForce({ 'X-API-Key': bounded.key }, [`priced.${stamp}`]);
for (let i = 0; i < 5; i += 1) {
  await api('POST', '/v1/chat/completions',
    { model: `priced.${stamp}`, max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }, bounded.key);
}
await until('refusals are booked', () => Number(sql(`SELECT SUM(refusals) FROM usage_refusals WHERE customer_id = ${a.id}`)[0][0]) >= 3);
const owner = person('owner', a.id, stamp);
const mine = `${url}/dashboard/${a.id}`;
const b = await newCustomer('Another');
b.key = (await made('/api/keys', { customer_id: b.id, name: 'theirs' })).id;
const operator = person('operator', 0, stamp);

const noScript = await open({ javaScriptEnabled: false });
await signIn(noScript, owner);
// A connection each: one that idles is closed just when it is needed.
const headers = { Connection: 'close' };
const get = async (path, status = 200) => {
  const answer = await noScript.request.get(`${mine}/${path}`, { headers, maxRedirects: 0 });
  assert.equal(answer.status(), status, path);
  return answer.text();
};

// ---- reading a page ----

const between = (html, from, to) => html.slice(html.indexOf(from), html.indexOf(to, html.indexOf(from)));
const values = (html) => [...html.matchAll(/<data value="([^"]*)"/g)].map((m) => m[1]);
function readUsage(html) {
  const [from, to] = [...between(html, '<section class="card" aria-labelledby="usage-head">', '</p>')
    .matchAll(/datetime="([^"]*)"/g)].map((m) => m[1]);
  const groups = between(html, '<table id="groups">', '</table>');
  const periods = between(html, '<table id="periods">', '</table>');
  const heads = [...groups.matchAll(/<th scope="col" class="num"([^>]*)>/g)];
  return {
    from,
    to,
    period: html.match(/The same as a table, by (\w+)/)?.[1],
    figures: values(between(html, '<dl class="figures"', '</dl>')),
    chosen: heads.findIndex((m) => m[1].includes('aria-sort')),
    rows: between(groups, '<tbody>', '</tbody>').split('<tr>').slice(1).map(values),
    total: values(between(groups, '<tfoot>', '</tfoot>')),
    periods: between(periods, '<tbody>', '</tbody>').split('<tr>').slice(1).map(values),
    periodsTotal: values(between(periods, '<tfoot>', '</tfoot>')),
  };
}

function readCsv(text) {
  assert.ok(text.endsWith('\r\n'));
  const rows = [];
  let row = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

const contexts = (name) => (row) => String(row[name] + row[`long_context_${name}`]);
const metrics = {
  cost: null,
  requests: (r) => String(r.requests),
  tokens: (r) => String(r.prompt_tokens + r.completion_tokens),
  tokens_in: (r) => String(r.prompt_tokens),
  tokens_out: (r) => String(r.completion_tokens),
  in: contexts('token_in_count'),
  in_cached: contexts('token_in_cached_context_count'),
  in_cache_write: contexts('token_in_cache_write_count'),
  in_audio: contexts('token_in_audio_count'),
  out: contexts('token_out_count'),
  out_reasoning: contexts('token_out_reasoning_count'),
  out_audio: contexts('token_out_audio_count'),
  out_image: contexts('token_out_image_count'),
  errors: (r) => String(r.errors),
  // Of some groups nobody knows them.
  refusals: (r) => (r.refusals === null ? undefined : String(r.refusals)),
  latency_p50: (r) => String(r.latency_p50_ms),
  latency_p95: (r) => String(r.latency_p95_ms),
  ttft_p50: (r) => String(r.time_to_first_token_p50_ms ?? ''),
  ttft_p95: (r) => String(r.time_to_first_token_p95_ms ?? ''),
};
// Of the rows themselves; percentiles can't be told from them exactly, nor refusals.
const contextsSql = (name) => `SUM(${name} + long_context_${name})`;
const ofRows = {
  cost: 'COALESCE(SUM(cost_in_usd), 0)',
  requests: 'COUNT(*)',
  tokens: 'SUM(prompt_tokens + completion_tokens)',
  tokens_in: 'SUM(prompt_tokens)',
  tokens_out: 'SUM(completion_tokens)',
  in: contextsSql('token_in_count'),
  in_cached: contextsSql('token_in_cached_context_count'),
  in_cache_write: contextsSql('token_in_cache_write_count'),
  in_audio: contextsSql('token_in_audio_count'),
  out: contextsSql('token_out_count'),
  out_reasoning: contextsSql('token_out_reasoning_count'),
  out_audio: contextsSql('token_out_audio_count'),
  out_image: contextsSql('token_out_image_count'),
  errors: "SUM(request_status NOT IN ('ok', 'client_closed'))",
};
const columns = {
  model: 'model_id', key: 'api_key_id', project: 'project_id', user: 'user_id', agent: 'agent_id',
  connector: 'connector_id', status: 'request_status',
};

function question() {
  const q = new URLSearchParams();
  q.set('metric', pick(Object.keys(metrics)));
  q.set('group_by', pick(['none', ...Object.keys(columns)]));
  q.set('range', pick(['24h', '7d', '30d', 'month', 'last-month', '12m', 'custom']));
  if (q.get('range') === 'custom') {
    const from = stamp - random(300 * DAY);
    q.set('from', iso(from).slice(0, random(2) ? 10 : 20));
    if (random(3)) q.set('to', iso(Math.min(stamp, from + random(90 * DAY) + DAY)).slice(0, 10));
  }
  q.set('granularity', pick(['auto', 'auto', 'hour', 'day', 'month']));
  const filters = {
    api_key_id: a.keys.slice(1), user_id: a.users, project_id: a.projects.slice(1),
    agent_id: a.agents.slice(1), connector_id: a.connectors.slice(1), model_id: models,
    request_status: statuses, provider_id: providers,
  };
  for (const [name, all] of Object.entries(filters)) if (!random(5)) q.set(name, pick(all));
  return q;
}

async function check(q) {
  const what = q.toString();
  const html = await get(`usage?${q}`);
  const filters = [...Object.values(columns), 'provider_id'].filter((name) => q.get(name))
    .map((name) => [name, q.get(name)]);
  if (html.includes('Nothing was used')) {
    const [from, to] = [...between(html, 'There is no usage from', '</p>').matchAll(/datetime="([^"]*)"/g)].map((m) => m[1]);
    const where = filters.map(([name, v]) => ` AND ${name} = '${v}'`).join('');
    assert.deepEqual(sql(`SELECT COUNT(*) FROM usage_records WHERE customer_id = ${a.id} AND request_timestamp >= '${from.slice(0, 19)}' AND request_timestamp < '${to.slice(0, 19)}'${where}`), [['0']], what);
    return false;
  }
  const page = readUsage(html);
  const group = columns[q.get('group_by')];

  // The page's totals, in each of its places.
  const [cost, requests, tokens, errors] = page.figures;
  assert.ok(page.total.includes(cost) && page.total.includes(requests), what);
  // The database's.
  const where = filters.map(([name, v]) => ` AND ${name} = '${v}'`).join('');
  const [row] = sql(`SELECT COALESCE(SUM(cost_in_usd), 0), COUNT(*), SUM(prompt_tokens + completion_tokens),
    SUM(request_status NOT IN ('ok', 'client_closed')) FROM usage_records
    WHERE customer_id = ${a.id} AND request_timestamp >= '${page.from.slice(0, 19)}'
    AND request_timestamp < '${page.to.slice(0, 19)}'${where}`);
  assert.deepEqual([pico(cost), requests, tokens, errors], [pico(row[0]), ...row.slice(1)], what);

  // The file, of the same time whatever the clock says by now.
  const same = new URLSearchParams([...q, ['format', 'csv']]);
  same.set('range', 'custom');
  same.set('from', page.from);
  same.set('to', page.to);
  same.set('granularity', page.period);
  const text = await get(`usage?${same}`);
  const csv = readCsv(text);
  const at = (name) => csv[0].indexOf(name);
  const total = (name) => csv.slice(1).reduce((n, line) => n + Number(line[at(name)]), 0);
  assert.equal(sum(csv.slice(1).map((line) => pico(line[at('cost_in_usd')]))), pico(cost), what);
  assert.deepEqual([total('requests'), total('prompt_tokens') + total('completion_tokens'), total('errors')],
    [requests, tokens, errors].map(Number), what);
  csv.slice(1).forEach((line) => line.forEach((cell) => assert.doesNotMatch(cell, /^[=+\-@\t]/)));

  // The API's file is the same but for the names.
  const ask = new URLSearchParams([...filters, ['from', page.from], ['to', page.to]]);
  const summary = async (groupBy, format) => {
    const answer = await fetch(`${url}/api/usage/summary?${ask}&group_by=${groupBy}&format=${format}`, { headers: { ...once, 'X-API-Key': a.secret } });
    assert.equal(answer.status, 200, what);
    return answer.text();
  };
  const theirs = readCsv(await summary([page.period, ...(group ? [q.get('group_by')] : [])].join(), 'csv'));
  const named = group && group !== 'request_status' ? 2 : -1;
  assert.deepEqual(csv.map((line) => line.filter((_, i) => i !== named)), theirs, what);

  // The metric of each group, and of all periods.
  const of = metrics[q.get('metric')] ?? ((r) => r);
  const json = JSON.parse((await summary(group ? q.get('group_by') : '', 'json')).replace(/"cost_in_usd":([\d.]+)/g, '"cost_in_usd":"$1"'));
  const value = (r) => (q.get('metric') === 'cost' ? r.cost_in_usd : of(r));
  assert.deepEqual(page.rows.map((r) => r[page.chosen]).sort(), json.data.map(value).sort(), what);
  assert.equal(page.total[page.chosen], value(json.total), what);
  // And of the database, by group and by period.
  const inRows = ofRows[q.get('metric')];
  if (inRows) {
    const byRows = (by) => sql(`SELECT ${inRows} AS v FROM usage_records WHERE customer_id = ${a.id}
      AND request_timestamp >= '${page.from.slice(0, 19)}' AND request_timestamp < '${page.to.slice(0, 19)}'${where}
      ${by ? `GROUP BY ${by}` : ''}`).flat().map((v) => pico(v)).sort();
    const shown = (list) => list.map((v) => pico(v)).filter((v) => v > 0n).sort();
    assert.deepEqual(shown(page.rows.map((r) => r[page.chosen])), byRows(group).filter((v) => v > 0n), what);
    assert.deepEqual(shown(page.periods.map((r) => r.at(-1))),
      byRows(`SUBSTRING(request_timestamp, 1, ${{ hour: 13, day: 10, month: 7 }[page.period]})`).filter((v) => v > 0n), what);
  }
  if (value(json.total) === undefined) return true;
  assert.equal(page.periodsTotal.at(-1), value(json.total), what);
  if (!/_p\d/.test(q.get('metric'))) {
    for (let i = 0; i < page.periodsTotal.length; i += 1) {
      assert.equal(sum(page.periods.map((r) => pico(r[i]))), pico(page.periodsTotal[i]), what);
    }
    page.periods.filter((r) => r.length > 1).forEach((r) => assert.equal(sum(r.slice(0, -1).map((v) => pico(v))), pico(r.at(-1)), what));
  }
  return true;
}

await test('100 questions: cards = tables = file = API = database (D6, D9)', async () => {
  let found = 0;
  for (let i = 0; i < 100; i += 1) found += await check(question());
  assert.ok(found >= 60, `${found} of 100 found something`);
});

await test('what makes no sense is a page that says so, 400 (D7)', async () => {
  for (const bad of ['metric=money', 'group_by=customer', 'range=1y', 'range=custom', 'from=x',
    'from=2999-01-01', 'from=2026-02-01&to=2026-01-01', 'granularity=second', 'api_key_id=-1',
    'request_status=fine', 'days=3', 'metric=cost&metric=cost']) {
    assert.match(await get(`usage?${bad}`, 400), /<h1>/, bad);
  }
  for (const bad of ['before_ms=x', 'range=x', 'format=csv', 'from=2999-01-01']) await get(`requests?${bad}`, 400);
});

// Sums of the last months as a customer would have that has so many keys, of a
// provider that there isn't, by which they are found again.
function addKeys(first, last, months) {
  const measures = sql(`SELECT column_name FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'usage_totals' AND column_name NOT LIKE '%\_id'
    AND column_name NOT IN ('period', 'start', 'request_status', 'created_at', 'updated_at') ORDER BY ordinal_position`).flat();
  sql(`INSERT INTO usage_monthly (customer_id, month, project_id, user_id, api_key_id, model_id, provider_id,
      agent_id, connector_id, request_status, ${measures})
    SELECT customer_id, DATE_FORMAT(UTC_DATE(), '%Y-%m-01') - INTERVAL m.seq MONTH, 0, user_id, 1000000 + k.seq,
      model_id, 4000000000, 0, 0, 'ok', ${measures.map((m) => (m.startsWith('latency') ? m : `${m} * k.seq`))}
    FROM (SELECT * FROM usage_monthly WHERE customer_id = ${a.id} LIMIT 1) one,
      seq_0_to_${months - 1} m, seq_${first}_to_${last} k`);
  sql(`DELETE FROM usage_totals WHERE provider_id = 4000000000;
    INSERT INTO usage_totals (customer_id, period, start, model_id, provider_id, request_status, ${measures})
    SELECT customer_id, 'month', month, model_id, provider_id, request_status, ${measures.map((m) => `SUM(${m})`)}
    FROM usage_monthly WHERE provider_id = 4000000000
    GROUP BY customer_id, month, model_id, provider_id, request_status`);
}

// The columns of usage_callers; some of them read from elsewhere.
function callerColumns(of = '', other = {}) {
  return sql(`SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE()
    AND table_name = 'usage_callers' AND column_name NOT IN ('created_at', 'updated_at') ORDER BY ordinal_position`)
    .flat().map((name) => other[name] ?? of + name).join();
}

// For a state that the pages at the end are not in.
async function assertFine(path) {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open({ colorScheme, bypassCSP: true, viewport: { width: 320, height: 640 } });
    await signIn(page, owner);
    await page.goto(`${mine}/${path}`);
    await assertAccessible(page, path);
    await assertNarrow(page, path);
    await close(page);
  }
}

await test('very many groups: the greatest apart, the rest in one; each in the file; then none apart (D2, D4, D13)', async () => {
  // By status, which the sums by caller alone don't know.
  const path = 'usage?metric=requests&group_by=key&range=12m&request_status=ok';
  try {
    addKeys(1, 500, 12);
    const html = await get(path);
    const page = readUsage(html);
    assert.equal(page.period, 'month');
    assert.equal(page.rows.length, 26);
    const more = Number(html.match(/Other: (\d+) more/)[1]);
    assert.ok(more >= 475);
    assert.deepEqual(page.total.at(1), page.periodsTotal.at(-1));
    // Eight greatest, others, all: of each month and in all.
    for (const row of [...page.periods, page.periodsTotal]) {
      assert.equal(row.length, 10);
      assert.equal(row.slice(0, -1).reduce((n, v) => n + Number(v), 0), Number(row.at(-1)));
    }
    assert.equal(page.rows.reduce((n, row) => n + Number(row[page.chosen]), 0), Number(page.total[page.chosen]));
    assert.match(html, /The file has a row for each group of each month[^]*If that is more than 5,000 rows it has one for each group, or for each month\./);
    await assertFine(path);
    const [head, ...rows] = readCsv(await get(`${path}&format=csv`));
    assert.equal(head[0], 'api_key_id');
    assert.equal(rows.length, 25 + more);
    assert.equal(new Set(rows.map((row) => row[0])).size, rows.length);
    // The rows of the page are the greatest of the file.
    const requests = rows.map((row) => Number(row[head.indexOf('requests')])).sort((x, y) => y - x);
    assert.deepEqual(page.rows.slice(0, 25).map((row) => Number(row[page.chosen])), requests.slice(0, 25));
    // Of percentiles those with the most requests, the longest first.
    const slow = readUsage(await get(path.replace('=requests', '=latency_p95')));
    assert.equal(slow.rows.length, 26);
    const p95 = slow.rows.slice(0, 25).map((row) => Number(row[slow.chosen]));
    assert.deepEqual(p95, [...p95].sort((x, y) => y - x));

    addKeys(501, 5500, 1);
    const other = await get(path);
    assert.match(other, /role="status">That is too much to be told apart: all is shown together\. Ask for less time, or choose a filter\./);
    assert.equal(readUsage(other).rows.length, 1);
    assert.match(other, /it has one for each group, or for each month\./);
    await assertFine(path);
    assert.equal(readCsv(await get(`${path}&format=csv`))[0][0], 'month');
  } finally {
    sql('DELETE FROM usage_monthly WHERE provider_id = 4000000000; DELETE FROM usage_totals WHERE provider_id = 4000000000');
  }
});

await test('very many keys of everybody: an operator is told to choose a customer (D13)', async () => {
  const other = await open({});
  await signIn(other, operator);
  const shown = async (query) => {
    await other.goto(`${url}/admin/usage?range=7d&${query}`);
    return other.locator('p[role=status]').allTextContents();
  };
  try {
    assert.deepEqual(await shown('group_by=key'), []);
    sql(`INSERT INTO usage_callers (${callerColumns()}) SELECT ${callerColumns('one.', { api_key_id: '2000000 + k.seq' })}
      FROM (SELECT * FROM usage_callers WHERE period = 'day' ORDER BY start DESC LIMIT 1) one, seq_1_to_8000 k`);
    for (const by of ['key', 'user', 'project', 'agent', 'connector']) {
      assert.match((await shown(`group_by=${by}`)).join(), /too much to be told apart.*choose a customer/, by);
    }
    // What was asked for is still chosen, and holds once a customer is.
    assert.equal(await other.locator('select[name=group_by]').inputValue(), 'connector');
    for (const query of ['group_by=customer', 'group_by=model', `group_by=key&customer_id=${b.id}`,
      `group_by=key&api_key_id=${a.keys[1]}`, `group_by=user&user_id=${a.user}`]) {
      assert.deepEqual(await shown(query), [], query);
    }
    // Whose a key is follows from it, but what can be chosen from who is chosen.
    await shown(`group_by=key&api_key_id=${a.keys[1]}`);
    assert.equal(await other.locator('select[name=customer_id]').inputValue(), '');
    assert.equal(await other.locator('select[name=user_id], input[name=user]').count(), 0);
    // Months are few.
    await other.goto(`${url}/admin/usage?range=12m&group_by=key`);
    assert.deepEqual(await other.locator('p[role=status]').allTextContents(), []);
  } finally {
    sql('DELETE FROM usage_callers WHERE api_key_id > 2000000');
    await close(other);
  }
});

await test('another customer\'s usage, requests and ids are not there (S8)', async () => {
  const [[theirs]] = sql(`SELECT LOWER(INSERT(INSERT(INSERT(INSERT(HEX(request_id), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'))
    FROM usage_records WHERE customer_id <> ${a.id} ORDER BY usage_id DESC LIMIT 1`);
  for (const path of ['usage', 'requests', `requests/${theirs}`, 'usage?format=csv']) {
    const answer = await noScript.request.get(`${url}/dashboard/${b.id}/${path}`, { headers });
    assert.equal(answer.status(), 404, path);
  }
  await get(`requests/${theirs}`, 404);
  await get('requests/nothing', 404);
  await get(`usage?api_key_id=${b.key}`, 404);
  await get(`requests?api_key_id=${b.key}`, 404);
});

for (const javaScriptEnabled of [true, false]) {
  await test(`choose, follow, go back, save the file, ${javaScriptEnabled ? 'with' : 'without'} JavaScript (D1, D8)`, async () => {
    const page = await open({ javaScriptEnabled, acceptDownloads: true });
    await signIn(page, owner);
    await page.goto(mine);
    await page.getByRole('link', { name: 'Usage', exact: true }).click();
    await page.getByLabel('Show').selectOption('Requests');
    await page.getByLabel('By', { exact: true }).selectOption('API key');
    await page.getByLabel('Time (UTC)').selectOption('12 months');
    await page.getByRole('button', { name: 'Show' }).click();
    const asked = new URL(page.url()).searchParams;
    assert.deepEqual(['metric', 'group_by', 'range'].map((n) => asked.get(n)), ['requests', 'key', '12m']);

    // Nine of eleven keys and the rest: patterns, names, a title, a table.
    const chart = page.getByRole('img', { name: /Requests by month and key/ });
    assert.equal(await chart.locator('desc').count(), 1);
    const legend = page.locator('.chart .legend li');
    assert.equal(await legend.count(), 9);
    assert.equal((await legend.last().textContent()).trim(), 'Other');
    const fills = new Set(await page.locator('.chart .legend rect').evaluateAll((all) => all.map((n) => n.getAttribute('fill'))));
    assert.equal(fills.size, 9);
    // Those, none, and the one that is bounded.
    assert.equal(await page.locator('#groups tbody tr').count(), a.keys.length + 1);
    assert.ok((await page.locator('#groups').textContent()).includes(nasty));
    assert.equal(await page.locator('#main script, #main img').count(), 0);

    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download CSV' }).click()]);
    assert.match(download.suggestedFilename(), /^usage-\d{4}-\d\d-01-\d{4}-\d\d-\d\d\.csv$/);
    const csv = readCsv(fs.readFileSync(await download.path(), 'utf8'));
    assert.deepEqual(csv[0].slice(0, 4), ['month', 'api_key_id', 'key', 'requests']);
    assert.ok(csv.some((line) => line[2] === '\'=1+1') && csv.some((line) => line[2] === 'quote "x", y'));
    assert.equal(csv.slice(1).reduce((n, line) => n + Number(line[3]), 0),
      Number(await page.locator('#figures data').nth(1).getAttribute('value')));

    // Of one key alone; then back, where all is as it was.
    await page.locator('#groups').getByRole('link', { name: 'k10' }).click();
    assert.equal(new URL(page.url()).searchParams.get('api_key_id'), String(a.keys.at(-1)));
    assert.equal(await page.locator('#groups tbody tr').count(), 1);
    await page.getByLabel('Show').selectOption('Cost (USD)');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL((to) => to.searchParams.get('metric') === 'cost');
    assert.equal(new URL(page.url()).searchParams.get('api_key_id'), String(a.keys.at(-1)));
    await page.goBack();
    await page.waitForURL((to) => to.searchParams.get('metric') === 'requests');
    await page.goBack();
    await page.waitForURL((to) => !to.searchParams.get('api_key_id'));
    assert.equal(await page.locator('#groups tbody tr').count(), a.keys.length + 1);
    assert.equal(await page.getByLabel('Show').inputValue(), 'requests');
    await close(page);
  });
}

await test('a month leads to its days, a day to its hours, with the same numbers', async () => {
  const page = noScript;
  for (const [query, finer] of [['range=12m&granularity=month', 'day'], ['range=30d&granularity=day', 'hour'],
    [`from=${iso(stamp - 40 * DAY).slice(0, 10)}&to=${iso(stamp - 3 * DAY).slice(0, 10)}&granularity=month`, 'day']]) {
    await page.goto(`${mine}/usage?metric=requests&group_by=key&model_id=${models[0]}&${query}`);
    await page.getByText('The same as a table').click();
    const rows = page.locator('#periods tbody tr');
    const links = await rows.evaluateAll((all) => all.map((tr) => [tr.querySelector('th a').href,
      [...tr.querySelectorAll('data')].at(-1).value]));
    for (const [href, n] of [links[0], links.at(-1)]) {
      await page.goto(href);
      const html = await page.content();
      assert.equal(readUsage(html).period, finer, href);
      assert.equal(readUsage(html).figures[1], n, href);
      assert.equal(new URL(page.url()).searchParams.get('model_id'), String(models[0]));
    }
  }
  await page.goto(`${mine}/usage?range=24h&granularity=hour`);
  assert.equal(await page.locator('#periods a').count(), 0);
});

await test('by status: in the words of the filter, each a way to those alone', async () => {
  const page = noScript;
  await page.goto(`${mine}/usage?range=12m&group_by=status`);
  const failed = page.locator('#groups').getByRole('link', { name: 'Upstream error', exact: true });
  assert.equal(new URL(await failed.getAttribute('href'), url).searchParams.get('request_status'), 'upstream_error');
  await failed.click();
  assert.equal(await page.locator('[name=request_status]').inputValue(), 'upstream_error');
  assert.equal(await page.locator('#groups tbody tr').count(), 1);
});

// ---- requests ----

const ids = async (page) => page.locator('#requests .id').allTextContents();
const uuid = 'LOWER(INSERT(INSERT(INSERT(INSERT(HEX(request_id), 21, 0, \'-\'), 17, 0, \'-\'), 13, 0, \'-\'), 9, 0, \'-\'))';

await test('a request: its id, its row, how its cost came to be (D16)', async () => {
  let answer;
  await until('the model to be known', async () => {
    answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...once, Authorization: `Bearer ${a.secret}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: `priced.${stamp}`, messages: [{ role: 'user', content: 'one two three' }] }),
    });
    await answer.text();
    return answer.status === 200;
  });
  const id = answer.headers.get('x-request-id');
  await until('the row', () => sql(`SELECT 1 FROM usage_records WHERE request_id = UNHEX('${id.replaceAll('-', '')}')`).length === 1);
  const page = noScript;
  await page.goto(`${mine}/requests`);
  assert.ok((await ids(page)).includes(id));
  const row = page.locator('#requests tbody tr').filter({ hasText: id });
  assert.equal(await row.locator('data.money').getAttribute('value'), answer.headers.get('x-tollgate-cost'));
  await page.getByLabel('Or one request').fill(id);
  await page.getByRole('button', { name: 'Find' }).click();
  assert.equal(page.url(), `${mine}/requests/${id}`);
  assert.ok((await page.locator('#facts').textContent()).includes('reported by the provider'));

  const lines = await page.locator('#cost tbody tr').evaluateAll((all) => all.map((tr) => [...tr.children].map((n) => n.textContent)));
  assert.ok(lines.length >= 2);
  for (const [, number, price, amount] of lines) {
    assert.equal(BigInt(number.replaceAll(',', '')) * pico(price, 18), pico(amount, 18) * 1000000n);
  }
  const foot = async () => (await page.locator('#cost tfoot td:last-child').allTextContents());
  const [total, cost] = await foot();
  assert.equal(sum(lines.map((line) => pico(line[3], 18))), pico(total, 18));
  const exact = pico(total, 18);
  const [down, rest] = [exact / 1000000n, exact % 1000000n];
  const rounded = down + (rest > 500000n || (rest === 500000n && down % 2n === 1n) ? 1n : 0n);
  assert.equal(pico(cost), rounded);
  assert.equal(cost, `$${answer.headers.get('x-tollgate-cost')}`);

  // Tokens are told also of what has no price. Sums are of what is listed.
  const [[unpriced, tokens]] = sql(`SELECT ${uuid}, FORMAT(prompt_tokens - token_in_cached_context_count, 0) FROM usage_records
    WHERE customer_id = ${a.id} AND model_id = ${models[1]} AND prompt_tokens > token_in_cached_context_count LIMIT 1`);
  await page.goto(`${mine}/requests/${unpriced}`);
  assert.equal(await page.locator('#cost').count(), 0);
  const input = page.locator('#facts div').filter({ hasText: /^Input, tokens/ });
  assert.equal(await input.locator('dd').textContent(), tokens);
  await page.goto(`${mine}/requests?range=30d&api_key_id=${a.keys[1]}`);
  const sums = new URL(await page.getByRole('link', { name: 'Sums and CSV' }).getAttribute('href'), url).searchParams;
  assert.deepEqual([sums.get('api_key_id'), sums.get('range')], [String(a.keys[1]), '30d']);

  // The operator sees the price itself, and the markup.
  const other = await open({ javaScriptEnabled: false });
  await signIn(other, operator);
  await other.goto(`${mine}/requests/${id}`);
  const [base, markup, charged] = await other.locator('#cost tfoot td:last-child').allTextContents();
  assert.equal(markup, '1.37');
  assert.equal(pico(base) * 137n * 10000n, exact);
  assert.equal(charged, cost);
  await close(other);
});

await test('pages by cursor show every request once, the newest first', async () => {
  const seen = [];
  await noScript.goto(`${mine}/requests?range=7d`);
  for (;;) {
    seen.push(...await ids(noScript));
    const older = noScript.getByRole('link', { name: 'Older requests' });
    if (!await older.count()) break;
    await older.click();
  }
  const since = await noScript.locator('.card-head time').first().getAttribute('datetime');
  assert.ok(seen.length > 100);
  assert.deepEqual(seen, sql(`SELECT ${uuid} FROM usage_records WHERE customer_id = ${a.id}
    AND request_timestamp >= '${since.slice(0, 19)}' ORDER BY request_timestamp DESC, usage_id DESC`).flat());
});

await test('filters by each column; few among many are looked for page by page', async () => {
  for (const [name, value] of [['api_key_id', a.keys[3]], ['user_id', a.users[1]], ['project_id', a.projects[1]],
    ['agent_id', a.agents[2]], ['connector_id', a.connectors[1]], ['model_id', models[1]], ['request_status', 'timeout']]) {
    await noScript.goto(`${mine}/requests?range=7d&${name}=${value}`);
    const since = await noScript.locator('.card-head time').first().getAttribute('datetime');
    assert.deepEqual(await ids(noScript), sql(`SELECT ${uuid} FROM usage_records WHERE customer_id = ${a.id} AND ${name} = '${value}'
      AND request_timestamp >= '${since.slice(0, 19)}' ORDER BY request_timestamp DESC, usage_id DESC LIMIT 50`).flat(), name);
  }
  const c = await newCustomer('Many');
  const plain = (more) => ({ user_id: c.user, model_id: models[0], request_timestamp: iso(stamp - 1000 * random(3000)), ...more });
  await book([plain({ request_timestamp: iso(stamp - 4e6), request_status: 'timeout' }), ...Array.from({ length: 2100 }, () => plain())]);
  const other = await open({ javaScriptEnabled: false });
  await signIn(other, person('viewer', c.id, stamp));
  await other.goto(`${url}/dashboard/${c.id}/requests?range=7d&request_status=timeout`);
  assert.ok(await other.getByText('Looked through 2,000 requests').isVisible());
  assert.equal(await other.locator('#requests').count(), 0);
  await other.getByRole('link', { name: 'Look further back' }).click();
  assert.equal(await other.locator('#requests tbody tr').count(), 1);
  assert.equal(await other.getByRole('link', { name: 'Look further back' }).count(), 0);
  // Whatever is looked for: none of these has a provider.
  for (const filter of ['provider_id=1', `model_id=${models[1]}`, `user_id=${c.user}&request_status=interrupted`]) {
    await other.goto(`${url}/dashboard/${c.id}/requests?range=7d&${filter}`);
    assert.ok(await other.getByText('Looked through 2,000 requests').isVisible(), filter);
    await other.getByRole('link', { name: 'Look further back' }).click();
    assert.ok(await other.getByText('No request of this time fits').isVisible(), filter);
  }
  await close(other);
});

// What is reported by POST has no provider, so this customer asks a model.
await test('filter by provider: on the page, in the list and in SQL; of others not even the name (D8)', async () => {
  const c = await newCustomer('Asks a model');
  const { key } = await made('/api/keys', { customer_id: c.id, name: 'asks' });
  const chat = { model: `priced.${stamp}`, messages: [{ role: 'user', content: 'a' }] };
  for (let i = 0; i < 3; i += 1) {
    await until('an answer', async () => (await api('POST', '/v1/chat/completions', chat, key)).status === 200);
  }
  await until('rows of it', () => sql(`SELECT COUNT(*) FROM usage_records WHERE customer_id = ${c.id}`)[0][0] === '3');
  await book([{ user_id: c.user, model_id: models[0], request_timestamp: iso(stamp - 1000),
    token_in_count: 5, token_out_count: 5 }]);
  await until('all of it', () => sql(`SELECT COUNT(*) FROM usage_records WHERE customer_id = ${c.id}`)[0][0] === '4');
  const [[used]] = sql(`SELECT provider_id FROM providers WHERE name = '${provider}'`);
  const { id: unused } = await made('/api/providers', { name: `unused.${stamp}`, kind: 'openai', base_url: 'https://up.example.com/v1' });
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, person('owner', c.id, stamp));
  for (const [id, n] of [['', 4], [used, 3], [unused, 0]]) {
    const filter = id && `&provider_id=${id}`;
    await page.goto(`${url}/dashboard/${c.id}/requests?range=24h${filter}`);
    assert.equal((await ids(page)).length, n, `requests of provider ${id}`);
    await page.goto(`${url}/dashboard/${c.id}/usage?range=24h${filter}`);
    const html = await page.content();
    if (n) assert.equal(readUsage(html).figures[1], String(n));
    else assert.match(html, /Nothing was used/);
    const options = await page.locator('select[name="provider_id"] option').allTextContents();
    assert.deepEqual(options, ['All', provider, ...(n ? [] : [`#${unused}`])]);
    assert.equal(await page.locator('select[name="provider_id"]').inputValue(), String(id));
  }
  await close(page);
});

await test('beyond the newest forty: by name, number, e-mail address, public id; what is unclear says so (D7, D8)', async () => {
  const c = await newCustomer('Has many');
  const [[email]] = sql(`SELECT email FROM customers WHERE customer_id = ${c.id}`);
  const first = await made('/api/projects', { customer_id: c.id, name: 'Prêt-à-porter' });
  sql(`INSERT INTO projects (customer_id, name) SELECT ${c.id}, CONCAT('p', seq) FROM seq_1_to_41`);
  const twins = [];
  for (let i = 0; i < 2; i += 1) twins.push(await made('/api/keys', { customer_id: c.id, name: 'twin' }));
  await book([{ user_id: c.user, api_key_id: twins[0].id, project_id: first.id, model_id: models[0],
    request_timestamp: iso(stamp - 60000), token_in_count: 1, token_out_count: 1 }]);
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, person('owner', c.id, stamp));
  const at = `${url}/dashboard/${c.id}`;
  await until('it is summed up', async () => {
    await page.goto(`${at}/usage`);
    return await page.locator('#figures').count() === 1;
  });
  for (const path of ['usage', 'requests']) {
    const project = page.locator('select[name="project_id"]');
    const typed = page.getByLabel('Or another project: name or number');
    const show = async (text) => {
      await page.goto(`${at}/${path}?range=7d`);
      await page.getByText('Dates and filters').click();
      assert.equal(await project.locator('option').count(), 41);
      assert.equal(await project.locator(`option[value="${first.id}"]`).count(), 0);
      await typed.fill(text);
      await page.getByRole('button', { name: 'Show' }).click();
    };
    for (const text of [first.name, String(first.id), `#${first.id}`]) {
      await show(text);
      assert.equal(await project.inputValue(), String(first.id), text);
      assert.equal(await project.locator('option:checked').textContent(), first.name);
      assert.equal(await typed.inputValue(), '');
      const other = await page.getByRole('link', { name: path === 'usage' ? 'Download CSV' : 'Sums and CSV' }).getAttribute('href');
      const { searchParams } = new URL(other, url);
      assert.deepEqual([searchParams.get('project_id'), searchParams.get('project')], [String(first.id), null]);
    }
    await show('pret-a-porter');
    assert.equal(await typed.inputValue(), 'pret-a-porter');
    const field = page.locator('.choice').filter({ has: typed });
    assert.equal(await field.locator('.field-bad').textContent(), 'There is none of this name or number here.');
    assert.equal(await typed.getAttribute('aria-invalid'), 'true');
    // Nothing is shown that was not asked for.
    assert.equal(await page.locator('#usage-head, #requests-head, #empty-head').count(), 0);
    if (path === 'usage') assert.match(await page.locator('.notes').textContent(), /for each group of each (hour|day|month), /);
    await assertFine(`${path}?project=nothing`);

    const [[theirs]] = sql(`SELECT project_id FROM projects WHERE customer_id = ${a.id} LIMIT 1`);
    for (const [query, id, message] of [
      [`api_key=${twins[0].key.slice(0, 13)}`, twins[0].id], [`api_key=${twins[0].key.slice(3, 13)}`, twins[0].id],
      ['api_key=twin', 0, `Several are called so: #${twins[0].id}, #${twins[1].id}. Type the number of one.`],
      [`user=${email}`, c.user], [`user=${encodeURIComponent('Zoë')}`, 0, 'There is none of this name, e-mail or number here.'],
      [`project=${theirs}`, 0, 'There is none of this name or number here.'],
    ]) {
      const answer = await page.goto(`${at}/${path}?range=7d&${query}`);
      assert.equal(answer.status(), message ? 400 : 200, query);
      if (message) assert.equal(await page.locator('.field-bad').textContent(), message);
      else assert.equal(await page.locator(`option[value="${id}"]:checked`).count(), 1, query);
    }
  }
  await get('usage?format=csv&project=nothing', 400);
  await close(page);

  const other = await open({ javaScriptEnabled: false });
  await signIn(other, operator);
  await other.goto(`${url}/admin/usage?range=7d&customer=${email}&api_key=${twins[1].id}`);
  assert.equal(await other.locator('select[name="customer_id"]').inputValue(), String(c.id));
  assert.equal(await other.locator('select[name="api_key_id"]').inputValue(), String(twins[1].id));
  await other.goto(`${url}/admin/usage?range=7d&api_key=${twins[1].id}`);
  assert.equal(await other.locator('.field-bad').textContent(), 'Choose whose first: a customer.');
  await close(other);
});

await test('a date that is chosen is meant, whatever range was chosen before (D8)', async () => {
  const page = await open();
  await signIn(page, owner);
  await page.goto(`${mine}/usage?range=7d`);
  await page.getByText('Dates and filters').click();
  const day = iso(stamp - 20 * DAY).slice(0, 10);
  await page.locator('#choose-from').fill(day);
  await page.getByRole('button', { name: 'Show' }).click();
  const { searchParams } = new URL(page.url());
  assert.deepEqual([searchParams.get('range'), searchParams.get('from')], ['custom', day]);
  assert.equal(readUsage(await page.content()).from.slice(0, 10), day);
  await page.getByLabel('Time (UTC)').selectOption('30 days');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.waitForURL((to) => to.searchParams.get('range') === '30d' && !to.searchParams.get('from'));
  await close(page);
});

await test('without script, too: dates that are typed hold, those that were filled in give way (D8)', async () => {
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, owner);
  const [early, late] = [20, 10].map((days) => iso(stamp - days * DAY).slice(0, 10));
  for (const path of ['usage', 'requests']) {
    const dates = async () => (await page.locator('section.card time').evaluateAll((all) => all.slice(0, 2)
      .map((n) => n.getAttribute('datetime').slice(0, 10)))).join();
    const range = page.locator('select[name="range"]');
    const show = () => page.getByRole('button', { name: 'Show' }).click();
    await page.goto(`${mine}/${path}?range=7d`);
    await page.getByText('Dates and filters').click();
    await page.getByLabel('From', { exact: true }).fill(early);
    await page.getByLabel('To, that day included').fill(late);
    await show();
    const asked = `${early},${iso(Date.parse(late) + DAY).slice(0, 10)}`;
    assert.equal(await range.inputValue(), 'custom', path);
    assert.equal(await dates(), asked);
    // Another filter keeps them, another date is meant, another time is one.
    await page.locator('select[name="request_status"]').selectOption('ok');
    await show();
    assert.equal(await dates(), asked);
    await range.selectOption('7d');
    await page.getByLabel('From', { exact: true }).fill(late);
    await show();
    assert.equal(await dates(), asked.replace(early, late));
    await range.selectOption('7d');
    await show();
    assert.equal(await range.inputValue(), '7d');
    assert.equal(await page.getByLabel('From', { exact: true }).inputValue(), '');
    await get(`${path}?range=7d&to=${late}`, 400);
    // A date stands for the hour that the page was asked for.
    const hours = () => page.locator('section.card time').evaluateAll((all) => all.slice(0, 2)
      .map((n) => n.getAttribute('datetime')));
    await page.goto(`${mine}/${path}?from=${early}T15:00:00Z&to=${late}T16:00:00Z`);
    const before = await hours();
    assert.match(before[0], /T15:00/);
    await page.locator('select[name="request_status"]').selectOption('ok');
    await show();
    await page.locator('select[name="request_status"] option[value="ok"][selected]').waitFor({ state: 'attached' });
    assert.deepEqual(await hours(), before);
  }
  await close(page);
});

// ---- every page ----

const one = sql(`SELECT ${uuid} FROM usage_records WHERE customer_id = ${a.id} ORDER BY usage_id LIMIT 1`)[0][0];
const pages = ['usage?range=30d&group_by=key', 'usage?metric=latency_p95&range=12m&group_by=status&api_key_id='.concat(a.keys[2]),
  'usage?metric=refusals&group_by=user', 'usage?from=2020-01-01&to=2020-01-02', 'requests?range=7d',
  'requests?from=2020-01-01&to=2020-01-02', `requests/${one}`];

for (const colorScheme of ['light', 'dark']) {
  await test(`pages are valid and axe finds nothing, ${colorScheme} (D2, D5, D13, D20)`, async () => {
    const page = await open({ colorScheme, bypassCSP: true });
    await signIn(page, owner);
    for (const path of pages) {
      await assertValid(await get(path), path);
      await page.goto(`${mine}/${path}`);
      const folded = page.locator('details:not([open]) > summary');
      while (await folded.count()) await folded.first().click();
      await assertAccessible(page, path);
      assert.equal(await page.evaluate('window.hit'), undefined);
    }
    await close(page);
  });
}

// Whatever a part of a drawing is filled with: the colours of its pattern, and
// the ground below the drawing.
const fillsOf = (page) => page.evaluate(() => {
  const used = [...document.querySelectorAll('.chart-plot rect[fill], .legend rect[fill]')];
  const groundOf = (n) => {
    const colour = getComputedStyle(n).backgroundColor;
    return colour === 'rgba(0, 0, 0, 0)' ? groundOf(n.parentElement) : colour;
  };
  return [...new Set(used.map((n) => n.getAttribute('fill')))].map((fill) => {
    const pattern = document.getElementById(fill.match(/^url\(#(.+)\)$/)[1]);
    const colours = [...pattern.children].map((n) => getComputedStyle(n)).flatMap((style) => [style.fill, style.stroke]);
    return { fill: pattern.id, ground: groundOf(used.find((n) => n.getAttribute('fill') === fill)),
      colours: colours.filter((colour) => colour !== 'none') };
  });
});
for (const colorScheme of ['light', 'dark']) {
  await test(`each series of a drawing stands out from its ground by 3:1, ${colorScheme} (D5, WCAG 1.4.11)`, async () => {
    const page = await open({ colorScheme });
    await signIn(page, owner);
    const seen = new Set();
    for (const path of ['usage?metric=requests&group_by=key&range=30d', '']) {
      await page.goto(`${mine}/${path}`.replace(/\/$/, ''));
      for (const { fill, ground, colours } of await fillsOf(page)) {
        seen.add(fill);
        const most = Math.max(...colours.map((colour) => contrast(colour, ground)));
        assert.ok(most >= 3, `${fill}: ${most}:1, ${colours} on ${ground}`);
      }
    }
    assert.deepEqual([...seen].sort(), [...Array.from({ length: 8 }, (_, i) => `series-${i + 1}`), 'series-failed', 'series-other']);
    await close(page);
  });
}

await test('320 px wide: no scrolling sideways, targets of 24 px (D4)', async () => {
  const page = await open({ viewport: { width: 320, height: 640 } });
  await signIn(page, owner);
  for (const path of pages) {
    await page.goto(`${mine}/${path}`);
    await assertNarrow(page, path);
  }
  await close(page);
});

await close(noScript);
await browser.close();
done();
