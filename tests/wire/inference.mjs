// SPDX-License-Identifier: MIT
// What reaches the provider, what reaches the client, and what is written
// down about it. CHECKLIST B10-B13, R8, S10, S16.
import http from 'node:http';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, json, modelsInForce, newKey, sim, sql, tollgate, until, usageRow,
} from './lib.mjs';

const unique = `${process.pid}`;
const provider = `wire${unique}`;
tollgate('provider', 'add', '--name', provider, '--kind', 'openai',
  '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`,
  '--api-key', 'sk-upstream-secret');

// A model that behaves as the simulator's word says, priced 1, 0.1, 2 and 4
// USD per million tokens.
function addModel(word, ...more) {
  const name = `${word.replaceAll(':', '_').replaceAll('+', '.')}.${unique}`;
  tollgate('model', 'add', '--name', name, '--provider', provider,
    '--upstream-name', word, ...more);
  tollgate('price', 'set', '--model', name, '--input', '1',
    '--cached-input', '0.1', '--output', '2', '--reasoning', '4');
  return name;
}
const words = ['sim-fixed', 'sim-echo', 'sim-split', 'sim-no-usage',
  'sim-details:100:40:50:20', 'sim-429:7', 'sim-400', 'sim-401', 'sim-500',
  'sim-502', 'sim-garbage', 'sim-gzip', 'sim-empty', 'sim-pace:20:500',
  'sim-close:2', 'sim-comments', 'sim-crlf', 'sim-headers', 'sim-no-done'];
const models = Object.fromEntries(words.map((w) => [w, addModel(w)]));
models.late = addModel('sim-hang+fixed:1');
models.slow = addModel('sim-hang', '--first-byte-ms', '300');
models.stall = addModel('sim-hang-mid:3', '--idle-ms', '300');
models.capped = addModel('sim-fixed:40', '--max-output', '10');

const { key } = await newKey();
const auth = { ...json, Authorization: `Bearer ${key}` };

const chat = (model, more = {}) => JSON.stringify({
  model, messages: [{ role: 'user', content: 'one two three' }], ...more,
});
const post = (body, path = '/v1/chat/completions') => ask('POST', path, auth, body);

await modelsInForce(auth, Object.values(models));
// The last one's price came after it.
await until('the last price in force', async () => {
  const answers = await Promise.all(Array.from({ length: 16 },
    () => post(chat(models.capped))));
  return answers.every(({ status }) => status === 200);
});

const events = (text) => text.split(/\r?\n\r?\n/).filter((e) => e.startsWith('data:'))
  .map((e) => e.replace(/^data: ?/, ''));
const lastUpstream = async () => (await sim('GET', '/__sim/last')).text;
const upstreamBody = async () => (await lastUpstream()).split('\r\n\r\n').slice(1).join('\r\n\r\n');

await test('forward: unknown members: survive byte for byte', async () => {
  const model = models['sim-fixed'];
  const odd = '"x_odd" : {"a": [1.0e5, 1E400, "\\u00e9\\/"] , "b":null}';
  const answer = await post(`{ ${odd}, "model":"${model}","messages" :[ {"role":"user","content":"a"}]\n}`);
  assert.equal(answer.status, 200, answer.text);
  const sent = await upstreamBody();
  assert.ok(sent.includes(odd), sent);
  assert.ok(sent.includes('"messages" :[ {"role":"user","content":"a"}]'), sent);
  assert.ok(sent.includes('"sim-fixed"'), sent);
  assert.ok(!sent.includes(model), sent);
});

await test('forward: credentials: ours go upstream, the client\'s do not', async () => {
  await post(chat(models['sim-fixed']));
  const sent = await lastUpstream();
  assert.ok(/authorization: Bearer sk-upstream-secret/i.test(sent));
  assert.ok(!sent.includes(key));
});

await test('forward: where it goes is nothing a client says, in whatever header (S10)', async () => {
  const said = {
    'X-Api-Base': 'http://192.0.2.1', 'Api-Base': 'http://192.0.2.1', 'X-Base-Url': 'http://192.0.2.1',
    'X-Upstream': 'http://192.0.2.1', 'X-Target-Url': 'http://192.0.2.1', 'Helicone-Target-Url': 'http://192.0.2.1',
    'X-Portkey-Custom-Host': 'http://192.0.2.1', 'X-Portkey-Provider': 'other', 'X-Provider': 'other',
    'X-Custom-Host': 'http://192.0.2.1', 'X-Forwarded-Host': '192.0.2.1', Host: 'evil.example',
    'Openai-Organization': 'org-theirs', 'Openai-Project': 'theirs', Proxy: 'http://192.0.2.1',
    'Proxy-Authorization': 'Basic eDp5', 'Api-Key': 'sk-theirs', 'Openai-Api-Key': 'sk-theirs',
    'X-Model': 'other', 'X-Deployment': 'other', Cookie: 'a=theirs', 'Accept-Language': 'xx-theirs',
  };
  const names = (text) => text.split('\r\n\r\n')[0].split('\r\n').slice(1)
    .map((line) => line.split(':')[0].toLowerCase()).sort();
  const plain = await post(chat(models['sim-fixed']));
  assert.equal(plain.status, 200);
  const before = await lastUpstream();
  const answer = await ask('POST', '/v1/chat/completions', { ...auth, ...said }, chat(models['sim-fixed']));
  assert.equal(answer.status, 200, answer.text);
  const sent = await lastUpstream();
  assert.deepEqual(names(sent), names(before));
  assert.equal(sent.split('\r\n')[0], before.split('\r\n')[0]);
  for (const value of Object.values(said)) assert.ok(!sent.includes(value), value);
});

await test('forward: a target of its own, and CONNECT, lead nowhere else (S10)', async () => {
  const own = { ...auth, 'X-API-Key': key };
  const absolute = await ask('POST', 'http://192.0.2.1/v1/chat/completions', own, chat(models['sim-fixed']));
  assert.ok([200, 400].includes(absolute.status), `${absolute.status}`);
  const method = await new Promise((resolve) => {
    const rq = http.request({ host: base.hostname, port: base.port, method: 'CONNECT', path: '192.0.2.1:443' });
    rq.on('connect', (rs, socket) => { socket.destroy(); resolve(rs.statusCode); });
    rq.on('response', (rs) => { rs.resume(); resolve(rs.statusCode); });
    rq.on('error', () => resolve(400)); // cut without an answer
    rq.end();
  });
  assert.ok(method >= 400, `${method}`);
});

await test('forward: store true: false upstream', async () => {
  await post(chat(models['sim-fixed'], { store: true }));
  assert.equal(JSON.parse(await upstreamBody()).store, false);
});

await test('forward: model with a largest output: limit added and lowered', async () => {
  await post(chat(models.capped));
  const added = JSON.parse(await upstreamBody());
  assert.equal(added.max_completion_tokens ?? added.max_tokens, 10);
  await post(chat(models.capped, { max_tokens: 5000 }));
  assert.equal(JSON.parse(await upstreamBody()).max_tokens, 10);
  await post(chat(models.capped, { max_tokens: 3 }));
  assert.equal(JSON.parse(await upstreamBody()).max_tokens, 3);
});

await test('meter: plain answer: row, price and header agree exactly', async () => {
  const answer = await post(chat(models['sim-fixed']));
  const { usage } = JSON.parse(answer.text);
  const row = await usageRow(answer.headers['x-request-id'], ['request_status',
    'usage_source', 'token_in_count', 'token_out_count', 'cost_in_usd', 'provider_used']);
  const cost = (usage.prompt_tokens * 1 + usage.completion_tokens * 2) / 1e6;
  assert.deepEqual(row, {
    request_status: 'ok', usage_source: 'provider',
    token_in_count: String(usage.prompt_tokens),
    token_out_count: String(usage.completion_tokens),
    cost_in_usd: cost.toFixed(12), provider_used: provider,
  });
  assert.equal(Number(answer.headers['x-tollgate-cost']), cost);
});

await test('meter: cached and reasoning tokens: disjoint and priced apart', async () => {
  const answer = await post(chat(models['sim-details:100:40:50:20']));
  const row = await usageRow(answer.headers['x-request-id'], ['token_in_count',
    'token_in_cached_context_count', 'token_out_count', 'token_out_reasoning_count',
    'cost_in_usd']);
  assert.deepEqual(row, {
    token_in_count: '60', token_in_cached_context_count: '40',
    token_out_count: '30', token_out_reasoning_count: '20',
    cost_in_usd: ((60 * 1 + 40 * 0.1 + 30 * 2 + 20 * 4) / 1e6).toFixed(12),
  });
});

await test('meter: no usage from the provider: a labelled estimate, not zero', async () => {
  for (const stream of [false, true]) {
    const answer = await post(chat(models['sim-no-usage'], { stream }));
    const row = await usageRow(answer.headers['x-request-id'],
      ['usage_source', 'token_in_count', 'token_out_count', 'cost_in_usd']);
    assert.equal(row.usage_source, 'estimated');
    assert.ok(Number(row.token_in_count) > 0 && Number(row.token_out_count) > 0);
    assert.ok(Number(row.cost_in_usd) > 0);
  }
});

for (const word of ['sim-fixed', 'sim-split', 'sim-comments', 'sim-crlf', 'sim-no-done']) {
  await test(`stream: ${word}: whole, usage hidden, row from the provider`, async () => {
    const answer = await post(chat(models[word], { stream: true }));
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers['content-type'], /^text\/event-stream/);
    const data = events(answer.text.replace(/^:.*\r?\n(\r?\n)?/gm, ''));
    if (word !== 'sim-no-done') assert.equal(data.pop(), '[DONE]');
    for (const text of data) {
      const event = JSON.parse(text);
      assert.ok(event.choices.length > 0, text);
      assert.ok(!('usage' in event), text);
    }
    assert.match(answer.text, /^: x-tollgate-cost 0\.\d+$/m);
    const row = await usageRow(answer.headers['x-request-id'],
      ['request_status', 'usage_source', 'token_out_count']);
    assert.equal(row.request_status, 'ok');
    assert.equal(row.usage_source, 'provider');
    assert.ok(Number(row.token_out_count) > 0);
  });
}

await test('stream: asked for usage: the usage chunk is there', async () => {
  const answer = await post(chat(models['sim-fixed'],
    { stream: true, stream_options: { include_usage: true } }));
  const data = events(answer.text);
  const last = JSON.parse(data.at(-2));
  assert.equal(last.choices.length, 0);
  assert.ok(last.usage.prompt_tokens > 0);
});

await test('provider 429: status, body and Retry-After come through', async () => {
  const answer = await post(chat(models['sim-429:7']));
  assert.equal(answer.status, 429);
  assert.equal(answer.headers['retry-after'], '7');
  assert.ok(JSON.parse(answer.text).error.message);
  const row = await usageRow(answer.headers['x-request-id'],
    ['request_status', 'cost_in_usd']);
  assert.deepEqual(row, { request_status: 'upstream_error', cost_in_usd: '0.000000000000' });
});

await test('provider 400: comes through with param', async () => {
  const answer = await post(chat(models['sim-400']));
  assert.equal(answer.status, 400);
  assert.ok(JSON.parse(answer.text).error.param);
});

// The reason in the row: the provider's own code, where it gives one.
const clean = {
  'sim-401': 'invalid_api_key', 'sim-502': 'upstream_error', 'sim-garbage': null, 'sim-gzip': null, 'sim-empty': null,
};
// Whatever was asked for: it failed before anything was delivered.
const owesNothing = async (answer, status, code) => {
  const row = await usageRow(answer.headers['x-request-id'],
    ['request_status', 'error_code', 'token_in_count', 'token_out_count', 'cost_in_usd']);
  assert.deepEqual(Object.values(row), [status, code, '0', '0', '0.000000000000']);
};
for (const stream of [false, true]) {
  for (const [word, reason] of Object.entries(clean)) {
    await test(`${word} (stream ${stream}): a clean error of ours, nothing owed (B10)`, async () => {
      const answer = await post(chat(models[word], { stream }));
      // The head of a stream is on its way before its first event is read.
      const isBegun = stream && word === 'sim-garbage';
      assert.equal(answer.status, isBegun ? 200 : 502, answer.text);
      const { type, code } = JSON.parse(isBegun ? events(answer.text).at(-1) : answer.text).error;
      assert.equal(type, 'upstream_error');
      assert.ok(!/sim|html|unix:|sk-/i.test(answer.text), answer.text);
      await owesNothing(answer, 'upstream_error', reason ?? code);
    });
  }

  await test(`provider 500 (stream ${stream}): its error object comes through, nothing owed (B10)`, async () => {
    const answer = await post(chat(models['sim-500'], { stream }));
    assert.equal(answer.status, 500);
    assert.ok(JSON.parse(answer.text).error);
    await owesNothing(answer, 'upstream_error', 'internal_error');
  });

  await test(`provider silent before its head (stream ${stream}): 504 at the model's time-out, nothing owed (B10)`, async () => {
    const answer = await post(chat(models.slow, { stream }));
    assert.equal(answer.status, 504, answer.text);
    await owesNothing(answer, 'timeout', 'upstream_timeout');
  });
}

await test('provider silent in mid-stream: an error event, delivered tokens owed', async () => {
  const answer = await post(chat(models.stall, { stream: true }));
  assert.equal(answer.status, 200);
  const data = events(answer.text.replace(/^:.*\n(\n)?/gm, ''));
  assert.ok(JSON.parse(data.at(-1)).error, data.at(-1));
  assert.ok(!answer.text.includes('[DONE]'));
  const row = await usageRow(answer.headers['x-request-id'],
    ['request_status', 'usage_source', 'token_out_count']);
  assert.equal(row.request_status, 'timeout');
  assert.equal(row.usage_source, 'estimated');
  assert.ok(Number(row.token_out_count) > 0);
});

await test('provider closes in mid-stream: an error event, upstream_error', async () => {
  const answer = await post(chat(models['sim-close:2'], { stream: true }));
  const data = events(answer.text.replace(/^:.*\n(\n)?/gm, ''));
  assert.ok(JSON.parse(data.at(-1)).error);
  const row = await usageRow(answer.headers['x-request-id'], ['request_status']);
  assert.equal(row.request_status, 'upstream_error');
});

await test('provider\'s own headers: are not passed on', async () => {
  const answer = await post(chat(models['sim-headers']));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['set-cookie'], undefined);
  assert.equal(answer.headers['openai-organization'], undefined);
  assert.equal(answer.headers['x-ratelimit-limit-requests'], '100000');
});

// Reads n events of a stream, then hangs up.
function leaveAfter(n, model) {
  return new Promise((resolve, reject) => {
    const rq = http.request({
      host: base.hostname, port: base.port, method: 'POST', agent: false,
      path: '/v1/chat/completions', headers: auth,
    }, (answer) => {
      let seen = 0;
      answer.on('data', (part) => {
        seen += part.toString().split('data:').length - 1;
        if (seen < n) return;
        rq.destroy();
        resolve({ id: answer.headers['x-request-id'], at: performance.now() });
      });
      answer.on('error', () => {});
    });
    rq.on('error', () => {});
    rq.setTimeout(20000, () => reject(new Error('no events')));
    rq.end(chat(model, { stream: true }));
  });
}
const aborted = async () => JSON.parse((await sim('GET', '/__sim/stats')).text);

await test('client leaves in mid-stream: upstream ended, row client_closed, charged for what it got (B11)', async () => {
  const before = (await aborted()).aborted_connections;
  const left = await leaveAfter(3, models['sim-pace:20:500']);
  await until('upstream connection closed', async () => {
    const now = await aborted();
    return now.aborted_connections > before;
  });
  const ms = performance.now() - left.at;
  console.log(`# upstream ended ${ms.toFixed(0)} ms after the client left`);
  const row = await usageRow(left.id, ['request_status', 'usage_source',
    'token_in_count', 'token_out_count', 'cost_in_usd']);
  const [input, out] = [Number(row.token_in_count), Number(row.token_out_count)];
  assert.equal(row.request_status, 'client_closed');
  assert.equal(row.usage_source, 'estimated');
  assert.ok(input > 0 && out > 0 && out < 400, `${input} ${out}`);
  assert.equal(row.cost_in_usd, ((input + 2 * out) / 1e6).toFixed(12));
});

// Sends a request; hangs up once the provider has it and before it answers.
async function leaveEarly(model, stream) {
  const chats = async () => (await aborted()).requests['/v1/chat/completions'];
  const before = await chats();
  // A worker that does not know a new model yet, or not its price, says so:
  // ask again, until it has read the catalogue.
  let rq = null;
  const send = () => {
    rq = http.request({
      host: base.hostname, port: base.port, method: 'POST', agent: false,
      path: '/v1/chat/completions', headers: auth,
    });
    rq.on('error', () => {});
    rq.on('response', (answer) => {
      if (answer.statusCode >= 400) setTimeout(send, 20);
    });
    rq.end(chat(model, { stream }));
  };
  send();
  await until('the provider asked', async () => await chats() > before);
  rq.destroy();
  return performance.now();
}

for (const stream of [false, true]) {
  await test(`client leaves before the head (stream ${stream}): upstream ended, nothing owed (B12)`, async () => {
    for (let i = 0; i < 5; i += 1) {
      const count = async () => {
        const now = await aborted();
        return now.aborted_connections;
      };
      const before = await count();
      const left = await leaveEarly(models.late, stream);
      // The simulator never answers: only the client's leaving ends it.
      await until('upstream connection closed', async () => await count() > before);
      console.log(`# upstream ended ${(performance.now() - left).toFixed(0)} ms after the client left`);
    }
    const rows = await until('five rows', () => {
      const found = sql(`SELECT request_status, usage_source, cost_in_usd
        FROM usage_records WHERE model_requested = '${models.late}'
        ORDER BY usage_id DESC LIMIT 5`);
      return found.length === 5 && found;
    });
    for (const [status, source, cost] of rows) {
      assert.deepEqual([status, source, Number(cost)], ['client_closed', 'estimated', 0]);
    }
  });
}

await test('client leaves, provider is drained: its own numbers are charged (B11)', async () => {
  tollgate('provider', 'add', '--name', `drain${unique}`, '--kind', 'openai',
    '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`,
    '--on-client-close', 'drain', '--drain', '20');
  const name = `drained.${unique}`;
  tollgate('model', 'add', '--name', name, '--provider', `drain${unique}`,
    '--upstream-name', 'sim-delay:1000');
  tollgate('price', 'set', '--model', name, '--input', '1', '--output', '2');
  await leaveEarly(name, false);
  const row = await until('its row', () => sql(`SELECT request_status, usage_source,
    token_in_count, token_out_count, cost_in_usd FROM usage_records
    WHERE model_requested = '${name}'`)[0]);
  assert.deepEqual(row, ['client_closed', 'provider', '3', '16', '0.000035000000']);
});

await test('refusals: counted by reason, without a usage row', async () => {
  const { key: narrow, id } = await newKey({ rate_limit: 1, allowed_models: [1] });
  const headers = { ...json, 'X-API-Key': narrow };
  const body = '{"text":"a","model_id":1}';
  const statuses = [];
  for (let i = 0; i < 3; i += 1) {
    statuses.push((await ask('POST', '/generate', headers, body)).status);
  }
  const limited = statuses.filter((s) => s === 429).length;
  assert.ok(limited >= 1, statuses.join());
  const forbidden = await ask('POST', '/generate', headers, '{"text":"a","model_id":2}');
  assert.equal(forbidden.status, 403);
  const counted = await until('refusals', () => {
    const rows = sql(`SELECT reason, SUM(refusals) FROM usage_refusals
      WHERE api_key_id = ${id} GROUP BY reason ORDER BY reason`);
    return rows.length === 2 && rows;
  });
  assert.deepEqual(counted, [['model_not_allowed', '1'],
    ['rate_limit_exceeded', String(limited)]]);
});

await test('429: headers and body say when to come back', async () => {
  const { key: one } = await newKey({ rate_limit: 1 });
  const headers = { ...json, 'X-API-Key': one };
  let [answer, from] = [null, 0];
  for (let i = 0; i < 3; i += 1) {
    from = Date.now();
    answer = await ask('POST', '/generate', headers, '{"text":"a"}');
    if (answer.status === 429) break;
  }
  assert.equal(answer.status, 429);
  const to = Date.now();
  const afterMs = Number(answer.headers['retry-after-ms']);
  // The window's end minus what it says is when it was answered.
  const lateMs = (2 * 60000 + 1 - afterMs - (from % 60000)) % 60000;
  assert.ok(lateMs <= to - from + 1, `${afterMs} ms, asked from ${from} to ${to}`);
  assert.equal(Number(answer.headers['retry-after']), Math.ceil(afterMs / 1000));
  assert.equal(answer.headers['x-ratelimit-remaining-requests'], '0');
  assert.equal(JSON.parse(answer.text).error.code, 'rate_limit_exceeded');
});

await test('limits: each model apart', async () => {
  const minute = () => Math.floor(Date.now() / 60000);
  let [statuses, since] = [[], 0];
  do { // until all are asked in one window
    const { key: one } = await newKey({ rate_limit: 2 });
    const headers = { ...json, 'X-API-Key': one };
    [statuses, since] = [[], minute()];
    for (const model of [1, 1, 1, 2, 2, 2]) {
      statuses.push((await ask('POST', '/generate', headers,
        `{"text":"a","model_id":${model}}`)).status);
    }
  } while (minute() !== since);
  assert.deepEqual(statuses, [200, 200, 429, 200, 200, 429]);
});

await test('reconcile: after all of it: no difference', async () => {
  await until('a clean reconcile', () => {
    try {
      tollgate('reconcile');
      return true;
    } catch {
      return false;
    }
  });
});

done();
