// SPDX-License-Identifier: MIT
// Every parameter and member that doc/openapi.yaml names, given what breaks
// queries that are put together from text.
import { readFileSync, existsSync, readdirSync } from 'node:fs';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, memcached, memcachedCount, newKey, sql,
} from './lib.mjs';

const hostile = [
  "' OR '1'='1", "1' OR 1=1-- -", '1; DROP TABLE customers', "') UNION SELECT password_hash FROM users-- -",
  '1 AND SLEEP(5)', "' AND SLEEP(5)#", '\\', "\\' OR 1=1-- -", '%', '%27%20OR%201=1', '"', '`', '/*!50000SELECT*/', '${7*7}',
  '{{7*7}}', "'||(SELECT 1)||'", '\u00bf\u0027 OR 1=1', 'x'.repeat(3000), '0x1', '1e400', '-1', '99999999999999999999',
];
const words = /SQL|MariaDB|MySQL|syntax|near '|Unknown column|stack|errno|information_schema/i;
const operator = { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };
const rows = () => sql('SELECT (SELECT COUNT(*) FROM customers), (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM api_keys)')[0];
// Never a fault of ours, never a word of the database's, and never an answer
// that took a sleep of the database's to come.
const isCalm = (answer, what) => {
  assert.ok(answer.status < 500, `${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
  if (answer.status >= 400) assert.doesNotMatch(answer.text, words, what);
};

// The description's routes, by a reader of its own: paths, methods, query.
const source = readFileSync(new URL('../../doc/openapi.yaml', import.meta.url), 'utf8');
const lists = [];
let path;
let method;
for (const line of source.split('\n')) {
  path = /^ {2}(\/\S*):$/.exec(line)?.[1] ?? path;
  method = /^ {4}(get|post|patch|delete):$/.exec(line)?.[1] ?? method;
  const query = /- \{name: (\w+), in: query/.exec(line)?.[1];
  if (query && method === 'get') lists.push([path, query]);
}

await test('S1: credentials: one and the same 401, whatever stands there', async () => {
  const seen = new Set();
  for (const text of hostile.map((t) => t.replace(/[^\x20-\x7e]/g, '?'))) {
    for (const headers of [{ 'X-API-Key': text }, { Authorization: `Bearer ${text}` },
      { 'X-API-Key': `tg_${text}` }, { Authorization: text }]) {
      const answer = await ask('GET', '/v1/models', headers);
      assert.ok([400, 401].includes(answer.status), `${JSON.stringify(headers).slice(0, 80)} ${answer.status}`);
      isCalm(answer, 'credential');
      seen.add(answer.text.replace(/"request_id":"[^"]+"/, ''));
    }
    const page = await ask('GET', '/dashboard', { Cookie: `__Host-session=${text}; session=${text}` });
    isCalm(page, 'cookie');
  }
  assert.ok(seen.size <= 2, [...seen].join('\n'));
});

await test(`S1: each of ${lists.length} query parameters`, async () => {
  assert.ok(lists.length > 60, `${lists.length}`);
  for (const [where, name] of lists) {
    for (const text of hostile) {
      const answer = await ask('GET', `${where}?${name}=${encodeURIComponent(text)}`, operator);
      isCalm(answer, `${where} ${name}=${text.slice(0, 30)}`);
    }
  }
});

await test('S1: ids in paths', async () => {
  for (const where of ['/customers', '/api/keys', '/api/users', '/api/tiers', '/api/models', '/api/projects', '/api/usage']) {
    for (const text of hostile) {
      const answer = await ask('GET', `${where}/${encodeURIComponent(text)}`, operator);
      isCalm(answer, `${where}/${text.slice(0, 30)}`);
      assert.ok([400, 404].includes(answer.status), `${where}/${text.slice(0, 30)}: ${answer.status}`);
    }
  }
});

await test('S1: members of bodies: kept as they are, or refused by name', async () => {
  const before = rows();
  let made = 0;
  for (const text of hostile) {
    const bodies = [
      ['/customers', { name: text, email: `s1-${made}-${Date.now()}@example.com`, company: text }],
      ['/customers', { name: 'x', email: text }],
      ['/api/keys', { customer_email: text, name: 'x' }],
      ['/api/keys', { customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: text, rate_limit_tier: text }],
      ['/api/keys', { customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: 'x', allowed_models: [text], allowed_ips: [text], scopes: [text] }],
      ['/api/users', { customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: text, email: text, role: text }],
      ['/api/prices', { model: text, input: text }],
      ['/api/usage', { user_id: text, model_id: text }],
      ['/generate', { text: 'a', model_id: text, max_length: 5 }],
      ['/v1/chat/completions', { model: text, messages: [{ role: 'user', content: 'a' }] }],
    ];
    for (const [where, body] of bodies) {
      const answer = await ask('POST', where, where.startsWith('/v1') || where === '/generate'
        ? { ...json, 'X-API-Key': env.TOLLGATE_API_KEY } : operator, JSON.stringify(body));
      isCalm(answer, `${where} ${text.slice(0, 30)}`);
      if (where === '/customers' && answer.status === 201) {
        made += 1;
        assert.equal(JSON.parse(answer.text).name, text);
      } else assert.ok(answer.status >= 400, `${where} ${JSON.stringify(body).slice(0, 99)} ${answer.status}`);
    }
  }
  assert.ok(made > 10);
  // Nothing went, and nothing came but those customers with their owners.
  assert.deepEqual(rows().map(Number), [Number(before[0]) + made, Number(before[1]) + made, Number(before[2])]);
});

await test('S21: whatever clients send, memcached sees keys of ours and commands of ours', async () => {
  const forbidden = ['cmd_flush', 'cmd_meta', 'auth_cmds', 'cmd_touch'];
  const counts = async () => Object.fromEntries(await Promise.all(forbidden.map(async (n) => [n, await memcachedCount(n)])));
  const before = await counts();
  const odd = [...hostile, 'a b', '\r\nflush_all\r\n', 'x\r\nset y 0 0 1\r\nz\r\n', '\0', '\u00e9'.repeat(300), ' '.repeat(300),
    'y'.repeat(300)];
  const limits = { 'key.requests.day': 100000, 'customer.requests.day': 100000, 'address.requests.day': 100000,
    'model.requests.day': 100000, 'key_model.tokens.day': 100000000, 'key.concurrent': 100 };
  const { key } = await newKey({ name: 'flush_all', rate_limits: limits });
  let served = 0;
  for (const text of odd) {
    const plain = text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000); // the web server has a limit, too
    for (const model of [text, 'lawgent-thinking']) {
      const answer = await ask('POST', '/v1/chat/completions', {
        ...json, 'X-API-Key': key, 'X-Forwarded-For': plain, 'X-Request-Id': plain, 'User-Agent': plain,
      }, JSON.stringify({ model, max_tokens: 5, user: text, messages: [{ role: 'user', content: text }] }));
      isCalm(answer, text.slice(0, 30));
      served += answer.status === 200;
    }
    await ask('GET', '/v1/models', { 'X-API-Key': plain });
  }
  assert.equal(served, odd.length);
  const dump = await memcached('lru_crawler metadump all', 'END');
  const keys = dump.split('\n').filter((l) => l.startsWith('key=')).map((l) => decodeURIComponent(/^key=(\S+)/.exec(l)[1]));
  assert.ok(keys.length > 5, dump.slice(0, 300));
  for (const name of keys) assert.match(name, /^tg:[a-z]+:[a-z-]+:[0-9a-f]+:\d+$/);
  assert.deepEqual(await counts(), before);
});

await test('S33: answers that hold or concern a key are kept by nobody', async () => {
  const { id, key } = await newKey();
  const made = await ask('POST', '/api/keys', operator, JSON.stringify({
    customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: 'x',
  }));
  const rotated = await ask('POST', `/api/keys/${id}/rotate`, operator, '{"grace_seconds":60}');
  for (const [what, answer] of Object.entries({
    made,
    rotated,
    shown: await ask('GET', `/api/keys/${id}`, operator),
    listed: await ask('GET', '/api/keys', operator),
    itself: await ask('GET', '/v1/key', { 'X-API-Key': key }),
  })) {
    assert.ok(answer.status < 300, `${what}: ${answer.text}`);
    assert.equal(answer.headers['cache-control'], 'no-store', what);
  }
  assert.match(JSON.parse(made.text).key, /^tg_/);
  assert.match(JSON.parse(rotated.text).key, /^tg_/);
});

await test('S33: a key in the address is no credential, and no log has one', async () => {
  const { key } = await newKey();
  for (const name of ['key', 'api_key', 'access_token', 'token']) {
    assert.ok([400, 401].includes((await ask('GET', `/v1/models?${name}=${key}`)).status), name);
  }
  const logs = `${env.TOLLGATE_STACK_DIR}/log`;
  const secret = env.TOLLGATE_API_KEY.slice(14);
  assert.ok(existsSync(`${logs}/worker.log`));
  for (const name of readdirSync(logs)) {
    const text = readFileSync(`${logs}/${name}`, 'latin1');
    assert.ok(!text.includes(secret), name);
    // Ours has no query either, whatever somebody puts there.
    if (name === 'worker.log') assert.ok(!text.includes(key.slice(14)), name);
  }
});

done();
