// SPDX-License-Identifier: MIT
// HTTPS servers in front of the simulator: they see what comes over which TLS
// connection, and can end one in several ways.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  readdirSync, readFileSync, unlinkSync, writeFileSync,
} from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, json, modelsInForce, newKey, tollgate, until, usageRow,
} from './lib.mjs';

const stack = env.TOLLGATE_STACK_DIR;
const secret = 'sk-tls-secret';
const prompt = 'whispered words';

// --- servers -----------------------------------------------------------------

const text = async (stream) => Buffer.concat(await stream.toArray()).toString();

// The simulator's answer to what a provider was asked.
function simulated({ rq, body }) {
  return new Promise((resolve, reject) => {
    const to = http.request({
      socketPath: `${stack}/run/sim.sock`, method: 'POST', path: rq.url, agent: false, headers: json,
    }, resolve);
    to.on('error', reject);
    to.end(body);
  });
}

async function forward(request) {
  const answer = await simulated(request);
  request.sent = await text(answer);
  request.res.writeHead(answer.statusCode, { 'Content-Type': answer.headers['content-type'] });
  request.res.end(request.sent);
}

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  return `https://localhost:${server.address().port}`;
}

// A provider with this certificate. It remembers its connections (TLS and what
// it goes over) and requests; at.answer answers them, once at.begin has let
// their bodies be read.
async function serve(certificate, options = {}) {
  const at = { connections: [], requests: [], answer: forward, begin: async () => {} };
  const sockets = [];
  const server = https.createServer({
    key: readFileSync(`${stack}/tls/${certificate}.key`),
    cert: readFileSync(`${stack}/tls/${certificate}.pem`),
    ...options,
  }, async (rq, res) => {
    const connection = at.connections.find(({ secure }) => secure === rq.socket);
    const request = { rq, res, connection };
    try {
      await at.begin(request);
      request.body = await text(rq);
      at.requests.push(request);
      await at.answer(request);
    } catch {
      rq.socket.destroy();
    }
  });
  server.keepAliveTimeout = 0; // the tests say when a connection ends
  server.on('connection', (socket) => { sockets.push(socket); });
  server.on('secureConnection', (secure) => {
    secure.on('error', () => {});
    at.connections.push({
      secure, socket: sockets.findLast((s) => s.remotePort === secure.remotePort),
    });
  });
  at.url = await listen(server);
  return at;
}

const closed = (socket) => new Promise((resolve) => {
  if (socket.closed) resolve();
  else socket.on('close', resolve);
});
// Ways to end a connection; each returns when the other side can know.
const ends = {
  'closed in TLS': ({ secure }) => new Promise((resolve) => { secure.end(resolve); }),
  'closed in TCP alone': ({ socket }) => closed(socket.destroy()),
  reset: ({ socket }) => closed(socket.resetAndDestroy()),
};

// --- models and requests -----------------------------------------------------

const { key } = await newKey();
const auth = { ...json, Authorization: `Bearer ${key}` };
const models = [];

// A model of a provider of its own at `url`.
function addModel(url, word = 'sim-fixed') {
  const name = `tls${models.length}`;
  tollgate('provider', 'add', '--name', name, '--kind', 'openai',
    '--base-url', url, '--api-key', secret);
  tollgate('model', 'add', '--name', name, '--provider', name, '--upstream-name', word,
    '--first-byte-ms', '20000', '--idle-ms', '20000');
  tollgate('price', 'set', '--model', name, '--input', '1', '--output', '2');
  models.push(name);
  return name;
}

const chat = (model, more = {}) => JSON.stringify({
  model, messages: [{ role: 'user', content: prompt }], ...more,
});
const post = (model, more) => ask('POST', '/v1/chat/completions', auth, chat(model, more));
const events = (stream) => stream.split('\n\n').filter((e) => e.startsWith('data: '))
  .map((e) => e.slice('data: '.length));

// Asks for a stream: what came of it so far, and its end.
function open(model) {
  const got = { id: '', text: '' };
  const rq = http.request({
    host: base.hostname, port: base.port, method: 'POST', agent: false,
    path: '/v1/chat/completions', headers: auth,
  }, (answer) => {
    got.id = answer.headers['x-request-id'];
    answer.on('data', (part) => { got.text += part; });
    answer.on('error', () => {});
  });
  got.has = (n) => until(`${n} events`, () => events(got.text).length >= n);
  got.leave = () => rq.destroy();
  got.end = new Promise((resolve) => { rq.on('close', resolve); });
  rq.on('error', () => {});
  rq.end(chat(model, { stream: true }));
  return got;
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const logText = () => readFileSync(`${stack}/log/worker.log`, 'utf8');
// Why a request failed, as the log says.
const logged = (id) => until(`log line of ${id}`, () => logText().split('\n')
  .find((line) => line.includes('"request_failed"') && line.includes(id)))
  .then((line) => JSON.parse(line).detail);

const good = {};
for (const version of ['TLSv1.2', 'TLSv1.3']) {
  const at = await serve('good', { minVersion: version, maxVersion: version });
  good[version] = { at, model: addModel(at.url) };
}
const { at: one, model } = good['TLSv1.3'];
const huge = addModel(one.url, 'sim-huge:1000000');

const unknown = await serve('unknown');
const misnamed = await serve('misnamed');
const plain = { requests: [] };
plain.url = await listen(http.createServer((rq) => { plain.requests.push(rq); }));
const refused = {
  'a certificate of another authority': [unknown, /certificate problem/],
  'a certificate for another host': [misnamed, /target host name|host name mismatch/],
  'no TLS at all': [plain, /SSL|TLS/],
};
for (const row of Object.values(refused)) row.push(addModel(row[0].url));

await modelsInForce(auth, models);
// The last one's price came after it.
await until('the last price in force', async () => (await post(models.at(-1))).status === 502);

// --- requests and their connections ------------------------------------------

for (const [version, { at, model: name }] of Object.entries(good)) {
  await test(`${version}, a request: answered, its row has the provider's numbers`, async () => {
    const answer = await post(name);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(at.connections.at(-1).secure.getProtocol(), version);
    assert.equal(at.requests.at(-1).rq.headers.authorization, `Bearer ${secret}`);
    const { usage } = JSON.parse(at.requests.at(-1).sent);
    const row = await usageRow(answer.headers['x-request-id'], ['request_status',
      'usage_source', 'token_in_count', 'token_out_count', 'cost_in_usd', 'provider_used']);
    assert.deepEqual(row, {
      request_status: 'ok', usage_source: 'provider',
      token_in_count: String(usage.prompt_tokens),
      token_out_count: String(usage.completion_tokens),
      cost_in_usd: ((usage.prompt_tokens + 2 * usage.completion_tokens) / 1e6).toFixed(12),
      provider_used: name,
    });
  });

  await test(`${version}, requests after one another: one TLS connection`, async () => {
    for (const stream of [false, true, true, false]) {
      const answer = await post(name, { stream });
      assert.equal(answer.status, 200, answer.text);
    }
    assert.equal(at.requests.length, 5);
    assert.equal(at.connections.length, 1);
  });
}

// --- what goes over them -----------------------------------------------------

// Sends the first n of the simulator's events, each when the client has the
// one before; then does `end` with the rest.
const stepwise = (client, n, end) => async (request) => {
  const all = events(await text(await simulated(request)));
  request.res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (let i = 0; i < n; i += 1) {
    request.res.write(`data: ${all[i]}\n\n`);
    await client().has(i + 1);
  }
  await end(request, all.slice(n));
};

await test('a stream: event by event, complete, its row ok', async () => {
  let got = null;
  let rest = null;
  // Not the last two: the client did not ask for the usage.
  one.answer = stepwise(() => got, 18, async ({ res }, last) => {
    rest = last;
    res.end(last.map((event) => `data: ${event}\n\n`).join(''));
  });
  got = open(model);
  await got.end;
  one.answer = forward;
  assert.equal(rest.length, 2);
  const seen = events(got.text);
  assert.equal(seen.length, 19, got.text);
  assert.equal(seen.at(-1), '[DONE]');
  const row = await usageRow(got.id, ['request_status', 'usage_source', 'token_out_count']);
  assert.deepEqual(row, {
    request_status: 'ok', usage_source: 'provider',
    token_out_count: String(JSON.parse(rest[0]).usage.completion_tokens),
  });
});

// A question of n bytes, n divisible by 4.
const long = (n) => [{ role: 'user', content: randomBytes(n / 4 * 3).toString('base64') }];

await test('a request of 3 MiB: arrives intact', async () => {
  const messages = long(3 * 2 ** 20);
  const answer = await post(model, { messages });
  assert.equal(answer.status, 200, answer.text);
  const got = JSON.parse(one.requests.at(-1).body).messages[0].content;
  assert.equal(got.length, 3 * 2 ** 20);
  assert.equal(sha256(got), sha256(messages[0].content));
});

// More than there is room for on the way.
const tooLong = long(12 * 2 ** 20);

await test('a provider that reads late: 12 MiB arrive intact, others are served meanwhile', async () => {
  let served = null;
  one.begin = async () => {
    one.begin = async () => {};
    served = [];
    while (served.length < 5) served.push((await post(model)).status);
  };
  const answer = await post(model, { messages: tooLong });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(served, [200, 200, 200, 200, 200]);
  const got = JSON.parse(one.requests.at(-1).body).messages[0].content;
  assert.equal(sha256(got), sha256(tooLong[0].content));
});

await test('a provider that answers 413 and reads no further: its answer comes through', async () => {
  const error = '{"error":{"message":"much","type":"invalid_request_error","code":"long","param":null}}';
  one.begin = ({ rq }) => {
    one.begin = async () => {};
    rq.socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\n'
      + `Content-Length: ${error.length}\r\n\r\n${error}`);
    return closed(rq.socket);
  };
  const answer = await post(model, { messages: tooLong });
  assert.equal(answer.status, 413, answer.text);
  assert.equal(JSON.parse(answer.text).error.code, 'long');
});

await test('an answer of 1 MB: comes back whole', async () => {
  const answer = await post(huge);
  assert.equal(answer.status, 200);
  const { sent } = one.requests.at(-1);
  assert.ok(sent.length > 1e6);
  assert.equal(answer.text.length, sent.length);
  assert.equal(sha256(answer.text), sha256(sent));
});

await test('an event of 1 MB: comes back whole', async () => {
  const answer = await post(huge, { stream: true, stream_options: { include_usage: true } });
  assert.equal(answer.status, 200);
  const sent = events(one.requests.at(-1).sent);
  assert.ok(sent.some((event) => event.length > 1e6));
  assert.deepEqual(events(answer.text).map(sha256), sent.map(sha256));
});

// Answers so that the head ends in the connection's second TLS record, which
// is as large as one can be, and is read in two parts for that. What is
// `behind` the answer is the second part.
const inTwoRecords = (behind = '') => async (request) => {
  const answer = await text(await simulated(request));
  const { socket } = request.rq;
  const first = 'HTTP/1.1 200 OK\r\n';
  const head = (n) => `Content-Type: application/json\r\nContent-Length: ${n}\r\n\r\n`;
  const n = 16384 - head(10000).length - behind.length;
  await new Promise((written) => { socket.write(first, written); });
  socket.write(head(n) + answer.padEnd(n) + behind);
};

await test('an answer whose end TLS has read before us: is whole', async () => {
  one.answer = inTwoRecords();
  const answer = await post(model);
  one.answer = forward;
  assert.equal(answer.status, 200, answer.text);
  await ends['closed in TLS'](one.connections.at(-1));
});

await test('bytes behind an answer that TLS holds back: are not the next one\'s', async () => {
  one.answer = inTwoRecords('HTTP/1.1 200 OK\r\n');
  const answer = await post(model);
  one.answer = forward;
  assert.equal(answer.status, 200, answer.text);
  const next = await post(model);
  assert.equal(next.status, 200, next.text);
  assert.ok(one.requests.at(-1).connection !== one.requests.at(-2).connection);
});

// --- connections that end ----------------------------------------------------

for (const [version, { at, model: name }] of Object.entries(good)) {
  for (const [how, end] of Object.entries(ends)) {
    await test(`${version}, a kept connection is ${how}: the next request succeeds on a new one`, async () => {
      assert.equal((await post(name)).status, 200);
      const before = at.connections.length;
      const asked = at.requests.length;
      await end(at.connections.at(-1));
      const answer = await post(name);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(at.connections.length, before + 1);
      assert.equal(at.requests.length, asked + 1);
      const row = await usageRow(answer.headers['x-request-id'], ['request_status', 'attempts']);
      assert.deepEqual(row, { request_status: 'ok', attempts: '1' });
    });

    await test(`${version}, a kept connection is ${how} as a request comes: it goes out again`, async () => {
      assert.equal((await post(name)).status, 200);
      const before = at.connections.length;
      at.answer = async ({ connection }) => {
        at.answer = forward;
        await end(connection);
      };
      const answer = await post(name);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(at.connections.length, before + 1);
      assert.equal(at.requests.at(-1).body, at.requests.at(-2).body);
      const row = await usageRow(answer.headers['x-request-id'], ['request_status', 'attempts']);
      assert.deepEqual(row, { request_status: 'ok', attempts: '2' });
    });
  }
}

// Sends the simulator's answer up to `to`, and no length of it.
const unmeasured = (end, to = undefined) => async (request) => {
  const answer = await text(await simulated(request));
  await new Promise((written) => {
    request.rq.socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
      + `Connection: close\r\n\r\n${answer.slice(0, to)}`, written);
  });
  await end(request.connection);
};

for (const [how, end] of Object.entries(ends)) {
  await test(`a stream, ${how} in its middle: an error event, upstream_error, delivered tokens owed`, async () => {
    let got = null;
    one.answer = stepwise(() => got, 4, ({ connection }) => end(connection));
    got = open(model);
    await got.end;
    one.answer = forward;
    const seen = events(got.text);
    assert.equal(seen.length, 5, got.text);
    assert.equal(JSON.parse(seen.at(-1)).error.type, 'upstream_error');
    const row = await usageRow(got.id, ['request_status', 'usage_source', 'token_out_count']);
    assert.equal(row.request_status, 'upstream_error');
    assert.equal(row.usage_source, 'estimated');
    assert.ok(Number(row.token_out_count) > 0);
    assert.match(await logged(got.id), how === 'reset' ? /broke off: .*reset/ : /broke off: /);
  });

  await test(`an answer without a length, ${how} in its middle: 502, nothing owed`, async () => {
    one.answer = unmeasured(end, -20);
    const answer = await post(model);
    one.answer = forward;
    assert.equal(answer.status, 502, answer.text);
    const row = await usageRow(answer.headers['x-request-id'], ['request_status', 'cost_in_usd']);
    assert.deepEqual(row, { request_status: 'upstream_error', cost_in_usd: '0.000000000000' });
  });
}

await test('an answer without a length, closed in TLS behind it: is whole', async () => {
  one.answer = unmeasured(ends['closed in TLS']);
  const answer = await post(model);
  one.answer = forward;
  assert.equal(answer.status, 200, answer.text);
});

await test('a client that leaves in mid-stream: the TLS connection ends, client_closed', async () => {
  let got = null;
  one.answer = stepwise(() => got, 4, () => got.leave());
  got = open(model);
  await got.end;
  one.answer = forward;
  await closed(one.requests.at(-1).connection.secure);
  const row = await usageRow(got.id, ['request_status']);
  assert.equal(row.request_status, 'client_closed');
});

// --- providers that are not believed -----------------------------------------

for (const [what, [at, reason, name]] of Object.entries(refused)) {
  for (const stream of [false, true]) {
    await test(`${what}, stream ${stream}: 502, nothing sent, nothing owed, the log says why`, async () => {
      const answer = await post(name, { stream });
      assert.equal(answer.status, 502, answer.text);
      const { error } = JSON.parse(answer.text);
      assert.deepEqual([error.type, error.code], ['upstream_error', 'upstream_unreachable']);
      assert.ok(!/localhost|certificate|ssl|tls/i.test(error.message), error.message);
      assert.equal(at.requests.length, 0);
      const row = await usageRow(answer.headers['x-request-id'], ['request_status',
        'error_code', 'token_in_count', 'token_out_count', 'cost_in_usd']);
      assert.deepEqual(row, {
        request_status: 'upstream_error', error_code: 'upstream_unreachable',
        token_in_count: '0', token_out_count: '0', cost_in_usd: '0.000000000000',
      });
      const why = await logged(answer.headers['x-request-id']);
      assert.match(why, reason);
      console.log(`# ${why}`);
    });
  }
}

// --- the system's authorities ------------------------------------------------

// The workers anew, without upstream.ca_file.
function restart() {
  writeFileSync(`${stack}/local.conf`, '');
  execFileSync('bash', ['-c', `. tools/lib/stack.sh && stack_init "$1" && stack_web_stop \
    && stack_config_write && stack_web_start`, 'restart', stack],
  { cwd: new URL('../../', import.meta.url), stdio: 'ignore' });
}

// Debian has them twice.
const forms = { folder: env.TLS_LINK, file: 'ca-certificates.crt' };
for (const [form, name] of Object.entries(env.TLS_SYSTEM ? forms : {})) {
  await test(`no authority named, the system has a ${form}: it is believed, ours is not`, async () => {
    for (const old of readdirSync(env.TLS_SYSTEM)) unlinkSync(`${env.TLS_SYSTEM}/${old}`);
    writeFileSync(`${env.TLS_SYSTEM}/${name}`, readFileSync(`${stack}/tls/stranger.pem`), { mode: 0o644 });
    restart();
    const [, , believed] = refused['a certificate of another authority'];
    const answer = await post(believed);
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await post(model)).status, 502);
  });
}

await test('the log, after all of it: no credential, no prompt', () => {
  const log = logText();
  for (const word of [secret, key, prompt]) assert.ok(!log.includes(word), word);
});

done();
