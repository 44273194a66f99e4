// SPDX-License-Identifier: MIT
// Providers that report no usage: what the rows say is what `tollgate tokens
// count` says of the same texts. The tokenizers are small ones made here.
import {
  chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, json, modelsInForce, newKey, tollgate, until, usageRow,
} from './lib.mjs';

const unique = `${process.pid}`;
const folder = join(env.TOLLGATE_STACK_DIR, 'tokenizers');
const work = mkdtempSync(join(env.TOLLGATE_STACK_DIR, 'tmp', 'counting.'));

// A rank file of the 256 bytes and these words, made a tokenizer.
function build(encoding, words, ...more) {
  const tokens = [...Array.from({ length: 256 }, (_, i) => Buffer.of(i)),
    ...words.map((w) => Buffer.from(w))];
  const file = join(work, 'ranks');
  writeFileSync(file, tokens.map((t, i) => `${t.toString('base64')} ${i}\n`).join(''));
  tollgate('tokens', 'build', '--encoding', encoding, '--ranks', file, ...more);
}
const words = ['er', 'in', 'on', 'am', 'amber', ' b', 'ir', 'ch', 'ar', ' c', 'ed',
  'ced', 'ta', 'el', 'us', 'user', ' t', 'th', ' th', '":', '{"', 'we', 'at', 'her'];
const name = `wire${unique}`;
build(name, words, '--split', 'o200k');
build('o200k_base', words.slice(0, 9));

function count(encoding, text, ...more) {
  const file = join(work, 'text');
  writeFileSync(file, text);
  const [answer] = [tollgate('tokens', 'count', '--encoding', encoding, ...more, file)].flat();
  return answer.tokens;
}
const countAll = (texts, encoding = name) => texts.reduce((n, t) => n + count(encoding, t), 0);

// ---- a provider of our own, for names and forms that the simulator hasn't ----

let reply = null; // (answer) => …
const socket = join(env.TOLLGATE_STACK_DIR, 'run', `counting${unique}.sock`);
const provider = http.createServer((rq, answer) => {
  rq.resume().on('end', () => reply(answer));
});
await new Promise((ready) => { provider.listen(socket, ready); });
chmodSync(socket, 0o777);

const own = `own${unique}`;
const simulated = `sim${unique}`;
tollgate('provider', 'add', '--name', own, '--kind', 'openai', '--base-url', `unix:${socket}`);
tollgate('provider', 'add', '--name', simulated, '--kind', 'openai',
  '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`);

function addModel(model, at, upstream, tokenizer) {
  const full = `${model}.${unique}`;
  tollgate('model', 'add', '--name', full, '--provider', at, '--upstream-name', upstream,
    '--tokenizer', tokenizer);
  tollgate('price', 'set', '--model', full, '--input', '1', '--output', '2');
  return full;
}
const models = {
  plain: addModel('plain', simulated, 'sim-no-usage+fixed:40', name),
  usage: addModel('usage', simulated, 'sim-fixed:40', name),
  broken: addModel('broken', simulated, 'sim-no-usage+close:7', name),
  paced: addModel('paced', simulated, 'sim-no-usage+pace:20:500', name),
  late: addModel('late', simulated, 'sim-no-usage', `late${unique}`),
  byName: addModel('by-name', own, 'gpt-4o-mini', ''),
  unnamed: addModel('unnamed', own, 'some-model', ''),
  own: addModel('own', own, 'some-model', name),
};
const { key } = await newKey();
const auth = { ...json, Authorization: `Bearer ${key}` };
await modelsInForce(auth, Object.values(models));
const post = (path, body) => ask('POST', path, auth, JSON.stringify(body));
await until('the last price in force', async () => {
  reply = (answer) => answer.end('{"choices":[]}');
  const answers = await Promise.all(Array.from({ length: 16 },
    () => post('/v1/completions', { model: models.own, prompt: 'a' })));
  return answers.every(({ status }) => status === 200);
});

const messages = [
  { role: 'system', content: 'Answer in words,\n\tnot "numbers".' },
  { role: 'user', name: 'amber', content: [{ type: 'text', text: 'The weather at the birch?' }] },
];
const chat = (model, more = {}) => ({ model, messages, ...more });
const promptOf = (body, kind, encoding = name) => count(encoding, JSON.stringify(body),
  '--request', kind);
const row = async (answer) => {
  const r = await usageRow(answer.headers['x-request-id'], ['request_status',
    'usage_source', 'prompt_tokens', 'completion_tokens']);
  return [r.request_status, r.usage_source, Number(r.prompt_tokens), Number(r.completion_tokens)];
};

// Each choice's text of a stream as the client got it.
function textsOf(stream) {
  const texts = {};
  for (const line of stream.split('\n')) {
    if (!line.startsWith('data: {')) continue;
    for (const c of JSON.parse(line.slice(6)).choices ?? []) {
      texts[c.index] = (texts[c.index] ?? '') + (c.delta?.content ?? c.text ?? '');
    }
  }
  return Object.values(texts);
}

// ---- whole answers ----

for (const n of [1, 3]) {
  await test(`chat, ${n} choices, no usage: the row is counted`, async () => {
    const body = chat(models.plain, { n });
    const answer = await post('/v1/chat/completions', body);
    const texts = JSON.parse(answer.text).choices.map((c) => c.message.content);
    assert.equal(texts.length, n);
    assert.deepEqual(await row(answer), ['ok', 'counted', promptOf(body, 'chat'), countAll(texts)]);
  });
}

await test('completion of two prompts, no usage: the row is counted', async () => {
  const body = { model: models.plain, prompt: ['the\tweather', 'in amber'] };
  const answer = await post('/v1/completions', body);
  const texts = JSON.parse(answer.text).choices.map((c) => c.text);
  assert.deepEqual(await row(answer), ['ok', 'counted', countAll(body.prompt), countAll(texts)]);
});

await test('embeddings, no usage: the input is counted', async () => {
  const body = { model: models.plain, input: ['the weather', 'amber'] };
  const answer = await post('/v1/embeddings', body);
  assert.deepEqual(await row(answer), ['ok', 'counted', countAll(body.input), 0]);
});

await test('generate, no usage: tokens_used is counted', async () => {
  const answer = await post('/generate', { text: 'the weather', model_id: models.plain });
  const { response, tokens_used: used } = JSON.parse(answer.text);
  const prompt = promptOf({ messages: [{ role: 'user', content: 'the weather' }] }, 'chat');
  assert.equal(used, prompt + count(name, response));
  assert.deepEqual(await row(answer), ['ok', 'counted', prompt, count(name, response)]);
});

await test('provider that reports usage: its numbers', async () => {
  for (const stream of [false, true]) {
    const answer = await post('/v1/chat/completions', chat(models.usage, { stream }));
    const [status, source, , out] = await row(answer);
    assert.deepEqual([status, source, out], ['ok', 'provider', 40]);
  }
});

await test('an image in the prompt: an estimate, and said to be one', async () => {
  const answer = await post('/v1/chat/completions', {
    model: models.plain,
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }],
  });
  const [status, source, prompt] = await row(answer);
  assert.deepEqual([status, source], ['ok', 'estimated']);
  assert.ok(prompt >= 1000);
});

// ---- streams ----

for (const n of [1, 3]) {
  await test(`stream, ${n} choices, no usage: the row is counted`, async () => {
    const body = chat(models.plain, { stream: true, n });
    const answer = await post('/v1/chat/completions', body);
    const texts = textsOf(answer.text);
    assert.equal(texts.length, n);
    assert.deepEqual(await row(answer), ['ok', 'counted', promptOf(body, 'chat'), countAll(texts)]);
  });
}

await test('stream that the provider breaks: what was delivered is counted', async () => {
  const body = chat(models.broken, { stream: true });
  const answer = await post('/v1/chat/completions', body);
  const texts = textsOf(answer.text);
  assert.ok(texts[0].length > 0);
  assert.deepEqual(await row(answer),
    ['upstream_error', 'counted', promptOf(body, 'chat'), countAll(texts)]);
});

await test('client leaves in mid-stream: what was delivered is counted', async () => {
  const body = chat(models.paced, { stream: true });
  const { id, text } = await new Promise((resolve, reject) => {
    const rq = http.request({
      host: base.hostname, port: base.port, method: 'POST', agent: false,
      path: '/v1/chat/completions', headers: auth,
    }, (answer) => {
      let got = '';
      answer.on('data', (part) => {
        got += part;
        if (got.split('data:').length < 60) return;
        rq.destroy();
        resolve({ id: answer.headers['x-request-id'], text: got });
      });
      answer.on('error', () => {});
    });
    rq.on('error', () => {});
    rq.setTimeout(20000, () => reject(new Error('no events')));
    rq.end(JSON.stringify(body));
  });
  const [status, source, prompt, out] = await row({ headers: { 'x-request-id': id } });
  assert.deepEqual([status, source, prompt],
    ['client_closed', 'counted', promptOf(body, 'chat')]);
  // What was under way when it left may count, but not the whole: 500 events of a token or more.
  const seen = countAll(textsOf(text.slice(0, text.lastIndexOf('\n\n'))));
  assert.ok(out >= seen && out < 500, `${out}, seen ${seen}`);
});

const sse = (answer, deltas) => {
  answer.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const delta of deltas) {
    answer.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`);
  }
  answer.end('data: [DONE]\n\n');
};

await test('tool calls, whole and streamed: names and arguments are counted', async () => {
  const args = '{"city":"Amber","when":"the weather \\"now\\""}';
  const call = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: args } };
  const out = count(name, 'get_weather') + count(name, args);
  const tools = [{ type: 'function', function: { name: 'get_weather', parameters: {} } }];
  for (const stream of [false, true]) {
    reply = stream ? (answer) => sse(answer, [
      { tool_calls: [{ index: 0, ...call, function: { name: 'get_weather', arguments: '' } }] },
      ...args.split('').map((c) => ({ tool_calls: [{ index: 0, function: { arguments: c } }] })),
    ]) : (answer) => answer.end(JSON.stringify(
      { choices: [{ index: 0, message: { content: null, tool_calls: [call] } }] }));
    const body = chat(models.own, { tools, stream });
    const answer = await post('/v1/chat/completions', body);
    assert.deepEqual(await row(answer), ['ok', 'counted', promptOf(body, 'chat'), out]);
  }
});

await test('long stream with escapes: counted to the token', async () => {
  const text = 'The weather in "amber":\n\tbirch, \u{1F600} cedar; \u4e2d\u6587\u3002 '.repeat(400);
  const parts = text.match(/[^]{1,7}/gu);
  reply = (answer) => sse(answer, parts.map((content) => ({ content })));
  const body = chat(models.own, { stream: true });
  const answer = await post('/v1/chat/completions', body);
  assert.deepEqual(await row(answer), ['ok', 'counted', promptOf(body, 'chat'), count(name, text)]);
});

// ---- which tokenizer ----

const once = (answer) => answer.end('{"choices":[{"index":0,"message":{"content":"the weather"}}]}');

await test('a model without a tokenizer of its own: by its name at the provider', async () => {
  reply = once;
  const body = chat(models.byName);
  const answer = await post('/v1/chat/completions', body);
  assert.deepEqual(await row(answer), ['ok', 'counted', promptOf(body, 'chat', 'o200k_base'),
    count('o200k_base', 'the weather')]);
});

await test('a name that has no encoding: an estimate', async () => {
  reply = once;
  const answer = await post('/v1/chat/completions', chat(models.unnamed));
  const [status, source, , out] = await row(answer);
  assert.deepEqual([status, source, out], ['ok', 'estimated', Math.ceil('the weather'.length / 4)]);
});

// All workers, however many: 16 questions at once, until all rows say so.
const inForce = (source, out) => until(`${source} ${out ?? ''}`, async () => {
  const answers = await Promise.all(Array.from({ length: 16 },
    () => post('/v1/chat/completions', chat(models.late))));
  const rows = await Promise.all(answers.map(row));
  return rows.every((r) => r[1] === source && (out === undefined || r[3] === out));
}, 5000);

await test('its file comes later: it is counted without a restart', async () => {
  await inForce('estimated');
  build(`late${unique}`, words, '--split', 'gpt2');
  await inForce('counted');
});

await test('its file is replaced: the new one counts', async () => {
  const answer = await post('/v1/chat/completions', chat(models.late));
  const text = JSON.parse(answer.text).choices[0].message.content;
  build(`late${unique}`, [], '--split', 'gpt2'); /* bytes alone */
  await inForce('counted', Buffer.byteLength(text));
});

await test('its file is damaged: an estimate, and each worker says so once', async () => {
  const file = join(folder, `late${unique}.tokens`);
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(`${file}.part`, bytes);
  renameSync(`${file}.part`, file);
  await inForce('estimated');
  const lines = readFileSync(join(env.TOLLGATE_STACK_DIR, 'log/worker.log'), 'utf8').split('\n')
    .filter((l) => l.includes('tokenizer_left_out') && l.includes(`late${unique}`));
  assert.ok(lines.length >= 1);
  assert.ok(lines.length <= 16, `${lines.length} lines`);
  const again = lines.length;
  await inForce('estimated');
  await new Promise((wake) => { setTimeout(wake, 1500); });
  const later = readFileSync(join(env.TOLLGATE_STACK_DIR, 'log/worker.log'), 'utf8').split('\n')
    .filter((l) => l.includes('tokenizer_left_out') && l.includes(`late${unique}`));
  assert.equal(later.length, again);
});

rmSync(work, { recursive: true });
rmSync(join(folder, 'o200k_base.tokens'));
provider.closeAllConnections();
provider.close();
done();
