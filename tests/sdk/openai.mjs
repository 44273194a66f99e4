// SPDX-License-Identifier: MIT
// The official OpenAI client: what its users do, with nothing of ours in
// between but the base URL. CHECKLIST B14.
import { createRequire } from 'node:module';
import { test, done, assert } from './tap.mjs';
import {
  modelsInForce, spentAndCost, sql, tollgate, until, usageRow,
} from '../wire/lib.mjs';

// Installed beside the build, found through NODE_PATH.
const require = createRequire(import.meta.url);
const { OpenAI } = require('openai');

const env = process.env;
const baseURL = `${env.TOLLGATE_URL}/v1`;
const model = 'lawgent-thinking';
const client = new OpenAI({ baseURL, apiKey: env.TOLLGATE_API_KEY });

async function management(path, body) {
  const answer = await fetch(env.TOLLGATE_URL + path, {
    method: 'POST',
    headers: {
      Connection: 'close', // a command that runs may outlive one that is kept
      'Content-Type': 'application/json',
      'X-API-Key': env.TOLLGATE_OPERATOR_KEY,
    },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

const newKey = (members) => management('/api/keys', {
  customer_id: Number(env.TOLLGATE_CUSTOMER_ID),
  name: 'sdk test',
  ...members,
});

const messages = [{ role: 'user', content: 'one two three' }];

// Its wait is up to a minute: it runs beside the others, looked at last.
async function limitedKeyRetries() {
  const { key } = await newKey({ rate_limit: 1 });
  const calls = [];
  const limited = new OpenAI({
    baseURL,
    apiKey: key,
    maxRetries: 1,
    fetch: async (url, init) => {
      const at = performance.now();
      const answer = await fetch(url, init);
      calls.push({
        at,
        status: answer.status,
        waitMs: Number(answer.headers.get('retry-after-ms')),
      });
      return answer;
    },
  });
  await limited.chat.completions.create({ model, messages });
  await limited.chat.completions.create({ model, messages });
  return calls;
}
const retried = limitedKeyRetries().catch((error) => ({ error }));

await test('models.list: key with two models: shows both', async () => {
  const ids = [];
  for await (const m of client.models.list()) ids.push(m.id);
  assert.deepEqual(ids.sort(), ['gpt2-mini', model]);
});

await test('models.list: key with one model: hides the other', async () => {
  const { key } = await newKey({ allowed_models: [1] });
  const one = new OpenAI({ baseURL, apiKey: key });
  const ids = [];
  for await (const m of one.models.list()) ids.push(m.id);
  assert.deepEqual(ids, ['gpt2-mini']);
  await assert.rejects(
    one.chat.completions.create({ model, messages }),
    (e) => e.status === 403 && e.code === 'model_not_allowed',
  );
});

await test('chat: not streamed: text and usage', async () => {
  const answer = await client.chat.completions.create({ model, messages });
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.ok(answer.usage.completion_tokens > 0);
  assert.equal(answer.choices[0].finish_reason, 'stop');
});

await test('chat: raw response: cost, request id and limits', async () => {
  const { response } = await client.chat.completions
    .create({ model, messages }).withResponse();
  assert.match(response.headers.get('x-tollgate-cost'), /^0\.\d+$/);
  assert.match(response.headers.get('x-request-id'), /^[0-9a-f-]{36}$/);
  assert.equal(response.headers.get('x-ratelimit-limit-requests'), '60');
});

await test('chat: streamed without asking: no usage chunk', async () => {
  const stream = await client.chat.completions
    .create({ model, messages, stream: true });
  let text = '';
  for await (const chunk of stream) {
    assert.ok(chunk.choices.length > 0);
    assert.ok(!chunk.usage);
    text += chunk.choices[0].delta.content ?? '';
  }
  assert.ok(text.length > 0);
});

await test('chat: streamed with include_usage: usage comes last', async () => {
  const stream = await client.chat.completions.create({
    model, messages, stream: true, stream_options: { include_usage: true },
  });
  let last;
  for await (const chunk of stream) last = chunk;
  assert.equal(last.choices.length, 0);
  assert.ok(last.usage.completion_tokens > 0);
});

await test('completions: local model: text', async () => {
  const answer = await client.completions.create({
    model: 'gpt2-mini', prompt: 'one two three', max_tokens: 5,
  });
  assert.ok(answer.choices[0].text.length > 0);
  assert.ok(answer.usage.completion_tokens <= 5);
});

await test('embeddings: two inputs: two vectors of numbers', async () => {
  const answer = await client.embeddings.create({
    model, input: ['one', 'two'],
  });
  assert.equal(answer.data.length, 2);
  assert.equal(typeof answer.data[0].embedding[0], 'number');
});

// Answers are lost on their way to the client: so many of the first ones.
function losing(n, calls) {
  return async (url, init) => {
    const answer = await fetch(url, init);
    calls.push({
      status: answer.status,
      key: new Headers(init.headers).get('idempotency-key'),
      replayed: answer.headers.get('idempotency-replayed'),
    });
    if (calls.length <= n) {
      await answer.arrayBuffer();
      throw new Error('connection lost');
    }
    return answer;
  };
}

await test('idempotency: the client\'s own retry of a lost answer: the first one, one charge', async () => {
  const { key, id } = await newKey({ idempotency: true });
  const calls = [];
  const one = new OpenAI({ baseURL, apiKey: key, fetch: losing(1, calls) });
  one.idempotencyHeader = 'Idempotency-Key';
  const { data, response } = await one.chat.completions.create({ model, messages }).withResponse();
  assert.ok(data.choices[0].message.content.length > 0);
  assert.equal(calls.length, 2);
  assert.equal(calls[0].key, calls[1].key);
  assert.match(calls[0].key, /^stainless-node-retry-/);
  assert.deepEqual(calls.map((c) => c.replayed), [null, 'true']);
  const first = response.headers.get('x-tollgate-original-request-id');
  await usageRow(first, ['request_status']);
  assert.equal(sql(`SELECT COUNT(*) FROM usage_records WHERE api_key_id = ${id}`)[0][0], '1');
});

await test('idempotency: asked again while it runs: the client waits and gets the same', async () => {
  const slow = `slow.${process.pid}`;
  tollgate('model', 'add', '--name', slow, '--provider', 'lawgent', '--upstream-name', 'sim-delay:1000');
  tollgate('price', 'set', '--model', slow, '--input', '1', '--output', '2');
  const { key } = await newKey({ idempotency: true });
  await modelsInForce({ 'X-API-Key': key }, [slow]);
  const one = new OpenAI({ baseURL, apiKey: key });
  await until('the price in force', async () => (await Promise.all(Array.from({ length: 8 },
    () => one.chat.completions.create({ model: slow, messages, max_tokens: 1 }).catch(() => null)))).every(Boolean));
  const ask = () => one.chat.completions.create({ model: slow, messages },
    { headers: { 'Idempotency-Key': `same-${process.pid}` } });
  const [a, b] = await Promise.all([ask(), ask()]);
  assert.deepEqual(a, b);
});

await test('idempotency: another body: an error at once, without retries', async () => {
  const { key } = await newKey({ idempotency: true });
  const calls = [];
  const one = new OpenAI({ baseURL, apiKey: key, fetch: losing(0, calls) });
  const options = { headers: { 'Idempotency-Key': 'k' } };
  await one.chat.completions.create({ model, messages }, options);
  await assert.rejects(
    one.chat.completions.create({ model, messages, n: 1 }, options),
    (e) => e.status === 409 && e.code === 'idempotency_key_conflict' && e.param === 'idempotency-key',
  );
  assert.equal(calls.length, 2);
});

await test('responses: not streamed: text, usage, cost', async () => {
  const { data, response } = await client.responses
    .create({ model, input: 'one two three' }).withResponse();
  assert.ok(data.output_text.length > 0);
  assert.equal(data.status, 'completed');
  assert.equal(data.usage.input_tokens, 3);
  assert.match(response.headers.get('x-tollgate-cost'), /^0\.\d+$/);
});

await test('responses: streamed: deltas make the text, usage comes last', async () => {
  const stream = await client.responses
    .create({ model, input: 'one two three', stream: true });
  let [text, last] = ['', null];
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') text += event.delta;
    last = event;
  }
  assert.equal(last.type, 'response.completed');
  assert.equal(last.response.output[0].content[0].text, text);
  assert.ok(last.response.usage.output_tokens > 0);
});

await test('responses: a limit: incomplete, and no more than it', async () => {
  const answer = await client.responses
    .create({ model, input: 'one two three', max_output_tokens: 4 });
  assert.equal(answer.incomplete_details.reason, 'max_output_tokens');
  assert.equal(answer.usage.output_tokens, 4);
});

await test('responses: what is stored or hosted: 400 with its name', async () => {
  const refused = {
    previous_response_id: 'resp_1',
    conversation: 'conv_1',
    background: true,
    tools: [{ type: 'web_search' }],
    input: [{ type: 'item_reference', id: 'msg_1' }],
  };
  for (const [name, value] of Object.entries(refused)) {
    await assert.rejects(
      client.responses.create({ model, input: 'one', [name]: value }),
      (e) => e.status === 400 && e.code === 'unsupported_parameter' && e.param === name,
    );
  }
});

await test('wrong key: APIError 401 in our shape', async () => {
  const wrong = new OpenAI({ baseURL, apiKey: 'tg_nonsense', maxRetries: 0 });
  await assert.rejects(
    wrong.chat.completions.create({ model, messages }),
    (e) => e.constructor.name === 'AuthenticationError' && e.status === 401
      && e.code === 'invalid_api_key' && Boolean(e.requestID),
  );
});

await test('unknown model: NotFoundError with param', async () => {
  await assert.rejects(
    client.chat.completions.create({ model: 'no-such', messages }),
    (e) => e.status === 404 && e.param === 'model'
      && e.code === 'model_not_found',
  );
});

await test('abort in mid-stream: ends at once, key goes on', async () => {
  const stream = await client.chat.completions.create({
    model, messages, stream: true,
  });
  let n = 0;
  for await (const chunk of stream) {
    assert.ok(chunk);
    n += 1;
    if (n === 2) break; // the SDK aborts the request
  }
  assert.ok(stream.controller.signal.aborted);
  const answer = await client.chat.completions.create({ model, messages });
  assert.ok(answer.choices[0].message.content.length > 0);
});

// Neither is tried again, though the client would by itself.
for (const [what, holder, name, status, code] of [
  ['budget', () => ({ budget: { amount_usd: 0 } }), 'RateLimitError', 429, 'insufficient_quota'],
  ['balance', async () => ({ customer_id: (await management('/customers', {
    name: 'prepaid', email: `openai-${process.pid}@example.com`, billing: 'prepaid' })).id }),
  'APIError', 402, 'insufficient_balance']]) {
  await test(`${what} used up: ${name}, asked once, by every call (B14)`, async () => {
    let calls = 0;
    const spent = new OpenAI({
      baseURL,
      apiKey: (await newKey(await holder())).key,
      fetch: (...args) => { calls += 1; return fetch(...args); },
    });
    for (const ask of [
      () => spent.chat.completions.create({ model, messages }),
      () => spent.chat.completions.create({ model, messages, stream: true }),
      () => spent.completions.create({ model, prompt: 'one two three' }),
      () => spent.responses.create({ model, input: 'one two three' }),
      () => spent.responses.create({ model, input: 'one two three', stream: true }),
      () => spent.embeddings.create({ model, input: 'one two three' }),
    ]) {
      calls = 0;
      await assert.rejects(ask(), (e) => {
        assert.equal(e.constructor.name, name, String(e));
        assert.deepEqual([e.status, e.code, e.type], [status, code, 'insufficient_quota']);
        return true;
      });
      assert.equal(calls, 1);
    }
  });
}

await test('a budget is moved once by each call, whatever its route (B14)', async () => {
  const { key, id } = await newKey({ rate_limit: 1000, budget: { amount_usd: 1, period: 'total' } });
  const paid = new OpenAI({ baseURL, apiKey: key, maxRetries: 0 });
  const drain = async (stream) => { for await (const chunk of stream) assert.ok(chunk); };
  await paid.chat.completions.create({ model, messages });
  await drain(await paid.chat.completions.create({ model, messages, stream: true }));
  await drain(await paid.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } }));
  await paid.completions.create({ model, prompt: 'one two' });
  await drain(await paid.completions.create({ model, prompt: 'one two', stream: true }));
  await paid.responses.create({ model, input: 'one two' });
  await drain(await paid.responses.create({ model, input: 'one two', stream: true }));
  await paid.embeddings.create({ model, input: 'one two' });
  const { spent, cost, rows } = await spentAndCost(id, 8);
  assert.equal(rows, 8);
  assert.equal(spent, cost);
  assert.ok(Number(cost) > 0);
});

await test('429: the client waits as long as we say, then succeeds', async () => {
  const calls = await retried;
  assert.ok(!calls.error, String(calls.error));
  // The window may turn between the first two requests: then none waits.
  if (calls.length === 2) {
    assert.deepEqual(calls.map((c) => c.status), [200, 200]);
    return;
  }
  assert.deepEqual(calls.map((c) => c.status), [200, 429, 200]);
  assert.ok(calls[1].waitMs > 0 && calls[1].waitMs <= 60000);
  const waited = calls[2].at - calls[1].at;
  assert.ok(
    waited >= calls[1].waitMs - 50,
    `waited ${waited} ms, asked for ${calls[1].waitMs}`,
  );
});

done();
