// SPDX-License-Identifier: MIT
// The official Anthropic client: what its users do, with nothing of ours in
// between but the base URL. The provider is the simulator. CHECKLIST B14.
import { createRequire } from 'node:module';
import { test, done, assert } from './tap.mjs';
import {
  env, management, modelsInForce, newKey, sim, spentAndCost, sql, tollgate, until, usageRow,
} from '../wire/lib.mjs';

// Installed beside the build, found through NODE_PATH.
const require = createRequire(import.meta.url);
const { Anthropic } = require('@anthropic-ai/sdk');

const unique = `${process.pid}`;
tollgate('provider', 'add', '--name', `claude${unique}`, '--kind', 'anthropic',
  '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`,
  '--api-key', 'sk-ant-upstream');

// Priced 1, 0.1, 2 and 4 USD per million tokens.
function addModel(word, ...more) {
  const name = `${word.replaceAll(':', '_').replaceAll('+', '.')}.m${unique}`;
  tollgate('model', 'add', '--name', name, '--provider', `claude${unique}`,
    '--upstream-name', word, ...more);
  tollgate('price', 'set', '--model', name, '--input', '1',
    '--cached-input', '0.1', '--output', '2', '--reasoning', '4');
  return name;
}
const words = ['sim-fixed:9', 'sim-details:100:40:50:20', 'sim-429:7', 'sim-503',
  'sim-401', 'sim-pace:20:500', 'sim-error-mid:2'];
const models = Object.fromEntries(words.map((w) => [w, addModel(w)]));
const { key } = await newKey();
const options = { baseURL: env.TOLLGATE_URL, maxRetries: 0 };
const client = new Anthropic({ ...options, apiKey: key });
const ask = (model, more = {}) => ({
  model, max_tokens: 20, messages: [{ role: 'user', content: 'one two three' }], ...more,
});
await modelsInForce({ 'X-API-Key': key }, Object.values(models));
await until('the last price in force', async () => {
  const answers = await Promise.all(Array.from({ length: 16 }, () => (
    client.messages.create(ask(models['sim-error-mid:2'])).catch((e) => e))));
  return answers.every((a) => a.type === 'message');
});

const columns = ['request_status', 'usage_source', 'token_in_count',
  'token_in_cached_context_count', 'token_out_count', 'token_out_reasoning_count',
  'cost_in_usd'];
const row = (id) => usageRow(id, columns);

await test('messages.create: text, usage, cost, request id', async () => {
  const { data, response, request_id: id } = await client.messages
    .create(ask(models['sim-fixed:9'])).withResponse();
  assert.ok(data.content[0].text.length > 0);
  assert.equal(data.usage.output_tokens, 9);
  assert.equal(data.stop_reason, 'end_turn');
  assert.equal(id, response.headers.get('x-request-id'));
  assert.equal(Number(response.headers.get('x-tollgate-cost')), 21 / 1e6);
  assert.deepEqual(await row(id), {
    request_status: 'ok', usage_source: 'provider', token_in_count: '3',
    token_in_cached_context_count: '0', token_out_count: '9',
    token_out_reasoning_count: '0', cost_in_usd: '0.000021000000',
  });
});

const details = {
  request_status: 'ok', usage_source: 'provider', token_in_count: '60',
  token_in_cached_context_count: '40', token_out_count: '30',
  token_out_reasoning_count: '20', cost_in_usd: '0.000204000000',
};

await test('messages.create: what the cache gave is beside the input', async () => {
  const { request_id: id, data } = await client.messages
    .create(ask(models['sim-details:100:40:50:20'], { max_tokens: 100 })).withResponse();
  assert.equal(data.usage.input_tokens, 60);
  assert.equal(data.usage.cache_read_input_tokens, 40);
  assert.deepEqual(await row(id), details);
});

await test('messages.stream: the same numbers, the text whole', async () => {
  const stream = client.messages
    .stream(ask(models['sim-details:100:40:50:20'], { max_tokens: 100 }));
  const { request_id: id } = await stream.withResponse();
  const message = await stream.finalMessage();
  assert.equal(message.content[0].text.split(' ').length, 16);
  assert.equal(message.usage.output_tokens, 50);
  assert.deepEqual(await row(id), details);
});

await test('messages.create stream: events as Anthropic sends them', async () => {
  const stream = await client.messages.create(ask(models['sim-fixed:9'], { stream: true }));
  const types = [];
  for await (const event of stream) types.push(event.type);
  assert.equal(types[0], 'message_start');
  assert.equal(types.filter((t) => t === 'content_block_delta').length, 9);
  assert.deepEqual(types.slice(-2), ['message_delta', 'message_stop']);
});

await test('countTokens: the provider\'s count, for nothing', async () => {
  const { data, request_id: id } = await client.messages.countTokens({
    model: models['sim-fixed:9'], messages: ask('').messages,
  }).withResponse();
  assert.equal(data.input_tokens, 3);
  const r = await row(id);
  assert.deepEqual([r.request_status, r.token_in_count, r.token_out_count, Number(r.cost_in_usd)],
    ['ok', '0', '0', 0]);
});

await test('authToken: a bearer works as the key does', async () => {
  const bearer = new Anthropic({ ...options, authToken: key, apiKey: null });
  assert.equal((await bearer.messages.create(ask(models['sim-fixed:9']))).type, 'message');
});

await test('headers: version and allowed betas go on, no credential does', async () => {
  await client.beta.messages.create({
    ...ask(models['sim-fixed:9']),
    betas: ['interleaved-thinking-2025-05-14', 'files-api-2025-04-14'],
  });
  const sent = (await sim('GET', '/__sim/last')).text;
  assert.match(sent, /^anthropic-version: 2026-10-21\r$/mi);
  assert.match(sent, /^anthropic-beta: interleaved-thinking-2025-05-14\r$/mi);
  assert.match(sent, /^x-api-key: sk-ant-upstream\r$/mi);
  assert.ok(!sent.includes(key) && !/authorization|x-stainless/i.test(sent), sent);
});

const failures = [
  ['wrong key', () => new Anthropic({ ...options, apiKey: 'tg_nonsense' }), {},
    'AuthenticationError', 401, 'authentication_error'],
  ['unknown model', () => client, { model: 'no-such' },
    'NotFoundError', 404, 'not_found_error'],
  ['hosted tool', () => client, { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
    'BadRequestError', 400, 'invalid_request_error'],
  ['chat model', () => client, { model: 'lawgent-thinking' },
    'BadRequestError', 400, 'invalid_request_error'],
  ['provider\'s 429', () => client, { model: models['sim-429:7'] },
    'RateLimitError', 429, 'rate_limit_error'],
  ['provider\'s 503', () => client, { model: models['sim-503'] },
    'ServiceUnavailableError', 503, 'overloaded_error'],
  ['provider\'s 401', () => client, { model: models['sim-401'] },
    'InternalServerError', 502, 'api_error'],
];
for (const [what, who, more, name, status, type] of failures) {
  await test(`${what}: ${name} with Anthropic's type`, async () => {
    await assert.rejects(who().messages.create({ ...ask(models['sim-fixed:9']), ...more }), (e) => {
      assert.equal(e.constructor.name, name, String(e));
      assert.deepEqual([e.status, e.error.type, e.error.error.type], [status, 'error', type]);
      assert.ok(e.error.error.message.length > 0);
      assert.match(e.requestID, /^[0-9a-f-]{36}$/);
      return true;
    });
  });
}

// Neither is tried again, though the client would by itself.
for (const [what, holder, name, status, type, code] of [
  ['budget', () => ({ budget: { amount_usd: 0 } }), 'RateLimitError', 429, 'rate_limit_error', 'insufficient_quota'],
  ['balance', async () => ({ customer_id: (await management('/customers', {
    name: 'prepaid', email: `claude-${unique}@example.com`, billing: 'prepaid' })).id }),
  'PaymentRequiredError', 402, 'billing_error', 'insufficient_balance']]) {
  await test(`${what} used up: ${name}, asked once, streamed or not (B14)`, async () => {
    let calls = 0;
    const spent = new Anthropic({
      baseURL: env.TOLLGATE_URL,
      apiKey: (await newKey(await holder())).key,
      fetch: (...args) => { calls += 1; return fetch(...args); },
    });
    for (const stream of [false, true]) {
      calls = 0;
      await assert.rejects(spent.messages.create(ask(models['sim-fixed:9'], { stream })), (e) => {
        assert.equal(e.constructor.name, name, String(e));
        assert.deepEqual([e.status, e.error.error.type, e.error.error.code], [status, type, code]);
        return true;
      });
      assert.equal(calls, 1);
    }
  });
}

await test('rate limit: 429 with the time to wait', async () => {
  const { key: narrow } = await newKey({ rate_limit: 1 });
  const limited = new Anthropic({ ...options, apiKey: narrow });
  const answers = await Promise.all([1, 2, 3].map(() => (
    limited.messages.create(ask(models['sim-fixed:9'])).catch((e) => e))));
  const refused = answers.filter((a) => a.status === 429);
  assert.ok(refused.length >= 1);
  assert.equal(refused[0].error.error.type, 'rate_limit_error');
  assert.ok(Number(refused[0].headers.get('retry-after-ms')) > 0);
});

await test('provider fails in mid-stream: the client raises it', async () => {
  const stream = await client.messages.create(ask(models['sim-error-mid:2'], { stream: true }));
  await assert.rejects(async () => {
    for await (const event of stream) assert.ok(event);
  }, /did not work/);
});

await test('abort in mid-stream: input by the provider, output by what came', async () => {
  const { data: stream, request_id: id } = await client.messages.create(
    ask(models['sim-pace:20:500'], { stream: true, max_tokens: 1000 }),
  ).withResponse();
  let n = 0;
  for await (const event of stream) {
    n += event.type === 'content_block_delta' ? 1 : 0;
    if (n === 3) break; // the SDK aborts the request
  }
  const r = await row(id);
  assert.equal(r.request_status, 'client_closed');
  assert.equal(r.token_in_count, '3');
  assert.ok(Number(r.token_out_count) > 0 && Number(r.token_out_count) < 400);
});

await test('a budget is moved once by each call, streamed or not (B14)', async () => {
  const { key: paid, id } = await newKey({ budget: { amount_usd: 1, period: 'total' } });
  const one = new Anthropic({ ...options, apiKey: paid });
  await one.messages.create(ask(models['sim-fixed:9']));
  await one.messages.stream(ask(models['sim-details:100:40:50:20'])).finalMessage();
  for await (const event of await one.messages.create(ask(models['sim-fixed:9'], { stream: true }))) assert.ok(event);
  await one.messages.countTokens({ model: models['sim-fixed:9'], messages: ask('').messages });
  const { spent, cost, rows } = await spentAndCost(id, 4);
  assert.equal(rows, 4);
  assert.equal(spent, cost);
  assert.ok(Number(cost) > 0);
});

await test('each request has one row', async () => {
  const [[n]] = sql(`SELECT COUNT(*) - COUNT(DISTINCT request_id) FROM usage_records
    WHERE model_requested LIKE '%.m${unique}'`);
  assert.equal(n, '0');
});

done();
