// SPDX-License-Identifier: MIT
// Budgets of keys, projects and customers, prepaid balances, their notices.
// CHECKLIST B8, B9, B10, B14, S9.
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, modelsInForce, newKey, sim, sql, tollgate, until, usageRow,
} from './lib.mjs';

const unique = `${process.pid}-${Date.now()}`;
const call = async (key, method, path, body = undefined) => {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await ask(method, path, { ...json, 'X-API-Key': key }, text);
  return { ...answer, body: /^[[{]/.test(answer.text) ? JSON.parse(answer.text) : null };
};
const operator = (...args) => call(env.TOLLGATE_OPERATOR_KEY, ...args);
const expect = (answer, status) => {
  assert.equal(answer.status, status, answer.text.slice(0, 300));
  return answer.body;
};
const refusedBy = (answer, status, param) => {
  expect(answer, status);
  assert.equal(answer.body.error.param, param, answer.text);
};
const customer = async (name, more = {}) => expect(await operator('POST', '/customers',
  { name, email: `${name}-${unique}@example.com`, ...more }), 201).id;
const chat = (key, model, more = {}) => call(key, 'POST', '/v1/chat/completions',
  { model, messages: [{ role: 'user', content: 'hello there' }], ...more });
const pusd = (text) => {
  const [, whole, part = ''] = /^(\d+)(?:\.(\d+))?$/.exec(text);
  return BigInt(whole) * 10n ** 12n + BigInt(part.padEnd(12, '0'));
};
const spentOf = async (keyId) => expect(await operator('GET', `/api/keys/${keyId}`), 200).budget.spent_usd;
const flushed = (keyId, usd) => until(`spent ${usd}`, async () => await spentOf(keyId) === usd);

tollgate('provider', 'add', '--name', `claude-${unique}`, '--kind', 'anthropic',
  '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-up');
const models = {
  costly: ['sim-fixed:9', '10', '100'],
  claude: ['sim-fixed:9', '10', '100', `claude-${unique}`],
  unheeding: ['sim-over:300', '10', '100'],
  failing: ['sim-500', '10', '100'],
  gratis: ['sim-fixed', '0', '0'],
};
const name = (m) => `${m}-${unique}`;
for (const [m, [upstream, input, output, provider = 'lawgent']] of Object.entries(models)) {
  tollgate('model', 'add', '--name', name(m), '--provider', provider, '--upstream-name', upstream);
  tollgate('price', 'set', '--model', name(m), '--input', input, '--output', output);
}
const a = await customer('budget-a');
const b = await customer('budget-b');
const all = ['infer', 'keys:read', 'keys:write', 'manage'];
const owner = (await newKey({ customer_id: a, scopes: all, name: 'owner' })).key;
const stranger = (await newKey({ customer_id: b, scopes: all, name: 'stranger' })).key;
await modelsInForce({ 'X-API-Key': owner }, Object.keys(models).map(name));
await until('the last price in force', async () => (await Promise.all(Array.from({ length: 16 },
  () => chat(stranger, name('gratis'))))).every(({ status }) => status === 200));

await test('a budget is set, shown, changed and taken away, of keys, projects and customers', async () => {
  const { id: key } = await newKey({ customer_id: a });
  const project = expect(await operator('POST', '/api/projects', {
    customer_id: a, name: 'p', budget: { amount_usd: 3, period: 'week', kind: 'soft', notify_at_percent: [90, 10, 90] },
  }), 201);
  assert.deepEqual(project.budget.notify_at_percent, [10, 90]);
  assert.equal(project.budget.kind, 'soft');
  assert.equal(new Date(project.budget.resets_at).getUTCDay(), 1);
  for (const path of [`/api/keys/${key}`, `/api/projects/${project.id}`, `/customers/${a}`]) {
    let seen = expect(await operator('PATCH', path, { budget: { amount_usd: '12.000000000001' } }), 200);
    assert.deepEqual({ ...seen.budget, resets_at: 0 }, {
      amount_usd: 12.000000000001, period: 'month', kind: 'hard', notify_at_percent: [50, 80, 100],
      spent_usd: 0, remaining_usd: 12.000000000001, resets_at: 0,
    });
    const [, id] = /(\d+)$/.exec(path);
    const collection = path.replace(/\/\d+$/, '');
    const listed = expect(await operator('GET', `${collection}?limit=1000${collection === '/customers' ? '' : `&customer_id=${a}`}`), 200)
      .data.find((row) => row.id === Number(id));
    assert.deepEqual(listed.budget, seen.budget);
    seen = expect(await operator('PATCH', path, { budget: { amount_usd: 0.5, period: 'total' } }), 200);
    assert.equal(seen.budget.resets_at, null);
    seen = expect(await operator('PATCH', path, { budget: null }), 200);
    assert.equal(seen.budget, null);
  }
});

await test('bad budgets are refused by name', async () => {
  const { id } = await newKey({ customer_id: a });
  for (const [budget, param] of [[{}, 'amount_usd'], [{ amount_usd: -1 }, 'amount_usd'],
    [{ amount_usd: 1000001 }, 'amount_usd'], [{ amount_usd: '0.0000000000001' }, 'amount_usd'],
    [{ amount_usd: 1, period: 'year' }, 'period'], [{ amount_usd: 1, kind: 'firm' }, 'kind'],
    [{ amount_usd: 1, notify_at_percent: [0] }, 'notify_at_percent'], [{ amount_usd: 1, spent_usd: 0 }, 'spent_usd'],
    [7, 'budget']])
    refusedBy(await operator('PATCH', `/api/keys/${id}`, { budget }), 400, param);
});

// Every route that costs, streamed where it can be: three tokens in, nine out.
const said = 'one two three';
const turns = [{ role: 'user', content: said }];
const routes = [
  ['/v1/chat/completions', 'costly', { messages: turns, max_tokens: 9 }, true],
  ['/v1/completions', 'costly', { prompt: said, max_tokens: 9 }, true],
  ['/v1/responses', 'costly', { input: said, max_output_tokens: 9 }, true],
  ['/v1/messages', 'claude', { messages: turns, max_tokens: 9 }, true],
  ['/v1/embeddings', 'costly', { input: said }, false],
  ['/generate', 'costly', { text: said, max_length: 9 }, false],
].flatMap(([path, model, body, streams]) => [false, ...streams ? [true] : []]
  .map((stream) => ({ path, stream, what: `${path}${stream ? ', streamed' : ''}`,
    body: { [path === '/generate' ? 'model_id' : 'model']: name(model), ...body, ...stream ? { stream } : {} } })));
const costOf = ({ path, stream }, answer) => {
  if (stream) return pusd(/^: x-tollgate-cost ([\d.]+)$/m.exec(answer.text)[1]);
  return pusd(path === '/generate' ? String(answer.body.cost) : answer.headers['x-tollgate-cost']);
};

await test('every route, streamed or not: the same usage costs the same and moves each budget once (B14)', async () => {
  const c = await customer('routes', { budget: { amount_usd: 1 } });
  const p = expect(await operator('POST', '/api/projects', { customer_id: c, name: 'p', budget: { amount_usd: 1, kind: 'soft' } }), 201).id;
  const { key } = await newKey({ customer_id: c, project_id: p, budget: { amount_usd: 1, period: 'day' } });
  const spent = () => sql(`SELECT b.scope, COALESCE(p.spent_usd, 0) FROM budgets b
    LEFT JOIN budget_periods p USING (budget_id) WHERE b.customer_id = ${c} ORDER BY b.scope`);
  let sum = 0n;
  for (const route of routes) {
    const answer = await call(key, 'POST', route.path, route.body);
    expect(answer, 200);
    const cost = costOf(route, answer);
    assert.equal(cost, route.path === '/v1/embeddings' ? 30000000n : 930000000n, route.what);
    sum += cost;
    await until(`${route.what}: booked`, () => pusd(spent()[0][1]) >= sum);
    assert.deepEqual(spent().map(([scope, usd]) => [scope, pusd(usd)]),
      ['customer', 'project', 'key'].map((scope) => [scope, sum]), route.what);
  }
});

await test('every route, streamed or not, refuses in its own form (B14)', async () => {
  const c = await customer('refused', { billing: 'prepaid' });
  for (const [holder, status, code, anthropicType] of [
    [{ customer_id: a, budget: { amount_usd: 0, period: 'day' } }, 429, 'insufficient_quota', 'rate_limit_error'],
    [{ customer_id: c }, 402, 'insufficient_balance', 'billing_error']]) {
    const { key, id } = await newKey(holder);
    for (const { path, body, what } of routes) {
      const answer = await call(key, 'POST', path, body);
      const { type, error } = expect(answer, status);
      const isAnthropic = path === '/v1/messages';
      assert.equal(type, isAnthropic ? 'error' : undefined, what);
      assert.equal(error.type, isAnthropic ? anthropicType : 'insufficient_quota', what);
      assert.deepEqual([error.code, error.limit, error.spent], [code, 0, 0], what);
      if (status === 429) assert.match(error.resets_at, /T00:00:00Z$/);
      else assert.equal(error.resets_at, null);
      assert.equal(answer.headers['x-should-retry'], 'false', what);
      assert.equal(answer.headers['content-type'], 'application/json', what);
    }
    const counted = () => sql(`SELECT reason, SUM(refusals) FROM usage_refusals WHERE api_key_id = ${id} GROUP BY reason`);
    await until('all of them counted', () => Number(counted()[0]?.[1]) === routes.length);
    assert.deepEqual(counted().map(([reason]) => reason), [code]);
  }
});

await test('a hard budget is used up, a free model passes, other keys go on', async () => {
  const { key } = await newKey({ customer_id: a, budget: { amount_usd: '0.005', period: 'day' } });
  let answer;
  for (let i = 0; i < 20; i += 1) {
    answer = await chat(key, name('costly'), { max_tokens: 16 });
    if (answer.status !== 200) break;
  }
  const { error } = expect(answer, 429);
  assert.equal(error.limit, 0.005);
  assert.ok(error.spent <= 0.005);
  assert.ok(answer.headers['x-ratelimit-limit-requests']);
  expect(await chat(key, name('gratis')), 200);
  expect(await chat(owner, name('costly')), 200);
});

await test('what the rest of a budget affords bounds the output', async () => {
  // a prompt of fewer than 150 bytes, 10 USD a million; 100 for output
  const { key } = await newKey({ customer_id: a, budget: { amount_usd: '0.004', period: 'total' } });
  expect(await chat(key, name('costly')), 200);
  const last = (await sim('GET', '/__sim/last')).text;
  const sent = JSON.parse(last.split('\r\n\r\n').slice(1).join('\r\n\r\n'));
  const limit = sent.max_completion_tokens ?? sent.max_tokens;
  assert.ok(limit >= 20 && limit < 40, `${limit} tokens`);
});

await test('more than was held is charged in full and shown (B9)', async () => {
  const { key, id } = await newKey({ customer_id: a, budget: { amount_usd: '0.01', period: 'total' } });
  const answer = await chat(key, name('unheeding'), { max_tokens: 20 });
  expect(answer, 200);
  const row = await usageRow(answer.headers['x-request-id'], ['request_status', 'error_code', 'cost_in_usd', 'completion_tokens']);
  assert.deepEqual([row.request_status, row.error_code, row.completion_tokens], ['ok', 'hold_exceeded', '300']);
  await flushed(id, Number(answer.headers['x-tollgate-cost']));
  expect(await chat(key, name('costly')), 429);
});

await test('a failure before any output owes nothing and holds nothing (B8, B10)', async () => {
  const { key, id } = await newKey({ customer_id: a, budget: { amount_usd: '0.003', period: 'total' } });
  for (let i = 0; i < 8; i += 1) {
    const answer = await chat(key, name('failing'), { max_tokens: 16 });
    assert.ok(answer.status >= 500, answer.text);
    const row = await usageRow(answer.headers['x-request-id'], ['request_status', 'cost_in_usd']);
    assert.deepEqual(Object.values(row), ['upstream_error', '0.000000000000']);
  }
  assert.equal(await spentOf(id), 0);
  expect(await chat(key, name('costly'), { max_tokens: 16 }), 200);
});

await test('a soft budget passes and tells once a percentage', async () => {
  const { key, id } = await newKey({
    customer_id: a, budget: { amount_usd: '0.002', kind: 'soft', notify_at_percent: [50, 100, 150] },
  });
  let usd = 0;
  for (let i = 0; i < 4; i += 1)
    usd += Number(expect(await chat(key, name('costly'), { max_tokens: 10 }), 200) && 1);
  assert.equal(usd, 4);
  const cause = sql(`SELECT budget_id FROM budgets WHERE api_key_id = ${id}`)[0][0];
  const told = () => sql(`SELECT SUBSTRING_INDEX(cause, ':', -1), payload FROM notices
    WHERE customer_id = ${a} AND kind = 'budget.reached' AND cause LIKE '${cause}:%' ORDER BY notice_id`);
  await until('all three', () => told().length === 3);
  assert.deepEqual(told().map(([percent]) => percent), ['50', '100', '150']);
  const payload = JSON.parse(told()[0][1]);
  assert.deepEqual([payload.scope, payload.id, payload.percent, payload.amount_usd], ['key', id, 50, 0.002]);
});

await test('project and customer bound all their keys together', async () => {
  const c = await customer('budget-c', { budget: { amount_usd: '0.003', period: 'total' } });
  const keys = await Promise.all([1, 2, 3].map(() => newKey({ customer_id: c })));
  let answered = 0;
  for (let i = 0; i < 6; i += 1) {
    const answer = await chat(keys[i % 3].key, name('costly'), { max_tokens: 12 });
    if (answer.status === 200) answered += 1;
    else expect(answer, 429);
  }
  assert.ok(answered >= 1 && answered <= 2, `${answered}`);
  const d = await customer('budget-d');
  const p = expect(await operator('POST', '/api/projects', { customer_id: d, name: 'p', budget: { amount_usd: 0 } }), 201).id;
  const { key: inside } = await newKey({ customer_id: d, project_id: p });
  const { key: outside } = await newKey({ customer_id: d });
  expect(await chat(inside, name('costly')), 429);
  expect(await chat(outside, name('costly')), 200);
  expect(await operator('PATCH', `/api/projects/${p}`, { budget: { amount_usd: 1 } }), 200);
  await until('the new amount', async () => (await chat(inside, name('costly'))).status === 200);
});

await test('no key gives or gets more than it has (S9)', async () => {
  const { key, id } = await newKey({ customer_id: a, scopes: all, budget: { amount_usd: 1, period: 'day' } });
  for (const budget of [{ amount_usd: 2, period: 'day' }, { amount_usd: 1, period: 'total' }, { amount_usd: 1, period: 'day', kind: 'soft' }, null]) {
    refusedBy(await call(key, 'POST', '/api/keys', { name: 'x', budget }), 403, 'budget');
    refusedBy(await call(key, 'PATCH', `/api/keys/${id}`, { budget }), 403, 'budget');
  }
  const less = expect(await call(key, 'POST', '/api/keys', { name: 'less', budget: { amount_usd: 0.5, period: 'day' } }), 201);
  assert.equal(less.budget.amount_usd, 0.5);
  const inherits = expect(await call(key, 'POST', '/api/keys', { name: 'silent' }), 201);
  assert.deepEqual([inherits.budget.amount_usd, inherits.budget.period, inherits.budget.kind], [1, 'day', 'hard']);
  for (const [member, value] of [['budget', { amount_usd: 5 }], ['billing', 'postpaid'], ['balance_usd', 100], ['amount_usd', 1]])
    refusedBy(await call(owner, 'PATCH', `/customers/${a}`, { [member]: value }), 400, member);
  expect(await call(owner, 'POST', `/customers/${a}/credits`, { amount_usd: 5 }), 403);
  const developer = expect(await operator('POST', '/api/users', {
    customer_id: a, name: 'd', role: 'developer', email: `d-${unique}@example.com`,
  }), 201).id;
  const dev = await newKey({ customer_id: a, user_id: developer, scopes: all });
  const p = expect(await call(owner, 'POST', '/api/projects', { name: 'dev', budget: { amount_usd: 1 } }), 201).id;
  refusedBy(await call(dev.key, 'PATCH', `/api/projects/${p}`, { budget: { amount_usd: 9 } }), 403, 'budget');
  expect(await call(owner, 'PATCH', `/api/projects/${p}`, { budget: { amount_usd: 9 } }), 200);
});

await test('budgets of others are not there', async () => {
  const { id } = await newKey({ customer_id: a, budget: { amount_usd: 1 } });
  expect(await call(stranger, 'GET', `/api/keys/${id}`), 404);
  expect(await call(stranger, 'PATCH', `/api/keys/${id}`, { budget: null }), 404);
  const listed = expect(await call(stranger, 'GET', '/api/keys?limit=1000'), 200).data;
  assert.ok(listed.every((row) => row.customer_id === b && row.budget === null));
});

await test('a prepaid customer uses what was credited', async () => {
  const c = await customer('prepaid', { billing: 'prepaid' });
  const { key } = await newKey({ customer_id: c });
  const answer = await chat(key, name('costly'));
  const { error } = expect(answer, 402);
  assert.deepEqual([error.code, error.type, error.limit, error.spent, error.resets_at],
    ['insufficient_balance', 'insufficient_quota', 0, 0, null]);
  assert.equal(answer.headers['x-should-retry'], 'false');
  expect(await chat(key, name('gratis')), 200);
  const credit = { amount_usd: '0.05', reference: 'order-1' };
  const first = expect(await operator('POST', `/customers/${c}/credits`, credit), 201);
  assert.deepEqual(expect(await operator('POST', `/customers/${c}/credits`, credit), 200), first);
  refusedBy(await operator('POST', `/customers/${c}/credits`, { ...credit, amount_usd: 6 }), 409, 'reference');
  for (const amount of [0, 'x', 1000001, '0.0000000000001'])
    refusedBy(await operator('POST', `/customers/${c}/credits`, { amount_usd: amount }), 400, 'amount_usd');
  refusedBy(await operator('POST', '/customers/4000000000/credits', credit), 404, 'customer_id');
  const paid = await until('credit in force', async () => {
    const got = await chat(key, name('costly'));
    return got.status === 200 && got;
  });
  const cost = Number(paid.headers['x-tollgate-cost']);
  await until('booked', async () => Math.abs(expect(await operator('GET', `/customers/${c}`), 200).balance_usd - (0.05 - cost)) < 1e-12);
  const self = expect(await call(key, 'GET', '/v1/key'), 200);
  assert.deepEqual(self.budgets.map((x) => [x.scope, x.amount_usd, x.spent_usd]), [['balance', 0.05, cost]]);
  assert.equal(self.spend.today_usd, cost);
  assert.equal(self.budget, null);
  assert.equal(tollgate('customer', 'credit', String(c), '--amount', '-0.01').amount_usd, -0.01);
  const audit = expect(await operator('GET', `/api/audit?action=customer.credit&customer_id=${c}`), 200).data;
  assert.equal(audit.length, 2);
  expect(await operator('PATCH', `/customers/${c}`, { billing: 'postpaid' }), 200);
  await until('postpaid', async () => expect(await call(key, 'GET', '/v1/key'), 200).budgets.length === 0);
});

await test('a closed customer: the rest is paid back in the books, and nothing else goes', async () => {
  const c = await customer('leaving', { billing: 'prepaid' });
  const { key } = await newKey({ customer_id: c });
  const url = `/customers/${c}/credits`;
  expect(await operator('POST', url, { amount_usd: '5', reference: 'paid' }), 201);
  expect(await operator('DELETE', `/customers/${c}`), 200);
  const back = { amount_usd: '-4.5', reference: 'paid-back' };
  assert.equal(expect(await operator('POST', url, back), 201).balance_usd, 0.5);
  assert.equal(expect(await operator('POST', url, back), 200).balance_usd, 0.5);
  assert.equal(tollgate('customer', 'credit', String(c), '--amount', '-0.75').balance_usd, -0.25);
  assert.equal(expect(await operator('POST', url, { amount_usd: '0.25' }), 201).balance_usd, 0);
  const row = expect(await operator('GET', `/customers/${c}`), 200);
  assert.deepEqual([row.state, row.balance_usd], ['closed', 0]);
  assert.deepEqual(sql(`SELECT amount_usd + 0 FROM budgets WHERE scope = 'balance' AND scope_id = ${c}`), [['0.000000000000']]);
  assert.deepEqual(sql(`SELECT kind FROM notices WHERE customer_id = ${c}`), []);
  const audit = expect(await operator('GET', `/api/audit?action=customer.credit&customer_id=${c}`), 200).data;
  assert.equal(audit.length, 4);
  await until('refusal', async () => (await chat(key, name('gratis'))).status === 401);
  expect(await operator('POST', '/api/keys', { customer_id: c, name: 'x' }), 409);
  expect(await operator('PATCH', `/customers/${c}`, { low_balance_usd: 3 }), 409);
  expect(await call(key, 'POST', url, { amount_usd: 1 }), 401);
});

await test('credits are listed, the newest first, by pages, to their own customer', async () => {
  const c = await customer('credited', { billing: 'prepaid', low_balance_usd: 0 });
  const viewer = expect(await operator('POST', '/api/users', {
    customer_id: c, name: 'v', role: 'viewer', email: `v-${unique}@example.com` }), 201).id;
  const { key } = await newKey({ customer_id: c, user_id: viewer, scopes: ['manage'] });
  assert.deepEqual(expect(await call(key, 'GET', `/customers/${c}/credits`), 200).data, []);
  const given = [];
  for (const [amount_usd, reference] of [['3', 'one:1'], ['-1.5', 'two'], ['0.000000000001', undefined]])
    given.unshift(expect(await operator('POST', `/customers/${c}/credits`, { amount_usd, reference }), 201));
  assert.match(given[0].reference, /^[0-9a-f-]{36}$/, 'one is made');
  const rows = given.map(({ balance_usd, ...row }) => row);
  assert.deepEqual(rows.map((row) => row.amount_usd), [1e-12, -1.5, 3]);
  const first = expect(await call(key, 'GET', `/customers/${c}/credits?limit=2`), 200);
  const rest = expect(await call(key, 'GET', `/customers/${c}/credits?limit=2&cursor=${first.next_cursor}`), 200);
  assert.equal(rest.next_cursor, null);
  assert.deepEqual([...first.data, ...rest.data], rows);
  assert.deepEqual(expect(await operator('GET', `/customers/${c}/credits`), 200).data, rows);
  assert.deepEqual(tollgate('customer', 'credits', String(c)).map((row) => [row.id, row.amount_usd, row.reference]),
    rows.map((row) => [row.id, row.amount_usd, row.reference]));
  expect(await call(stranger, 'GET', `/customers/${c}/credits`), 404);
  expect(await operator('GET', '/customers/4000000000/credits'), 404);
  refusedBy(await operator('GET', `/customers/${c}/credits?cursor=abc`), 400, 'cursor');
});

await test('usage recorded elsewhere moves what is spent', async () => {
  const { id } = await newKey({ customer_id: a, budget: { amount_usd: 1, period: 'total' } });
  const model = sql(`SELECT model_id FROM models WHERE name = '${name('costly')}'`)[0][0];
  const user = sql(`SELECT user_id FROM api_keys WHERE api_key_id = ${id}`)[0][0];
  expect(await operator('POST', '/api/usage', {
    user_id: Number(user), api_key_id: id, model_id: Number(model), token_out_count: 15000,
  }), 201);
  assert.equal(await spentOf(id), 1.5);
});

await test('commands say the same, and the audit log what they did', async () => {
  const { id } = await newKey({ customer_id: a });
  const set = tollgate('budget', 'set', '--key', String(id), '--amount', '2', '--period', 'day', '--notify', '90');
  assert.equal(set.budget.amount_usd, 2);
  const listed = tollgate('budget', 'list', '--customer', String(a)).find((x) => x.scope === 'key' && x.id === id);
  assert.deepEqual([listed.amount_usd, listed.period, listed.notify_at_percent], [2, 'day', '90']);
  assert.equal(tollgate('budget', 'remove', '--key', String(id)).budget, null);
  const rows = expect(await operator('GET', `/api/audit?object=api_key&object_id=${id}`), 200).data;
  const changes = rows.filter((row) => row.action === 'key.set').map((row) => row.detail);
  assert.deepEqual(changes.map((d) => [d.before.budget?.amount_usd, d.after.budget?.amount_usd])
    .sort(), [[undefined, 2], [2, undefined]].sort());
});

await test('what a lost host held is given back, of a worker that runs it is not', () => {
  const [[live]] = sql('SELECT LOWER(HEX(series)) FROM journal_offsets WHERE closed = 0 ORDER BY updated_at DESC LIMIT 1');
  assert.throws(() => tollgate('budget', 'release', live), /holds that series/);
  const lost = 'f'.repeat(32);
  sql(`INSERT INTO budget_leases (budget_id, period_start, series, leased_usd)
    SELECT budget_id, period_start, UNHEX('${lost}'), 0.5 FROM budget_periods ORDER BY budget_id LIMIT 1`);
  assert.equal(tollgate('budget', 'release', lost).released, 1);
  const [[detail]] = sql("SELECT detail FROM audit_log WHERE action = 'budget.release' ORDER BY audit_id DESC LIMIT 1");
  assert.deepEqual([JSON.parse(detail).series, JSON.parse(detail).released], [lost, 1]);
});

await test('reconcile finds nothing', async () => {
  await until('clean books', () => {
    try {
      return tollgate('reconcile').clean;
    } catch {
      return false;
    }
  }, 30000);
});

done();
