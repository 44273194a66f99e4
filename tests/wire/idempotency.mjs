// SPDX-License-Identifier: MIT
// Idempotency-Key on inference: one charge and the first answer, whatever is
// sent again; other bodies, other keys, other tenants; what is not kept.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, json, management, modelsInForce, newKey, sim, sql, statementsDuring, tollgate,
  until, usageRow,
} from './lib.mjs';

const unique = `i${process.pid}`;
const socket = `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`;
for (const kind of ['openai', 'anthropic']) {
  tollgate('provider', 'add', '--name', kind + unique, '--kind', kind,
    '--base-url', socket, '--api-key', 'sk-x');
}
tollgate('provider', 'add', '--name', `drain${unique}`, '--kind', 'openai',
  '--base-url', socket, '--api-key', 'sk-x', '--on-client-close', 'drain', '--drain', '10');
function addModel(name, word, provider = 'openai') {
  const full = `${name}.${unique}`;
  tollgate('model', 'add', '--name', full, '--provider', provider + unique, '--upstream-name', word);
  tollgate('price', 'set', '--model', full, '--input', '1', '--output', '2');
  return full;
}
const models = {
  echo: addModel('echo', 'sim-echo'),
  slow: addModel('slow', 'sim-delay:1500+echo'),
  wait: addModel('wait', 'sim-delay:1000+echo', 'drain'),
  // The first word of an answer, with some 500 bytes around it.
  kept: addModel('kept', 'sim-huge:260000'),
  long: addModel('long', 'sim-huge:262144'),
  e500: addModel('e500', 'sim-500'),
  e400: addModel('e400', 'sim-400'),
  claude: addModel('claude', 'sim-fixed:5', 'anthropic'),
  last: addModel('last', 'sim-fixed:5'),
};
const { id: customerId } = await management('/customers',
  { name: 'idem', email: `idem-${unique}@example.com` });
const { key, id: keyId } = await newKey({ customer_id: customerId, idempotency: true });
const { key: plain } = await newKey({ customer_id: customerId });
await modelsInForce({ 'X-API-Key': key }, Object.values(models));
const chat = (text, { model = models.echo, who = key, headers = {}, ...more } = {}) => ask('POST',
  '/v1/chat/completions', { ...json, 'X-API-Key': who, ...headers },
  JSON.stringify({ model, messages: [{ role: 'user', content: text }], ...more }));
await until('the last price in force', async () => (await Promise.all(Array.from({ length: 16 },
  () => chat('x', { model: models.last, who: plain })))).every(({ status }) => status === 200));

let n = 0;
const fresh = () => ({ 'Idempotency-Key': `k-${unique}-${n += 1}` });
const calls = async () => JSON.parse((await sim('GET', '/__sim/stats')).text).inference_requests;
const count = (query) => Number(sql(`SELECT COUNT(*) FROM ${query}`)[0][0]);
const claims = () => count(`idempotency_keys WHERE customer_id = ${customerId}`);
const rowsOf = (id) => count(`usage_records WHERE api_key_id = ${id}`);
const newOptedIn = () => newKey({ customer_id: customerId, idempotency: true });
const flushed = (answer) => usageRow(answer.headers['x-request-id'], ['request_status', 'cost_in_usd']);
const replayed = (answer) => answer.headers['idempotency-replayed'] === 'true';
const isNew = (answer) => {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(!replayed(answer));
  return answer;
};
const refused = (answer, status, code) => {
  assert.equal(answer.status, status, answer.text);
  const { error } = JSON.parse(answer.text);
  assert.equal(error.code, code, answer.text);
  return error;
};

// Its deletion is a background duty of each minute: it is looked for last.
const old = await chat('of yesterday', { headers: fresh() });
isNew(old);
const oldClaim = sql(`SELECT HEX(claim) FROM idempotency_keys WHERE customer_id = ${customerId}`)[0][0];
sql(`UPDATE idempotency_keys SET expires_at = NOW(6) WHERE claim = UNHEX('${oldClaim}')`);

// ---- the same again ----

const formats = [
  ['/v1/chat/completions', { model: models.echo, messages: [{ role: 'user', content: 'a b' }] }],
  ['/v1/completions', { model: models.last, prompt: 'a b' }],
  ['/v1/embeddings', { model: models.last, input: 'a b' }],
  ['/v1/responses', { model: models.last, input: 'a b' }],
  ['/v1/messages', { model: models.claude, max_tokens: 9, messages: [{ role: 'user', content: 'a b' }] }],
  ['/generate', { model_id: models.last, text: 'a b', max_length: 9 }],
];
for (const [path, body] of formats) {
  await test(`${path}: sent twice: one call, one row, the first answer to the byte (B5)`, async () => {
    const { key: who, id } = await newOptedIn();
    const headers = { ...json, 'X-API-Key': who, ...fresh() };
    const before = await calls();
    const first = isNew(await ask('POST', path, headers, JSON.stringify(body)));
    assert.ok(Number(first.headers['x-tollgate-cost']) > 0);
    await flushed(first);
    const again = await ask('POST', path, headers, JSON.stringify(body));
    assert.equal(again.status, 200, again.text);
    assert.equal(again.text, first.text);
    assert.ok(replayed(again));
    assert.equal(again.headers['content-type'], first.headers['content-type']);
    assert.equal(again.headers['x-tollgate-cost'], first.headers['x-tollgate-cost']);
    assert.equal(again.headers['x-tollgate-original-request-id'], first.headers['x-request-id']);
    assert.notEqual(again.headers['x-request-id'], first.headers['x-request-id']);
    assert.equal(await calls(), before + 1);
    // Behind a later request's row there is none of the replay.
    await flushed(isNew(await chat('later', { who })));
    assert.equal(rowsOf(id), 2);
  });
}

await test('ERR_IDEMPOTENCY_KEY: other body, model, route, member or header: 409, nothing happens (B5)', async () => {
  const headers = fresh();
  isNew(await chat('one', { headers }));
  const before = await calls();
  const others = [
    await chat('two', { headers }),
    await chat('one', { headers, model: models.last }),
    await chat('one', { headers, temperature: 1 }),
    await ask('POST', '/v1/completions', { ...json, 'X-API-Key': key, ...headers },
      JSON.stringify({ model: models.echo, prompt: 'one' })),
  ];
  const agent = (await management('/api/agents', { customer_id: customerId, name: unique })).id;
  others.push(await chat('one', { headers: { ...headers, 'x-tollgate-agent-id': agent } }));
  for (const answer of others) {
    assert.equal(refused(answer, 409, 'idempotency_key_conflict').param, 'idempotency-key');
    assert.equal(answer.headers['x-should-retry'], 'false');
  }
  assert.equal(await calls(), before);
  assert.ok(replayed(await chat('one', { headers })));
});

await test('ERR_IDEMPOTENCY_BUSY: while it runs: 409 with Retry-After; then its answer', async () => {
  const headers = fresh();
  const first = chat('wait for it', { model: models.slow, headers });
  await until('the claim', () => count(`idempotency_keys WHERE customer_id = ${customerId} AND status = 0`) === 1);
  const busy = await chat('wait for it', { model: models.slow, headers });
  refused(busy, 409, 'idempotency_request_in_progress');
  assert.equal(busy.headers['retry-after'], '2');
  assert.ok(!busy.headers['x-should-retry']);
  // Whose body differs learns that at once.
  refused(await chat('another', { model: models.slow, headers }), 409, 'idempotency_key_conflict');
  isNew(await first);
  assert.ok(replayed(await chat('wait for it', { model: models.slow, headers })));
});

await test('50 clients at once: one upstream call, one row (B5)', async () => {
  const headers = fresh();
  const { key: who, id } = await newOptedIn();
  const before = await calls();
  const got = await Promise.all(Array.from({ length: 50 },
    () => chat('all at once', { model: models.slow, headers, who })));
  assert.equal(await calls(), before + 1);
  const good = got.filter((answer) => answer.status === 200);
  assert.equal(good.filter((answer) => !replayed(answer)).length, 1);
  for (const answer of got) {
    if (answer.status === 200) assert.equal(answer.text, good[0].text);
    else refused(answer, 409, 'idempotency_request_in_progress');
  }
  await flushed(good.find((answer) => !replayed(answer)));
  await flushed(isNew(await chat('later', { who })));
  assert.equal(rowsOf(id), 2);
});

// ---- who ----

await test('another key of the customer, another customer: the same text never meets (S8)', async () => {
  const headers = fresh();
  const { key: sister } = await newOptedIn();
  const { key: stranger } = await newKey({ idempotency: true });
  const first = isNew(await chat('mine', { headers }));
  for (const who of [sister, stranger]) {
    const answer = isNew(await chat('mine', { headers, who }));
    assert.notEqual(answer.text, first.text);
  }
  refused(await chat('yours', { headers, who: sister }), 409, 'idempotency_key_conflict');
  isNew(await chat('yours', { headers: fresh(), who: sister }));
});

await test('a rotated key is the same key', async () => {
  const headers = fresh();
  const { key: one, id } = await newOptedIn();
  const first = isNew(await chat('turn', { headers, who: one }));
  const { key: two } = await management(`/api/keys/${id}/rotate`, {});
  const again = await chat('turn', { headers, who: two });
  assert.equal(again.text, first.text);
  assert.ok(replayed(again));
});

await test('without opt-in the header is ignored and costs no statement', async () => {
  const headers = { 'Idempotency-Key': 'any thing \u00e4' };
  const first = isNew(await chat('twice', { headers, who: plain }));
  assert.notEqual(isNew(await chat('twice', { headers, who: plain })).text, first.text);
  const claimed = (more) => statementsDuring(async () => {
    for (let i = 0; i < 20; i++) isNew(await chat('cheap', more));
  }, 'INSERT INTO idempotency_keys');
  assert.deepEqual(await claimed({ who: plain, headers }), []);
});

await test('the setting: POST, PATCH, command; off by default; in force on a PATCH', async () => {
  const { key: one, id } = await newKey({ customer_id: customerId });
  const operator = { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };
  const show = async () => JSON.parse((await ask('GET', `/api/keys/${id}`, operator)).text).idempotency;
  assert.equal(await show(), false);
  const headers = fresh();
  isNew(await chat('set', { headers, who: one }));
  const change = await ask('PATCH', `/api/keys/${id}`, operator, '{"idempotency": true}');
  assert.equal(change.status, 200, change.text);
  assert.equal(await show(), true);
  assert.equal(JSON.parse((await ask('GET', '/v1/key', { 'X-API-Key': one })).text).idempotency, true);
  isNew(await chat('set', { headers, who: one })); // what was before is not known
  assert.ok(replayed(await chat('set', { headers, who: one })));
  const publicId = one.split('_')[1];
  assert.equal(tollgate('key', 'set', publicId, '--idempotency', 'off').idempotency, false);
  await until('off', async () => !replayed(await chat('set', { headers, who: one })), 2000);
  tollgate('key', 'set', publicId, '--idempotency', 'on');
  assert.equal(await show(), true);
  const bad = await ask('PATCH', `/api/keys/${id}`, operator, '{"idempotency": "yes"}');
  assert.equal(bad.status, 400, bad.text);
  const added = tollgate('key', 'add', '--customer', String(customerId), '--name', 'cmd', '--idempotency');
  assert.equal(sql(`SELECT idempotency FROM api_keys WHERE api_key_id = ${added.id}`)[0][0], '1');
});

await test('the key\'s text: 1 to 255 visible ASCII characters, else 400', async () => {
  const before = await calls();
  for (const text of ['a b', 'x'.repeat(256), '\u00e4']) {
    assert.equal(refused(await chat('x', { headers: { 'Idempotency-Key': text } }), 400,
      'invalid_parameter').param, 'idempotency-key', JSON.stringify(text));
  }
  assert.equal(await calls(), before);
  isNew(await chat('x', { headers: { 'Idempotency-Key': `${unique}~`.padEnd(255, '!') } }));
});

await test('a stream: 400, for it would not be safe; without opt-in it streams', async () => {
  const answer = await chat('x', { stream: true, headers: fresh() });
  assert.equal(refused(answer, 400, 'invalid_parameter').param, 'idempotency-key');
  assert.equal((await chat('x', { stream: true, headers: fresh(), who: plain })).status, 200);
});

await test('counting tokens is free: the header is ignored', async () => {
  const n0 = claims();
  const answer = await ask('POST', '/v1/messages/count_tokens', { ...json, 'X-API-Key': key, ...fresh() },
    JSON.stringify({ model: models.claude, messages: [{ role: 'user', content: 'a' }] }));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(claims(), n0);
});

// ---- what is not kept ----

await test('errors of the provider: not kept; a retry runs again', async () => {
  for (const model of [models.e500, models.e400]) {
    const headers = fresh();
    const n0 = claims();
    const before = await calls();
    const first = await chat('x', { model, headers });
    assert.ok(first.status >= 400);
    assert.equal(claims(), n0);
    const again = await chat('x', { model, headers });
    assert.equal(again.status, first.status);
    assert.equal(await calls(), before + 2);
    isNew(await chat('x', { headers })); // and another request may have it
  }
});

await test('a refused request leaves no claim; a replay takes nothing from the limit', async () => {
  const { key: one } = await newKey({ customer_id: customerId, idempotency: true, rate_limit: 1 });
  const headers = fresh();
  isNew(await chat('x', { headers, who: one }));
  const n0 = claims();
  const other = fresh();
  refused(await chat('y', { headers: other, who: one }), 429, 'rate_limit_exceeded');
  assert.equal(claims(), n0);
  const again = await chat('x', { headers, who: one });
  assert.ok(replayed(again), again.text);
  assert.ok(!again.headers['x-ratelimit-limit-requests']);
});

await test('ERR_IDEMPOTENCY_GONE: 256 KiB are kept; more are not: 409 with a code of its own, and no second charge', async () => {
  const kept = fresh();
  const first = isNew(await chat('x', { model: models.kept, headers: kept }));
  assert.ok(first.text.length > 260000 && first.text.length <= 262144, String(first.text.length));
  assert.ok((await chat('x', { model: models.kept, headers: kept })).text === first.text);
  const long = fresh();
  const whole = isNew(await chat('x', { model: models.long, headers: long }));
  assert.ok(whole.text.length > 262144);
  const before = await calls();
  const again = await chat('x', { model: models.long, headers: long });
  refused(again, 409, 'idempotency_answer_not_kept');
  assert.equal(again.headers['x-should-retry'], 'false');
  assert.equal(await calls(), before);
});

await test('past its deadline: a new request with its own charge; the late one changes nothing', async () => {
  const headers = fresh();
  const first = chat('late', { model: models.slow, headers });
  const running = `idempotency_keys WHERE customer_id = ${customerId} AND status = 0`;
  await until('the claim', () => count(running) === 1);
  sql(`UPDATE idempotency_keys SET expires_at = NOW(6) WHERE customer_id = ${customerId} AND status = 0`);
  const second = isNew(await chat('late', { model: models.slow, headers }));
  isNew(await first);
  for (const answer of [await first, second]) assert.equal((await flushed(answer)).request_status, 'ok');
  const again = await chat('late', { model: models.slow, headers });
  assert.equal(again.text, second.text);
  assert.equal(again.headers['x-tollgate-original-request-id'], second.headers['x-request-id']);
  assert.equal(count(running), 0);
});

// Sends, and leaves before there is an answer.
const leave = (text, model, headers) => new Promise((resolve) => {
  const rq = http.request({
    host: base.hostname, port: base.port, method: 'POST', path: '/v1/chat/completions', agent: false,
    headers: { ...json, 'X-API-Key': key, ...headers },
  });
  rq.on('error', resolve);
  rq.end(JSON.stringify({ model, messages: [{ role: 'user', content: text }] }));
  until('the claim', () => count(`idempotency_keys WHERE customer_id = ${customerId} AND status = 0`) === 1)
    .then(() => rq.destroy());
});

await test('the client leaves and the provider is read to the end: the answer is kept', async () => {
  const headers = fresh();
  const before = await calls();
  await leave('gone', models.wait, headers);
  await until('the answer', () => count(`idempotency_keys WHERE customer_id = ${customerId} AND status = 0`) === 0);
  const again = await chat('gone', { model: models.wait, headers });
  assert.equal(again.status, 200, again.text);
  assert.ok(replayed(again));
  assert.match(again.text, /gone/);
  assert.equal(await calls(), before + 1);
  const id = again.headers['x-tollgate-original-request-id'];
  assert.ok(Number((await flushed({ headers: { 'x-request-id': id } })).cost_in_usd) > 0);
});

await test('the client leaves and the request is cut: its claim goes, the retry runs', async () => {
  const headers = fresh();
  const n0 = claims();
  await leave('cut', models.slow, headers);
  await until('the claim to go', () => claims() === n0);
  isNew(await chat('cut', { model: models.slow, headers }));
});

// ---- at rest ----

await test('at rest: sealed, bound to its row; no text, key or body in a dump (S3)', async () => {
  const word = `secret${unique}word`;
  const headers = { 'Idempotency-Key': `named-${word}` };
  const first = isNew(await chat(word, { headers }));
  assert.match(first.text, new RegExp(word));
  const dump = execFileSync('mariadb-dump', ['--no-defaults', '-u', 'root', '-S', env.TOLLGATE_DB_SOCKET,
    '--hex-blob', '--single-transaction', '--no-create-info', env.TOLLGATE_DB_NAME],
  { maxBuffer: 2 ** 30 }).toString().toLowerCase();
  assert.ok(dump.includes('idempotency_keys'));
  for (const text of [word, Buffer.from(word).toString('hex')]) assert.ok(!dump.includes(text), text);
  // Another row's answer does not open here.
  const other = fresh();
  isNew(await chat('other', { headers: other }));
  const newest = sql(`SELECT HEX(claim), status FROM idempotency_keys
    WHERE customer_id = ${customerId} ORDER BY created_at DESC LIMIT 2`).map((row) => row[0]);
  sql(`UPDATE idempotency_keys a JOIN idempotency_keys b ON b.claim = UNHEX('${newest[1]}')
    SET a.answer = b.answer WHERE a.claim = UNHEX('${newest[0]}')`);
  refused(await chat('other', { headers: other }), 409, 'idempotency_answer_not_kept');
  assert.ok(replayed(await chat(word, { headers })));
});

await test('it is kept for a day, by the database\'s clock', async () => {
  const headers = fresh();
  isNew(await chat('a day', { headers }));
  const [row] = sql(`SELECT HEX(claim), TIMESTAMPDIFF(SECOND, NOW(6), expires_at) FROM idempotency_keys
    WHERE customer_id = ${customerId} ORDER BY created_at DESC LIMIT 1`);
  assert.ok(Number(row[1]) > 86300 && Number(row[1]) <= 86400, row[1]);
  sql(`UPDATE idempotency_keys SET expires_at = NOW(6) WHERE claim = UNHEX('${row[0]}')`);
  isNew(await chat('a day', { headers }));
});

await test('refusals are counted, replays are not', async () => {
  const reasons = () => Object.fromEntries(sql(`SELECT reason, SUM(refusals) FROM usage_refusals
    WHERE api_key_id = ${keyId} GROUP BY reason`));
  await until('the refusals', () => Number(reasons().idempotency_key_conflict) >= 6
    && Number(reasons().idempotency_request_in_progress) >= 1);
  assert.deepEqual(Object.keys(reasons()).filter((r) => !r.startsWith('idempotency_')), []);
});

await test('what is a day old is deleted by a background duty', async () => {
  await until('its deletion', () => count(`idempotency_keys WHERE claim = UNHEX('${oldClaim}')`) === 0, 90000);
});

tollgate('reconcile');
done();
