// SPDX-License-Identifier: MIT
// On whom usage is booked; lists, exports and sums against SQL; two tenants;
// usage reported from elsewhere, once whatever is sent again.
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, modelsInForce, newKey, sim, sql, statementsDuring, tollgate, until, usageRow,
} from './lib.mjs';

const unique = `u${process.pid}`;
const nowhere = 4000000000; // an id that nothing has

const call = async (key, method, path, body = undefined, headers = {}) => {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await ask(method, path, { ...json, 'X-API-Key': key, ...headers }, text);
  return { ...answer, body: /^[[{]/.test(answer.text) ? JSON.parse(answer.text.split('\n')[0]) : null };
};
const operator = (...args) => call(env.TOLLGATE_OPERATOR_KEY, ...args);
const expect = (answer, status, what = '') => {
  assert.equal(answer.status, status, `${what} ${answer.text.slice(0, 300)}`);
  return answer.body;
};
const make = async (path, body) => expect(await operator('POST', path, body), 201, path);
const refusedBy = (answer, status, param) => {
  expect(answer, status, param);
  assert.equal(answer.body.error.param, param, answer.text);
  return answer;
};

const provider = `p.${unique}`;
tollgate('provider', 'add', '--name', provider, '--kind', 'openai',
  '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-x');
function addModel(name, word, ...options) {
  tollgate('model', 'add', '--name', name, '--provider', provider, '--upstream-name', word, ...options);
  return Number(sql(`SELECT model_id FROM models WHERE name = '${name}'`)[0][0]);
}
const model = `=cmd,"x".${unique}`; // a spreadsheet would run it
const modelId = addModel(model, 'sim-fixed');
const unpricedId = addModel(`unpriced.${unique}`, 'sim-fixed');
tollgate('price', 'set', '--model', String(modelId), '--input', '1', '--cached-input', '0.1',
  '--output', '2', '--reasoning', '4');
const priceFrom = Date.parse(tollgate('price', 'list', '--model', String(modelId))[0].effective_from);

const scopes = ['infer', 'usage:read', 'usage:write'];
async function tenant(name) {
  const { id } = await make('/customers', { name, email: `${name}-${unique}@example.com` });
  const t = { id };
  t.user = (await make('/api/users', {
    customer_id: id, name: 'dev', role: 'developer', email: `${name}-dev-${unique}@example.com`,
  })).id;
  for (const kind of ['project', 'agent', 'connector']) {
    t[kind] = (await make(`/api/${kind}s`, { customer_id: id, name: `${name} ${kind}` })).id;
  }
  const key = await newKey({ customer_id: id, scopes, name });
  Object.assign(t, { key: key.key, keyId: key.id });
  t.owner = Number(sql(`SELECT user_id FROM api_keys WHERE api_key_id = ${key.id}`)[0][0]);
  return t;
}
const a = await tenant('alpha');
const b = await tenant('beta');
await modelsInForce({ 'X-API-Key': a.key }, [model]);

const chat = (key, headers = {}) => call(key, 'POST', '/v1/chat/completions',
  { model, messages: [{ role: 'user', content: 'one two' }] }, headers);
await until('the price in force', async () => (await Promise.all(Array.from({ length: 16 },
  () => chat(b.key)))).every(({ status }) => status === 200));

// ---- on whom it is booked ----

await test('headers: user, agent, connector: in the row, never sent upstream', async () => {
  const answer = await chat(a.key, {
    'x-tollgate-user-id': a.user, 'x-tollgate-agent-id': a.agent,
    'x-tollgate-connector-id': a.connector,
  });
  expect(answer, 200);
  const sent = (await sim('GET', '/__sim/last')).text;
  assert.match(sent, /^POST /);
  assert.ok(!/x-tollgate/i.test(sent), sent);
  assert.deepEqual(await usageRow(answer.headers['x-request-id'],
    ['customer_id', 'api_key_id', 'user_id', 'agent_id', 'connector_id', 'project_id']), {
    customer_id: String(a.id), api_key_id: String(a.keyId), user_id: String(a.user),
    agent_id: String(a.agent), connector_id: String(a.connector), project_id: 'NULL',
  });
});

await test('headers: none: the key\'s user, no agent', async () => {
  const answer = await chat(a.key);
  assert.deepEqual(await usageRow(answer.headers['x-request-id'], ['user_id', 'agent_id']),
    { user_id: String(a.owner), agent_id: 'NULL' });
});

for (const kind of ['user', 'agent', 'connector']) {
  await test(`headers: ${kind}: unknown, another's, odd: the same 400 that names it (S8, S14)`, async () => {
    const header = `x-tollgate-${kind}-id`;
    const before = sql(`SELECT COUNT(*) FROM usage_records WHERE customer_id = ${a.id}`)[0][0];
    const texts = [];
    for (const id of [nowhere, b[kind], '0', '-1', `${a[kind]}, ${a[kind]}`, 'x']) {
      const answer = refusedBy(await chat(a.key, { [header]: id }), 400, header);
      texts.push(answer.body.error.message);
    }
    assert.equal(new Set(texts).size, 1, texts.join('\n'));
    expect(await chat(a.key), 200); // not before this one is in, the others would be
    await until('the last row', () => sql(`SELECT COUNT(*) FROM usage_records
      WHERE customer_id = ${a.id}`)[0][0] === String(Number(before) + 1));
  });
}

await test('headers: archived: refused within a second, as unknown ones are', async () => {
  const { id } = await make('/api/agents', { customer_id: a.id, name: `gone-${unique}` });
  for (let i = 0; i < 4; i++) expect(await chat(a.key, { 'x-tollgate-agent-id': id }), 200);
  expect(await operator('DELETE', `/api/agents/${id}`, ''), 200);
  await until('refusal', async () => (await Promise.all(Array.from({ length: 8 },
    () => chat(a.key, { 'x-tollgate-agent-id': id }))))
    .every(({ status }) => status === 400), 1500);
});

await test('headers: a known id costs no query a request', async () => {
  const { length: n } = await statementsDuring(async () => {
    for (let i = 0; i < 10; i++) {
      const got = await Promise.all(Array.from({ length: 20 }, () => chat(a.key,
        { 'x-tollgate-agent-id': a.agent, 'x-tollgate-user-id': a.user })));
      for (const answer of got) expect(answer, 200);
    }
  }, 'FROM (agents|users)');
  // A worker that is new asks once; two ids a request would be 400.
  assert.ok(n < 100, `${n} statements for 200 requests`);
});

// ---- reported from elsewhere ----

// Document 004's own example, but for whose it is.
const example = (t) => ({
  user_id: t.user, model_id: modelId, token_in_count: 1000, token_out_count: 800,
  token_in_cached_context_count: 200, long_context_token_in_count: 0,
  long_context_token_in_cached_context_count: 0, token_out_reasoning_count: 100,
  token_out_audio_count: 0, token_out_image_count: 0, long_context_token_out_count: 0,
  long_context_token_out_reasoning_count: 0, long_context_token_out_audio_count: 0,
  long_context_token_out_image_count: 0, agent_id: t.agent, connector_id: t.connector,
});
const rows = (t) => Number(sql(`SELECT COUNT(*) FROM usage_records WHERE customer_id = ${t.id}`)[0][0]);
const owed = (t) => sql(`SELECT balance_usd FROM ledger_accounts
  WHERE customer_id = ${t.id} AND kind = 'receivable'`)[0][0];

await test('add: document 004\'s example: row, view, rollups and ledger at once', async () => {
  const [before, was] = [rows(b), Number(owed(b))];
  const row = expect(await call(b.key, 'POST', '/api/usage', example(b)), 201);
  assert.equal(row.cost_in_usd, (1000 + 20 + 1600 + 400) / 1e6);
  assert.equal(row.source, 'api');
  assert.equal(row.api_key_id, b.keyId);
  assert.equal(row.model_requested, model);
  assert.equal(rows(b), before + 1);
  assert.ok(Math.abs(Number(owed(b)) - was - row.cost_in_usd) < 1e-12);
  const [seen] = sql(`SELECT user_id, model_id, token_in_count, token_in_cached_context_count,
    token_out_count, token_out_reasoning_count, agent_id, connector_id
    FROM ps_model_usage WHERE id = ${row.id}`);
  assert.deepEqual(seen, [b.user, modelId, 1000, 200, 800, 100, b.agent, b.connector].map(String));
  const shown = expect(await call(b.key, 'GET', `/api/usage/${row.request_id}`), 200);
  assert.deepEqual(shown, row);
  const summary = expect(await call(b.key, 'GET', `/api/usage/summary?agent_id=${b.agent}`), 200);
  assert.equal(summary.total.token_in_cached_context_count, 200);
});

await test('add: an operator: of any customer, without a key; reconcile stays clean', async () => {
  const row = expect(await operator('POST', '/api/usage', example(b)), 201);
  assert.equal(row.customer_id, b.id);
  assert.equal(row.api_key_id, null);
  assert.equal(row.provider_cost_in_usd, row.cost_in_usd);
  refusedBy(await operator('POST', '/api/usage', { model_id: modelId }), 400, 'user_id');
  tollgate('reconcile'); // throws where it exits non-zero
});

await test('add: what is left out is 0, the user the key\'s', async () => {
  const row = expect(await call(b.key, 'POST', '/api/usage', { model_id: modelId }), 201);
  assert.equal(row.user_id, b.owner);
  assert.equal(row.prompt_tokens + row.completion_tokens, 0);
  assert.equal(row.cost_in_usd, 0);
});

await test('add: the price per request is owed without a token, too, by what ended well', async () => {
  const id = addModel(`image.${unique}`, 'sim-fixed');
  tollgate('price', 'set', '--model', String(id), '--input', '0', '--output', '0', '--request', '0.05');
  const cost = async (more) => expect(await operator('POST', '/api/usage',
    { model_id: id, user_id: b.user, ...more }), 201).cost_in_usd;
  assert.deepEqual([await cost({}), await cost({ request_status: 'timeout' }),
    await cost({ request_status: 'timeout', token_in_count: 1 })], [0.05, 0, 0.05]);
});

await test('add: no price in force: unknown, counted, never 0 (B17)', async () => {
  const before = Number(owed(b));
  const row = expect(await call(b.key, 'POST', '/api/usage',
    { model_id: unpricedId, token_in_count: 5, agent_id: b.agent }), 201);
  assert.equal(row.cost_in_usd, null);
  const early = expect(await call(b.key, 'POST', '/api/usage', {
    model_id: modelId, token_in_count: 5,
    request_timestamp: new Date(priceFrom - 5000).toISOString(),
  }), 201);
  assert.equal(early.cost_in_usd, null);
  const late = expect(await call(b.key, 'POST', '/api/usage', {
    model_id: modelId, token_in_count: 5,
    request_timestamp: new Date(priceFrom + 1000).toISOString(),
  }), 201);
  assert.equal(late.cost_in_usd, 0.000005);
  assert.ok(Math.abs(Number(owed(b)) - before - 0.000005) < 1e-12);
  const { total } = expect(await call(b.key, 'GET',
    `/api/usage/summary?model_id=${unpricedId}`), 200);
  assert.deepEqual([total.requests, total.unpriced_requests, total.cost_in_usd], [1, 1, 0]);
});

await test('add: the last millisecond of a month and the first of the next (B39)', async () => {
  const now = new Date();
  const month = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
  for (const [at, tok] of [[month - 1, 7], [month, 11]]) {
    expect(await call(b.key, 'POST', '/api/usage', {
      model_id: unpricedId, token_out_count: tok, request_timestamp: new Date(at).toISOString(),
      connector_id: b.connector,
    }), 201);
  }
  const from = new Date(month - 86400e3).toISOString();
  const { data } = expect(await call(b.key, 'GET', `/api/usage/summary?group_by=month&from=${from}`
    + `&model_id=${unpricedId}&connector_id=${b.connector}`), 200);
  assert.deepEqual(data.map((g) => [g.month, g.token_out_count]), [
    [new Date(month - 1).toISOString().slice(0, 7), 7],
    [new Date(month).toISOString().slice(0, 7), 11]]);
  const days = expect(await call(b.key, 'GET',
    `/api/usage/summary?group_by=day,model&from=${from}&model_id=${unpricedId}`), 200).data;
  assert.equal(days.find((g) => g.day === new Date(month - 1).toISOString().slice(0, 10))
    .token_out_count, 7);
});

await test('add: what is wrong: named, and nothing is written', async () => {
  const before = rows(b);
  const good = { model_id: modelId };
  for (const [more, status, param] of [
    [{ token_in_count: -1 }, 400, 'token_in_count'],
    [{ token_out_count: 1.5 }, 400, 'token_out_count'],
    [{ long_context_token_out_audio_count: 4294967296 }, 400, 'long_context_token_out_audio_count'],
    [{ model_id: null }, 400, 'model_id'], [{ model_id: nowhere }, 404, 'model_id'],
    [{ user_id: nowhere }, 404, 'user_id'], [{ agent_id: nowhere }, 404, 'agent_id'],
    [{ connector_id: nowhere }, 404, 'connector_id'], [{ project_id: nowhere }, 404, 'project_id'],
    [{ api_key_id: nowhere }, 404, 'api_key_id'], [{ request_status: 'odd' }, 400, 'request_status'],
    [{ cost_in_usd: 0 }, 400, 'cost_in_usd'], [{ customer_id: b.id }, 400, 'customer_id'],
    [{ request_timestamp: 'soon' }, 400, 'request_timestamp'],
    [{ request_timestamp: '2001-01-01T00:00:00Z' }, 400, 'request_timestamp'],
    [{ request_timestamp: new Date(Date.now() + 600e3).toISOString() }, 400, 'request_timestamp']]) {
    refusedBy(await call(b.key, 'POST', '/api/usage', { ...good, ...more }), status, param);
    const batch = refusedBy(await call(b.key, 'POST', '/api/usage', [good, { ...good, ...more }]),
      status, param);
    assert.match(batch.body.error.message, /lement 1/);
  }
  expect(await call(b.key, 'POST', '/api/usage', []), 400);
  expect(await call(b.key, 'POST', '/api/usage', '[1]'), 400);
  expect(await call(b.key, 'POST', '/api/usage', '[{]'), 400);
  expect(await call(b.key, 'POST', '/api/usage', Array(1001).fill(good)), 400);
  assert.equal(rows(b), before);
});

await test('add: another tenant\'s ids: as unknown ones (S8)', async () => {
  const before = rows(a);
  for (const [param, id] of [['user_id', a.user], ['api_key_id', a.keyId],
    ['project_id', a.project], ['agent_id', a.agent], ['connector_id', a.connector]]) {
    const [theirs, none] = [refusedBy(await call(b.key, 'POST', '/api/usage',
      { model_id: modelId, [param]: id }), 404, param),
    refusedBy(await call(b.key, 'POST', '/api/usage', { model_id: modelId, [param]: nowhere }),
      404, param)];
    assert.equal(theirs.body.error.message, none.body.error.message);
    // Nor may an operator mix them by mistake.
    refusedBy(await operator('POST', '/api/usage', {
      model_id: modelId, user_id: b.user, ...(param === 'user_id' ? { agent_id: a.agent } : { [param]: id }),
    }), 404, param === 'user_id' ? 'agent_id' : param);
  }
  assert.equal(rows(a), before);
});

await test('add: a model that the key may not use: as an unknown one (S8)', async () => {
  const narrow = await newKey({ customer_id: b.id, scopes, allowed_models: [modelId] });
  const off = addModel(`off.${unique}`, 'sim-fixed', '--disabled');
  const gone = addModel(`gone.${unique}`, 'sim-fixed');
  expect(await operator('DELETE', `/api/models/${gone}`, ''), 200);
  const before = rows(b);
  expect(await call(narrow.key, 'POST', '/api/usage', { model_id: modelId }), 201);
  const texts = [];
  for (const [key, id] of [[narrow.key, nowhere], [narrow.key, unpricedId], [narrow.key, off],
    [b.key, off], [b.key, gone]]) {
    const answer = refusedBy(await call(key, 'POST', '/api/usage', { model_id: id }), 404, 'model_id');
    texts.push(answer.body.error.message);
  }
  assert.equal(new Set(texts).size, 1, texts.join('\n'));
  assert.equal(rows(b), before + 1);
  // What was used before is an operator's to book.
  for (const id of [off, gone]) {
    expect(await operator('POST', '/api/usage', { model_id: id, user_id: b.user }), 201);
  }
});

await test('add: a thousand at once, with every counter', async () => {
  const names = sql(`SELECT column_name FROM information_schema.columns WHERE table_schema =
    DATABASE() AND table_name = 'usage_records' AND column_name LIKE '%token\\_%\\_count'`).map(([n]) => n);
  assert.equal(names.length, 16);
  const before = rows(b);
  const events = Array.from({ length: 1000 }, (_, i) => ({
    model_id: i % 2 ? modelId : unpricedId, agent_id: b.agent, latency_ms: i,
    ...Object.fromEntries(names.map((n, k) => [n, (i * 7 + k) % 13])),
  }));
  let data;
  const statements = await statementsDuring(async () => {
    ({ data } = expect(await call(b.key, 'POST', '/api/usage', events), 201));
  }, 'usage|rollup|ledger|price|models|agents');
  assert.ok(statements.length > 2);
  for (const [connection] of statements) {
    const asked = statements.filter(([c]) => c === connection).length;
    assert.ok(asked < 150, `${asked} statements of one connection`);
  }
  assert.equal(data.length, 1000);
  assert.equal(new Set(data.map((d) => d.id)).size, 1000);
  assert.equal(rows(b), before + 1000);
  const [sums] = sql(`SELECT ${names.map((n) => `SUM(${n})`).join(',')} FROM usage_records
    WHERE usage_id IN (${data.map((d) => d.id).join(',')})`);
  assert.deepEqual(sums.map(Number), names.map((n) => events.reduce((s, ev) => s + ev[n], 0)));
  tollgate('reconcile');
});

await test('add: Idempotency-Key: the first answer again, another body 409, another\'s key nothing', async () => {
  const before = rows(b);
  const headers = { 'Idempotency-Key': `one-${unique}` };
  const first = await call(b.key, 'POST', '/api/usage', [example(b)], headers);
  expect(first, 201);
  const again = await call(b.key, 'POST', '/api/usage', [example(b)], headers);
  expect(again, 201);
  assert.equal(again.text, first.text);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(rows(b), before + 1);
  refusedBy(await call(b.key, 'POST', '/api/usage', example(b), headers), 409, 'idempotency-key');
  assert.equal(rows(b), before + 1);
  const other = await call(a.key, 'POST', '/api/usage', [{ model_id: modelId }], headers);
  expect(other, 201);
  assert.ok(!other.headers['idempotency-replayed']);
  for (const key of ['a b', 'x'.repeat(256)]) {
    refusedBy(await call(b.key, 'POST', '/api/usage', example(b), { 'Idempotency-Key': key }),
      400, 'idempotency-key');
  }
  sql(`UPDATE idempotency_keys SET expires_at = NOW(6)`);
  const late = await call(b.key, 'POST', '/api/usage', example(b), headers);
  expect(late, 201); // a day later it is a new request
  assert.ok(!late.headers['idempotency-replayed']);
});

await test('add: Idempotency-Key: twenty at once: one row, the same answer', async () => {
  const before = rows(b);
  const headers = { 'Idempotency-Key': `race-${unique}` };
  const got = await Promise.all(Array.from({ length: 20 },
    () => call(b.key, 'POST', '/api/usage', example(b), headers)));
  const good = got.filter((g) => g.status === 201);
  assert.ok(good.length >= 1, got[0].text);
  for (const g of got) assert.ok([201, 503].includes(g.status), g.text);
  assert.equal(new Set(good.map((g) => g.text)).size, 1);
  assert.equal(rows(b), before + 1);
});

await test('add: one row of the audit log a call, in its transaction (S31)', async () => {
  const last = () => Number(sql('SELECT MAX(audit_id) FROM audit_log')[0][0]);
  const since = (id) => sql(`SELECT actor, actor_id, customer_id, object_id, request_id, detail
    FROM audit_log WHERE audit_id > ${id} AND action = 'usage.add' ORDER BY audit_id`)
    .map(([actor, actorId, customer, object, request, detail]) => ({
      actor, actorId, customer, object, request, ...JSON.parse(detail),
    }));
  let at = last();
  const headers = { 'Idempotency-Key': `audit-${unique}` };
  const one = await call(b.key, 'POST', '/api/usage', example(b), headers);
  const row = expect(one, 201);
  expect(await call(b.key, 'POST', '/api/usage', example(b), headers), 201); // nothing was done
  expect(await call(b.key, 'POST', '/api/usage', { model_id: nowhere }), 404);
  const [claim] = sql(`SELECT LOWER(HEX(claim)) FROM idempotency_keys WHERE INSTR(answer, '${row.request_id}')`)[0];
  assert.deepEqual(since(at), [{
    actor: 'api_key', actorId: String(b.keyId), customer: String(b.id), object: String(row.id),
    request: one.headers['x-request-id'], events: 1, customer_ids: [b.id], idempotency_claim: claim,
  }]);
  at = last();
  const event = (t) => ({ model_id: modelId, user_id: t.user });
  expect(await operator('POST', '/api/usage', [event(b), event(a), event(b)]), 201);
  const [{ actor, customer, object, events, customer_ids: ids }] = since(at);
  assert.deepEqual({ actor, customer, object, events, ids },
    { actor: 'operator_key', customer: 'NULL', object: 'NULL', events: 3, ids: [a.id, b.id] });
  at = last();
  tollgate('usage', 'add', '--user', String(b.user), '--model', String(modelId));
  const [command] = since(at);
  assert.deepEqual([command.actor, command.customer, command.events], ['command', String(b.id), 1]);
  assert.ok(command.account);
});

await test('add: without usage:write, or with a viewer\'s key: 403', async () => {
  const reader = await newKey({ customer_id: b.id, scopes: ['usage:read'] });
  expect(await call(reader.key, 'POST', '/api/usage', { model_id: modelId }), 403);
  expect(await call(reader.key, 'GET', '/api/usage'), 200);
  const writer = await newKey({ customer_id: b.id, scopes: ['usage:write'] });
  expect(await call(writer.key, 'GET', '/api/usage'), 403);
  expect(await call(writer.key, 'GET', '/api/usage/summary'), 403);
});

// ---- lists and exports ----

// RFC 4180 by the letter: quoted cells, doubled quotes, CRLF.
function parseCsv(text) {
  const lines = [];
  let at = 0;
  while (at < text.length) {
    const line = [];
    for (;;) {
      let cell = '';
      if (text[at] === '"') {
        for (at += 1; !(text[at] === '"' && text[at + 1] !== '"'); at += 1) {
          if (text[at] === '"') at += 1;
          cell += text[at];
        }
        at += 1;
      } else {
        while (text[at] !== ',' && text[at] !== '\r') cell += text[at++];
        assert.ok(!cell.includes('"') && !cell.includes('\n'), cell);
      }
      line.push(cell);
      if (text[at] === ',') { at += 1; continue; }
      assert.equal(text.slice(at, at + 2), '\r\n');
      at += 2;
      break;
    }
    lines.push(line);
  }
  return lines;
}
const asObjects = ([head, ...lines]) => lines.map((line) => {
  assert.equal(line.length, head.length, line.join());
  return Object.fromEntries(head.map((name, i) => [name, line[i]]));
});

// Some variety to filter.
{
  const statuses = ['ok', 'upstream_error', 'timeout', 'client_closed', 'interrupted'];
  const events = Array.from({ length: 400 }, (_, i) => ({
    model_id: i % 3 ? modelId : unpricedId,
    ...(i % 4 ? { agent_id: a.agent } : {}), ...(i % 5 ? { connector_id: a.connector } : {}),
    ...(i % 2 ? { user_id: a.user } : {}), ...(i % 7 ? { project_id: a.project } : {}),
    request_status: statuses[i % 11 % 5], usage_source: i % 6 ? 'provider' : 'estimated',
    token_in_count: (i * 37) % 101, token_out_count: (i * 53) % 97,
    long_context_token_in_count: i % 13, token_out_reasoning_count: i % 3,
    latency_ms: (i * i) % 5000, ...(i % 8 ? { time_to_first_token_ms: (i * 3) % 900 } : {}),
    // Groups of rows at the same millisecond, so that ids decide.
    request_timestamp: new Date(Date.now() - Math.floor(i / 8) * 3 * 3600e3).toISOString(),
  }));
  expect(await call(a.key, 'POST', '/api/usage', events), 201);
}

for (const t of [a, b]) t.unused = (await newKey({ customer_id: t.id, scopes })).id;
let seed = 12345;
const random = (n) => { // the low bits of such a generator repeat soon
  seed = (seed * 69069 + 12345) % 4294967296;
  return Math.floor(seed / 65536) % n;
};
const pick = (list) => list[random(list.length)];
const hour = 3600e3;
const iso = (ms) => new Date(ms).toISOString().slice(0, 19) + 'Z';
const choicesOf = (t) => ({
  api_key_id: [t.keyId, t.unused], user_id: [t.user, t.owner], project_id: [t.project],
  agent_id: [t.agent], connector_id: [t.connector], model_id: [modelId, unpricedId],
  provider_id: [1], request_status: ['ok', 'timeout', 'upstream_error'],
});
function randomFilter(t = a) {
  const [filter, choices] = [{}, choicesOf(t)];
  for (const name of Object.keys(choices)) if (random(6) === 0) filter[name] = pick(choices[name]);
  if (random(3) > 0) {
    const from = Math.floor(Date.now() / hour) * hour - random(160) * hour;
    filter.from = iso(from);
    if (random(2)) filter.to = iso(from + (1 + random(100)) * hour);
  }
  return filter;
}
const whereOf = (t, filter, now) => {
  const to = filter.to ? Date.parse(filter.to) : now + 1;
  const from = filter.from ? Date.parse(filter.from) : to - 86400e3;
  const sqlTime = (ms) => `'${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}'`;
  return [`customer_id = ${t.id}`, `request_timestamp >= ${sqlTime(from)}`,
    `request_timestamp < ${sqlTime(to)}`,
    ...Object.entries(filter).filter(([n]) => !['from', 'to'].includes(n))
      .map(([n, v]) => `${n} = '${v}'`)].join(' AND ');
};
const queryOf = (filter) => new URLSearchParams(filter).toString();

async function allPages(key, query, limit = 50) {
  const seen = [];
  let cursor = '';
  do {
    const page = expect(await call(key, 'GET',
      `/api/usage?${query}&limit=${limit}${cursor && `&cursor=${cursor}`}`), 200, query);
    seen.push(...page.data);
    cursor = page.next_cursor ?? '';
  } while (cursor);
  return seen;
}

// Sums as integers of pico-dollars.
const pusd = (text) => {
  const [whole, part = ''] = String(text || '0').split('.');
  return BigInt(whole) * 10n ** 12n + BigInt(part.padEnd(12, '0'));
};
const sumOf = (list, name) => list.reduce((s, r) => s + Number(r[name] || 0), 0);

await test('lists: CSV = NDJSON = JSON = SQL for 60 random filters (D6)', async () => {
  let filled = 0;
  for (let i = 0; i < 60; i++) {
    const filter = randomFilter();
    if (!filter.to) filter.to = iso(Date.now() + 1000);
    const query = queryOf(filter);
    const where = whereOf(a, filter, 0);
    const expected = sql(`SELECT usage_id, cost_in_usd, prompt_tokens, completion_tokens FROM usage_records
      WHERE ${where} ORDER BY request_timestamp DESC, usage_id DESC`);
    const ids = expected.map(([id]) => Number(id));
    filled += ids.length > 0;
    const paged = await allPages(a.key, query, 7 + random(60));
    assert.deepEqual(paged.map((r) => r.id), ids, query);
    const csv = await call(a.key, 'GET', `/api/usage?${query}&format=csv`);
    expect(csv, 200);
    const table = asObjects(parseCsv(csv.text));
    assert.deepEqual(table.map((r) => Number(r.id)), ids, query);
    const nd = (await call(a.key, 'GET', `/api/usage?${query}`, undefined,
      { Accept: 'application/x-ndjson' })).text.split('\n').filter(Boolean).map((l) => JSON.parse(l));
    assert.deepEqual(nd, paged, query);
    const cost = expected.reduce((s, r) => s + (r[1] === 'NULL' ? 0n : pusd(r[1])), 0n);
    assert.equal(table.reduce((s, r) => s + pusd(r.cost_in_usd), 0n), cost, query);
    for (const [k, name] of [[2, 'prompt_tokens'], [3, 'completion_tokens']]) {
      const sum = expected.reduce((s, r) => s + Number(r[k]), 0);
      assert.equal(sumOf(table, name), sum, query);
      assert.equal(sumOf(paged, name), sum, query);
    }
    // Every cell of the CSV is the member of the JSON.
    table.forEach((r, k) => Object.entries(paged[k]).forEach(([name, v]) => {
      const cell = v === null ? '' : String(v);
      assert.ok(r[name] === cell || r[name] === `'${cell}` || Number(r[name]) === v,
        `${name}: ${r[name]} is not ${cell}`);
    }));
  }
  assert.ok(filled > 15, `${filled} filters found anything`);
});

await test('summary: = SQL over the rows for 60 random filters and groups (D6, D10)', async () => {
  const dimensions = {
    key: 'api_key_id', user: 'user_id', project: 'IFNULL(project_id, 0)', customer: 'customer_id',
    model: 'model_id', provider: 'IFNULL(provider_id, 0)', agent: 'IFNULL(agent_id, 0)',
    connector: 'IFNULL(connector_id, 0)', status: 'request_status',
    hour: "DATE_FORMAT(request_timestamp, '%Y-%m-%dT%H:00:00Z')",
    day: 'DATE(request_timestamp)', month: "DATE_FORMAT(request_timestamp, '%Y-%m')",
  };
  const columns = {
    key: 'api_key_id', user: 'user_id', project: 'project_id', customer: 'customer_id',
    model: 'model_id', provider: 'provider_id', agent: 'agent_id', connector: 'connector_id',
    status: 'request_status', hour: 'hour', day: 'day', month: 'month',
  };
  const names = Object.keys(dimensions);
  let filled = 0;
  for (let i = 0; i < 60; i++) {
    const filter = randomFilter();
    if (random(3) === 0) { // whole days, so that the daily rollup is asked
      for (const name of Object.keys(filter)) if (!['from', 'to', 'api_key_id', 'model_id'].includes(name)) delete filter[name];
      filter.from = `${iso(Date.now() - 6 * 86400e3).slice(0, 10)}T0${random(3)}:00:00Z`;
      delete filter.to;
    }
    if (!filter.from) filter.from = iso(Math.floor(Date.now() / hour) * hour - 24 * hour);
    if (!filter.to) filter.to = iso(Math.ceil(Date.now() / hour) * hour + 0);
    const by = [names[i % names.length], ...(random(2) ? [pick(names)] : [])]
      .filter((n, k, all) => all.indexOf(n) === k);
    const query = `${queryOf(filter)}&group_by=${by.join(',')}`;
    const answer = expect(await call(a.key, 'GET', `/api/usage/summary?${query}`), 200, query);
    const expected = sql(`SELECT ${by.map((n) => dimensions[n]).join(',')}, COUNT(*),
      SUM(cost_in_usd IS NULL), SUM(request_status NOT IN ('ok', 'client_closed')),
      SUM(prompt_tokens), SUM(completion_tokens), SUM(long_context_token_in_count),
      SUM(token_out_reasoning_count), COALESCE(SUM(cost_in_usd), 0)
      FROM usage_records WHERE ${whereOf(a, filter, 0)} GROUP BY ${by.map((_, k) => k + 1).join(',')}`)
      .map((r) => r.join(' ')).sort();
    const got = answer.data.filter((g) => g.requests).map((g) => [...by.map((n) => g[columns[n]] ?? 0), g.requests,
      g.unpriced_requests, g.errors, g.prompt_tokens, g.completion_tokens,
      g.long_context_token_in_count, g.token_out_reasoning_count].join(' ')).sort();
    assert.deepEqual(got, expected.map((r) => r.split(' ').slice(0, -1).join(' ')), query);
    const cost = expected.reduce((s, r) => s + pusd(r.split(' ').pop()), 0n);
    filled += expected.length > 1;
    const csv = await call(a.key, 'GET', `/api/usage/summary?${query}`, undefined, { Accept: 'text/csv' });
    const table = asObjects(parseCsv(csv.text));
    assert.equal(table.reduce((s, g) => s + pusd(g.cost_in_usd), 0n), cost, query);
    assert.equal(table.length, answer.data.length);
    assert.equal(pusd(/"total":.*?"cost_in_usd":([\d.]+)/.exec(
      (await call(a.key, 'GET', `/api/usage/summary?${query}`)).text)[1]), cost, query);
  }
  assert.ok(filled > 20, `${filled} filters found groups`);
});

// Of either tenant, after some of it was rated anew, to prices that leave pico-dollars. Whole hours, which is what
// summaries are of.
await test('B38: CSV = rows = summary to the last pico-dollar: 100 random filters of each customer', async () => {
  const [[from]] = sql(`SELECT DATE_FORMAT(MIN(effective_from) + INTERVAL 1000 MICROSECOND,
    '%Y-%m-%dT%H:%i:%s.%fZ') FROM price_versions WHERE model_id = ${modelId}`);
  tollgate('price', 'set', '--model', String(modelId), '--input', '3.000001', '--output', '7.000003', '--from', from);
  const [rated] = tollgate('usage', 'rerate', '--from', iso(priceFrom), '--to', iso(Date.now() + hour),
    '--model', String(modelId), '--yes');
  assert.ok(rated.changed > 0, JSON.stringify(rated));
  let [adjusted, filled] = [0, 0];
  for (const t of [a, b]) {
    for (let i = 0; i < 100; i++) {
      const filter = randomFilter(t);
      filter.from ??= iso(Math.floor(Date.now() / hour) * hour - 40 * 24 * hour);
      filter.to ??= iso(Math.ceil(Date.now() / hour) * hour);
      const query = queryOf(filter);
      const [[inForce, original, n]] = sql(`SELECT SUM(COALESCE((SELECT a.cost_in_usd FROM usage_adjustments a
        WHERE a.usage_id = u.usage_id ORDER BY a.ordinal DESC LIMIT 1), u.cost_in_usd)), SUM(u.cost_in_usd),
        COUNT(*) FROM usage_records u WHERE ${whereOf(t, filter, 0)}`)
        .map((r) => r.map((v) => (v === 'NULL' ? '0' : v)));
      const table = asObjects(parseCsv((await call(t.key, 'GET', `/api/usage?${query}&format=csv`)).text));
      assert.equal(table.length, Number(n), query);
      assert.equal(table.reduce((s, r) => s + pusd(r.cost_in_usd), 0n), pusd(inForce), query);
      assert.equal(table.reduce((s, r) => s + pusd(r.original_cost_in_usd), 0n), pusd(original), query);
      const { text } = await call(t.key, 'GET', `/api/usage/summary?${query}`);
      assert.equal(pusd(/"total":.*?"cost_in_usd":([\d.]+)/.exec(text)[1]), pusd(inForce), query);
      filled += Number(n) > 0;
      adjusted += inForce !== original;
    }
  }
  assert.ok(filled > 60 && adjusted > 20, `${filled} found anything, ${adjusted} something adjusted`);
  tollgate('reconcile');
});

await test('summary: percentiles within their bucket of the true value', async () => {
  const filter = { agent_id: a.agent, from: iso(Math.floor(Date.now() / hour) * hour - 200 * hour) };
  const { total } = expect(await call(a.key, 'GET', `/api/usage/summary?${queryOf(filter)}`), 200);
  const sorted = sql(`SELECT latency_ms FROM usage_records WHERE ${whereOf(a, filter, Date.now())}
    ORDER BY latency_ms`).map(([v]) => Number(v));
  for (const [name, share] of [['latency_p50_ms', 0.5], ['latency_p95_ms', 0.95]]) {
    const real = sorted[Math.ceil(sorted.length * share) - 1];
    assert.ok(total[name] <= real * 1.5 + 2 && total[name] >= real * 0.67 - 2, `${name} ${total[name]} ${real}`);
  }
});

await test('summary: refusals: by key, model and time; unknown by others', async () => {
  const slow = await newKey({ customer_id: a.id, rate_limit: 1, scopes });
  for (let i = 0; i < 4; i++) await chat(slow.key);
  const of = async (query) => expect(await call(a.key, 'GET', `/api/usage/summary?${query}`), 200);
  await until('refusals', async () => (await of(`api_key_id=${slow.id}`)).total.refusals >= 2);
  const { data } = await of(`api_key_id=${slow.id}&group_by=model,hour`);
  assert.ok(data.reduce((s, g) => s + g.refusals, 0) >= 2);
  assert.equal((await of(`api_key_id=${slow.id}&group_by=agent`)).total.refusals, null);
});

await test('exports: a spreadsheet runs nothing; the file\'s name is dates (D9)', async () => {
  const csv = await call(a.key, 'GET', `/api/usage?format=csv&model_id=${modelId}&limit=3`);
  expect(csv, 200);
  assert.match(csv.headers['content-type'], /^text\/csv; charset=utf-8/);
  assert.match(csv.headers['content-disposition'],
    /^attachment; filename="usage-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv"$/);
  const table = asObjects(parseCsv(csv.text));
  assert.equal(table.length, 3);
  for (const r of table) assert.equal(r.model_requested, `'${model}`);
  assert.ok(!('provider_cost_in_usd' in table[0]) && !('markup' in table[0]));
  const head = await ask('HEAD', '/api/usage?format=csv', { 'X-API-Key': a.key });
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
});

await test('lists: rows that come meanwhile shift no page', async () => {
  const from = iso(Math.floor(Date.now() / hour) * hour - 200 * hour);
  const first = expect(await call(a.key, 'GET', `/api/usage?from=${from}&limit=10`), 200);
  expect(await call(a.key, 'POST', '/api/usage', Array(5).fill({ model_id: modelId })), 201);
  const second = expect(await call(a.key, 'GET',
    `/api/usage?from=${from}&limit=10&cursor=${first.next_cursor}`), 200);
  const ids = [...first.data, ...second.data].map((r) => r.id);
  assert.equal(new Set(ids).size, 20);
  assert.ok(second.data[0].request_timestamp <= first.data[9].request_timestamp);
});

await test('lists: parameters that are not right: 400 naming them', async () => {
  const { next_cursor: cursor } = expect(await call(a.key, 'GET', '/api/usage?limit=1'), 200);
  assert.equal(cursor.length, 56);
  expect(await call(a.key, 'GET', `/api/usage?limit=2&cursor=${cursor}`), 200);
  for (const filter of [`agent_id=${a.agent}`, 'request_status=ok', 'from=2026-01-01']) {
    refusedBy(await call(a.key, 'GET', `/api/usage?${filter}&cursor=${cursor}`), 400, 'cursor');
  }
  for (const [path, param] of [['/api/usage?limit=0', 'limit'], ['/api/usage?limit=1001', 'limit'],
    ['/api/usage?cursor=zz', 'cursor'], [`/api/usage?cursor=${cursor.replace(/^.{8}/, '00000000')}`, 'cursor'],
    ['/api/usage?request_status=odd', 'request_status'], ['/api/usage?source=x', 'source'],
    ['/api/usage?format=xml', 'format'], ['/api/usage?from=soon', 'from'],
    ['/api/usage?from=2026-02-01&to=2026-01-01', 'from'], ['/api/usage?agent_id=0', 'agent_id'],
    ['/api/usage/summary?group_by=colour', 'group_by'], ['/api/usage/summary?group_by=key,key', 'group_by'],
    ['/api/usage/summary?group_by=key,user,model', 'group_by'],
    ['/api/usage/summary?group_by=,', 'group_by']]) {
    refusedBy(await call(a.key, 'GET', path), 400, param);
  }
});

await test('lists: % and _ stand for themselves, quotes and SQL too (S22)', async () => {
  for (const odd of ['%25', '_', '%25%25%25%25', "1'--", '1 OR 1=1', '1)']) {
    for (const param of ['agent_id', 'api_key_id', 'request_status', 'source']) {
      refusedBy(await call(a.key, 'GET', `/api/usage?${param}=${encodeURIComponent(odd)}`), 400, param);
    }
    const answer = await call(a.key, 'GET', `/api/usage/${encodeURIComponent(odd)}`);
    expect(answer, 404, odd);
  }
});

// ---- two tenants ----

await test('two tenants: a filter by the other\'s user, and no row is looked at (S8)', async () => {
  // Of a request's own statements: those of flusher and duties name no such user.
  const asked = async (user) => (await statementsDuring(() => call(a.key, 'GET',
    `/api/usage?user_id=${user}&from=2026-01-01`), 'FROM usage_records')).length;
  assert.ok(await asked(a.user) > 0);
  assert.equal(await asked(b.user), 0);
});

await test('two tenants: each id in path, filter, export, summary: nothing of the other (S8)', async () => {
  const [theirs] = sql(`SELECT LOWER(HEX(request_id)) FROM usage_records WHERE customer_id = ${b.id} LIMIT 1`)[0];
  const id = theirs.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
  expect(await operator('GET', `/api/usage/${id}`), 200);
  const hidden = await call(a.key, 'GET', `/api/usage/${id}`);
  expect(hidden, 404);
  assert.equal(hidden.body.error.message, (await call(a.key, 'GET',
    '/api/usage/01900000-0000-7000-8000-000000000000')).body.error.message);
  for (const path of ['/api/usage', '/api/usage/summary']) {
    for (const format of ['json', 'csv', 'ndjson']) {
      refusedBy(await call(a.key, 'GET', `${path}?customer_id=${b.id}&format=${format}`), 404, 'customer_id');
      for (const [param, value] of [['api_key_id', b.keyId], ['user_id', b.user],
        ['project_id', b.project], ['agent_id', b.agent], ['connector_id', b.connector]]) {
        const [answer, none] = [await call(a.key, 'GET', `${path}?${param}=${value}&format=${format}`),
          await call(a.key, 'GET', `${path}?${param}=${nowhere}&format=${format}`)];
        refusedBy(answer, 404, param);
        assert.equal(answer.body.error.message, none.body.error.message, `${path} ${param} ${format}`);
        // Nor are an operator's filters of two customers an answer.
        refusedBy(await operator('GET', `${path}?customer_id=${a.id}&${param}=${value}&format=${format}`), 404, param);
        expect(await operator('GET', `${path}?customer_id=${b.id}&${param}=${value}&format=${format}`), 200);
      }
    }
  }
  const all = await allPages(a.key, 'from=2026-01-01', 1000);
  assert.deepEqual([...new Set(all.map((r) => r.customer_id))], [a.id]);
  const { data } = expect(await call(a.key, 'GET', '/api/usage/summary?group_by=customer&from=2026-01-01'), 200);
  assert.deepEqual(data.map((g) => g.customer_id), [a.id]);
  const { data: both } = expect(await operator('GET', '/api/usage/summary?group_by=customer&from=2026-01-01'), 200);
  assert.ok([a.id, b.id].every((c) => both.some((g) => g.customer_id === c)));
});

await test('the books are right after all that', async () => {
  await until('a clean reconcile', () => {
    try { tollgate('reconcile'); return true; } catch { return false; }
  });
});

done();
