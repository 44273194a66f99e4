// SPDX-License-Identifier: MIT
// Bad input at every route: a 4xx in our error shape, nothing secret logged,
// and the service goes on. CHECKLIST S2, S15, S17, S20, S32, S35.
import { execFileSync } from 'node:child_process';
import { readFileSync, existsSync } from 'node:fs';
import net from 'node:net';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, json, newKey, sql,
} from './lib.mjs';

const canary = 'canary-5f1c0e7b';
const BODY_MAX = 33554432; // body.max_bytes' default

const asKey = { ...json, 'X-API-Key': env.TOLLGATE_API_KEY };
const asOperator = { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };

// Whether the worker answered, not the web server by itself: only its answers
// have a request's number.
const isOurs = (answer) => answer.headers['x-request-id'] !== undefined;

function assertOurError(answer, status) {
  assert.equal(answer.status, status, answer.text.slice(0, 200));
  assert.equal(answer.headers['content-type'], 'application/json');
  const { error } = JSON.parse(answer.text);
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.match(answer.headers['x-request-id'], /^[0-9a-f-]{36}$/);
}

function assertOurPage(answer, status) {
  assert.equal(answer.status, status, answer.text.slice(0, 200));
  assert.match(answer.headers['content-type'], /^text\/html/);
  assert.match(answer.headers['x-request-id'], /^[0-9a-f-]{36}$/);
  assert.match(answer.text, /<h1/);
  assert.match(answer.text, /Tollgate/);
}

// A 4xx of the worker in our shape, or one of the web server's own.
function assertRefused(answer) {
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
  if (isOurs(answer)) assertOurError(answer, answer.status);
}

const routes = execFileSync(
  `${env.TOLLGATE_BUILD_DIR}/src/daemon/tollgate.fcgi`, ['--routes'],
).toString().trim().split('\n')
  .map((line) => line.split(/\s+/))
  .filter((row) => /^(GET|POST|PUT|PATCH|DELETE)$/.test(row[0]))
  .map(([method, path, , , flags]) => ({
    method,
    path: path.replace(/\{[a-z_]+\}/g, '1'),
    matches: new RegExp(`^${path.replace(/\{[a-z_]+\}/g, '[^/]+')}$`),
    isPage: flags[0] === 'h',
  }));
// A path may also be met by another route's {name}.
const methodsOf = (path) => new Set(
  routes.filter((r) => r.matches.test(path)).flatMap((r) => (
    r.method === 'GET' ? ['GET', 'HEAD'] : [r.method])),
);
const limit429 = (status) => status === 429;

await test('routes: the listing names the first endpoints of all', () => {
  for (const path of ['/customers', '/api/keys', '/api/keys/1/toggle',
    '/generate', '/dashboard/1']) {
    assert.ok(routes.some((r) => r.path === path), path);
  }
});

for (const path of new Set(routes.map((r) => r.path))) {
  const { isPage } = routes.find((r) => r.path === path);
  const assertShape = isPage ? assertOurPage : assertOurError;
  const headers = isPage ? { Accept: 'text/html' } : asKey;
  await test(`${path}: wrong methods: 405 with Allow, in our shape`, async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      if (methodsOf(path).has(method)) continue;
      const answer = await ask(method, path, headers);
      assertShape(answer, 405);
      assert.ok(answer.headers.allow, `${method}: no Allow header`);
    }
    // lighttpd knows the methods that there are, and refuses others itself.
    const odd = await raw(`FROB ${path} HTTP/1.1\r\nHost: x\r\n`
      + `Connection: close\r\n${isPage ? 'Accept: text/html\r\n' : ''}\r\n`);
    if (isOurs(odd)) assertShape(odd, 405);
    else assert.equal(odd.status, 501);
  });
}

await test('unknown path: 404 in our shape', async () => {
  assertOurError(await ask('GET', '/v1/nothing', asKey), 404);
});

await test('TRACE: refused', async () => {
  const answer = await ask('TRACE', '/v1/models', { ...asKey, Cookie: canary });
  assert.ok([403, 405].includes(answer.status), `${answer.status}`);
  assert.ok(!answer.text.includes(canary), 'the request came back');
});

const apiRoutes = routes.filter((r) => /^\/(v1|api|customers|generate)/.test(r.path));
const wrongCredentials = {
  none: {},
  empty: { 'X-API-Key': '' },
  garbage: { 'X-API-Key': 'nonsense' },
  'wrong checksum': { 'X-API-Key': `${env.TOLLGATE_API_KEY.slice(0, -1)}${
    env.TOLLGATE_API_KEY.endsWith('0') ? '1' : '0'}` },
  'SQL in the key': { 'X-API-Key': "tg_' OR 1=1 -- " },
  'binary': { Authorization: 'Bearer tg_\u00ff\u00fe' },
  'other scheme': { Authorization: 'Basic dXNlcjpwYXNz' },
  '4 KiB': { Authorization: `Bearer tg_${'x'.repeat(4096)}` },
};

for (const { method, path } of apiRoutes) {
  await test(`${method} ${path}: bad credentials: one and the same 401`, async () => {
    const seen = new Set();
    for (const [name, headers] of Object.entries(wrongCredentials)) {
      // A web server may refuse the bytes before we see them.
      const answer = await ask(method, path, { ...json, ...headers },
        method === 'POST' ? `{"text":"${canary}"}` : undefined);
      if (name === 'binary' && answer.status === 400) continue;
      assertOurError(answer, 401);
      seen.add(answer.text);
    }
    assert.equal(seen.size, 1);
  });
}

await test('operator key: inference: refused', async () => {
  const answer = await ask('POST', '/generate', asOperator, '{"text":"a"}');
  assert.ok([401, 403].includes(answer.status), `${answer.status}`);
});

await test('customer key: management: refused', async () => {
  for (const path of ['/customers', '/api/keys', '/api/keys/1/toggle']) {
    assertOurError(await ask('POST', path, asKey, '{}'), 403);
  }
});

await test('keys:write: no key grants more than it has', async () => {
  const expiry = new Date(Date.now() + 3600e3).toISOString().replace(/\.\d+Z/, 'Z');
  const parent = await newKey({
    scopes: ['infer', 'keys:write'],
    allowed_models: [1],
    rate_limit: 7,
    rate_limit_per_hour: 70,
    expires_at: expiry,
  });
  const make = (members) => ask('POST', '/api/keys',
    { ...json, 'X-API-Key': parent.key }, JSON.stringify({
      customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: 'child', ...members,
    }));
  for (const [param, value] of [['scopes', ['manage']],
    ['allowed_models', [1, 2]], ['rate_limit', 8],
    ['rate_limit_per_hour', 71], ['rate_limit_tier', 'any'],
    ['expires_at', '2099-01-01T00:00:00Z'], ['user_id', 999999]]) {
    const answer = await make({ [param]: value });
    assertOurError(answer, 403);
    assert.equal(JSON.parse(answer.text).error.param, param);
  }
  const answer = await make({});
  assert.equal(answer.status, 201, answer.text);
  const child = JSON.parse(answer.text);
  assert.equal(child.rate_limit, 7);
  assert.deepEqual(child.allowed_models, parent.allowed_models);
  assert.equal(Date.parse(child.expires_at), Date.parse(expiry));
  assert.deepEqual(sql(`SELECT rate_limit_per_hour, user_id = (SELECT user_id
    FROM api_keys WHERE api_key_id = ${parent.id})
    FROM api_keys WHERE api_key_id = ${child.id}`), [['70', '1']]);
});

await test('new key: user or project of somebody else: 400 naming it', async () => {
  const id = Number(env.TOLLGATE_CUSTOMER_ID);
  const stranger = sql(`SELECT MIN(user_id) FROM users
    WHERE NOT customer_id <=> ${id}`)[0][0];
  for (const [param, value] of [['user_id', 999999999],
    ...(stranger === 'NULL' ? [] : [['user_id', Number(stranger)]]),
    ['project_id', 999999999]]) {
    const answer = await ask('POST', '/api/keys', asOperator,
      JSON.stringify({ customer_id: id, name: 'stray', [param]: value }));
    assertOurError(answer, 400);
    assert.equal(JSON.parse(answer.text).error.param, param);
  }
});

await test('new key: rate_limit is what its user\'s tier says', async () => {
  sql(`INSERT IGNORE INTO rate_limit_tiers (name, rate_limit_per_minute)
    VALUES ('wire-user', 13)`);
  sql(`INSERT INTO users (customer_id, name, email, role, rate_limit_tier)
    SELECT ${Number(env.TOLLGATE_CUSTOMER_ID)}, 'tiered',
      CONCAT(UUID(), '@example.org'), 'developer', tier_id
    FROM rate_limit_tiers WHERE name = 'wire-user'`);
  const user = sql("SELECT MAX(user_id) FROM users WHERE name = 'tiered'")[0][0];
  const made = await newKey({ user_id: Number(user), rate_limit: undefined });
  assert.equal(made.rate_limit, 13);
});

const badBodies = {
  empty: '',
  'not JSON': canary,
  'cut short': '{"text":"',
  'trailing text': '{"text":"a"} x',
  'array': '[1]',
  'NaN': '{"text":"a","model_id":NaN}',
  'control character': '{"text":"a\u0001"}',
  'repeated name': '{"text":"a","text":"b"}',
  'escaped name': '{"te\\u0078t":"a"}',
  'invalid UTF-8': Buffer.from([...Buffer.from('{"text":"'), 0xff,
    ...Buffer.from('"}')]),
  'too deep': `{"text":${'['.repeat(10000)}${']'.repeat(10000)}}`,
};
for (const path of ['/generate', '/customers', '/api/keys']) {
  await test(`POST ${path}: bodies that are not right: 400 in our shape`, async () => {
    for (const [name, body] of Object.entries(badBodies)) {
      const answer = await ask('POST', path,
        path === '/generate' ? asKey : asOperator, body);
      assert.ok(!limit429(answer.status), 'limit reached in between');
      assert.equal(answer.status, 400, `${name}: ${answer.status}`);
      assertOurError(answer, 400);
    }
  });
}
for (const path of ['/v1/chat/completions', '/v1/completions', '/v1/embeddings']) {
  await test(`POST ${path}: bodies that are not right: 400 in our shape`, async () => {
    const chat = {
      ...badBodies,
      'repeated name': '{"model":"gpt2","model":"gpt2","messages":[],"prompt":"","input":""}',
      'escaped name': '{"mod\\u0065l":"gpt2","messages":[],"prompt":"","input":""}',
      'no model': '{"messages":[],"prompt":"a","input":"a"}',
      'model is a number': '{"model":1,"messages":[],"prompt":"a","input":"a"}',
      'stream is a text': '{"model":"gpt2","stream":"yes","messages":[],"prompt":"a","input":"a"}',
    };
    for (const [name, body] of Object.entries(chat)) {
      const answer = await ask('POST', path, asKey, body);
      assert.equal(answer.status, 400, `${name}: ${answer.status} ${answer.text.slice(0, 100)}`);
      assertOurError(answer, 400);
    }
  });
}

await test('numbers out of bounds: 400 naming the member', async () => {
  for (const value of ['-1', '0', '1.5', '1e400', '10000001', '99999999999999999999999',
    '"5"', 'null', 'true']) {
    if (value === 'null') continue; // as if it were not there
    const answer = await ask('POST', '/generate', asKey,
      `{"text":"a","max_length":${value}}`);
    assertOurError(answer, 400);
    assert.equal(JSON.parse(answer.text).error.param, 'max_length', value);
  }
  for (const value of ['-1', '0', '1.5', '"5"', '1e400', '10000001']) {
    const answer = await ask('POST', '/v1/chat/completions', asKey,
      `{"model":"gpt2","messages":[{"role":"user","content":"a"}],"max_tokens":${value}}`);
    assertOurError(answer, 400);
    assert.equal(JSON.parse(answer.text).error.param, 'max_tokens', value);
  }
});

await test('members that change the price: 400 unsupported_parameter', async () => {
  for (const [member, value] of [['service_tier', '"priority"'],
    ['web_search_options', '{}'], ['previous_response_id', '"r"'],
    ['prediction', '{"type":"content","content":"x"}']]) {
    const answer = await ask('POST', '/v1/chat/completions', asKey,
      `{"model":"lawgent-thinking","messages":[{"role":"user","content":"a"}],"${member}":${value}}`);
    assertOurError(answer, 400);
    assert.equal(JSON.parse(answer.text).error.param, member);
  }
});

// A body for /generate of exactly n bytes; model 2 takes as much as they hold.
function sized(n) {
  const frame = '{"text":"","model_id":2,"max_length":1}';
  return frame.replace('""', `"${'a'.repeat(n - frame.length)}"`);
}
await test('bodies around 64 KiB: arrive whole', async () => {
  const { key } = JSON.parse((await ask('POST', '/api/keys', asOperator,
    JSON.stringify({ customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: 'sizes' }))).text);
  for (const n of [65535, 65536, 65537, 131071]) {
    const answer = await ask('POST', '/generate',
      { ...json, 'X-API-Key': key }, sized(n));
    assert.equal(answer.status, 200, `${n}: ${answer.text.slice(0, 200)}`);
  }
});

await test('body at the limit plus one byte: 413', async () => {
  const answer = await ask('POST', '/generate', asKey, sized(BODY_MAX + 1));
  assertOurError(answer, 413);
});

await test('management body beyond its limit: 413', async () => {
  const answer = await ask('POST', '/customers', asOperator,
    `{"name":"${'a'.repeat(200000)}"}`);
  assertOurError(answer, 413);
});

await test('chunked upload without a length: served, or 411', async () => {
  const { key } = JSON.parse((await ask('POST', '/api/keys', asOperator,
    JSON.stringify({ customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: 'chunks' }))).text);
  const headers = { ...json, 'X-API-Key': key, 'Transfer-Encoding': 'chunked' };
  const good = await ask('POST', '/generate', headers, '{"text":"a","model_id":1}');
  assert.ok([200, 411].includes(good.status), `${good.status} ${good.text}`);
  const bad = await ask('POST', '/generate', headers, '{"text":');
  assert.ok([400, 411].includes(bad.status), `${bad.status} ${bad.text}`);
  for (const answer of [good, bad]) {
    if (answer.status !== 200 && isOurs(answer)) assertOurError(answer, answer.status);
  }
  assert.ok(bad.status === 411 || isOurs(bad), 'a bad body is for the worker to refuse');
});

// Raw bytes, for what no HTTP library sends. The connection must be closed
// after exactly one answer.
function raw(bytes) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(base.port), base.hostname);
    const parts = [];
    socket.setTimeout(10000, () => socket.destroy(new Error('hung')));
    socket.on('data', (part) => parts.push(part));
    socket.on('error', reject);
    socket.on('close', () => {
      const all = Buffer.concat(parts).toString();
      const heads = all.match(/^HTTP\/1\.[01] \d{3}/gm) ?? [];
      if (heads.length !== 1) {
        reject(new Error(`${heads.length} answers: ${all.slice(0, 300)}`));
        return;
      }
      const end = all.indexOf('\r\n\r\n');
      const headers = Object.fromEntries(all.slice(0, end).split('\r\n').slice(1)
        .map((line) => /^([^:]+): *(.*)$/.exec(line))
        .map(([, name, value]) => [name.toLowerCase(), value]));
      let text = all.slice(end + 4);
      if (headers['transfer-encoding'] === 'chunked') {
        text = text.replace(/^[0-9a-f]+\r\n/, '').replace(/\r\n0\r\n\r\n$/, '');
      }
      resolve({ status: Number(heads[0].slice(-3)), headers, text });
    });
    socket.write(bytes);
  });
}
const head = (extra) => `POST /generate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`
  + `Content-Type: application/json\r\nX-API-Key: ${env.TOLLGATE_API_KEY}\r\n${extra}\r\n`;
const smuggled = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
for (const [name, bytes] of Object.entries({
  'negative length': `${head('Content-Length: -1\r\n')}{"text":"a"}`,
  'length that is no number': `${head('Content-Length: 5, 5x\r\n')}{"text":"a"}`,
  'two lengths': `${head('Content-Length: 5\r\nContent-Length: 6\r\n')}{"text":"a"}`,
  'length and chunked': `${head('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n${smuggled}`,
  'a chunk whose size is no number': `${head('Transfer-Encoding: chunked\r\n')}zz\r\n{}\r\n0\r\n\r\n`,
})) {
  await test(`framing: ${name}: one answer, 4xx`, async () => {
    assertRefused(await raw(bytes));
  });
}
await test('framing: a transfer coding that is unknown: one answer, 4xx or 501', async () => {
  const answer = await raw(`${head('Content-Length: 3\r\nTransfer-Encoding: xchunked\r\n')}{"text":"a"}`);
  if (answer.status === 501) assert.ok(!isOurs(answer)); // lighttpd, as RFC 9112 has it
  else assertRefused(answer);
});

for (const [name, headers] of Object.entries({
  'a header of 64 KiB': `X-Long: ${'a'.repeat(65536)}\r\n`,
  'a path of 64 KiB': null,
  '5,000 headers': Array.from({ length: 5000 }, (_, i) => `X-${i}: a\r\n`).join(''),
})) {
  await test(`${name}: one answer, 4xx (S35)`, async () => {
    const path = headers === null ? `/v1/models?x=${'a'.repeat(65536)}` : '/v1/models';
    assertRefused(await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers ?? ''}\r\n`));
  });
}

await test('control characters in the path: refused, no forged header', async () => {
  for (const path of ['/v1/models%0d%0aSet-Cookie:%20a=b', '/v1/%00', '/v1/a%01b', '/%2e%2e/etc']) {
    const answer = await ask('GET', path, asKey);
    assertRefused(answer);
    assert.equal(answer.headers['set-cookie'], undefined);
  }
});

// Values that would end a header's line and begin one of their own.
const breaking = ['\r\nX-Forged: 1', '\nX-Forged: 1', '\0X-Forged: 1', '\u00e9\u2028X-Forged: 1', '\r\n\r\n<h1>forged',
  'a'.repeat(65536)];
function assertNotForged(answer, what) {
  assert.equal(answer.headers['x-forged'], undefined, what);
  assert.ok(!answer.text.startsWith('<h1>forged'), what);
  for (const [name, value] of Object.entries(answer.headers))
    assert.ok(!/[^\x20-\x7e]|X-Forged|aaaaa/.test(String(value)), `${what}: ${name}: ${String(value).slice(0, 80)}`);
}

await test('where to go after signing in, and ids in pages: no header of their own (S15)', async () => {
  const signIn = async (next) => {
    const page = await ask('GET', `/login?next=${encodeURIComponent(next)}`);
    assertNotForged(page, 'the form');
    const shown = page.status === 200 ? page : await ask('GET', '/login');
    const cookie = shown.headers['set-cookie'].map((line) => line.split(';')[0]).join('; ');
    const csrf = /name="csrf" value="([0-9a-f]+)"/.exec(shown.text)[1];
    const form = new URLSearchParams({ csrf, next, email: env.TOLLGATE_DASHBOARD_EMAIL, password: env.TOLLGATE_DASHBOARD_PASSWORD });
    return ask('POST', '/login', { Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded' }, form.toString());
  };
  const good = await signIn('/settings');
  assert.deepEqual([good.status, good.headers.location], [303, '/settings']);
  for (const value of breaking) {
    const answer = await signIn(`/settings${value}`);
    assertNotForged(answer, 'signing in');
    // Somewhere else it goes nowhere but to the first page.
    if (answer.status === 303) assert.equal(answer.headers.location, '/dashboard');
    else assert.equal(answer.status, value.length > 1000 ? 413 : 400);
  }
  const Cookie = good.headers['set-cookie'].map((line) => line.split(';')[0]).join('; ');
  const pages = `/dashboard/${env.TOLLGATE_CUSTOMER_ID}`;
  for (const value of breaking) {
    const of = encodeURIComponent(value);
    for (const path of [`/requests/${of}`, `/requests?request_status=${of}`, `/usage?format=csv&group_by=${of}`, `/keys?name=${of}`, `/usage?group_by=${of}`]) {
      const answer = await ask('GET', pages + path, { Cookie });
      assertNotForged(answer, path);
      assert.ok(answer.status === 200 || (answer.status >= 400 && answer.status < 500), `${path}: ${answer.status}`);
    }
  }
});

await test('forged identity headers: change nothing', async () => {
  const answer = await ask('GET', '/v1/models', {
    'X-User-Id': '1', 'X-Real-IP': '10.0.0.1', 'X-Forwarded-For': '10.0.0.1',
    Host: 'evil.example',
  });
  assertOurError(answer, 401);
});

await test('after all of it: a proper request is served', async () => {
  const { key } = JSON.parse((await ask('POST', '/api/keys', asOperator,
    JSON.stringify({ customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: 'after' }))).text);
  const answer = await ask('POST', '/generate', { ...json, 'X-API-Key': key },
    '{"text":"a","model_id":1}');
  assert.equal(answer.status, 200, answer.text);
});

await test('logs: no key, prompt or answer in them', () => {
  const log = `${env.TOLLGATE_STACK_DIR}/log/worker.log`;
  assert.ok(existsSync(log), log);
  const text = readFileSync(log, 'utf8');
  assert.ok(text.includes('"event":"request"'), 'no request lines');
  for (const secret of [canary, env.TOLLGATE_API_KEY, env.TOLLGATE_OPERATOR_KEY,
    'Your prompt here']) {
    assert.ok(!text.includes(secret), `found ${secret.slice(0, 6)}…`);
  }
});

done();
