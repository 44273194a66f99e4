// SPDX-License-Identifier: MIT
// Provokes the rows of errors.def on a stack of its own. CHECKLIST S32.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, json, newKey, sql, tollgate, until,
} from '../wire/lib.mjs';

const top = new URL('../../', import.meta.url);
const rows = readFileSync(new URL('src/base/errors.def', top), 'utf8')
  .split('\n').map((line) => line.match(
    /^ERR_DEF\((ERR_[A-Z_]+), +(\d+), +"(\w+)", +"(\w+)"/,
  )).filter(Boolean)
  .map(([, name, status, type, code]) => ({ name, status: Number(status), type, code }));
const row = (name) => rows.find((r) => r.name === name);
const provoked = new Set();

// No request reaches these, or none on purpose: the test that provokes each.
const elsewhere = {
  ERR_CONTEXT_LENGTH: 'tests/unit/gpt2d/test_prompt.c',
  ERR_REQUEST_TIMEOUT: 'tests/unit/gpt2d/test_server_body.c',
  ERR_SHORT_BODY: 'tests/unit/http/test_request.c',
  ERR_INTERNAL: 'tests/unit/base/test_err.c',
  ERR_NO_MEMORY: 'tests/unit/base/test_arena.c',
  ERR_DB_RETRY: 'tests/db/test_db_txn.c',
  ERR_DB_UNCERTAIN: 'tests/db/test_db_txn.c',
  ERR_JOURNAL_FULL: 'tests/unit/journal/test_writer.c',
  ERR_JOURNAL_FAILED: 'tests/unit/journal/test_writer.c',
  ERR_CONFIG: 'tests/unit/base/test_conf.c',
  ERR_IO: 'tests/unit/base/test_conf.c',
  ERR_CORRUPT: 'tests/unit/ext/test_crypto.c',
  ERR_IDEMPOTENCY_KEY: 'tests/wire/idempotency.mjs',
  ERR_IDEMPOTENCY_BUSY: 'tests/wire/idempotency.mjs',
  ERR_IDEMPOTENCY_GONE: 'tests/wire/idempotency.mjs',
};

function stack(...args) {
  execFileSync('bash', ['-c',
    '. tools/lib/stack.sh && stack_init "$1" && shift && "$@"', 'stack',
    env.TOLLGATE_STACK_DIR, ...args], { cwd: top, stdio: 'ignore' });
}

// The log's line about a failed request, parsed.
const logLine = (requestId) => until(`log line of ${requestId}`, () => {
  const text = readFileSync(`${env.TOLLGATE_STACK_DIR}/log/worker.log`, 'utf8');
  const line = text.split('\n').find((l) => l.includes('"request_failed"')
    && l.includes(requestId));
  return line && JSON.parse(line);
});

async function expectError(name, answer) {
  const { status, type, code } = row(name);
  assert.equal(answer.status, status, `${answer.status}: ${answer.text.slice(0, 200)}`);
  const { error } = JSON.parse(answer.text);
  assert.deepEqual([error.type, error.code], [type, code]);
  assert.ok(error.message.length > 0);
  assert.ok(!/SELECT|INSERT|\/var\/|unix:|\.c:\d/.test(answer.text), answer.text);
  const line = await logLine(answer.headers['x-request-id']);
  assert.equal(line.error, name);
  provoked.add(name);
  return line;
}

const { key } = await newKey();
const auth = { ...json, 'X-API-Key': key };
const operator = { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };
const generate = (model, more = '') => ask('POST', '/generate', auth,
  `{"text":"a","model_id":${JSON.stringify(model)}${more}}`);
const chat = (model, more = {}) => JSON.stringify({
  model, messages: [{ role: 'user', content: 'a' }], ...more,
});

// Models whose provider fails in a known way.
tollgate('provider', 'add', '--name', 'dead', '--kind', 'openai',
  '--base-url', 'http://127.0.0.1:1');
function addModel(name, upstream, provider = 'lawgent', options = [], price = ['--input', '1', '--output', '1']) {
  tollgate('model', 'add', '--name', name, '--provider', provider,
    '--upstream-name', upstream, ...options);
  if (price) tollgate('price', 'set', '--model', name, ...price);
  return name;
}
const added = [
  addModel('dead', 'x', 'dead'),
  addModel('garbage', 'sim-garbage'),
  addModel('html', 'sim-502'),
  addModel('hang', 'sim-hang', 'lawgent', ['--first-byte-ms', '200']),
  addModel('unpriced', 'sim-fixed', 'lawgent', [], null),
  addModel('switched-off', 'sim-fixed'),
  addModel('dear', 'sim-details:900000000:0:1:0', 'lawgent', [],
    ['--input', '9000000', '--output', '1']),
  addModel('slow', 'sim-pace:50:200'),
];
await until('models in force', async () => {
  for (let i = 0; i < 8; i += 1) {
    const { text } = await ask('GET', '/v1/models', auth);
    const ids = JSON.parse(text).data.map((m) => m.id);
    if (!added.every((m) => ids.includes(m))) return false;
  }
  return true;
});
const narrow = (await newKey({ allowed_models: [1], rate_limit: 1 })).key;
const never = (await newKey()).key; // not used before the database is gone
const alsoNever = (await newKey()).key;
const elsewhereOnly = (await newKey({ allowed_ips: ['192.0.2.0/24'] })).key;

const cases = {
  ERR_BAD_REQUEST: () => ask('GET', '/v1/%zz', auth),
  ERR_BAD_JSON: () => ask('POST', '/generate', auth, '{'),
  ERR_BAD_PARAM: () => generate(1, ',"max_length":0'),
  ERR_UNSUPPORTED_PARAM: () => ask('POST', '/v1/chat/completions', auth,
    chat('lawgent-thinking', { service_tier: 'priority' })),
  ERR_UNAUTHORIZED: () => ask('GET', '/v1/models', { 'X-API-Key': 'x' }),
  ERR_FORBIDDEN: () => ask('POST', '/customers', auth, '{}'),
  ERR_MODEL_FORBIDDEN: () => ask('POST', '/generate',
    { ...json, 'X-API-Key': narrow }, '{"text":"a","model_id":2}'),
  ERR_ADDRESS_FORBIDDEN: () => ask('GET', '/v1/models', { 'X-API-Key': elsewhereOnly }),
  ERR_PRECONDITION: () => ask('PATCH', '/customers/1', { ...operator, 'If-Match': '"0"' },
    '{"company":"x"}'),
  ERR_NOT_FOUND: () => ask('GET', '/nothing', auth),
  ERR_MODEL_NOT_FOUND: () => generate('no-such'),
  ERR_METHOD: () => ask('DELETE', '/generate', auth),
  ERR_CONFLICT: () => ask('POST', '/customers', operator,
    '{"name":"x","email":"contact@company.com"}'),
  ERR_TOO_LARGE: () => ask('POST', '/customers', operator,
    `{"name":"${'a'.repeat(100000)}"}`),
  ERR_OVERLOADED: () => ask('POST', '/generate', auth,
    `{"text":"${'a'.repeat(1500000)}"}`),
  ERR_UPSTREAM: () => generate('garbage'),
  ERR_UPSTREAM_CONNECT: () => generate('dead'),
  ERR_UPSTREAM_STATUS: () => generate('html'),
  ERR_UPSTREAM_TIMEOUT: () => generate('hang'),
  ERR_NOT_PRICED: () => generate('unpriced'),
  ERR_MONEY_RANGE: () => generate('dear'),
};
for (const [name, provoke] of Object.entries(cases)) {
  await test(`${name}: provoked: answer and log line`, async () => {
    await expectError(name, await provoke());
  });
}

await test('ERR_UPSTREAM_STATUS: log line: has the provider\'s status', async () => {
  const line = await expectError('ERR_UPSTREAM_STATUS', await generate('html'));
  assert.equal(line.upstream_status, 502);
});

await test('ERR_RATE_LIMITED: provoked: answer and log line', async () => {
  const headers = { ...json, 'X-API-Key': narrow };
  let answer;
  for (let i = 0; i < 3; i += 1) {
    answer = await ask('POST', '/generate', headers, '{"text":"a"}');
    if (answer.status === 429) break;
  }
  await expectError('ERR_RATE_LIMITED', answer);
});

await test('ERR_TOKENS_OVER_LIMIT: more tokens than a window grants: answer and log line', async () => {
  const small = tollgate('key', 'add', '--customer', env.TOLLGATE_CUSTOMER_ID,
    '--name', 'small', '--limit', 'key.tokens.minute=20').key;
  const answer = await ask('POST', '/generate', { ...json, 'X-API-Key': small },
    '{"text":"a","max_length":100}');
  await expectError('ERR_TOKENS_OVER_LIMIT', answer);
  assert.equal(answer.headers['x-should-retry'], 'false');
});

await test('ERR_QUOTA, ERR_BALANCE: budget and balance that cover nothing: answers and log lines', async () => {
  const bounded = await newKey({ budget: { amount_usd: 0 } });
  const customer = JSON.parse((await ask('POST', '/customers', {
    ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY,
  }, '{"name":"prepaid","email":"prepaid@errors.example.com","billing":"prepaid"}')).text);
  const prepaid = await newKey({ customer_id: customer.id });
  for (const [name, { key }] of [['ERR_QUOTA', bounded], ['ERR_BALANCE', prepaid]]) {
    const answer = await ask('POST', '/generate', { ...json, 'X-API-Key': key }, '{"text":"a","model_id":2}');
    await expectError(name, answer);
    assert.equal(answer.headers['x-should-retry'], 'false');
  }
});

await test('ERR_MODEL_DOWN: model switched off: answer and log line', async () => {
  tollgate('model', 'disable', 'switched-off');
  const answer = await until('a 503', async () => {
    const got = await generate('switched-off');
    return got.status === 503 && got;
  });
  await expectError('ERR_MODEL_DOWN', answer);
});

// Pages: the same errors as HTML, the log line as ever.
async function expectPage(name, answer) {
  assert.equal(answer.status, row(name).status, answer.text.slice(0, 300));
  assert.match(answer.headers['content-type'], /^text\/html/);
  const line = await logLine(answer.headers['x-request-id']);
  assert.equal(line.error, name);
  provoked.add(name);
}

await test('ERR_CSRF: form without its token: a page and a log line', async () => {
  await expectPage('ERR_CSRF', await ask('POST', '/login', {
    'Content-Type': 'application/x-www-form-urlencoded',
  }, 'email=a%40b.c&password=x'));
});

await test('ERR_MEDIA_TYPE: form sent as JSON: a page and a log line', async () => {
  await expectPage('ERR_MEDIA_TYPE', await ask('POST', '/login', json, '{}'));
});

// Starts a stream; resolves with what it sent once it has ended.
function stream(model, onFirst) {
  return new Promise((resolve, reject) => {
    const rq = http.request({
      host: base.hostname, port: base.port, method: 'POST', agent: false,
      path: '/v1/chat/completions', headers: auth,
    }, (answer) => {
      let text = '';
      answer.on('data', (part) => {
        if (text === '') onFirst(rq);
        text += part;
      });
      answer.on('close', () => resolve({
        id: answer.headers['x-request-id'], text,
      }));
      answer.on('error', () => {});
    });
    rq.on('error', () => {});
    rq.setTimeout(20000, () => reject(new Error('no answer')));
    rq.end(chat(model, { stream: true }));
  });
}

await test('ERR_CLIENT_CLOSED: client leaves: a log line', async () => {
  const { id } = await stream('slow', (rq) => rq.destroy());
  assert.equal((await logLine(id)).error, 'ERR_CLIENT_CLOSED');
  provoked.add('ERR_CLIENT_CLOSED');
});

await test('ERR_SHUTTING_DOWN: worker told to end: an error event and a log line', async () => {
  const ended = await stream('slow', () => {
    for (const pid of execFileSync('bash', ['-c',
      '. tools/lib/stack.sh && stack_init "$1" && stack_stage && stack_workers',
      'stack', env.TOLLGATE_STACK_DIR], { cwd: top }).toString().trim().split('\n')) {
      process.kill(Number(pid), 'SIGTERM');
    }
  });
  assert.ok(ended.text.includes('"code":"shutting_down"'), ended.text.slice(-300));
  assert.ok(!ended.text.includes('[DONE]'));
  assert.equal((await logLine(ended.id)).error, 'ERR_SHUTTING_DOWN');
  provoked.add('ERR_SHUTTING_DOWN');
});

await test('workers: ended: others take their place', async () => {
  await until('an answer', async () => (await ask('GET', '/healthz')).status === 200, 20000);
});

await test('ERR_LIMITS_DOWN: no memcached and closed: answer and log line', async () => {
  stack('stack_cache_stop');
  const answer = await until('a 503', async () => {
    const got = await generate(1);
    return got.status === 503 && got;
  });
  await expectError('ERR_LIMITS_DOWN', answer);
  stack('stack_cache_start');
  await until('requests pass again', async () => (await generate(1)).status === 200, 20000);
});

await test('ERR_DB_DOWN: unknown key without a database: 503 and not 401', async () => {
  stack('stack_db_stop');
  const answer = await ask('GET', '/v1/models', { 'X-API-Key': never });
  await expectError('ERR_DB_DOWN', answer);
  const known = await generate(1);
  assert.equal(known.status, 200, 'a key that is known goes on');
  stack('stack_db_start');
  await until('the database is used again', async () => (
    await ask('GET', '/v1/models', { 'X-API-Key': never })).status === 200, 20000);
});

await test('ERR_DB_DOWN: a column is missing: 503, as its migration may come', async () => {
  sql('ALTER TABLE api_keys RENAME COLUMN name TO name_away');
  try {
    const answer = await ask('GET', '/v1/models', { 'X-API-Key': alsoNever });
    await expectError('ERR_DB_DOWN', answer);
  } finally {
    sql('ALTER TABLE api_keys RENAME COLUMN name_away TO name');
  }
  await until('the database is used again', async () => (
    await ask('GET', '/v1/models', { 'X-API-Key': alsoNever })).status === 200, 20000);
});

await test('ERR_DB_QUERY: a trigger of somebody\'s fails: 500 without a word of SQL', async () => {
  sql("CREATE TRIGGER somebodys BEFORE INSERT ON customers FOR EACH ROW SIGNAL SQLSTATE '45000'");
  try {
    const answer = await ask('POST', '/customers', operator,
      '{"name":"Never","email":"never@example.org"}');
    await expectError('ERR_DB_QUERY', answer);
  } finally {
    sql('DROP TRIGGER somebodys');
  }
});

await test('errors.def: every row: provoked here or in a test that names it', () => {
  for (const { name } of rows) {
    if (provoked.has(name)) continue;
    const file = elsewhere[name];
    assert.ok(file, `${name} is provoked by no test`);
    assert.ok(readFileSync(new URL(file, top), 'utf8').includes(name),
      `${file} does not name ${name}`);
  }
});

done();
