// SPDX-License-Identifier: MIT
// Roles by routes, two tenants by every id, smuggled members, ETags, pages,
// the life of a key, and what the audit log says of it all.
import { execFileSync } from 'node:child_process';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, newKey, sql, statementsDuring, tollgate, until, usageRow,
} from './lib.mjs';

const nowhere = 4000000000; // an id that nothing has
const unique = `${process.pid}-${Date.now()}`;

const call = async (key, method, path, body = undefined, headers = {}) => {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await ask(method, path, {
    ...json, ...(key ? { 'X-API-Key': key } : {}), ...headers,
    ...(text === undefined && method !== 'GET' ? { 'Content-Length': 0 } : {}),
  }, text);
  return { ...answer, body: answer.headers['content-type']?.startsWith('application/json') ? JSON.parse(answer.text) : null };
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
};

// A customer with a user of each role, each with a key that manages.
const all = ['infer', 'usage:read', 'usage:write', 'keys:read', 'keys:write', 'manage'];
async function tenant(name) {
  const customer = await make('/customers', {
    name, email: `${name}-${unique}@example.com`,
  });
  const t = { id: customer.id, keys: {}, keyIds: {}, users: {} };
  for (const role of ['owner', 'developer', 'billing', 'viewer']) {
    const user = await make('/api/users', {
      customer_id: t.id, name: role, role, email: `${name}-${role}-${unique}@example.com`,
    });
    const key = await newKey({
      customer_id: t.id, user_id: user.id, scopes: all, name: role,
    });
    t.users[role] = user.id;
    t.keys[role] = key.key;
    t.keyIds[role] = key.id;
  }
  for (const kind of ['project', 'agent', 'connector']) {
    t[kind] = (await make(`/api/${kind}s`, { customer_id: t.id, name: `${name} ${kind}` })).id;
  }
  return t;
}
const a = await tenant('alpha');
const b = await tenant('beta');

// ---- roles by routes ----

// Who may call: o operator, O owner, d developer, b billing, v viewer; all by
// keys that manage. By keys of an owner with one scope alone: i infer, r keys:read, k keys:write,
// u usage:read, w usage:write.
const matrix = {
  'POST /generate': 'Odbvi',
  'POST /v1/chat/completions': 'Odbvi',
  'POST /v1/completions': 'Odbvi',
  'POST /v1/embeddings': 'Odbvi',
  'POST /v1/messages': 'Odbvi',
  'POST /v1/messages/count_tokens': 'Odbvi',
  'GET /v1/models': 'Odbvi',
  'POST /v1/responses': 'Odbvi',
  'GET /v1/key': 'Odbvirkuw',
  'GET /customers': 'oOdbv',
  'POST /customers': 'o',
  'GET /customers/{id}': 'oOdbv',
  'PATCH /customers/{id}': 'oO',
  'DELETE /customers/{id}': 'o',
  'GET /customers/{id}/export': 'o',
  'GET /customers/{id}/credits': 'oOdbv',
  'POST /customers/{id}/credits': 'o',
  'POST /customers/{id}/webhook-secret': 'oO',
  'GET /api/audit': 'oO',
  'GET /api/notices': 'oO',
  'GET /api/prices': 'o',
  'POST /api/prices': 'o',
  'GET /api/usage': 'oOdbvu',
  'POST /api/usage': 'oOdw',
  'GET /api/usage/summary': 'oOdbvu',
  'GET /api/usage/{request_id}': 'oOdbvu',
  'GET /api/users': 'oOdbv',
  'POST /api/users': 'oO',
  'GET /api/users/{id}': 'oOdbv',
  'PATCH /api/users/{id}': 'oO',
  'DELETE /api/users/{id}': 'oO',
  'GET /api/keys': 'oOdbvr',
  'POST /api/keys': 'oOdk',
  'POST /api/keys/revoke': 'oOdk',
  'GET /api/keys/{id}': 'oOdbvr',
  'PATCH /api/keys/{id}': 'oOdk',
  'DELETE /api/keys/{id}': 'oOdk',
  'POST /api/keys/{id}/rotate': 'oOdk',
  'POST /api/keys/{id}/toggle': 'oOdk',
};
for (const kind of ['projects', 'agents', 'connectors']) {
  Object.assign(matrix, {
    [`GET /api/${kind}`]: 'oOdbv',
    [`POST /api/${kind}`]: 'oOd',
    [`GET /api/${kind}/{id}`]: 'oOdbv',
    [`PATCH /api/${kind}/{id}`]: 'oOd',
    [`DELETE /api/${kind}/{id}`]: 'oOd',
  });
}
for (const kind of ['tiers', 'providers', 'models']) {
  for (const [method, path] of [['GET', ''], ['POST', ''], ['GET', '/{id}'],
    ['PATCH', '/{id}'], ['DELETE', '/{id}']]) {
    matrix[`${method} /api/${kind}${path}`] = 'o';
  }
}
const open = ['GET /healthz', 'GET /readyz'];

const routes = execFileSync(
  `${env.TOLLGATE_BUILD_DIR}/src/daemon/tollgate.fcgi`, ['--routes'],
).toString().trim().split('\n')
  .map((line) => line.split(/\s+/))
  .map(([method, path, auth, , flags]) => ({ method, path, auth, isPage: flags[0] === 'h' }));

const narrow = async (scope) => (await newKey({ customer_id: a.id, scopes: [scope] })).key;
const asWhom = {
  o: env.TOLLGATE_OPERATOR_KEY,
  O: a.keys.owner,
  d: a.keys.developer,
  b: a.keys.billing,
  v: a.keys.viewer,
  i: await narrow('infer'),
  r: await narrow('keys:read'),
  k: await narrow('keys:write'),
  u: await narrow('usage:read'),
  w: await narrow('usage:write'),
};

await test('roles by routes: the table names every route of the program (S7)', () => {
  const listed = routes.filter((r) => !r.isPage).map((r) => `${r.method} ${r.path}`);
  assert.deepEqual([...Object.keys(matrix), ...open].sort(), listed.sort());
});

for (const [route, allowed] of Object.entries(matrix)) {
  await test(`${route}: ${allowed} and nobody else (S7)`, async () => {
    const [method, pattern] = route.split(' ');
    const path = pattern.replace(/\{\w+\}/, nowhere);
    const body = ['POST', 'PATCH'].includes(method) ? {} : undefined;
    expect(await call(null, method, path, body), 401, 'nobody');
    for (const [letter, key] of Object.entries(asWhom)) {
      const { status, text } = await call(key, method, path, body);
      if (allowed.includes(letter)) {
        assert.ok(![401, 403].includes(status) && status < 500, `${letter}: ${status} ${text}`);
      } else {
        assert.equal(status, 403, `${letter}: ${text}`);
      }
    }
  });
}

// Which ones are open to all, tests/unit/daemon/test_routes.c says.
const pages = routes.filter((r) => r.isPage && r.auth !== 'public');

await test('pages: nobody without a session, whatever key comes along (S7)', async () => {
  assert.ok(pages.length > 50);
  for (const { method, path } of pages) {
    for (const key of [undefined, a.keys.owner, env.TOLLGATE_OPERATOR_KEY]) {
      const { status } = await ask(method, path.replace(/\{\w+\}/g, a.id), {
        Accept: 'text/html', ...(key ? { 'X-API-Key': key } : {}),
        ...(method === 'POST' ? { 'Content-Length': 0 } : {}),
      });
      assert.ok([303, 401, 403].includes(status), `${method} ${path}: ${status}`);
    }
  }
});

// The cookies of whoever signs in.
const field = (page) => {
  const [, name, value] = /<input type="hidden" name="([^"]+)" value="([^"]+)"/.exec(page.text);
  return `${name}=${encodeURIComponent(value)}`;
};
const cookies = (answer) => (answer.headers['set-cookie'] ?? []).map((c) => c.split(';')[0]);
const form = (path, sent, body) => ask('POST', path, {
  'Content-Type': 'application/x-www-form-urlencoded', Cookie: sent.join('; '),
  Origin: env.TOLLGATE_URL, Accept: 'text/html',
}, body);
async function signIn(email, password) {
  const login = await ask('GET', '/login', { Accept: 'text/html' });
  const answer = await form('/login', cookies(login),
    `email=${encodeURIComponent(email)}&password=${encodeURIComponent(password)}&${field(login)}`);
  expect(answer, 303, email);
  return cookies(answer);
}
const see = (sent, path) => ask('GET', path, { Accept: 'text/html', Cookie: sent.join('; ') });

await test('pages: each role its own customer\'s, an operator all, until it signs out (S7, S8)', async () => {
  const user = (role, ...more) => {
    const email = `page-${role}-${unique}@example.com`;
    return { email, ...tollgate('user', 'add', '--email', email, '--role', role, ...more) };
  };
  for (const role of ['owner', 'developer', 'billing', 'viewer', 'operator']) {
    const { email, password } = user(role, ...(role === 'operator' ? [] : ['--customer', String(a.id)]));
    const sent = await signIn(email, password);
    const home = await see(sent, '/dashboard');
    if (role === 'operator') expect(home, 200, role);
    else assert.equal(home.headers.location, `/dashboard/${a.id}`, role);
    const mine = await see(sent, `/dashboard/${a.id}`);
    expect(mine, 200, role);
    const theirs = await see(sent, `/dashboard/${b.id}`);
    expect(theirs, role === 'operator' ? 200 : 404, role);
    assert.equal(theirs.text.includes('beta'), role === 'operator', role);
    expect(await form('/logout', sent, field(mine)), 303, role);
    const after = await see(sent, `/dashboard/${a.id}`);
    assert.ok([303, 401].includes(after.status), `${role} ${after.status}`);
  }
});

await test('a key loses what its user\'s role loses, within a second', async () => {
  const user = await make('/api/users', {
    customer_id: a.id, name: 'x', role: 'developer', email: `demoted-${unique}@example.com`,
  });
  const { key } = await newKey({ customer_id: a.id, user_id: user.id, scopes: all });
  expect(await call(key, 'POST', '/api/agents', { name: `by-developer-${unique}` }), 201);
  expect(await operator('PATCH', `/api/users/${user.id}`, { role: 'viewer' }), 200);
  await until('the new role', async () => (
    await call(key, 'POST', '/api/agents', { name: 'y' })).status === 403, 3000);
  expect(await operator('PATCH', `/api/users/${user.id}`, { is_active: false }), 200);
  await until('refusal', async () => (
    await call(key, 'GET', '/api/agents')).status === 401, 3000);
});

// ---- two tenants ----

const things = (t) => ({
  customers: ['/customers', t.id], users: ['/api/users', t.users.developer],
  keys: ['/api/keys', t.keyIds.developer], projects: ['/api/projects', t.project],
  agents: ['/api/agents', t.agent], connectors: ['/api/connectors', t.connector],
});

for (const [kind, [path, id]] of Object.entries(things(b))) {
  await test(`${kind} of another tenant: in the path: 404 and unchanged (S8)`, async () => {
    const before = await operator('GET', `${path}/${id}`);
    expect(before, 200);
    const requests = [['GET', `${path}/${id}`], ['PATCH', `${path}/${id}`, { name: 'stolen' }]];
    if (kind !== 'customers') requests.push(['DELETE', `${path}/${id}`]);
    if (kind === 'keys') {
      requests.push(['POST', `${path}/${id}/rotate`], ['POST', `${path}/${id}/toggle`],
        ['POST', `${path}/revoke`, { ids: [a.keyIds.viewer, id] }]);
    }
    for (const [method, at, body] of requests) {
      const answer = await call(a.keys.owner, method, at, body);
      expect(answer, 404, `${method} ${at}`);
      assert.ok(!answer.text.includes('beta'), answer.text);
    }
    assert.equal((await operator('GET', `${path}/${id}`)).text, before.text);
  });
}

// Whatever an owner may ask about one thing, from the table of routes.
for (const route of Object.keys(matrix).filter((r) => matrix[r].includes('O') && r.includes('{id}'))) {
  await test(`${route}: another tenant's id is as one that nothing has (S8)`, async () => {
    const [method, pattern] = route.split(' ');
    const [, kind] = /^(?:\/api)?\/(\w+)\//.exec(pattern);
    const [, id] = things(b)[kind];
    const body = method === 'PATCH' ? { name: 'stolen' } : undefined;
    const [theirs, none] = await Promise.all([id, nowhere].map((n) => call(a.keys.owner, method,
      pattern.replace('{id}', n), body)));
    expect(none, 404);
    assert.equal(theirs.status, 404, theirs.text);
    assert.equal(theirs.text, none.text);
  });
}

await test('another tenant: in bodies: not there (S8)', async () => {
  for (const kind of ['projects', 'agents', 'connectors']) {
    refusedBy(await call(a.keys.owner, 'POST', `/api/${kind}`, { customer_id: b.id, name: 'x' }),
      404, 'customer_id');
  }
  refusedBy(await call(a.keys.owner, 'POST', '/api/users', {
    customer_id: b.id, name: 'x', role: 'viewer', email: `x-${unique}@example.com`,
  }), 404, 'customer_id');
  refusedBy(await call(a.keys.owner, 'POST', '/api/keys', { customer_id: b.id, name: 'x' }),
    404, 'customer_id');
  refusedBy(await call(a.keys.owner, 'POST', '/api/keys', {
    customer_email: `beta-${unique}@example.com`, name: 'x',
  }), 404, 'customer_email');
  refusedBy(await call(a.keys.owner, 'POST', '/api/keys/revoke', { customer_id: b.id }),
    404, 'customer_id');
  for (const [param, id] of [['user_id', b.users.developer], ['project_id', b.project]]) {
    refusedBy(await call(a.keys.owner, 'POST', '/api/keys', { name: 'x', [param]: id }), 400, param);
    refusedBy(await call(a.keys.owner, 'PATCH', `/api/keys/${a.keyIds.viewer}`, { [param]: id }),
      400, param);
    expect(await call(a.keys.owner, 'POST', '/api/keys/revoke', { [param]: id }), 200);
    assert.equal((await call(b.keys.developer, 'GET', '/v1/key')).status, 200);
  }
});

await test('another tenant: in filters and lists: nothing of it (S8)', async () => {
  for (const path of ['/api/projects', '/api/agents', '/api/connectors', '/api/users',
    '/api/keys', '/api/audit', '/api/notices']) {
    refusedBy(await call(a.keys.owner, 'GET', `${path}?customer_id=${b.id}`), 404, 'customer_id');
  }
  for (const filter of [`user_id=${b.users.developer}`, `project_id=${b.project}`]) {
    assert.deepEqual(expect(await call(a.keys.owner, 'GET', `/api/keys?${filter}`), 200).data, []);
  }
  for (const filter of [`object=api_key&object_id=${b.keyIds.owner}`, `object=customer&object_id=${b.id}`,]) {
    const { data } = expect(await call(a.keys.owner, 'GET', `/api/audit?${filter}`), 200);
    assert.deepEqual(data, [], filter);
  }
  const email = encodeURIComponent(`beta-${unique}@example.com`);
  assert.deepEqual(expect(await call(a.keys.owner, 'GET', `/customers?email=${email}`), 200).data, []);
  assert.deepEqual(expect(await call(a.keys.owner, 'GET', `/api/users?email=${email}`), 200).data, []);
  for (const path of ['/api/projects', '/api/agents', '/api/connectors', '/api/users',
    '/api/keys', '/api/audit']) {
    const { data } = expect(await call(a.keys.owner, 'GET', `${path}?limit=1000`), 200);
    assert.ok(data.length > 0, path);
    assert.deepEqual([...new Set(data.map((row) => row.customer_id))], [a.id], path);
  }
  assert.deepEqual(expect(await call(a.keys.owner, 'GET', '/customers'), 200)
    .data.map((row) => row.id), [a.id]);
});

// ---- smuggled members ----

await test('smuggled members: 400 naming each, nothing changed (S9, S10)', async () => {
  const everywhere = { balance: 1, is_admin: true, tenant_id: 1, id: 7, price: 0, created_at: 'x' };
  for (const [kind, [path, id]] of Object.entries(things(a))) {
    const before = (await operator('GET', `${path}/${id}`)).text;
    const members = { ...everywhere, customer_id: b.id };
    if (kind !== 'users') members.role = 'operator';
    if (kind === 'customers') delete members.customer_id;
    for (const who of [env.TOLLGATE_OPERATOR_KEY, a.keys.owner]) {
      for (const [name, value] of Object.entries(members)) {
        refusedBy(await call(who, 'PATCH', `${path}/${id}`, { [name]: value }), 400, name);
      }
    }
    assert.equal((await operator('GET', `${path}/${id}`)).text, before);
  }
  for (const name of ['role', 'balance', 'is_admin', 'api_base', 'base_url']) {
    refusedBy(await operator('POST', '/api/keys', { customer_id: a.id, name: 'x', [name]: 1 }),
      400, name);
    refusedBy(await operator('POST', '/customers', { name: 'x', email: 'y@example.com', [name]: 1 }),
      400, name);
  }
});

await test('what operators alone decide: 400 for an owner (S9)', async () => {
  for (const [name, value] of [['state', 'active'], ['markup', 0],
    ['rate_limits', { 'key_model.requests.minute': 9 }]]) {
    refusedBy(await call(a.keys.owner, 'PATCH', `/customers/${a.id}`, { [name]: value }), 400, name);
  }
  refusedBy(await call(a.keys.owner, 'PATCH', `/api/users/${a.users.viewer}`,
    { rate_limit_tier: 'any' }), 400, 'rate_limit_tier');
  refusedBy(await call(a.keys.owner, 'PATCH', `/api/keys/${a.keyIds.viewer}`,
    { rate_limit_tier: 'any' }), 400, 'rate_limit_tier');
  refusedBy(await call(a.keys.owner, 'PATCH', `/api/users/${a.users.viewer}`, { role: 'operator' }),
    400, 'role');
  const seen = expect(await call(a.keys.owner, 'PATCH', `/customers/${a.id}`, { company: 'A' }), 200);
  assert.equal(seen.company, 'A');
  assert.ok(!('markup' in seen));
});

await test('the only owner stays one', async () => {
  const lone = await make('/customers', { name: 'lone', email: `lone-${unique}@example.com` });
  const [owner] = expect(await operator('GET', `/api/users?customer_id=${lone.id}`), 200).data;
  assert.equal(owner.role, 'owner');
  expect(await operator('PATCH', `/api/users/${owner.id}`, { role: 'viewer' }), 409);
  expect(await operator('PATCH', `/api/users/${owner.id}`, { is_active: false }), 409);
  expect(await operator('DELETE', `/api/users/${owner.id}`), 409);
});

// ---- no key grants more than it has ----

await test('keys:write: neither changes nor takes over a key that has more (S9)', async () => {
  const writer = await newKey({
    customer_id: a.id, user_id: a.users.developer, scopes: ['infer', 'keys:write', 'keys:read'],
    rate_limit: 5,
  });
  const own = async (members) => expect(await call(writer.key, 'POST', '/api/keys',
    { name: 'child', ...members }), 201);
  const child = await own({});
  for (const id of [a.keyIds.owner, a.keyIds.developer]) {
    expect(await call(writer.key, 'POST', `/api/keys/${id}/rotate`), 403);
    expect(await call(writer.key, 'PATCH', `/api/keys/${id}`, { name: 'mine' }), 403);
  }
  for (const [param, value] of [['scopes', all], ['rate_limit', 6], ['rate_limit', null],
    ['user_id', a.users.owner]]) {
    refusedBy(await call(writer.key, 'PATCH', `/api/keys/${child.id}`, { [param]: value }),
      403, param);
  }
  expect(await call(writer.key, 'PATCH', `/api/keys/${child.id}`, { rate_limit: 4, name: 'slow' }),
    200);
  expect(await call(writer.key, 'POST', `/api/keys/${child.id}/rotate`), 200);
});

await test('keys:write: a change of models or expiry goes no further than its own (S9)', async () => {
  const at = (ms) => new Date(Date.now() + ms).toISOString().replace(/\.\d+Z/, 'Z');
  const [soon, later] = [at(3600e3), at(7200e3)];
  const writer = await newKey({
    customer_id: a.id, user_id: a.users.developer, scopes: ['infer', 'keys:write', 'keys:read'],
    allowed_models: [1], expires_at: later,
  });
  const child = expect(await call(writer.key, 'POST', '/api/keys', { name: 'child', expires_at: soon }), 201);
  const change = (members) => call(writer.key, 'PATCH', `/api/keys/${child.id}`, members);
  for (const [param, value] of [['allowed_models', [1, 2]], ['allowed_models', [2]], ['allowed_models', null],
    ['expires_at', at(9000e3)], ['expires_at', null]]) refusedBy(await change({ [param]: value }), 403, param);
  const { body } = await operator('GET', `/api/keys/${child.id}`);
  assert.deepEqual([body.allowed_models, body.expires_at], [[1], soon]);
  assert.equal(expect(await change({ expires_at: later }), 200).expires_at, later);
});

await test('an owner lifts no limit that an operator gave its own key (S9)', async () => {
  const own = await newKey({ customer_id: a.id, user_id: a.users.owner, scopes: all, rate_limit: 10 });
  for (const value of [1000, null]) {
    refusedBy(await call(own.key, 'PATCH', `/api/keys/${own.id}`, { rate_limit: value }), 403, 'rate_limit');
  }
  expect(await call(own.key, 'PATCH', `/api/keys/${own.id}`, { name: 'kept' }), 200);
  assert.equal(expect(await operator('GET', `/api/keys/${own.id}`), 200).rate_limit, 10);
});

await test('toggle: nobody switches a key on that has more than his own (S9)', async () => {
  const off = await newKey({ customer_id: a.id, user_id: a.users.owner, scopes: all });
  expect(await operator('POST', `/api/keys/${off.id}/toggle`, undefined, { 'If-Match': '"0"' }), 412);
  expect(await operator('POST', `/api/keys/${off.id}/toggle`), 200);
  const writer = await newKey({
    customer_id: a.id, user_id: a.users.developer, scopes: ['infer', 'keys:read', 'keys:write'],
  });
  for (const body of [undefined, { is_active: true }]) {
    expect(await call(writer.key, 'POST', `/api/keys/${off.id}/toggle`, body), 403);
  }
  expect(await call(off.key, 'GET', '/v1/key'), 401);
  expect(await call(a.keys.owner, 'POST', `/api/keys/${off.id}/toggle`), 200);
});

await test('a key is made for a user who is there, and meters to an owner who is active', async () => {
  const { id } = await make('/customers', { name: 'o', email: `owners-${unique}@example.com` });
  const [[first]] = sql(`SELECT user_id FROM users WHERE customer_id = ${id}`);
  const second = await make('/api/users', {
    customer_id: id, name: 's', email: `second-${unique}@example.com`, role: 'owner',
  });
  expect(await operator('PATCH', `/api/users/${first}`, { is_active: false }), 200);
  const key = await newKey({ customer_id: id });
  assert.equal(expect(await operator('GET', `/api/keys/${key.id}`), 200).user_id, second.id);
  await until('it serves', async () => (await call(key.key, 'GET', '/v1/key')).status === 200);
  expect(await operator('DELETE', `/api/users/${first}`), 200);
  refusedBy(await operator('POST', '/api/keys', { customer_id: id, name: 'x', user_id: Number(first) }),
    400, 'user_id');
});

await test('users: one whose tier was archived since can still be changed', async () => {
  const tier = await make('/api/tiers', { name: `gone-${unique}`, rate_limit_per_minute: 3 });
  const user = await make('/api/users', {
    customer_id: a.id, name: 't', email: `tiered-${unique}@example.com`, role: 'developer',
    rate_limit_tier: `gone-${unique}`,
  });
  expect(await operator('DELETE', `/api/tiers/${tier.id}`), 200);
  expect(await call(a.keys.owner, 'PATCH', `/api/users/${user.id}`, { is_active: false }), 200);
});

await test("one customer's changes leave other customers' cached keys as they are", async () => {
  const slots = () => sql('SELECT slot, generation FROM key_generations ORDER BY slot')
    .map(([slot, generation]) => `${slot}=${generation}`);
  const before = new Set(slots());
  expect(await call(a.keys.owner, 'PATCH', `/api/users/${a.users.viewer}`, { name: 'renamed' }), 200);
  expect(await call(a.keys.owner, 'PATCH', `/customers/${a.id}`, { company: 'C' }), 200);
  const moved = slots().filter((slot) => !before.has(slot)).map((slot) => Number(slot.split('=')[0]));
  assert.deepEqual(moved, [a.id % 1024]);
});

await test('a key with limits of its own takes over none that has fewer (S9)', async () => {
  const add = (...args) => tollgate('key', 'add', '--customer', String(a.id), '--name', 'limited',
    '--user', `alpha-developer-${unique}@example.com`, '--per-minute', '1000',
    '--scopes', 'infer,keys:read,keys:write', ...args);
  const writer = add('--limit', 'key.tokens.day=50000');
  const other = add();
  const child = expect(await call(writer.key, 'POST', '/api/keys', { name: 'child' }), 201);
  refusedBy(await call(writer.key, 'POST', `/api/keys/${other.id}/rotate`), 403, 'rate_limits');
  expect(await call(writer.key, 'POST', `/api/keys/${child.id}/rotate`), 200);
  expect(await call(writer.key, 'POST', `/api/keys/${writer.id}/rotate`), 200);
});

await test('addresses and project of a key: handed on, never widened (S9)', async () => {
  const bound = await newKey({
    customer_id: a.id, scopes: all, project_id: a.project, allowed_ips: ['127.0.0.0/8', '::1'],
  });
  const child = expect(await call(bound.key, 'POST', '/api/keys', { name: 'c' }), 201);
  const { body } = await operator('GET', `/api/keys/${child.id}`);
  assert.deepEqual(body.allowed_ips, ['127.0.0.0/8', '::1']);
  assert.equal(body.project_id, a.project);
  refusedBy(await call(bound.key, 'POST', '/api/keys', { name: 'c', allowed_ips: ['0.0.0.0/0'] }),
    403, 'allowed_ips');
  expect(await call(bound.key, 'POST', '/api/keys', { name: 'c', allowed_ips: ['127.0.0.1'] }), 201);
  refusedBy(await call(bound.key, 'PATCH', `/api/keys/${child.id}`, { allowed_ips: null }),
    403, 'allowed_ips');
  refusedBy(await call(bound.key, 'PATCH', `/api/keys/${child.id}`, { project_id: null }),
    403, 'project_id');
});

// ---- ETags ----

for (const [kind, [path, id]] of Object.entries(things(a))) {
  await test(`${kind}: ETag: a change that knows an older state is refused`, async () => {
    const first = await operator('GET', `${path}/${id}`);
    const etag = first.headers.etag;
    assert.match(etag, /^"[0-9a-f]{32}"$/);
    assert.equal((await operator('GET', `${path}/${id}`)).headers.etag, etag);
    const changed = await operator('PATCH', `${path}/${id}`, { name: `${kind} 2` },
      { 'If-Match': etag });
    expect(changed, 200);
    assert.notEqual(changed.headers.etag, etag);
    for (const bad of [etag, 'W/"x"', '""', `W/${changed.headers.etag}`]) {
      const answer = await operator('PATCH', `${path}/${id}`, { name: 'late' }, { 'If-Match': bad });
      expect(answer, 412, bad);
      assert.equal(answer.body.error.code, 'precondition_failed');
    }
    for (const good of ['*', `"x", ${changed.headers.etag}`]) {
      expect(await operator('PATCH', `${path}/${id}`, { name: `${kind} 2` }, { 'If-Match': good }), 200);
    }
  });
}

await test('ETag: of twelve changes at once that know the same state, one wins', async () => {
  const path = `/api/projects/${a.project}`;
  const etag = (await operator('GET', path)).headers.etag;
  const got = await Promise.all(Array.from({ length: 12 }, (_, i) => operator('PATCH', path,
    { name: `race ${i}` }, { 'If-Match': etag })));
  assert.deepEqual(got.map((g) => g.status).sort(), [200, ...Array(11).fill(412)]);
});

await test('ETag: DELETE heeds it too', async () => {
  const { id } = await make('/api/agents', { customer_id: a.id, name: `gone ${unique}` });
  expect(await operator('DELETE', `/api/agents/${id}`, undefined, { 'If-Match': '"0"' }), 412);
  const gone = expect(await operator('DELETE', `/api/agents/${id}`), 200);
  assert.match(gone.archived_at, /Z$/);
  expect(await operator('PATCH', `/api/agents/${id}`, { name: 'back' }), 409);
  const list = async (query) => expect(await operator('GET',
    `/api/agents?customer_id=${a.id}&limit=1000${query}`), 200).data.map((row) => row.id);
  assert.ok(!(await list('')).includes(id));
  assert.ok((await list('&archived=true')).includes(id));
});

await test('archived names: can be given again; live ones cannot', async () => {
  for (const [kind, body, param] of [
    ['projects', { customer_id: a.id, name: `again ${unique}` }, 'name'],
    ['tiers', { name: `again-${unique}` }, 'name'],
    ['users', { customer_id: a.id, name: 'x', role: 'viewer', email: `again-${unique}@example.com` }, 'email'],
  ]) {
    const first = await make(`/api/${kind}`, body);
    refusedBy(await operator('POST', `/api/${kind}`, body), 409, param);
    expect(await operator('DELETE', `/api/${kind}/${first.id}`), 200);
    assert.notEqual((await make(`/api/${kind}`, body)).id, first.id);
  }
});

await test('audit: what changes nothing writes nothing (S31)', async () => {
  const told = async (object, id) => expect(await operator(
    'GET', `/api/audit?object=${object}&object_id=${id}`,
  ), 200).data.map((row) => row.action);
  const user = await make('/api/users', {
    customer_id: a.id, name: 'still', role: 'viewer', email: `still-${unique}@example.com`,
  });
  expect(await operator('PATCH', `/api/users/${user.id}`, {}), 200);
  expect(await operator('PATCH', `/api/users/${user.id}`, { name: 'still' }), 200);
  for (let i = 0; i < 2; i++) expect(await operator('DELETE', `/api/users/${user.id}`), 200);
  assert.deepEqual(await told('user', user.id), ['user.archive', 'user.add']);
  const key = await newKey({ customer_id: a.id });
  for (let i = 0; i < 2; i++) expect(await operator('DELETE', `/api/keys/${key.id}`), 200);
  assert.deepEqual(await told('api_key', key.id), ['key.revoke', 'key.add']);
});

// ---- pages ----

await test('lists: pages by a cursor, each row once, whatever is added meanwhile', async () => {
  const { id: customer } = await make('/customers', { name: 'pages', email: `pages-${unique}@example.com` });
  for (let i = 0; i < 7; i++) await make('/api/projects', { customer_id: customer, name: `p${i}` });
  const seen = [];
  let cursor = '';
  do {
    const page = expect(await operator('GET',
      `/api/projects?customer_id=${customer}&limit=3${cursor && `&cursor=${cursor}`}`), 200);
    assert.equal(page.object, 'list');
    seen.push(page.data.map((row) => row.name));
    cursor = page.next_cursor;
    if (seen.length === 1) await make('/api/projects', { customer_id: customer, name: 'late' });
  } while (cursor);
  assert.deepEqual(seen, [['p0', 'p1', 'p2'], ['p3', 'p4', 'p5'], ['p6', 'late']]);
});

await test('lists: parameters that are not right: 400 naming them', async () => {
  const { next_cursor: cursor } = expect(await operator('GET', '/api/keys?limit=1'), 200);
  for (const [path, param] of [['/api/keys?limit=0', 'limit'], ['/api/keys?limit=1001', 'limit'],
    ['/api/keys?limit=x', 'limit'], ['/api/keys?cursor=zz', 'cursor'],
    [`/api/users?cursor=${cursor}`, 'cursor'], [`/api/keys?name=x&cursor=${cursor}`, 'cursor'],
    ['/api/keys?state=odd', 'state'], ['/api/keys?prefix=%25', 'prefix'],
    ['/api/keys?created_from=soon', 'created_from'], ['/api/keys?customer_id=-1', 'customer_id'],
    ['/api/keys?model=no-such-model', 'model'], ['/customers?state=odd', 'state']]) {
    refusedBy(await operator('GET', path), 400, param);
  }
  const unknown = await operator('GET', '/api/keys?tenant_id=1');
  expect(unknown, 400);
  assert.match(unknown.body.error.message, /tenant_id/);
});

// ---- the life of a key ----

await test('keys: found by each criterion', async () => {
  const { id: customer } = await make('/customers', { name: 'find', email: `find-${unique}@example.com` });
  const { id: project } = await make('/api/projects', { customer_id: customer, name: 'p' });
  const tier = `tier-${unique}`;
  await make('/api/tiers', { name: tier, rate_limit_per_minute: 100 });
  const soon = new Date(Date.now() + 3600e3).toISOString().replace(/\.\d+Z/, 'Z');
  const one = await newKey({
    customer_id: customer, name: 'one', project_id: project, allowed_models: [1],
    rate_limit_tier: tier, expires_at: soon, rate_limit: undefined,
  });
  const two = await newKey({ customer_id: customer, name: 'two', allowed_models: [2] });
  const three = await newKey({ customer_id: customer, name: 'three' });
  expect(await operator('POST', `/api/keys/${two.id}/toggle`), 200);
  expect(await operator('DELETE', `/api/keys/${three.id}`), 200);
  const [owner] = expect(await operator('GET', `/api/users?customer_id=${customer}`), 200).data;
  const found = async (query) => expect(await operator('GET',
    `/api/keys?customer_id=${customer}&${query}`), 200).data.map((row) => row.name);
  const prefix = one.key.slice(0, 13);
  for (const [query, names] of [['limit=9', ['one', 'two', 'three']],
    [`project_id=${project}`, ['one']], [`user_id=${owner.id}`, ['one', 'two', 'three']],
    ['name=two', ['two']], ['state=active', ['one']], ['state=inactive', ['two']],
    ['state=revoked', ['three']], ['state=expired', []], [`tier=${tier}`, ['one']],
    ['model=1', ['one', 'three']], ['model=2', ['two', 'three']], [`prefix=${prefix}`, ['one']],
    [`prefix=${prefix.slice(3)}`, ['one']], [`expires_before=${soon}`, []],
    ['expires_before=2100-01-01', ['one']], ['last_used_from=2000-01-01', []],
    ['last_used_to=2100-01-01', ['one', 'two', 'three']],
    ['created_from=2000-01-01&created_to=2100-01-01', ['one', 'two', 'three']],
    ['created_to=2000-01-01', []]]) {
    assert.deepEqual(await found(query), names, query);
  }
  expect(await call(one.key, 'POST', '/generate', { text: 'a', model_id: 1, max_length: 20 }), 200);
  await until('last use', async () => (await found('last_used_from=2000-01-01')).includes('one'));
  const { body: used } = await operator('GET', `/api/keys/${one.id}`);
  assert.match(used.last_used_at, /:00Z$/); // to the minute
});

await test('rotation: both are valid until the grace ends, then the new one alone', async () => {
  const { key: old, id } = await newKey({ customer_id: a.id });
  const rotated = expect(await operator('POST', `/api/keys/${id}/rotate`, { grace_seconds: 3 }), 200);
  assert.equal(rotated.id, id);
  assert.match(rotated.key, /^tg_/);
  assert.notEqual(rotated.key, old);
  for (const [key, isPrevious] of [[rotated.key, false], [old, true]]) {
    const self = expect(await call(key, 'GET', '/v1/key'), 200);
    assert.equal(self.id, id);
    assert.equal(self.is_previous, isPrevious);
  }
  await until('the end of the grace', async () => (
    await call(old, 'GET', '/v1/key')).status === 401, 6000);
  assert.ok(Date.now() >= Date.parse(rotated.previous_expires_at) - 1000);
  expect(await call(rotated.key, 'GET', '/v1/key'), 200);
  refusedBy(await operator('POST', `/api/keys/${id}/rotate`, { grace_seconds: 2592001 }),
    400, 'grace_seconds');
});

await test('rotation without grace: the old one ends with the answer (S5)', async () => {
  const { key: old, id } = await newKey({ customer_id: a.id });
  expect(await call(old, 'GET', '/v1/key'), 200);
  const { key } = expect(await operator('POST', `/api/keys/${id}/rotate`), 200);
  const late = await Promise.all(Array.from({ length: 16 }, () => call(old, 'GET', '/v1/key')));
  assert.deepEqual([...new Set(late.map((x) => x.status))], [401]);
  expect(await call(key, 'GET', '/v1/key'), 200);
});

await test('rotation again in the grace: the first secret ends; revoke: all end', async () => {
  const { key: first, id } = await newKey({ customer_id: a.id });
  const { key: second } = expect(await operator('POST', `/api/keys/${id}/rotate`, { grace_seconds: 600 }), 200);
  const { key: third } = expect(await operator('POST', `/api/keys/${id}/rotate`, { grace_seconds: 600 }), 200);
  expect(await call(first, 'GET', '/v1/key'), 401);
  expect(await call(second, 'GET', '/v1/key'), 200);
  expect(await call(third, 'GET', '/v1/key'), 200);
  const gone = expect(await operator('DELETE', `/api/keys/${id}`), 200);
  assert.equal(gone.state, 'revoked');
  for (const key of [second, third]) expect(await call(key, 'GET', '/v1/key'), 401);
  expect(await operator('POST', `/api/keys/${id}/rotate`), 409);
  expect(await operator('PATCH', `/api/keys/${id}`, { name: 'x' }), 409);
});

// Keys that are none, and such as were: no worker has seen any of them.
async function wrongKeys() {
  const keys = {};
  for (const name of ['revoked', 'expired', 'inactive', 'replaced', 'suspended']) {
    keys[name] = await newKey({ customer_id: a.id, user_id: a.users.developer, scopes: all });
  }
  const at = (name, method, action = '', body = undefined) => operator(method, `/api/keys/${keys[name].id}${action}`, body);
  expect(await at('revoked', 'DELETE'), 200);
  expect(await at('inactive', 'PATCH', '', { is_active: false }), 200);
  expect(await at('replaced', 'POST', '/rotate'), 200);
  sql(`UPDATE api_keys SET expires_at = NOW(6) - INTERVAL 1 SECOND WHERE api_key_id = ${keys.expired.id}`);
  const { id } = await make('/customers', { name: 's', email: `s2-${keys.revoked.id}-${unique}@example.com` });
  keys.suspended = await newKey({ customer_id: id, scopes: all });
  expect(await operator('PATCH', `/customers/${id}`, { state: 'suspended' }), 200);
  const texts = Object.fromEntries(Object.entries(keys).map(([name, { key }]) => [name, key]));
  const { key: gone, id: goneId } = await newKey({ customer_id: a.id });
  sql(`DELETE FROM api_keys WHERE api_key_id = ${goneId}`);
  return { ...texts, unknown: gone };
}
const malformed = (key) => ({
  nonsense: 'tg_nonsense',
  prefix: key.replace(/^tg_/, 'sk_'),
  short: key.slice(0, -1),
  long: `${key}0`,
  checksum: key.replace(/.$/, (c) => (c === '0' ? '1' : '0')),
  secret: key.replace(/^(.{20})./, (_, before) => before + (key[20] === 'a' ? 'b' : 'a')),
});

await test('wrong in whatever way: byte-identical 401s, on whatever route, in either header (S2)', async () => {
  const keys = await wrongKeys();
  for (const [method, path, body] of [['GET', '/v1/key'], ['GET', '/v1/models'], ['GET', '/api/keys'],
    ['POST', '/customers', {}], ['POST', '/generate', {}], ['POST', '/v1/chat/completions', {}],
    ['POST', '/v1/messages', {}]]) {
    const seen = new Map();
    for (const [name, key] of Object.entries({ ...keys, ...malformed(keys.unknown) })) {
      for (const headers of [{ 'X-API-Key': key }, { Authorization: `Bearer ${key}` }]) {
        const answer = await call(null, method, path, body, headers);
        expect(answer, 401, `${name} ${path}`);
        const { date, 'x-request-id': id, 'request-id': anthropics, ...rest } = answer.headers;
        seen.set(JSON.stringify([rest, answer.text]), name);
      }
    }
    assert.equal(seen.size, 1, `${path}: ${[...seen].slice(0, 3).join('\n')}`);
  }
});

await test('wrong keys: junk asks the database for nothing, any other for the same (S2)', async () => {
  const keys = await wrongKeys();
  // What finds a key and what it brings along, of the connection that looked
  // for it: duties of a worker read keys and budgets whenever they are due.
  const asked = async (key) => {
    const all = await statementsDuring(async () => {
      expect(await call(key, 'GET', '/v1/key'), 401);
    }, '(api_key_secret|previous_secret) = |FROM (api_key_models|budgets) ');
    const looked = new Set(all.filter(([, text]) => /(api_key|previous)_secret = /.test(text)).map(([connection]) => connection));
    return all.filter(([connection, text]) => looked.has(connection) && !text.startsWith('DELETE'))
      .map(([, text]) => text.slice(0, 200).replace(/ IN \(.*| = .*/, ''));
  };
  for (const [name, key] of Object.entries(malformed(keys.unknown))) {
    assert.deepEqual(await asked(key), [], name);
  }
  const unknown = await asked(keys.unknown);
  assert.ok(unknown.length > 0);
  for (const [name, key] of Object.entries(keys)) {
    if (name !== 'unknown') assert.deepEqual(await asked(key), unknown, name);
  }
});

await test('addresses: a key is refused elsewhere, by name, and only there', async () => {
  const { key, id } = await newKey({ customer_id: a.id });
  const set = async (list) => expect(await operator('PATCH', `/api/keys/${id}`,
    { allowed_ips: list }), 200).allowed_ips;
  for (const list of [['127.0.0.1'], ['10.0.0.0/8', '127.0.0.0/8'], ['::ffff:127.0.0.1']]) {
    assert.deepEqual(await set(list), list);
    expect(await call(key, 'GET', '/v1/key'), 200, list);
  }
  for (const list of [['192.0.2.0/24'], ['::1'], ['2001:db8::/32']]) {
    await set(list);
    const answer = await call(key, 'GET', '/v1/models');
    expect(answer, 403, list);
    assert.equal(answer.body.error.code, 'address_not_allowed');
    // What a client says of itself changes nothing (S14).
    for (const header of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded']) {
      expect(await call(key, 'GET', '/v1/models', undefined, { [header]: '192.0.2.7' }), 403);
    }
  }
  assert.equal(await set(null), null);
  expect(await call(key, 'GET', '/v1/key'), 200);
  for (const bad of [[], ['x'], ['10.0.0.1/8'], ['10.0.0.0/33'], ['1.2.3.4,5.6.7.8'], [''],
    Array(65).fill('10.0.0.1')]) {
    refusedBy(await operator('PATCH', `/api/keys/${id}`, { allowed_ips: bad }), 400, 'allowed_ips');
    refusedBy(await operator('POST', '/api/keys', {
      customer_id: a.id, name: 'x', allowed_ips: bad,
    }), 400, 'allowed_ips');
  }
});

await test('who somebody says to be, in whatever header, changes nothing (S14)', async () => {
  const { key } = await newKey({ customer_id: a.id, user_id: a.users.viewer, scopes: all });
  const said = {
    Host: 'evil.example', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https',
    'X-Forwarded-For': '203.0.113.7', 'X-Real-IP': '203.0.113.7', Forwarded: 'for=203.0.113.7;host=evil.example',
    'X-User-Id': b.users.owner, 'X-User-Email': `beta-${unique}@example.com`, 'X-Role': 'operator',
    'X-Customer-Id': b.id, 'X-Tenant-Id': b.id, 'X-Forwarded-User': 'root', 'X-Remote-User': 'root',
    'X-Original-URL': '/api/providers', 'X-Rewrite-URL': '/api/providers', 'X-HTTP-Method-Override': 'DELETE',
  };
  // Without what time alone changes: when it was last used, what of a window is left.
  const selfIn = (headers) => call(key, 'GET', '/v1/key', undefined, headers).then((answer) => ({
    status: answer.status,
    ...JSON.parse(answer.text, (name, value) =>
      (['last_used_at', 'resets_at', 'remaining'].includes(name) ? undefined : value)),
  }));
  const plain = await selfIn({});
  assert.deepEqual([plain.status, plain.customer_id, plain.user_id], [200, a.id, a.users.viewer]);
  const { id } = plain;
  for (const headers of [said, ...Object.entries(said).map(([n, v]) => ({ [n]: v }))]) {
    const name = Object.keys(headers).join();
    assert.deepEqual(await selfIn(headers), plain, name);
    expect(await call(key, 'POST', '/api/agents', { name: `s14-${unique}` }, headers), 403, name);
    assert.deepEqual(expect(await call(key, 'GET', '/customers', undefined, headers), 200)
      .data.map((c) => c.id), [a.id], name);
    expect(await call(null, 'GET', '/v1/key', undefined, headers), 401, name);
  }
  const used = await call(key, 'POST', '/generate', { text: 'a', model_id: 2, max_length: 5 }, said);
  expect(used, 200);
  assert.deepEqual(await usageRow(used.headers['x-request-id'], ['customer_id', 'user_id', 'api_key_id']),
    { customer_id: String(a.id), user_id: String(a.users.viewer), api_key_id: String(id) });
  // Nor do a page's links and cookies go by it.
  const page = await ask('GET', '/dashboard', { Accept: 'text/html', ...said });
  assert.match(page.headers.location, /^\/login/);
  const login = await ask('GET', '/login', { Accept: 'text/html', ...said });
  assert.ok(!login.text.includes('evil.example'));
  assert.deepEqual(login.headers['set-cookie'].map((c) => c.replace(/=[^;]*/, '')),
    (await ask('GET', '/login', { Accept: 'text/html' })).headers['set-cookie'].map((c) => c.replace(/=[^;]*/, '')));
});

await test('changed in place: scopes, models, expiry, in force at once', async () => {
  const { key, id } = await newKey({ customer_id: a.id });
  const generate = (model) => call(key, 'POST', '/generate', { text: 'a', model_id: model, max_length: 20 });
  expect(await generate(1), 200);
  const set = async (members) => expect(await operator('PATCH', `/api/keys/${id}`, members), 200);
  assert.deepEqual((await set({ allowed_models: ['lawgent-thinking'] })).allowed_models, [2]);
  expect(await generate(1), 403);
  expect(await generate(2), 200);
  assert.equal((await set({ allowed_models: null })).allowed_models, null);
  expect(await generate(1), 200);
  await set({ scopes: ['usage:read'] });
  expect(await generate(1), 403);
  await set({ scopes: ['infer'], is_active: false });
  expect(await generate(1), 401);
  await set({ is_active: true, expires_at: '2099-01-01T00:00:00Z' });
  expect(await generate(1), 200);
  refusedBy(await operator('PATCH', `/api/keys/${id}`, { expires_at: '2001-01-01' }), 400, 'expires_at');
  refusedBy(await operator('PATCH', `/api/keys/${id}`, { allowed_models: [99999] }), 400, 'allowed_models');
  refusedBy(await operator('PATCH', `/api/keys/${id}`, { scopes: ['everything'] }), 400, 'scopes');
  refusedBy(await operator('PATCH', `/api/keys/${id}`, { name: '' }), 400, 'name');
  refusedBy(await operator('PATCH', `/api/keys/${id}`, { name: null }), 400, 'name');
});

await test('revoke many: all or none, by ids or by what they belong to', async () => {
  const { id: project } = await make('/api/projects', { customer_id: a.id, name: `many ${unique}` });
  const keys = await Promise.all(Array.from({ length: 5 }, () => newKey({
    customer_id: a.id, project_id: project,
  })));
  const ids = keys.map((k) => k.id);
  refusedBy(await call(a.keys.owner, 'POST', '/api/keys/revoke', { ids: [...ids, nowhere] }), 404, 'ids');
  for (const { key } of keys) expect(await call(key, 'GET', '/v1/key'), 200);
  const revoke = async (body) => expect(await call(a.keys.owner, 'POST', '/api/keys/revoke', body), 200);
  assert.deepEqual(await revoke({ ids: ids.slice(0, 2) }), { revoked: 2, has_more: false });
  assert.deepEqual(await revoke({ project_id: project }), { revoked: 3, has_more: false });
  assert.deepEqual(await revoke({ project_id: project }), { revoked: 0, has_more: false });
  for (const { key } of keys) expect(await call(key, 'GET', '/v1/key'), 401);
  for (const body of [{}, { ids, project_id: project }]) {
    refusedBy(await operator('POST', '/api/keys/revoke', body), 400, 'ids');
  }
});

await test('GET /v1/key: what it is and may', async () => {
  const { key, id } = await newKey({
    customer_id: a.id, scopes: ['infer', 'keys:read'], allowed_models: [1], rate_limit: 9,
    expires_at: '2099-01-01T00:00:00Z', allowed_ips: ['127.0.0.1'],
  });
  const self = expect(await call(key, 'GET', '/v1/key'), 200);
  assert.equal(self.id, id);
  assert.deepEqual(self.scopes, ['infer', 'keys:read']);
  assert.deepEqual(self.models.map((m) => m.id), [1]);
  assert.deepEqual(self.rate_limits, { 'key_model.requests.minute': 9 });
  assert.equal(self.effective_rate_limits['key_model.requests.minute'], 9);
  assert.equal(self.expires_at, '2099-01-01T00:00:00Z');
  assert.equal(self.role, 'owner');
  expect(await operator('GET', '/v1/key'), 403);
});

await test('customers: suspended: refused; resumed: served; closed: for good, books kept', async () => {
  const { id } = await make('/customers', { name: 'c', email: `closing-${unique}@example.com` });
  const { key } = await newKey({ customer_id: id });
  expect(await call(key, 'POST', '/generate', { text: 'a', model_id: 1, max_length: 20 }), 200);
  await until('its row', () => sql(`SELECT 1 FROM usage_records WHERE customer_id = ${id}`).length);
  const books = () => sql(`SELECT COUNT(*), COUNT(balance_usd) FROM ledger_accounts WHERE customer_id = ${id}`);
  const before = books();
  assert.equal(expect(await operator('PATCH', `/customers/${id}`, {
    state: 'suspended', rate_limits: { 'key_model.requests.minute': 7, 'customer.tokens.day': 8 }, markup: 1.25,
  }), 200).markup, 1.25);
  await until('refusal', async () => (await call(key, 'GET', '/v1/key')).status === 401, 3000);
  expect(await operator('PATCH', `/customers/${id}`, { state: 'active' }), 200);
  await until('service', async () => (await call(key, 'GET', '/v1/key')).status === 200, 3000);
  refusedBy(await operator('PATCH', `/customers/${id}`, { state: 'closed' }), 400, 'state');
  const closed = expect(await operator('DELETE', `/customers/${id}`), 200);
  assert.equal(closed.state, 'closed');
  assert.deepEqual(closed.rate_limits, { 'key_model.requests.minute': 7, 'customer.tokens.day': 8 });
  await until('refusal', async () => (await call(key, 'GET', '/v1/key')).status === 401, 3000);
  expect(await operator('PATCH', `/customers/${id}`, { state: 'active' }), 409);
  expect(await operator('POST', '/api/keys', { customer_id: id, name: 'x' }), 409);
  expect(await operator('POST', '/api/projects', { customer_id: id, name: 'x' }), 409);
  assert.deepEqual(books(), before);
  assert.equal(sql(`SELECT COUNT(*) FROM usage_records WHERE customer_id = ${id}`)[0][0], '1');
  assert.deepEqual(expect(await operator('GET', `/customers?state=closed&limit=1000`), 200)
    .data.filter((row) => row.id === id).length, 1);
});

await test('customers: a closed one is exported: who, keys without secrets, ledger, usage', async () => {
  const { id, email } = await make('/customers', { name: 'leaving "x"', email: `leaving-${unique}@example.com` });
  const { key, id: keyId } = await newKey({ customer_id: id });
  for (let i = 0; i < 3; i += 1) {
    expect(await call(key, 'POST', '/generate', { text: 'a', model_id: 2, max_length: 5 }), 200);
  }
  await until('its rows', () => sql(`SELECT COUNT(*) FROM usage_records WHERE customer_id = ${id}`)[0][0] === '3');
  await make(`/customers/${id}/credits`, { amount_usd: '7.5', reference: 'invoice-1' });
  await make(`/customers/${id}/credits`, { amount_usd: '-0.5', reference: 'back:1' });
  expect(await operator('DELETE', `/customers/${id}`), 200);
  const audits = () => sql(`SELECT actor, object, object_id, is_success, client_address IS NULL FROM audit_log
    WHERE action = 'customer.export' AND customer_id = ${id} ORDER BY audit_id`);
  // Of a HEAD nothing goes out: nobody exported anything.
  const head = await operator('HEAD', `/customers/${id}/export`);
  assert.deepEqual([head.status, head.text, audits()], [200, '', []]);
  const answer = await operator('GET', `/customers/${id}/export`);
  assert.equal(head.headers['content-disposition'], answer.headers['content-disposition']);
  assert.deepEqual(audits(), [['operator_key', 'customer', `${id}`, '1', '0']]);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/x-ndjson');
  assert.equal(answer.headers['content-disposition'], `attachment; filename="customer-${id}.ndjson"`);
  const lines = answer.text.trimEnd().split('\n').map(JSON.parse);
  const of = (object) => lines.filter((l) => l.object === object);
  assert.deepEqual([lines[0].object, lines[0].id, lines[0].state], ['customer', id, 'closed']);
  assert.deepEqual(of('user').map((u) => u.email), [email]);
  assert.deepEqual(of('api_key').map((k) => k.id), [keyId]);
  assert.equal(of('usage').length, 3);
  assert.deepEqual(lines.at(-1), { object: 'end', lines: lines.length - 1 });
  assert.ok(!('markup' in lines[0]) && !('provider_cost_in_usd' in of('usage')[0]));
  assert.ok(!answer.text.includes(key.slice(14)));
  const pico = (usd) => BigInt(Math.round(usd * 1e12));
  const sum = (rows, name) => rows.reduce((n, row) => n + pico(row[name]), 0n);
  assert.ok(sum(of('usage'), 'cost_in_usd') > 0n);
  const kinds = (kind) => of('ledger_transfer').filter((t) => t.kind === kind);
  assert.equal(sum(kinds('usage'), 'amount_usd'), sum(of('usage'), 'cost_in_usd'));
  assert.deepEqual(kinds('credit').map((t) => [t.reference, t.amount_usd]).sort(), [['back:1', 0.5], ['invoice-1', 7.5]]);
  assert.ok(kinds('usage').every((t) => !('reference' in t)));
  assert.equal(pico(of('ledger_account').find((l) => l.kind === 'receivable').balance_usd),
    sum(of('usage'), 'cost_in_usd') - pico(7));
  const command = execFileSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`, ['customer', 'export', String(id)]).toString();
  assert.equal(command, answer.text);
  assert.deepEqual(audits().map(([actor]) => actor), ['operator_key', 'command']);
  expect(await operator('GET', '/customers/4294967295/export'), 404);
  assert.equal((await ask('HEAD', '/customers/4294967295/export',
    { 'X-API-Key': env.TOLLGATE_OPERATOR_KEY })).status, 404);
  assert.equal(sql("SELECT COUNT(*) FROM audit_log WHERE customer_id = 4294967295")[0][0], '0');
  // Each stands in the audit log (S31).
  const told = expect(await operator('GET', `/api/audit?action=customer.export&customer_id=${id}`), 200).data;
  assert.deepEqual(told.map((row) => [row.actor, row.object, row.object_id, row.is_success]),
    [['command', 'customer', id, true], ['operator_key', 'customer', id, true]]);
  assert.equal(told[1].request_id, answer.headers['x-request-id']);
  assert.ok(told[0].detail.account);
  // More than a page of each.
  sql(`INSERT INTO projects (customer_id, name) SELECT ${id}, CONCAT('p', seq) FROM seq_1_to_1201`);
  const many = (await operator('GET', `/customers/${id}/export`)).text.trimEnd().split('\n').map(JSON.parse);
  assert.equal(many.length, lines.length + 1201);
  assert.equal(new Set(many.filter((l) => l.object === 'project').map((l) => l.id)).size, 1201);
});

// ---- tiers and providers ----

await test('tiers: made, changed, archived; an archived one is given to nobody', async () => {
  const name = `gold-${unique}`;
  const { id } = await make('/api/tiers', { name, rate_limit_per_minute: 3 });
  refusedBy(await operator('POST', '/api/tiers', { name }), 409, 'name');
  const key = await newKey({ customer_id: a.id, rate_limit_tier: name, rate_limit: undefined });
  assert.equal(key.rate_limit, 3);
  assert.equal(expect(await operator('PATCH', `/api/tiers/${id}`, { rate_limit_per_minute: 4 }), 200)
    .rate_limit_per_minute, 4);
  refusedBy(await operator('PATCH', `/api/tiers/${id}`, { name: 'x' }), 400, 'name');
  expect(await operator('DELETE', `/api/tiers/${id}`), 200);
  refusedBy(await operator('POST', '/api/keys', { customer_id: a.id, name: 'x', rate_limit_tier: name }),
    400, 'rate_limit_tier');
});

await test('providers: who swaps a credential needs its newest ETag, and stands in the audit log (S31)', async () => {
  const { id } = await make('/api/providers', {
    name: `swap-${unique}`, kind: 'openai', base_url: 'https://api.example.com', api_key: 'sk-1',
  });
  const shown = await operator('GET', `/api/providers/${id}`);
  const swap = (key) => operator('PATCH', `/api/providers/${id}`, { api_key: key }, {
    'If-Match': shown.headers.etag,
  });
  assert.equal(expect(await swap('sk-2'), 200).api_key_version, 2);
  expect(await swap('sk-3'), 412);
  const { data: [row] } = expect(await operator('GET', `/api/audit?object=provider&object_id=${id}`), 200);
  assert.deepEqual([row.action, row.detail.before, row.detail.after],
    ['provider.set', { api_key_version: 1 }, { api_key_version: 2 }]);
});

await test('providers: a credential goes in and never comes out (S3, S4)', async () => {
  const secret = `sk-canary-${unique}`;
  const made = await operator('POST', '/api/providers', {
    name: `p-${unique}`, kind: 'openai', base_url: 'https://api.example.com', api_key: secret,
  });
  expect(made, 201);
  const { id } = made.body;
  assert.equal(made.body.has_api_key, true);
  const seen = [made, await operator('GET', `/api/providers/${id}`),
    await operator('GET', '/api/providers?limit=1000'), await operator('GET', '/api/audit'),
    await operator('PATCH', `/api/providers/${id}`, { is_enabled: false, drain_s: 5, api_key: `${secret}2` })];
  for (const answer of seen) assert.ok(!answer.text.includes('sk-canary'), answer.text);
  assert.deepEqual(sql("SELECT COUNT(*) FROM providers WHERE api_key LIKE '%canary%'"), [['0']]);
  assert.equal(expect(await operator('PATCH', `/api/providers/${id}`, { api_key: null }), 200).has_api_key, false);
  refusedBy(await operator('PATCH', `/api/providers/${id}`, { base_url: 'ftp://x' }), 400, 'base_url');
  expect(await operator('DELETE', `/api/providers/${id}`), 200);
  const [[used]] = sql('SELECT MIN(provider_id) FROM deployments WHERE archived_at IS NULL');
  expect(await operator('DELETE', `/api/providers/${used}`), 409);
});

// ---- the audit log ----

await test('audit: every change, before and after, without secrets (S31, S4)', async () => {
  const { key, id } = await newKey({ customer_id: a.id, name: 'watched' });
  expect(await call(a.keys.owner, 'PATCH', `/api/keys/${id}`, { name: 'renamed\u2028' }), 200);
  const rotated = expect(await call(a.keys.owner, 'POST', `/api/keys/${id}/rotate`), 200);
  expect(await call(a.keys.owner, 'POST', `/api/keys/${id}/toggle`), 200);
  expect(await call(a.keys.owner, 'DELETE', `/api/keys/${id}`), 200);
  const answer = await operator('GET', `/api/audit?object=api_key&object_id=${id}`);
  const rows = expect(answer, 200).data;
  assert.deepEqual(rows.map((row) => row.action),
    ['key.revoke', 'key.toggle', 'key.rotate', 'key.set', 'key.add']);
  const renamed = rows[3];
  assert.deepEqual(renamed.detail, { before: { name: 'watched' }, after: { name: 'renamed\u2028' } });
  assert.equal(renamed.actor, 'api_key');
  assert.equal(renamed.actor_id, a.keyIds.owner);
  assert.equal(renamed.customer_id, a.id);
  assert.equal(renamed.client_address, '127.0.0.1');
  assert.match(renamed.request_id, /^[0-9a-f-]{36}$/);
  for (const secret of [key, rotated.key]) assert.ok(!answer.text.includes(secret.slice(14)));
  assert.deepEqual(sql(`SELECT COUNT(*) FROM audit_log WHERE detail LIKE '%${key.slice(14)}%'`), [['0']]);
});

await test('audit: changes by command: before and after, too (S31)', async () => {
  const { id } = await make('/customers', { name: 'watched', email: `watched-${unique}@example.com` });
  const last = () => tollgate('audit', 'list', '--limit', '1')[0];
  const changes = (action) => {
    const row = last();
    assert.equal(row.action, action);
    assert.equal(row.actor, 'command');
    assert.ok(row.detail.account);
    return [row.detail.before, row.detail.after];
  };
  const tier = `watched-${unique}`;
  tollgate('customer', 'set', String(id), '--name', 'renamed');
  assert.deepEqual(changes('customer.set'), [{ name: 'watched' }, { name: 'renamed' }]);
  tollgate('tier', 'add', '--name', tier, '--per-minute', '3');
  assert.equal(changes('tier.add')[1].rate_limit_per_minute, 3);
  tollgate('tier', 'set', tier, '--per-minute', '4');
  assert.deepEqual(changes('tier.set').map((side) => side.rate_limit_per_minute), [3, 4]);
  tollgate('tier', 'assign', tier, '--user', `watched-${unique}@example.com`);
  assert.deepEqual(changes('user.set'), [{ rate_limit_tier: null }, { rate_limit_tier: tier }]);
  tollgate('provider', 'add', '--name', tier, '--kind', 'openai', '--base-url', 'https://a.example.com', '--api-key', 'sk-watched');
  assert.equal(changes('provider.add')[1].base_url, 'https://a.example.com');
  tollgate('provider', 'set', tier, '--base-url', 'https://b.example.com');
  assert.deepEqual(changes('provider.set'),
    [{ base_url: 'https://a.example.com' }, { base_url: 'https://b.example.com' }]);
  const made = tollgate('key', 'add', '--customer', String(id), '--name', 'k');
  assert.equal(changes('key.add')[1].name, 'k');
  tollgate('key', 'toggle', String(made.id), '--off');
  assert.deepEqual(changes('key.toggle').map((side) => side.is_active), [true, false]);
  tollgate('key', 'revoke', String(made.id));
  assert.ok(changes('key.revoke')[1].revoked_at);
  assert.deepEqual(sql(`SELECT COUNT(*) FROM audit_log WHERE detail LIKE '%sk-watched%'
    OR detail LIKE '%${made.key.slice(14)}%'`), [['0']]);
});

await test('audit: what is hidden from a customer is so in its audit log', async () => {
  expect(await operator('PATCH', `/customers/${a.id}`, { markup: 1.37, company: 'B' }), 200);
  const query = `/api/audit?object=customer&object_id=${a.id}&action=customer.set&limit=1`;
  assert.deepEqual(expect(await operator('GET', query), 200).data[0].detail.operator.after, { markup: 1.37 });
  const [row] = expect(await call(a.keys.owner, 'GET', query), 200).data;
  assert.deepEqual(row.detail, { before: { company: 'C' }, after: { company: 'B' } });
  tollgate('project', 'set', `${a.project}`, '--name', 'told');
  tollgate('project', 'set', `${a.project}`, '--name', 'alpha');
  const byCommand = `/api/audit?object=project&object_id=${a.project}&actor=command&limit=1`;
  const [{ detail: whole }] = expect(await operator('GET', byCommand), 200).data;
  assert.ok(whole.account && whole.host);
  const [{ detail: ours }] = expect(await call(a.keys.owner, 'GET', byCommand), 200).data;
  assert.deepEqual(Object.keys(ours).sort(), ['after', 'before']);
});

await test('audit: line ends in what was given end no line (S31)', async () => {
  // Names can have none; a model's description can.
  refusedBy(await operator('POST', '/api/keys', { customer_id: a.id, name: 'one\r\ntwo' }), 400, 'name');
  const description = `one\n2026-01-01 forged ${unique}`;
  const { description: before } = expect(await operator('GET', '/api/models/2'), 200);
  expect(await operator('PATCH', '/api/models/2', { description }), 200);
  expect(await operator('PATCH', '/api/models/2', { description: before }), 200);
  const [[raw, kept]] = sql(`SELECT detail REGEXP '[\r\n]', JSON_VALUE(detail, '$.after.description') = '${description}'
    FROM audit_log WHERE object = 'model' AND object_id = 2 ORDER BY audit_id DESC LIMIT 1, 1`);
  assert.deepEqual([raw, kept], ['0', '1']);
  const text = execFileSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`, ['audit', 'list', '--limit', '20']).toString();
  assert.ok(text.split('\n').every((line) => !line.startsWith('2026-01-01 forged')), text);
});

await test('a dump of the database lets nobody in (S3)', async () => {
  const email = `dumped-${unique}@example.com`;
  const { password } = tollgate('user', 'add', '--customer', String(a.id), '--email', email, '--role', 'owner');
  const sent = await signIn(email, password);
  await make('/api/providers', {
    name: `dumped-${unique}`, kind: 'openai', base_url: 'https://api.example.com', api_key: `sk-dumped-${unique}`,
  });
  const rotated = await newKey({ customer_id: a.id });
  const { key: next } = expect(await operator('POST', `/api/keys/${rotated.id}/rotate`, { grace_seconds: 600 }), 200);
  const dump = execFileSync('mariadb-dump', ['--no-defaults', '-u', 'root', '-S', env.TOLLGATE_DB_SOCKET,
    '--hex-blob', '--single-transaction', env.TOLLGATE_DB_NAME], { maxBuffer: 2 ** 30 }).toString().toLowerCase();
  assert.ok(dump.includes(email.toLowerCase()));
  // Of a key what is behind its public id; of a cookie its value, as it is and as what it stands for.
  const secrets = [password, `sk-dumped-${unique}`, ...sent.map((c) => c.replace(/^[^=]*=/, '')).filter(Boolean), // one is taken away
    ...[rotated.key, next, a.keys.owner].map((k) => k.slice(14)), env.TOLLGATE_OPERATOR_KEY.slice(15)];
  assert.ok(secrets.every((s) => s.length >= 16), secrets.join());
  for (const text of secrets) {
    const forms = [text, Buffer.from(text).toString('hex'), Buffer.from(text).toString('base64'),
      Buffer.from(text, 'base64url').toString('hex')];
    for (const form_ of forms) assert.ok(form_.length < 16 || !dump.includes(form_.toLowerCase()), text.slice(0, 4));
  }
});

await test('audit: narrowed down, and nothing of a change that failed', async () => {
  const page = async (query) => expect(await operator('GET', `/api/audit?${query}`), 200).data;
  assert.deepEqual([...new Set((await page('actor=operator_key&action=customer.add&limit=9'))
    .map((row) => `${row.actor} ${row.action}`))], ['operator_key customer.add']);
  assert.deepEqual(await page('created_to=2000-01-01'), []);
  const before = sql('SELECT MAX(audit_id) FROM audit_log')[0][0];
  expect(await operator('PATCH', `/api/projects/${a.project}`, { name: '' }), 400);
  expect(await operator('PATCH', `/api/projects/${a.project}`, { name: 'x' }, { 'If-Match': '"0"' }), 412);
  assert.equal(sql('SELECT MAX(audit_id) FROM audit_log')[0][0], before);
});

await test('audit: a failed sign-in is there (S31)', async () => {
  const login = await ask('GET', '/login', { Accept: 'text/html' });
  await form('/login', cookies(login), `email=${encodeURIComponent(`alpha-owner-${unique}@example.com`)}`
    + `&password=not-the-right-one-at-all&${field(login)}`);
  const rows = expect(await call(a.keys.owner, 'GET',
    '/api/audit?action=session.create&is_success=false'), 200).data;
  assert.equal(rows.length, 1);
  assert.equal(rows[0].object_id, a.users.owner);
  assert.equal(rows[0].actor, 'anonymous');
});

await test('audit: a sign-in that succeeds is there, too (S31)', async () => {
  const email = `signed-in-${unique}@example.com`;
  const { id, password } = tollgate('user', 'add', '--customer', String(a.id), '--email', email, '--role', 'owner');
  await signIn(email, password);
  const answer = await call(a.keys.owner, 'GET', '/api/audit?action=session.create&is_success=true&limit=1');
  const [row] = expect(answer, 200).data;
  assert.deepEqual([row.actor, row.actor_id, row.object, row.object_id, row.client_address],
    ['user', id, 'user', id, '127.0.0.1']);
  assert.ok(!answer.text.includes(password));
});

done();
