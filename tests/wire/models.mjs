// SPDX-License-Identifier: MIT
// Adding, changing and archiving models while the gateway runs; local models'
// servers started, watched and stopped by `tollgate model serve`.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, newKey, sim, sql, tollgate, until,
} from './lib.mjs';

const top = new URL('../../', import.meta.url);
const dir = env.TOLLGATE_STACK_DIR;
const run = execFileSync('readlink', ['-f', `${dir}/run`]).toString().trim();
const folders = `${dir}/share/models`;
const operator = { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };
const { key } = await newKey();
const auth = { ...json, 'X-API-Key': key };
const secret = 'sk-wire-secret-7d1f';

// ---- helpers ----

function stack(...args) {
  execFileSync('bash', ['-c',
    '. tools/lib/stack.sh && stack_init "$1" && shift && "$@"', 'stack', dir, ...args],
  { cwd: top, stdio: 'ignore' });
}

function makeFolder(name, type = 'gpt2', files = ['model.safetensors', 'vocab.json', 'merges.txt']) {
  mkdirSync(`${folders}/${name}`, { recursive: true });
  writeFileSync(`${folders}/${name}/config.json`,
    `{"model_type": "${type}", "n_positions": 512}`);
  for (const file of files) writeFileSync(`${folders}/${name}/${file}`, 'x');
  chmodSync(`${folders}/${name}`, 0o755);
}

// The command as it is: code and what it says.
function command(...args) {
  const { status, stdout, stderr } = spawnSync(
    `${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`, args, { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

// A transaction of somebody else's; it is committed by calling what is returned.
async function held(query) {
  const child = spawn('mariadb', ['--no-defaults', '-u', 'root', '-S', env.TOLLGATE_DB_SOCKET,
    '-N', '-B', '-n', env.TOLLGATE_DB_NAME], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = new Promise((resolve) => { child.on('close', resolve); });
  child.stdin.write(`BEGIN; ${query}; SELECT 'held';\n`);
  await new Promise((resolve) => { child.stdout.once('data', resolve); });
  return () => {
    child.stdin.end('COMMIT;\n');
    return closed;
  };
}

const post = (body) => ask('POST', '/api/models', operator, JSON.stringify(body));
const patch = (id, body) => ask('PATCH', `/api/models/${id}`, operator, JSON.stringify(body));
const generate = (model, more = {}) => ask('POST', '/generate', auth,
  JSON.stringify({ text: 'one two three', model_id: model, ...more }));

async function made(body) {
  const answer = await post(body);
  assert.equal(answer.status, 201, answer.text);
  return JSON.parse(answer.text);
}

// 200 for a model, which may just have been made; then nothing but 200.
async function generates(model, more) {
  const answer = await until(`${model} generates`, async () => {
    const got = await generate(model, more);
    return got.status === 200 && got;
  });
  return JSON.parse(answer.text);
}

const socketOf = (id) => `${run}/gpt2/${id}.sock`;
const lastAt = (socketPath) => new Promise((resolve, reject) => {
  http.get({ socketPath, path: '/__sim/last', agent: false }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part));
    answer.on('end', () => resolve(Buffer.concat(parts).toString()));
  }).on('error', reject);
});
const bodyOf = (text) => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));

// The supervisor's log, parsed; its own lines only.
const log = () => (existsSync(`${dir}/log/models.log`)
  ? readFileSync(`${dir}/log/models.log`, 'utf8').split('\n')
    .filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  : []);
const events = (event, id) => log().filter((l) => l.event === event
  && (id === undefined || l.model_id === id));
const pidOf = (id) => events('model_started', id).at(-1)?.pid;
const isAlive = (pid) => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};
const isReady = (id) => until(`server of ${id} is ready`,
  () => events('model_ready', id).at(-1)?.pid === pidOf(id) && pidOf(id));
// How often a worker was started; with the supervisor's pid: what a restart moves.
const starts = () => readFileSync(`${dir}/log/worker.log`, 'utf8').split('"event":"started"').length;
const servePid = () => Number(readFileSync(`${run}/model-serve.pid`, 'utf8'));
const parentOf = (pid) => Number(/^PPid:\s+(\d+)/m.exec(
  readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

makeFolder('good');
makeFolder('sub/deep');
makeFolder('llama', 'llama');
makeFolder('incomplete', 'gpt2', ['model.safetensors', 'vocab.json']);
makeFolder('linked', 'gpt2', ['vocab.json', 'merges.txt']);
symlinkSync('/etc/passwd', `${folders}/linked/model.safetensors`);
symlinkSync('/etc', `${folders}/out`);
symlinkSync('good', `${folders}/alias`);
writeFileSync(`${folders}/file`, 'x');

// ---- who may ----

await test('models: without an operator\'s key: 401 and 403', async () => {
  for (const [method, path] of [['GET', '/api/models'], ['POST', '/api/models'],
    ['GET', '/api/models/1'], ['PATCH', '/api/models/1'], ['DELETE', '/api/models/1']]) {
    const body = method === 'GET' ? undefined : '{}';
    assert.equal((await ask(method, path, json, body)).status, 401, path);
    assert.equal((await ask(method, path, auth, body)).status, 403, path);
  }
});

// ---- where a local model may lie ----

await test('models: paths that leave models.directory: 400, nothing is made', async () => {
  const before = sql('SELECT COUNT(*) FROM models')[0][0];
  const bad = ['..', '../models/good', 'good/..', 'good/../../models/good', 'sub/../good',
    '/etc', '/etc/passwd', `${folders}/../models/good`, 'out', 'linked', `${folders}-x/good`,
    '', '.', './', '/', 'none', 'file', 'incomplete', 'sub', 'good/config.json', 'a\nb',
    'x'.repeat(513), `${folders}`];
  for (const model_path of bad) {
    const answer = await post({ name: 'escape', model_config: { model_path } });
    assert.equal(answer.status, 400, `${model_path}: ${answer.text}`);
    const { error } = JSON.parse(answer.text);
    assert.equal(error.param, 'model_path', `${model_path}: ${answer.text}`);
    assert.ok(!answer.text.includes('/etc/'), answer.text);
  }
  assert.equal(sql('SELECT COUNT(*) FROM models')[0][0], before);
});

await test('models: a file that is missing: named', async () => {
  const answer = await post({ name: 'x', model_config: { model_path: 'incomplete' } });
  assert.match(JSON.parse(answer.text).error.message, /merges\.txt/);
});

await test('models: bodies that mean nothing: 400 with the parameter', async () => {
  const cases = [
    [{ name: 'x' }, 'model_config'],
    [{ model_config: { model_path: 'good' } }, 'name'],
    [{ name: '', model_config: { model_path: 'good' } }, 'name'],
    [{ name: 'a\u0001', model_config: { model_path: 'good' } }, 'name'],
    [{ name: 'x', model_config: { model_path: 'good', api_url: 'https://a/v1/completions' } }, 'api_url'],
    [{ name: 'x', model_config: { model_path: 'good', preload: 'yes' } }, 'preload'],
    [{ name: 'x', model_config: { model_path: 'good', colour: 1 } }, 'colour'],
    [{ name: 'x', model_config: { model_path: 'good' }, model_path: 'good' }, 'model_path'],
    [{ name: 'x', model_config: { model_path: 'good' }, context_length: 513 }, 'context_length'],
    [{ name: 'x', model_config: { model_path: 'good' }, max_output: 0 }, 'max_output'],
    [{ name: 'x', model_config: { model_path: 'good' }, max_output: 5, default_max_output: 6 }, 'default_max_output'],
    [{ name: 'x', model_config: { model_path: 'good' }, default_temperature: 2.1 }, 'default_temperature'],
    [{ name: 'x', model_config: { model_path: 'good' }, default_top_p: 0.1234567 }, 'default_top_p'],
    [{ name: 'x', model_config: { api_url: 'ftp://a/v1/completions' } }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://u:p@a/v1/completions' } }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://a/ask' } }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://a/ask', kind: 'local' } }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://a', kind: 'local' } }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://a?x', kind: 'openai' } }, 'api_url'],
    [{ name: 'x', provider: 'wire-own-server', api_url: 'http://a/v1' }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://a/v1/completions', preload: true } }, 'preload'],
    [{ name: 'x', model_config: { api_url: 'https://a/v1/completions', api_key: 'a b' } }, 'api_key'],
    [{ name: 'x', model_config: { api_url: 'https://a/v1/messages', kind: 'openai' } }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://a/v1/chat/completions', kind: 'anthropic' } }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://a/v1/messages/count_tokens' } }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://a/generate' } }, 'api_url'],
    [{ name: 'x', model_config: { api_url: 'https://a/ask', kind: 'teapot' } }, 'kind'],
    [{ name: 'x', provider: 'nobody' }, 'provider'],
    [{ name: 'x', provider: 'lawgent', prices: { input: 1 } }, 'output'],
    [{ name: 'x', provider: 'lawgent', prices: { input: -1, output: 1 } }, 'input'],
    [{ name: 'x', provider: 'lawgent', prices: { input: 1, output: 1, tea: 1 } }, 'tea'],
  ];
  tollgate('provider', 'add', '--name', 'wire-own-server', '--kind', 'local', '--base-url', 'http://a');
  const before = sql('SELECT COUNT(*) FROM models')[0][0];
  for (const [body, param] of cases) {
    const answer = await post(body);
    assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${answer.text}`);
    assert.equal(JSON.parse(answer.text).error.param, param, `${JSON.stringify(body)}: ${answer.text}`);
  }
  assert.equal(sql('SELECT COUNT(*) FROM models')[0][0], before);
});

// ---- a supervisor that does not run ----

stack('stack_models_stop');

await test('model add --local: no supervisor: says how to start one', async () => {
  const { status, stderr } = command('model', 'add', '--name', 'unserved', '--local', 'good', '--wait', '1');
  assert.equal(status, 1, stderr);
  assert.match(stderr, /nothing starts model servers on this host/);
  assert.match(stderr, /systemctl enable --now tollgate-models/);
  assert.match(stderr, /tollgate model serve/);
  const list = JSON.parse((await ask('GET', '/api/models', operator)).text).data;
  assert.match(list.find((m) => m.name === 'unserved').notice, /model serve/);
});

await test('generate: a local model that is down: 503 with a plain reason', async () => {
  const answer = await until('the model is known', async () => {
    const got = await generate('unserved');
    return got.status !== 404 && got;
  });
  assert.equal(answer.status, 503, answer.text);
  const { error } = JSON.parse(answer.text);
  assert.equal(error.code, 'model_unavailable');
  assert.match(error.message, /not running/);
  assert.equal(answer.headers['retry-after'], '1');
  assert.ok(!answer.text.includes('sock'));
});

stack('stack_models_start');

await test('generate: once a supervisor runs: the same model serves', async () => {
  const id = Number(sql("SELECT model_id FROM models WHERE name = 'unserved'")[0][0]);
  await isReady(id);
  assert.equal((await generate('unserved')).status, 200);
});

// ---- one of each kind by the API ----

let local;
await test('POST /api/models: model_path: served without a restart, free', async () => {
  const [worker, supervisor] = [starts(), servePid()];
  local = await made({ name: 'wire-local', model_config: { model_path: 'good', preload: true } });
  assert.equal(local.kind, 'local');
  assert.equal(local.model_path, 'good');
  assert.equal(local.preload, true);
  assert.equal(local.context_length, 512);
  assert.equal(local.prices.input, 0);
  assert.equal(local.prices.output, 0);
  const answer = await generates('wire-local');
  assert.deepEqual([starts(), servePid()], [worker, supervisor]);
  assert.ok(answer.response.length > 0 && answer.tokens_used > 0);
  assert.equal(answer.cost, 0);
  assert.equal(statSync(socketOf(local.id)).mode & 0o777, 0o660);
  assert.ok(events('model_says', local.id).some((l) => l.line === 'the weights are read first'));
});

await test('/generate: local: max_length is passed on as it is meant', async () => {
  await generates('wire-local', { max_length: 77 });
  const sent = bodyOf(await lastAt(socketOf(local.id)));
  assert.equal(sent.max_length, 77);
  assert.equal(sent.max_tokens, 77);
  assert.equal(sent.model, 'wire-local');
  await generates('wire-local');
  assert.equal(bodyOf(await lastAt(socketOf(local.id))).max_length, 100);
  assert.equal((await generate('wire-local', { max_length: 512 })).status, 200);
  const answer = await generate('wire-local', { max_length: 513 });
  assert.equal(answer.status, 400);
  assert.equal(JSON.parse(answer.text).error.param, 'max_length');
  assert.equal((await generate('wire-local', { max_length: 0 })).status, 400);
});

let external;
const address = readFileSync(`${run}/sim.addr`, 'utf8').split('\n').find((l) => l && !l.startsWith('unix:'));
await test('POST /api/models: api_url: not served until it has a price', async () => {
  const answer = await post({
    name: 'wire-external',
    model_config: {
      api_url: `http://${address}/deep/v1/completions`, api_key: secret, model_name: 'sim-fixed:7', preload: false,
    },
    description: 'far away',
    context_length: 4096,
    max_output: 400,
  });
  assert.equal(answer.status, 201, answer.text);
  external = JSON.parse(answer.text);
  assert.equal(external.kind, 'external');
  assert.equal(external.has_api_key, true);
  assert.equal(external.prices, null);
  assert.match(external.notice, /price/);
  assert.ok(!answer.text.includes(secret));
  const refused = await until('the model is known', async () => {
    const got = await generate('wire-external');
    return got.status !== 404 && got;
  });
  assert.equal(JSON.parse(refused.text).error.code, 'model_not_priced');
});

await test('POST /api/models: api_url: priced: called exactly as given', async () => {
  tollgate('price', 'set', '--model', 'wire-external', '--input', '2', '--output', '10');
  const answer = await generates('wire-external', { max_length: 50 });
  assert.ok(answer.cost > 0);
  const last = (await sim('GET', '/__sim/last')).text;
  assert.match(last, /^POST \/deep\/v1\/completions HTTP/);
  assert.ok(last.toLowerCase().includes(`authorization: bearer ${secret}`));
  const sent = bodyOf(last);
  assert.equal(sent.max_tokens, 50);
  assert.ok(!('max_length' in sent));
  assert.equal(sent.model, 'sim-fixed:7');
  const chat = await ask('POST', '/v1/chat/completions', auth,
    '{"model":"wire-external","messages":[{"role":"user","content":"a"}]}');
  assert.equal(JSON.parse(chat.text).error.code, 'unsupported_parameter');
});

await test('POST /api/models: with prices: served at once, by any address with a kind', async () => {
  const m = await made({
    name: 'wire-priced', api_url: `http://${address}/v1/chat/completions?version=7`, kind: 'openai',
    api_key: secret, prices: { input: 1, output: 2.5, cached_input: '0.25', request: 0.001 },
  });
  assert.equal(m.notice, null);
  assert.equal(m.prices.output, 2.5);
  assert.equal(m.prices.cached_input, 0.25);
  assert.equal(m.prices.request, 0.001);
  assert.ok((await generates('wire-priced')).cost > 0.001);
  assert.match((await sim('GET', '/__sim/last')).text, /^POST \/v1\/chat\/completions\?version=7 HTTP/);
});

await test('POST /api/models: settings with a provider that is there', async () => {
  const m = await made({ name: 'wire-plain', provider: 'lawgent', upstream_name: 'sim-fixed:3', prices: { input: 0, output: 0 } });
  assert.equal(m.provider, 'lawgent');
  assert.equal((await generates('wire-plain')).cost, 0);
});

await test('POST /api/models: a name that is taken: 409', async () => {
  const answer = await post({ name: 'wire-local', model_config: { model_path: 'good' } });
  assert.equal(answer.status, 409);
  assert.equal(JSON.parse(answer.text).error.param, 'name');
});

await test('models: the credential: sealed, in no answer and no log', async () => {
  for (const path of ['/api/models', `/api/models/${external.id}`]) {
    const answer = await ask('GET', path, operator);
    assert.equal(answer.status, 200);
    assert.ok(!answer.text.includes(secret));
  }
  const [[n]] = sql(`SELECT COUNT(*) FROM providers WHERE model_id = ${external.id}
    AND LENGTH(api_key) = ${secret.length + 40} AND INSTR(api_key, '${secret}') = 0`);
  assert.equal(n, '1');
  assert.equal(sql(`SELECT COUNT(*) FROM audit_log WHERE INSTR(COALESCE(detail, ''), '${secret}')`)[0][0], '0');
  const bad = await post({ name: 'x', model_config: { api_url: 'nowhere', api_key: secret } });
  assert.ok(!bad.text.includes(secret));
  for (const name of ['worker', 'models']) {
    const text = readFileSync(`${dir}/log/${name}.log`, 'utf8');
    assert.ok(text.length > 0 && !text.includes(secret), name);
  }
});

await test('models: each change is in the audit log, with the operator\'s key', () => {
  const rows = sql(`SELECT actor, actor_id, action FROM audit_log WHERE object = 'model'
    AND object_id = ${external.id}`);
  assert.deepEqual(rows, [['operator_key', '1', 'model.add']]);
});

// ---- changing ----

const sentBody = async () => {
  await generates('wire-external');
  return bodyOf((await sim('GET', '/__sim/last')).text);
};

await test('PATCH: sampling defaults: sent', async () => {
  const answer = await patch(external.id, { default_temperature: 0.7, default_top_p: '0.95' });
  const since = performance.now();
  assert.equal(answer.status, 200, answer.text);
  assert.equal(JSON.parse(answer.text).default_temperature, 0.7);
  await until('the default is sent', async () => {
    const sent = await sentBody();
    return sent.temperature === 0.7 && sent.top_p === 0.95;
  });
  console.log(`# after ${Math.round(performance.now() - since)} ms`);
  const own = await ask('POST', '/v1/completions', auth,
    '{"model":"wire-external","prompt":"a","temperature":0}');
  assert.equal(own.status, 200);
  assert.equal(bodyOf((await sim('GET', '/__sim/last')).text).temperature, 0);
  // longer than what is copied when members are spliced in
  const long = await ask('POST', '/v1/completions', auth,
    JSON.stringify({ model: 'wire-external', prompt: 'word '.repeat(20000) }));
  assert.equal(long.status, 200, long.text);
  const sent = bodyOf((await sim('GET', '/__sim/last')).text);
  assert.deepEqual([sent.temperature, sent.top_p], [0.7, 0.95]);
});

await test('a provider that was made with a model: others may not use it', async () => {
  const answer = await ask('POST', '/api/models', operator,
    JSON.stringify({ name: 'wire-guest', provider: 'wire-external' }));
  assert.equal(answer.status, 400, answer.text);
  assert.equal(JSON.parse(answer.text).error.param, 'provider');
});

await test('PATCH: null: set back', async () => {
  const answer = await patch(external.id, { default_temperature: null, max_output: 3 });
  const since = performance.now();
  assert.equal(JSON.parse(answer.text).default_temperature, null);
  await until('the default is no longer sent', async () => {
    const sent = await sentBody();
    return !('temperature' in sent) && sent.max_tokens === 3 && sent.top_p === 0.95;
  });
  console.log(`# after ${Math.round(performance.now() - since)} ms`);
});

await test('PATCH: every setting: kept and shown', async () => {
  const settings = {
    description: 'changed', context_length: 8000, max_output: 4000, default_max_output: 100,
    long_context_threshold: 6000, tokenizer: 'gpt2', default_temperature: 2, default_top_p: 0,
    connect_ms: 500, first_byte_ms: 20000, idle_ms: 3000,
  };
  assert.equal((await patch(external.id, settings)).status, 200);
  const shown = JSON.parse((await ask('GET', `/api/models/${external.id}`, operator)).text);
  for (const [name, value] of Object.entries(settings)) assert.equal(shown[name], value, name);
  assert.equal(shown.has_api_key, true);
});

await test('PATCH: what it may not change: 400; what is not there: 404', async () => {
  for (const [body, param] of [[{ name: 'x' }, 'name'], [{ api_key: 'x' }, 'api_key'],
    [{ model_path: 'good' }, 'model_path'], [{ model_id: 1 }, 'model_id'],
    [{ max_output: 9000 }, 'max_output'], [{ is_enabled: 1 }, 'is_enabled'],
    [{ connect_ms: 1 }, 'connect_ms'], [{ default_temperature: 'warm' }, 'default_temperature']]) {
    const answer = await patch(external.id, body);
    assert.equal(answer.status, 400, answer.text);
    assert.equal(JSON.parse(answer.text).error.param, param);
  }
  for (const id of ['99999', 'x', '0', '18446744073709551616']) {
    assert.equal((await patch(id, {})).status, 404);
    assert.equal((await ask('GET', `/api/models/${id}`, operator)).status, 404);
    assert.equal((await ask('DELETE', `/api/models/${id}`, operator, '')).status, 404);
  }
});

await test('PATCH, model set: context_length: not beyond a checkpoint\'s own', async () => {
  const answer = await patch(local.id, { context_length: 513 });
  assert.equal(answer.status, 400, answer.text);
  const { error } = JSON.parse(answer.text);
  assert.equal(error.param, 'context_length');
  assert.match(error.message, /must not be larger than the model's own, 512/);
  const { status, stderr } = command('model', 'set', 'wire-local', '--context-length', '513');
  assert.equal(status, 1);
  assert.match(stderr, /the model's own, 512/);
  for (const [set, shown] of [[100, 100], [512, 512], [null, 512]]) {
    const got = await patch(local.id, { context_length: set });
    assert.equal(got.status, 200, got.text);
    assert.equal(JSON.parse(got.text).context_length, shown);
  }
  // A row that was beyond it before this was checked can still be changed.
  sql(`UPDATE models SET context_length = 600 WHERE model_id = ${local.id}`);
  assert.equal((await patch(local.id, { description: 'old' })).status, 200);
  assert.equal((await patch(local.id, { context_length: 512 })).status, 200);
});

await test('PATCH: is_enabled: a local model\'s server is stopped, and started again', async () => {
  const pid = await isReady(local.id);
  assert.equal((await patch(local.id, { is_enabled: false })).status, 200);
  await until('the server is gone', () => !isAlive(pid));
  await until('that is said', () => events('model_stopped', local.id).length === 1);
  assert.ok(!existsSync(socketOf(local.id)));
  assert.equal((await generate('wire-local')).status, 503);
  assert.equal((await patch(local.id, { is_enabled: true })).status, 200);
  await generates('wire-local');
  assert.notEqual(pidOf(local.id), pid);
});

await test('DELETE: archived: no longer served, its server stopped, its key forgotten', async () => {
  const m = await made({ name: 'wire-gone', model_config: { model_path: 'sub/deep' } });
  await generates('wire-gone');
  const pid = pidOf(m.id);
  const answer = await ask('DELETE', `/api/models/${m.id}`, operator, '');
  assert.equal(answer.status, 200, answer.text);
  assert.match(JSON.parse(answer.text).archived_at, /^20/);
  await until('it is not found', async () => (await generate('wire-gone')).status === 404);
  await until('the server is gone', () => !isAlive(pid));
  const list = JSON.parse((await ask('GET', '/api/models', operator)).text).data;
  assert.ok(!list.some((x) => x.id === m.id));
  assert.equal((await ask('DELETE', `/api/models/${m.id}`, operator, '')).status, 404);
  assert.equal((await patch(m.id, {})).status, 404);
  const priced = list.find((x) => x.name === 'wire-priced');
  assert.equal((await ask('DELETE', `/api/models/${priced.id}`, operator, '')).status, 200);
  assert.deepEqual(sql(`SELECT is_enabled, api_key IS NULL FROM providers WHERE model_id = ${priced.id}`), [['0', '1']]);
  assert.deepEqual(sql("SELECT is_enabled, archived_at IS NULL FROM providers WHERE name = 'lawgent'"), [['1', '1']]);
});

// ---- by command ----

await test('model add --local: returns once its server answers', async () => {
  writeFileSync(`${folders}/good/slow`, '');
  const child = spawn(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`,
    ['model', 'add', '--name', 'command-local', '--local', 'alias', '--json'],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (part) => { out += part; });
  child.stderr.on('data', (part) => { err += part; });
  const ended = new Promise((resolve) => { child.on('close', resolve); });
  await until('its server is started', () => sql("SELECT model_id FROM models WHERE name = 'command-local'")
    .some(([id]) => pidOf(Number(id))));
  assert.equal(child.exitCode, null);
  rmSync(`${folders}/good/slow`);
  assert.equal(await ended, 0, err);
  assert.match(err, /waiting for its server/);
  assert.equal(JSON.parse(out).model_path, 'good');
  // The catalogue was there long before the server.
  assert.equal((await generate('command-local')).status, 200);
});

await test('model add --local: a server that does not answer in time: says so', () => {
  writeFileSync(`${folders}/sub/deep/slow`, '');
  const { status, stderr } = command('model', 'add', '--name', 'command-slow', '--local', 'sub/deep', '--wait', '1');
  rmSync(`${folders}/sub/deep/slow`);
  assert.equal(status, 1);
  assert.match(stderr, /has not answered within 1 s/);
});

await test('model add --local: a folder that the server refuses: its reason', async () => {
  const { status, stderr } = command('model', 'add', '--name', 'command-llama', '--local', 'llama');
  assert.equal(status, 1);
  assert.match(stderr, /ended with status 1: .*not a GPT-2 checkpoint/);
  const [[id]] = sql("SELECT model_id FROM models WHERE name = 'command-llama'");
  const shown = JSON.parse((await ask('GET', `/api/models/${id}`, operator)).text);
  assert.match(shown.notice, /not a GPT-2 checkpoint/);
  tollgate('model', 'archive', 'command-llama');
});

await test('model add --external: its address and credential; then a price', async () => {
  const { status, stderr, stdout } = spawnSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`,
    ['model', 'add', '--name', 'command-external', '--external', `http://${address}/v1/completions`,
      '--api-key', '-', '--upstream-name', 'sim-fixed:4', '--json'], { input: `${secret}\n`, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.ok(!stdout.includes(secret) && !stderr.includes(secret));
  tollgate('price', 'set', '--model', 'command-external', '--input', '1', '--output', '1');
  await generates('command-external');
});

await test('model add: wrong words: 2', () => {
  for (const words of [[], ['--local', 'good', '--external', 'https://a/v1/completions'],
    ['--provider', 'lawgent', '--preload'], ['--local', 'good', '--kind', 'openai'],
    ['--external', 'https://a/v1/completions', '--wait', '1'],
    ['--local', 'good', '--default-top-p', '1.5'], ['--external', 'https://a', '--kind', 'teapot']]) {
    const { status, stderr } = command('model', 'add', '--name', 'x', ...words);
    assert.equal(status, 2, `${words}: ${stderr}`);
  }
  assert.equal(command('model', 'add', '--name', 'x', '--local', '../good').status, 1);
});

await test('model set: a default, in force without a restart', async () => {
  tollgate('model', 'set', 'command-external', '--default-top-p', '0.5', '--max-output', '9');
  await until('it is sent', async () => {
    await generates('command-external');
    const sent = bodyOf((await sim('GET', '/__sim/last')).text);
    return sent.top_p === 0.5 && sent.max_tokens === 9;
  });
  assert.equal(tollgate('model', 'show', 'command-external').default_top_p, 0.5);
});

await test('model set, enable, disable: what another changes meanwhile stays', async () => {
  const name = 'command-external';
  const { id } = tollgate('model', 'show', name);
  for (const [words, setting, value] of [[['set', name, '--max-output', '321'], 'max_output', 321],
    [['disable', name], 'is_enabled', false], [['enable', name], 'is_enabled', true]]) {
    const description = `while it is ${words[0]}`;
    const commit = await held(`UPDATE models SET description = '${description}' WHERE model_id = ${id}`);
    const child = spawn(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`, ['model', ...words], { stdio: 'ignore' });
    const ended = new Promise((resolve) => { child.on('close', resolve); });
    await until('it waits for the row', () => sql(`SELECT 1 FROM information_schema.processlist
      WHERE info LIKE 'SELECT model_id FROM models%FOR UPDATE' OR info LIKE 'UPDATE models%'`).length > 0);
    await commit();
    assert.equal(await ended, 0, words[0]);
    const shown = tollgate('model', 'show', name);
    assert.deepEqual([shown.description, shown[setting]], [description, value]);
  }
});

await test('model set --api-url: one that can\'t be called as given: refused, and said why', () => {
  const set = (...words) => {
    const { status, stderr } = command('model', 'set', ...words);
    assert.equal(status, 1, words);
    return stderr;
  };
  assert.match(set('command-external', '--api-url', 'https://host?x'), /a \/ belongs before the \?/);
  assert.match(set('command-external', '--provider', 'wire-own-server', '--api-url', 'http://a/v1'),
    /of kind local it must end in \/completions/);
  assert.match(set('wire-local', '--api-url', 'https://a/v1/completions'), /--provider NAME --api-url URL/);
  assert.match(set('command-external', '--provider', 'wire-external'), /goes with it/);
  const kept = tollgate('model', 'show', 'wire-local');
  assert.deepEqual([kept.model_path, kept.api_url], ['good', null]);
});

await test('model set --provider: a local model that is to be served elsewhere: its server ends', async () => {
  const m = await made({ name: 'wire-leaves', model_config: { model_path: 'alias' } });
  const pid = await isReady(m.id);
  const url = `http://${address}/v1/chat/completions`;
  const moved = tollgate('model', 'set', 'wire-leaves', '--provider', 'lawgent', '--upstream-name', 'sim-fixed:3', '--api-url', url);
  assert.deepEqual([moved.provider, moved.api_url, moved.model_path], ['lawgent', url, null]);
  await until('the server is gone', () => !isAlive(pid));
  // An address is its provider's and does not move along.
  const again = tollgate('model', 'set', 'wire-leaves', '--provider', 'wire-own-server');
  assert.deepEqual([again.provider, again.api_url], ['wire-own-server', null]);
});

await test('/generate: an api_url of kind local from before, whose path tells nothing: a chat', async () => {
  const server = http.createServer((rq, rs) => {
    const parts = [];
    rq.on('data', (part) => parts.push(part));
    rq.on('end', () => rs.end(JSON.stringify({
      choices: [{ index: 0, finish_reason: 'stop', message: {
        role: 'assistant', content: `${rq.url} ${JSON.parse(Buffer.concat(parts)).messages?.[0].role}` } }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    })));
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const at = `http://127.0.0.1:${server.address().port}`;
  const m = await made({ name: 'wire-before', api_url: `${at}/completions`, kind: 'local', prices: { input: 0, output: 0 } });
  sql(`UPDATE deployments SET api_url = '${at}/ask' WHERE model_id = ${m.id}`);
  tollgate('model', 'set', 'wire-before', '--description', 'moves the generation');
  await until('it is asked there', async () => (await generates('wire-before')).response === '/ask user');
  server.close();
});

// ---- the supervisor ----

await test('serve: a second one: refused in words', () => {
  const { status, stderr } = command('model', 'serve');
  assert.equal(status, 1);
  assert.match(stderr, /another `tollgate model serve` runs on this host/);
});

await test('serve: kill -9 of a model server: 503, then restarted and serves at once', async () => {
  const pid = await isReady(local.id);
  const supervisor = servePid();
  assert.equal(parentOf(pid), supervisor);
  process.kill(supervisor, 'SIGSTOP'); // so that nothing is started meanwhile
  process.kill(pid, 'SIGKILL');
  const refused = await until('503', async () => {
    const got = await generate('wire-local');
    return got.status !== 200 && got;
  });
  assert.equal(refused.status, 503, refused.text);
  process.kill(supervisor, 'SIGCONT');
  await until('another one', () => pidOf(local.id) !== pid);
  await isReady(local.id);
  assert.equal((await generate('wire-local')).status, 200);
  const line = events('model_ended', local.id).at(-1);
  assert.match(line.detail, /signal 9/);
  assert.equal(line.again_in_ms, 500);
});

await test('serve: a model server that hangs: killed, restarted and serves', async () => {
  const pid = await isReady(local.id);
  process.kill(pid, 'SIGSTOP'); // connections are still taken
  await until('another one', () => pidOf(local.id) !== pid, 60000);
  assert.match(events('model_ended', local.id).at(-1).detail, /3 questions in a row without an answer/);
  await isReady(local.id);
  assert.equal((await generate('wire-local')).status, 200);
});

await test('serve: one that ends again and again: with a growing pause', async () => {
  const m = await made({ name: 'wire-refused', model_config: { model_path: 'llama' } });
  await until('three ends', () => events('model_ended', m.id).length >= 3, 20000);
  const pauses = events('model_ended', m.id).slice(0, 3).map((l) => l.again_in_ms);
  assert.deepEqual(pauses, [500, 1000, 2000]);
  tollgate('model', 'disable', 'wire-refused');
});

await test('serve: the database gone: the servers go on, and it is said once', async () => {
  const pid = await isReady(local.id);
  const told = events('models_database_down').length;
  stack('stack_db_stop');
  await until('it is noticed', () => events('models_database_down').length === told + 1);
  assert.equal((await generate('wire-local')).status, 200);
  process.kill(pid, 'SIGKILL');
  await until('it is restarted without the database', () => pidOf(local.id) !== pid);
  await isReady(local.id);
  assert.equal((await generate('wire-local')).status, 200);
  stack('stack_db_start');
  await until('it is back', () => events('models_database_back').length > 0, 20000);
  assert.equal(events('models_database_down').length, told + 1);
});

await test('serve: killed with -9: no model server survives; the next one starts them', async () => {
  const pid = await isReady(local.id);
  const supervisor = servePid();
  process.kill(supervisor, 'SIGKILL');
  await until('the model server is gone', () => !isAlive(pid));
  await until('another supervisor', () => servePid() !== supervisor);
  await until('another model server', () => pidOf(local.id) !== pid);
  await isReady(local.id);
  assert.equal((await generate('wire-local')).status, 200);
});

await test('serve: SIGTERM: everything ends, status 0', async () => {
  const pid = await isReady(local.id);
  stack('stack_models_stop');
  assert.ok(!isAlive(pid));
  assert.ok(!existsSync(socketOf(local.id)));
  const before = events('models_supervised').length;
  const child = spawn(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`, ['model', 'serve'],
    { stdio: ['ignore', 'ignore', 'pipe'] });
  let err = '';
  child.stderr.on('data', (part) => { err += part; });
  const ended = new Promise((resolve) => { child.on('close', resolve); });
  await until('it serves', () => /"model_ready".*wire-local/.test(err));
  child.kill('SIGTERM');
  assert.equal(await ended, 0, err);
  assert.match(err, /"models_stopped"/);
  assert.equal(events('models_supervised').length, before);
});

done();
