// SPDX-License-Identifier: MIT
// Limits as members of tiers, customers and keys, and what comes of them.
import { readFileSync } from 'node:fs';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, memcachedCount, modelsInForce, newKey, tollgate, until,
} from './lib.mjs';

const unique = `${process.pid}-${Date.now()}`;
const table = readFileSync(new URL('../../src/base/limit_metrics.def', import.meta.url), 'utf8');
const metrics = [...table.matchAll(/"(\w+\.\w+\.\w+)"/g)].map((m) => m[1])
  .concat('key.concurrent', 'sliding');

const call = async (key, method, path, body = undefined, headers = {}) => {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await ask(method, path, {
    ...json, 'X-API-Key': key, ...headers,
    ...(text === undefined && method !== 'GET' ? { 'Content-Length': 0 } : {}),
  }, text);
  return { ...answer, body: answer.text.startsWith('{') ? JSON.parse(answer.text) : null };
};
const operator = (...args) => call(env.TOLLGATE_OPERATOR_KEY, ...args);
const expect = (answer, status, what = '') => {
  assert.equal(answer.status, status, `${what} ${answer.text.slice(0, 300)}`);
  return answer.body;
};
const make = async (path, body) => expect(await operator('POST', path, body), 201, path);
const patch = async (path, body) => expect(await operator('PATCH', path, body), 200, path);
const refusedBy = (answer, status, param) => {
  expect(answer, status, param);
  assert.equal(answer.body.error.param, param, answer.text);
};
let serial = 0;
const customerNew = (members = {}) => {
  serial += 1;
  return make('/customers', { name: 'limits', email: `limits-${serial}-${unique}@example.com`, ...members });
};
const tierNew = (members) => {
  serial += 1;
  return make('/api/tiers', { name: `tier-${serial}-${unique}`, ...members });
};

// ---- every number, of each holder ----

const full = Object.fromEntries(metrics.map((name, i) => [name, name === 'sliding' ? 1 : 1000 + i]));
const customer = await customerNew();
const holders = {
  tier: {
    path: `/api/tiers/${(await tierNew({})).id}`, list: '/api/tiers?limit=1000',
    ownNames: { rate_limit_per_minute: 'key_model.requests.minute', rate_limit_per_hour: 'key_model.requests.hour' },
  },
  customer: { path: `/customers/${customer.id}`, list: '/customers?limit=1000', ownNames: {} },
  key: {
    path: `/api/keys/${(await newKey({ customer_id: customer.id, rate_limit: undefined })).id}`,
    list: `/api/keys?customer_id=${customer.id}&limit=1000`,
    ownNames: { rate_limit: 'key_model.requests.minute', rate_limit_per_hour: 'key_model.requests.hour' },
  },
};
for (const [what, { path, list, ownNames }] of Object.entries(holders)) {
  await test(`${what}: every limit is written, read, changed, taken away`, async () => {
    assert.deepEqual(expect(await operator('GET', path), 200).rate_limits, {});
    assert.deepEqual((await patch(path, { rate_limits: full })).rate_limits, full);
    const got = await operator('GET', path);
    assert.deepEqual(got.body.rate_limits, full);
    for (const [own, name] of Object.entries(ownNames)) assert.equal(got.body[own], full[name]);
    const listed = expect(await operator('GET', list), 200).data.find((row) => row.id === got.body.id);
    assert.deepEqual(listed.rate_limits, full);
    for (const name of metrics) {
      const { [name]: gone, ...rest } = full;
      assert.deepEqual((await patch(path, { rate_limits: { [name]: null } })).rate_limits, rest, name);
      assert.deepEqual((await patch(path, { rate_limits: { [name]: 0 } })).rate_limits, { ...rest, [name]: 0 });
      assert.deepEqual((await patch(path, { rate_limits: { [name]: gone } })).rate_limits, full, name);
    }
    assert.deepEqual((await patch(path, { rate_limits: null })).rate_limits, {});
  });
  await test(`${what}: a limit by its own name is the same number`, async () => {
    for (const [own, name] of Object.entries(ownNames)) {
      assert.deepEqual((await patch(path, { [own]: 12 })).rate_limits, { [name]: 12 });
      refusedBy(await operator('PATCH', path, { [own]: 1, rate_limits: { [name]: 1 } }), 400, own);
      assert.deepEqual((await patch(path, { [own]: null })).rate_limits, {});
    }
  });
  await test(`${what}: what is no limit is refused by its name`, async () => {
    for (const [name, value] of [['key.tokens.week', 1], ['requests', 1], ['key.tokens.day', -1],
      ['key.tokens.day', 1.5], ['key.tokens.day', '5'], ['key.tokens.day', 100000000001],
      ['key_model.requests.minute', 1000000001], ['sliding', 2]]) {
      refusedBy(await operator('PATCH', path, { rate_limits: { [name]: value } }), 400, name);
    }
    for (const value of [[], 5, 'key.tokens.day=5']) {
      refusedBy(await operator('PATCH', path, { rate_limits: value }), 400, 'rate_limits');
    }
    assert.deepEqual(expect(await operator('GET', path), 200).rate_limits, {});
  });
  await test(`${what}: If-Match: a limit that somebody changed meanwhile is 412`, async () => {
    const { etag } = (await operator('GET', path)).headers;
    const change = (members) => operator('PATCH', path, { rate_limits: members }, { 'If-Match': etag });
    const first = await change({ 'customer.tokens.day': 5 });
    expect(first, 200);
    assert.notEqual(first.headers.etag, etag);
    expect(await change({ 'customer.tokens.day': 6 }), 412);
    assert.deepEqual((await patch(path, { rate_limits: null })).rate_limits, {});
  });
}

await test('by command: key, customer and tier set --limit; the API shows it and the audit log tells', async () => {
  const key = await newKey({ customer_id: customer.id, rate_limit: undefined });
  const list = 'key.tokens.day=5,key.concurrent=2,sliding=1';
  const want = { 'key.tokens.day': 5, 'key.concurrent': 2, sliding: 1, 'key_model.requests.minute': 9 };
  const { name } = expect(await operator('GET', holders.tier.path), 200);
  for (const [command, who, path] of [['key', String(key.id), `/api/keys/${key.id}`],
    ['customer', String(customer.id), holders.customer.path], ['tier', name, holders.tier.path]]) {
    const text = tollgate(command, 'set', who, '--limit', list, '--per-minute', '9').limits;
    assert.equal(text, list, command);
    assert.deepEqual(expect(await operator('GET', path), 200).rate_limits, want, command);
    tollgate(command, 'set', who, '--limit', 'key.concurrent=none,sliding=none,key.tokens.day=none',
      '--per-minute', 'none');
    assert.deepEqual(expect(await operator('GET', path), 200).rate_limits, {}, command);
  }
  await patch(`/api/keys/${key.id}`, { rate_limits: { 'key.tokens.hour': 77 } });
  const [told] = expect(await operator('GET', `/api/audit?object=api_key&object_id=${key.id}&limit=1000`), 200)
    .data.filter((row) => JSON.stringify(row.detail ?? row).includes('key.tokens.hour'));
  assert.deepEqual(told.detail.after.rate_limits, { 'key.tokens.hour': 77 });
});

// ---- the order, one test for each step ----

const orderCustomer = await customerNew();
const user = await make('/api/users', {
  customer_id: orderCustomer.id, name: 'u', role: 'viewer', email: `order-${unique}@example.com`,
});
const numbers = (n) => ({ 'key_model.requests.minute': n, 'key.tokens.day': 1000 * n });
const keyTier = await tierNew({ rate_limits: numbers(22) });
const userTier = await tierNew({ rate_limits: numbers(33) });
const roleTier = await tierNew({ rate_limits: numbers(44), roles: ['viewer'] });
await patch(`/api/users/${user.id}`, { rate_limit_tier: userTier.name });
await patch(`/customers/${orderCustomer.id}`, { rate_limits: numbers(55) });
const defaults = Number(tollgate('config').find((row) => row.name === 'limits.requests_per_minute').value);
const keyOf = (members) => newKey({
  customer_id: orderCustomer.id, user_id: user.id, rate_limit: undefined, ...members,
});
// Each step takes away what the one before it stood on.
const steps = [
  ['the key\'s own', 11, { rate_limits: numbers(11), rate_limit_tier: keyTier.name }, async () => {}],
  ['its tier\'s', 22, { rate_limit_tier: keyTier.name }, async () => {}],
  ['its user\'s tier\'s', 33, {}, async () => {}],
  ['its role\'s tier\'s', 44, {}, () => patch(`/api/users/${user.id}`, { rate_limit_tier: null })],
  ['the customer\'s', 55, {}, () => patch(`/api/tiers/${roleTier.id}`, { roles: [] })],
  ['the configured default', defaults, {}, () => patch(`/customers/${orderCustomer.id}`, { rate_limits: null })],
];
for (const [whose, number, members, prepare] of steps) {
  await test(`order: ${whose} number is in force, and is what the answer to a new key says (S34)`, async () => {
    await prepare();
    const made = await keyOf(members);
    assert.equal(made.rate_limit, number);
    const self = expect(await call(made.key, 'GET', '/v1/key'), 200).effective_rate_limits;
    assert.equal(self['key_model.requests.minute'], number);
    assert.equal(self['key.tokens.day'], number === defaults ? undefined : 1000 * number);
    const { headers } = await call(made.key, 'POST', '/generate', { text: 'a', model_id: 1, max_length: 20 });
    assert.equal(headers['x-ratelimit-limit-requests'], String(number));
  });
}

await test('roles: a role has one tier; the command and the API agree', async () => {
  const [one, two] = [await tierNew({ roles: ['billing'] }), await tierNew({})];
  assert.deepEqual(one.roles, ['billing']);
  assert.deepEqual((await patch(`/api/tiers/${two.id}`, { roles: ['billing', 'viewer'] })).roles, ['viewer', 'billing']);
  assert.deepEqual(expect(await operator('GET', `/api/tiers/${one.id}`), 200).roles, []);
  tollgate('tier', 'assign', one.name, '--role', 'billing');
  assert.deepEqual(expect(await operator('GET', `/api/tiers/${two.id}`), 200).roles, ['viewer']);
  await patch(`/api/tiers/${one.id}`, { roles: [] });
  await patch(`/api/tiers/${two.id}`, { roles: [] });
  refusedBy(await operator('PATCH', `/api/tiers/${two.id}`, { roles: ['admin'] }), 400, 'roles');
});

// ---- what comes of them ----

await test('a tier\'s limits of requests, of requests at once, sliding: in force within a second', async () => {
  const slow = `rate-limits-slow-${unique}`;
  tollgate('provider', 'add', '--name', slow, '--kind', 'openai', '--base-url',
    `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`);
  tollgate('model', 'add', '--name', slow, '--provider', slow, '--upstream-name', 'sim-delay:700');
  tollgate('price', 'set', '--model', slow, '--input', '0', '--output', '0');
  const other = (await newKey()).key;
  await modelsInForce({ 'X-API-Key': other }, [slow]);
  const tier = await tierNew({ rate_limits: { 'key.concurrent': 2 } });
  const { key } = await newKey({ rate_limit_tier: tier.name });
  const chat = (model, who = key) => call(who, 'POST', '/v1/chat/completions',
    { model, messages: [{ role: 'user', content: 'a' }] });
  await until('its price with all workers', async () => (await Promise.all(
    Array.from({ length: 16 }, () => chat(slow, other)))).every(({ status }) => status === 200));
  // At either end of a half minute one that runs may be counted twice: the leases
  // of it and of the next are both read.
  await until('the middle of a half minute', () => Date.now() % 30000 > 5000 && Date.now() % 30000 < 25000, 20000);
  const statuses = (await Promise.all(Array.from({ length: 5 }, () => chat(slow)))).map((r) => r.status);
  assert.deepEqual(statuses.sort(), [200, 200, 429, 429, 429]);
  await patch(`/api/tiers/${tier.id}`, { rate_limits: { 'key.concurrent': null, 'key.requests.day': 3, sliding: 1 } });
  await until('the change', async () => (
    (await call(key, 'GET', '/v1/key')).body.effective_rate_limits['key.requests.day'] === 3), 3000);
  assert.equal((await call(key, 'GET', '/v1/key')).body.effective_rate_limits.sliding, 1);
  const after = [];
  for (let i = 0; i < 5; i += 1) after.push((await chat(slow)).status);
  // Only while a limit is in force is anything counted for it.
  assert.deepEqual(after, [200, 200, 200, 429, 429]);
  tollgate('model', 'archive', slow);
});

// Of requests alone, so that nothing is corrected at the end. The first of a
// window adds a counter instead of increasing it; so this asks for no time.
await test('a request with k limits in force moves k counters in memcached, each once, and reads no more', async () => {
  const names = metrics.filter((n) => /\.requests\./.test(n)).reverse();
  const counts = async () => Object.fromEntries(await Promise.all(['incr_hits', 'cmd_set', 'decr_hits', 'cmd_get', 'cmd_touch']
    .map(async (n) => [n, await memcachedCount(n)])));
  for (const k of [0, 1, 4, 8]) {
    const inForce = names.slice(0, k);
    const { key } = await newKey({
      rate_limit: undefined,
      rate_limits: { 'key_model.requests.minute': 0, ...Object.fromEntries(inForce.map((n) => [n, 1000000])) },
    });
    const self = expect(await call(key, 'GET', '/v1/key'), 200).effective_rate_limits;
    assert.deepEqual(Object.keys(self).filter((n) => self[n] > 0).sort(), [...inForce].sort());
    const before = await counts();
    expect(await call(key, 'POST', '/v1/chat/completions',
      { model: 'lawgent-thinking', max_tokens: 5, messages: [{ role: 'user', content: 'a' }] }), 200);
    const after = await counts();
    const moved = Object.fromEntries(Object.keys(after).map((n) => [n, after[n] - before[n]]));
    assert.equal(moved.incr_hits + moved.cmd_set, k, JSON.stringify(moved));
    assert.deepEqual([moved.decr_hits, moved.cmd_touch], [0, 0]);
    assert.ok(moved.cmd_get <= k, JSON.stringify(moved));
  }
});

await test('GET /v1/key tells what remains of each limit in force and when it resets, and counts for none', async () => {
  const { key } = await newKey({
    rate_limit: undefined,
    rate_limits: { 'key_model.requests.minute': 0, 'key_model.requests.hour': 50, 'key.requests.day': 20, 'key.tokens.day': 100000 },
  });
  const self = async () => expect(await call(key, 'GET', '/v1/key'), 200);
  const left = (list) => Object.fromEntries(list.map((v) => [v.metric, v.remaining]));
  // Of two windows of a day and an hour none may end meanwhile.
  await until('time until the hour ends', () => Date.now() % 3600000 < 3570000, 40000);
  assert.deepEqual(left((await self()).rate_limits_left), { 'key.requests.day': 20, 'key.tokens.day': 100000 });
  const answers = [];
  for (let i = 0; i < 3; i += 1) {
    answers.push(expect(await call(key, 'POST', '/v1/chat/completions',
      { model: 'lawgent-thinking', max_tokens: 5, messages: [{ role: 'user', content: 'a' }] }), 200));
  }
  const used = answers.reduce((sum, { usage }) => sum + usage.total_tokens, 0);
  const wanted = { 'key.requests.day': 17, 'key.tokens.day': 100000 - used };
  await until('its tokens corrected', async () => left((await self()).rate_limits_left)['key.tokens.day'] === 100000 - used);
  const after = await self();
  assert.deepEqual(left(after.rate_limits_left), wanted);
  const midnight = new Date(`${new Date(Date.now() + 86400000).toISOString().slice(0, 10)}T00:00:00Z`);
  for (const v of after.rate_limits_left) assert.equal(Date.parse(v.resets_at), midnight.getTime());
  assert.deepEqual(after.rate_limits_left.map((v) => v.limit), [20, 100000]);
  const of = (name) => after.models.find((m) => m.name === name).rate_limits_left;
  assert.deepEqual(left(of('lawgent-thinking')), { 'key_model.requests.hour': 47 });
  for (const m of after.models.filter(({ name }) => name !== 'lawgent-thinking')) {
    assert.deepEqual(left(m.rate_limits_left), { 'key_model.requests.hour': 50 });
  }
});

await test('GET /v1/key of more models than are asked for at once: each has what it has left', async () => {
  const many = Array.from({ length: 8 }, (_, i) => `many-${i}.${Date.now()}`);
  for (const name of many) {
    tollgate('model', 'add', '--name', name, '--provider', 'lawgent', '--upstream-name', 'sim-fixed');
    tollgate('price', 'set', '--model', name, '--input', '0', '--output', '0');
  }
  const { key } = await newKey({ rate_limit: undefined, rate_limits: { 'key_model.requests.minute': 0, 'key_model.requests.day': 9 } });
  await modelsInForce({ 'X-API-Key': key }, many);
  await until('time until the day ends', () => Date.now() % 86400000 < 86370000, 40000);
  for (const [i, model] of many.entries()) {
    for (let k = 0; k < i; k += 1) {
      expect(await call(key, 'POST', '/v1/chat/completions', { model, max_tokens: 5, messages: [{ role: 'user', content: 'a' }] }), 200);
    }
  }
  const { models } = expect(await call(key, 'GET', '/v1/key'), 200);
  const { data } = expect(await call(key, 'GET', '/v1/models'), 200);
  assert.deepEqual(models.map((m) => m.name).sort(), data.map((m) => m.id).sort());
  assert.deepEqual(many.map((name) => models.find((m) => m.name === name).rate_limits_left.map((v) => v.remaining)),
    many.map((_, i) => [9 - i]));
  for (const name of many) tollgate('model', 'archive', name);
});

// ---- nobody hands on more than it has ----

await test('a developer\'s key grants at most what it, its tier and its customer have (S9)', async () => {
  const c = await customerNew();
  await patch(`/customers/${c.id}`, { rate_limits: { 'customer.tokens.day': 900, 'key.tokens.hour': 500 } });
  const developer = await make('/api/users', {
    customer_id: c.id, name: 'd', role: 'developer', email: `grants-${unique}@example.com`,
  });
  const tier = await tierNew({ rate_limits: { 'key.concurrent': 4, 'key_model.requests.minute': 600 } });
  const writer = await newKey({
    customer_id: c.id, user_id: developer.id, rate_limit_tier: tier.name, rate_limit: undefined,
    rate_limits: { 'key.requests.day': 70 }, scopes: ['infer', 'keys:read', 'keys:write'],
  });
  const bounds = { 'key.requests.day': 70, 'customer.tokens.day': 900, 'key.tokens.hour': 500, 'key.concurrent': 4,
    'key_model.requests.minute': 600 };
  const child = expect(await call(writer.key, 'POST', '/api/keys', { name: 'child', rate_limits: bounds }), 201);
  assert.equal(child.rate_limit, 600);
  for (const [name, max] of Object.entries(bounds)) {
    const param = name === 'key_model.requests.minute' ? 'rate_limit' : 'rate_limits';
    for (const value of [max + 1, 0]) {
      refusedBy(await call(writer.key, 'POST', '/api/keys', { name: 'x', rate_limits: { [name]: value } }), 403, param);
      refusedBy(await call(writer.key, 'PATCH', `/api/keys/${child.id}`, { rate_limits: { [name]: value } }), 403, param);
    }
    expect(await call(writer.key, 'PATCH', `/api/keys/${child.id}`, { rate_limits: { [name]: max - 1 } }), 200);
  }
  // What the customer states bounds the key without a number of its own, too.
  expect(await call(writer.key, 'PATCH', `/api/keys/${child.id}`, { rate_limits: { 'key.tokens.hour': null } }), 200);
  // What only the writer and its tier state may not be taken away.
  for (const name of ['key.requests.day', 'key.concurrent']) {
    refusedBy(await call(writer.key, 'PATCH', `/api/keys/${child.id}`, { rate_limits: { [name]: null } }), 403, 'rate_limits');
  }
  const plain = expect(await call(writer.key, 'POST', '/api/keys', { name: 'plain' }), 201);
  assert.deepEqual(expect(await call(writer.key, 'GET', `/api/keys/${plain.id}`), 200).rate_limits, bounds);
  expect(await call(writer.key, 'POST', `/api/keys/${writer.id}/rotate`), 200);
});

await test('an owner\'s key changes no limit beyond its own, and leaves what others gave (S9)', async () => {
  const c = await customerNew();
  const owner = await newKey({
    customer_id: c.id, rate_limit: 10, scopes: ['infer', 'manage'], rate_limits: { 'key.tokens.day': 100 },
  });
  const other = await newKey({ customer_id: c.id, rate_limit: 500, rate_limits: { 'key.tokens.day': 50, 'key.concurrent': 9 } });
  const change = (members) => call(owner.key, 'PATCH', `/api/keys/${other.id}`, members);
  expect(await change({ name: 'renamed' }), 200);
  refusedBy(await change({ rate_limit: 11 }), 403, 'rate_limit');
  refusedBy(await change({ rate_limit: null }), 403, 'rate_limit');
  refusedBy(await change({ rate_limits: { 'key.tokens.day': null } }), 403, 'rate_limits');
  assert.equal(expect(await change({ rate_limits: { 'key.tokens.day': 100, 'key.concurrent': null } }), 200).rate_limit, 500);
  assert.equal(expect(await change({ rate_limit: 10 }), 200).rate_limit, 10);
});

done();
