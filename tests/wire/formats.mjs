// SPDX-License-Identifier: MIT
// Anthropic's messages, OpenAI's responses, and our /generate on every kind of
// provider: what reaches the provider, the client, and the usage rows.
// CHECKLIST B11, B13, B14, S16.
import http from 'node:http';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, json, modelsInForce, newKey, sim, sql, tollgate, until, usageRow,
} from './lib.mjs';

const unique = `${process.pid}`;
for (const kind of ['openai', 'anthropic', 'huggingface', 'local']) {
  tollgate('provider', 'add', '--name', `${kind}${unique}`, '--kind', kind,
    '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-up');
}
// Priced 1, 0.1, 2 and 4 USD per million tokens.
function addModel(kind, word, ...more) {
  const name = `${kind}.${word.replaceAll(':', '_').replaceAll('+', '.')}.${unique}`;
  tollgate('model', 'add', '--name', name, '--provider', `${kind}${unique}`,
    '--upstream-name', word, ...more);
  tollgate('price', 'set', '--model', name, '--input', '1',
    '--cached-input', '0.1', '--output', '2', '--reasoning', '4');
  return name;
}
const words = ['sim-fixed:9', 'sim-details:100:40:50:20', 'sim-no-usage', 'sim-usage-dup',
  'sim-usage-negative', 'sim-usage-fraction', 'sim-usage-huge', 'sim-usage-string',
  'sim-fields', 'sim-no-done', 'sim-close:3', 'sim-pace:20:500', 'sim-garbage', 'sim-502'];
const formats = {
  message: { path: '/v1/messages', kind: 'anthropic' },
  response: { path: '/v1/responses', kind: 'openai' },
};
const models = {};
for (const { kind } of Object.values(formats)) {
  for (const word of words) models[`${kind} ${word}`] = addModel(kind, word);
}
for (const kind of ['huggingface', 'local']) models[kind] = addModel(kind, 'sim-fixed:9');
models.capped = addModel('anthropic', 'sim-fixed:40', '--max-output', '10');
models.warm = addModel('anthropic', 'sim-fixed:8', '--default-temperature', '0.5');
models.last = addModel('openai', 'sim-fixed:40', '--max-output', '10');

const { key } = await newKey();
const auth = { ...json, Authorization: `Bearer ${key}` };
await modelsInForce(auth, Object.values(models));

const bodies = {
  message: (model, more) => ({
    model, max_tokens: 1000, messages: [{ role: 'user', content: 'one two three' }], ...more,
  }),
  response: (model, more) => ({ model, input: 'one two three', ...more }),
};
const post = (format, word, more = {}) => ask('POST', formats[format].path, auth,
  JSON.stringify(bodies[format](models[`${formats[format].kind} ${word}`] ?? models[word], more)));
await until('the last price in force', async () => {
  const answers = await Promise.all(Array.from({ length: 16 }, () => post('response', 'last')));
  return answers.every(({ status }) => status === 200);
});
const upstream = async () => JSON.parse((await sim('GET', '/__sim/last')).text
  .split('\r\n\r\n').slice(1).join('\r\n\r\n'));
const columns = ['request_status', 'usage_source', 'token_in_count',
  'token_in_cached_context_count', 'token_out_count', 'token_out_reasoning_count', 'cost_in_usd'];
const rowOf = async (answer) => Object.values(await usageRow(answer.headers['x-request-id'], columns));

for (const format of Object.keys(formats)) {
  for (const stream of [false, true]) {
    const what = `${format}${stream ? ', streamed' : ''}`;

    await test(`${what}: every class in its place, priced exactly`, async () => {
      const answer = await post(format, 'sim-details:100:40:50:20', { stream });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(await rowOf(answer),
        ['ok', 'provider', '60', '40', '30', '20', '0.000204000000']);
      if (stream) assert.match(answer.text, /^: x-tollgate-cost 0\.000204$/m);
      else assert.equal(answer.headers['x-tollgate-cost'], '0.000204');
    });

    await test(`${what}: usage that is said twice counts once`, async () => {
      const answer = await post(format, 'sim-usage-dup', { stream });
      assert.deepEqual((await rowOf(answer)).slice(0, 5), ['ok', 'provider', '3', '0', '16']);
    });

    for (const word of ['sim-no-usage', 'sim-usage-negative', 'sim-usage-fraction',
      'sim-usage-huge', 'sim-usage-string']) {
      await test(`${what}: ${word}: an estimate that says so`, async () => {
        const answer = await post(format, word, { stream });
        assert.equal(answer.status, 200, answer.text);
        const [status, source, , , out] = await rowOf(answer);
        assert.deepEqual([status, source], ['ok', 'estimated']);
        assert.ok(Number(out) > 8 && Number(out) < 64, out);
      });
    }
  }

  await test(`${format}: fields of events: only those of the format go on`, async () => {
    const answer = await post(format, 'sim-fields', { stream: true });
    assert.ok(!/^(id|retry):/m.test(answer.text), answer.text);
    for (const event of answer.text.split('\n\n').filter((e) => e.includes('data:'))) {
      const [, name, data] = event.match(/^event: (\S+)\ndata: (.*)$/);
      assert.equal(JSON.parse(data).type, name);
    }
    assert.equal((await rowOf(answer))[1], 'provider');
  });

  await test(`${format}: a stream that breaks off: delivered tokens owed, an error event`, async () => {
    const answer = await post(format, 'sim-close:3', { stream: true });
    const last = answer.text.trim().split('\n\n').at(-1);
    const { error } = JSON.parse(last.match(/^data: (.*)$/m)[1]);
    assert.ok(error.message && error.type, last);
    const [status, source, , , out] = await rowOf(answer);
    assert.deepEqual([status, source], ['upstream_error', 'estimated']);
    assert.ok(Number(out) > 0 && Number(out) < 16, out);
  });

  for (const word of ['sim-garbage', 'sim-502']) {
    await test(`${format}: ${word}: a clean 502, nothing owed`, async () => {
      const answer = await post(format, word);
      assert.equal(answer.status, 502);
      assert.ok(JSON.parse(answer.text).error.message);
      assert.equal(Number((await rowOf(answer))[6]), 0);
    });
  }

  await test(`${format}: client leaves in mid-stream: a row by what it got, and charged for it (B11)`, async () => {
    const id = await new Promise((resolve, reject) => {
      const rq = http.request({
        host: base.hostname, port: base.port, method: 'POST', agent: false,
        path: formats[format].path, headers: auth,
      }, (answer) => {
        let n = 0;
        answer.on('data', (part) => {
          n += part.toString().split('delta').length - 1;
          if (n < 8) return;
          rq.destroy();
          resolve(answer.headers['x-request-id']);
        });
        answer.on('error', () => {});
      });
      rq.on('error', () => {});
      rq.setTimeout(20000, () => reject(new Error('no events')));
      rq.end(JSON.stringify(bodies[format](
        models[`${formats[format].kind} sim-pace:20:500`], { stream: true })));
    });
    const [status, source, input, cached, out, reasoning, cost] = Object.values(await usageRow(id, columns));
    assert.deepEqual([status, source, cached, reasoning], ['client_closed', 'estimated', '0', '0']);
    assert.ok(Number(input) > 0 && Number(out) > 0 && Number(out) < 400, `${input} ${out}`);
    assert.equal(cost, ((Number(input) + 2 * Number(out)) / 1e6).toFixed(12));
  });
}

await test('message: the model\'s largest output: limit lowered', async () => {
  await post('message', 'capped');
  assert.equal((await upstream()).max_tokens, 10);
  await post('message', 'capped', { max_tokens: 3 });
  assert.equal((await upstream()).max_tokens, 3);
});

await test('message: no max_tokens where the model has no limit: the provider\'s 400', async () => {
  const answer = await post('message', 'sim-fixed:9', { max_tokens: undefined });
  assert.equal(answer.status, 400);
  assert.equal(JSON.parse(answer.text).error.type, 'invalid_request_error');
});

await test('message: both versions go on; the newer one takes no temperature', async () => {
  for (const [version, temperature] of [[undefined, 0.5], ['2023-06-01', 0.5],
    ['2026-10-21', undefined]]) {
    const headers = version ? { ...auth, 'anthropic-version': version } : auth;
    const answer = await ask('POST', '/v1/messages', headers,
      JSON.stringify(bodies.message(models.warm)));
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await upstream()).temperature, temperature);
    const sent = (await sim('GET', '/__sim/last')).text;
    assert.ok(sent.includes(`anthropic-version: ${version ?? '2023-06-01'}\r\n`), sent);
  }
});

await test('message: another version: 400', async () => {
  const answer = await ask('POST', '/v1/messages', { ...auth, 'anthropic-version': '2023-01-01' },
    JSON.stringify(bodies.message(models.capped)));
  assert.equal(answer.status, 400);
  assert.equal(JSON.parse(answer.text).error.param, 'anthropic-version');
});

await test('message: refused before a route or a key: Anthropic\'s form', async () => {
  for (const headers of [json, { ...json, 'X-API-Key': 'tg_wrong' }]) {
    const answer = await ask('POST', '/v1/messages', headers, '{}');
    assert.equal(answer.status, 401);
    const { type, error } = JSON.parse(answer.text);
    assert.deepEqual([type, error.type], ['error', 'authentication_error']);
  }
});

await test('response: limit added and lowered, never stored', async () => {
  await post('response', 'last');
  const added = await upstream();
  assert.deepEqual([added.max_output_tokens, added.store], [10, false]);
  assert.ok(!('stream_options' in added));
  await post('response', 'last', { max_output_tokens: 500, store: true, stream: true });
  const lowered = await upstream();
  assert.deepEqual([lowered.max_output_tokens, lowered.store], [10, false]);
  assert.ok(!('stream_options' in lowered));
});

await test('response: streamed without an end: what came is owed', async () => {
  const answer = await post('response', 'sim-no-done', { stream: true });
  assert.equal((await rowOf(answer))[0], 'upstream_error');
});

await test('local: is asked whatever comes', async () => {
  for (const [path, body] of [['/v1/messages', bodies.message(models.local)],
    ['/v1/responses', bodies.response(models.local)],
    ['/v1/completions', { model: models.local, prompt: 'one' }]]) {
    const answer = await ask('POST', path, auth, JSON.stringify(body));
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
  }
});

await test('other kinds: what they are not asked is a 400', async () => {
  for (const [path, body] of [
    ['/v1/messages', bodies.message(models.huggingface)],
    ['/v1/chat/completions', { model: models.capped, messages: [{ role: 'user', content: 'a' }] }],
    ['/v1/responses', bodies.response(models.capped)],
    ['/v1/responses', bodies.response('gpt2-mini')],
    ['/v1/messages', bodies.message('gpt2-mini')]]) {
    const answer = await ask('POST', path, auth, JSON.stringify(body));
    assert.equal(answer.status, 400, `${path}: ${answer.text}`);
    assert.equal(JSON.parse(answer.text).error.param, 'model');
  }
});

const generated = [
  ['anthropic', models['anthropic sim-fixed:9'], '/v1/messages', 9, 12],
  ['openai', models['openai sim-fixed:9'], '/v1/chat/completions', 9, 12],
  ['local', models.local, '/v1/completions', 9, 12],
  ['huggingface', models.huggingface, '/generate', 7, 10],
];
for (const [kind, model, path, nWords, tokens] of generated) {
  await test(`generate: ${kind}: asked at ${path}, its own numbers`, async () => {
    const answer = await ask('POST', '/generate', auth, JSON.stringify({
      text: 'one two three', model_id: model, max_length: kind === 'huggingface' ? 7 : 50,
    }));
    assert.equal(answer.status, 200, answer.text);
    const { response, tokens_used: used } = JSON.parse(answer.text);
    assert.equal(response.split(' ').length, nWords);
    assert.equal(used, tokens);
    assert.equal((await rowOf(answer))[1], 'provider');
    const sent = (await sim('GET', '/__sim/last')).text;
    assert.ok(sent.startsWith(`POST ${path} `), sent.slice(0, 60));
  });
}

await test('generate: huggingface: what it is sent', async () => {
  await ask('POST', '/generate', auth,
    JSON.stringify({ text: 'one', model_id: models.huggingface, max_length: 7 }));
  assert.deepEqual(await upstream(), {
    inputs: 'one', parameters: { max_new_tokens: 7, details: true, return_full_text: false },
  });
});

await test('generate: errors of other formats become ours', async () => {
  const answer = await ask('POST', '/generate', auth,
    JSON.stringify({ text: 'sim-400 one', model_id: models.huggingface }));
  assert.equal(answer.status, 400, answer.text);
  assert.deepEqual(JSON.parse(answer.text), {
    error: {
      message: 'It did not work.', type: 'validation', param: null, code: null,
    },
  });
});

await test('huggingface: chats go the way of OpenAI\'s', async () => {
  const answer = await ask('POST', '/v1/chat/completions', auth, JSON.stringify({
    model: models.huggingface, messages: [{ role: 'user', content: 'one two three' }],
  }));
  assert.equal(answer.status, 200);
  assert.deepEqual((await rowOf(answer)).slice(0, 5), ['ok', 'provider', '3', '0', '9']);
});

await test('one request, one row', () => {
  const [[n]] = sql(`SELECT COUNT(*) - COUNT(DISTINCT request_id) FROM usage_records
    WHERE model_requested LIKE '%.${unique}'`);
  assert.equal(n, '0');
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

// What `tollgate doctor` says of this host's answers so far.
function alarms() {
  let found;
  try { found = tollgate('doctor'); } catch (e) { found = JSON.parse(e.stdout.toString()); }
  const { detail } = found.find(({ check }) => check === 'provider usage');
  const [unusable, repeated, missing] = detail.match(/\d+/g).map(Number);
  return { unusable, repeated, missing };
}
const chat = { path: '/v1/chat/completions', kind: 'openai' };
for (const [format, { path, kind }] of Object.entries({ ...formats, chat })) {
  for (const [word, alarm] of Object.entries({
    'sim-fixed:9': null,
    'sim-no-usage': 'missing',
    // A response says it in the event that ends it; a message's are cumulative.
    'sim-usage-dup': format === 'chat' ? 'repeated' : null,
    'sim-usage-negative': 'unusable',
    'sim-usage-fraction': 'unusable',
    'sim-usage-huge': 'unusable',
    'sim-usage-string': 'unusable',
  })) {
    await test(`${format}, streamed: ${word}: the alarm counts ${alarm ?? 'nothing'} (B13)`, async () => {
      const before = alarms();
      const body = (bodies[format] ?? bodies.message)(models[`${kind} ${word}`], { stream: true });
      const answer = await ask('POST', path, auth, JSON.stringify(body));
      assert.equal(answer.status, 200, answer.text);
      const [status, source] = await rowOf(answer);
      assert.deepEqual([status, source],
        ['ok', alarm === null || alarm === 'repeated' ? 'provider' : 'estimated']);
      if (alarm) before[alarm] += 1;
      assert.deepEqual(alarms(), before);
    });
  }
}

done();
