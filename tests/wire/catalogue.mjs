// SPDX-License-Identifier: MIT
// Models and prices by pages, changes of models with If-Match, and members of
// requests that a model allows.
import { spawnSync } from 'node:child_process';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, modelsInForce, newKey, sim, tollgate, until,
} from './lib.mjs';

const unique = `c${process.pid}`;
const asOperator = { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };
const operator = async (method, path, body = undefined, headers = {}) => {
  const answer = await ask(method, path, { ...asOperator, ...headers },
    body === undefined ? undefined : JSON.stringify(body));
  return { ...answer, body: JSON.parse(answer.text) };
};
const expect = (answer, status) => {
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};
for (const kind of ['openai', 'anthropic']) {
  tollgate('provider', 'add', '--name', kind + unique, '--kind', kind,
    '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-x');
}
const add = async (name, members = {}) => expect(await operator('POST', '/api/models', {
  name: `${name}.${unique}`,
  model_config: { provider: `openai${unique}`, model_name: 'sim-fixed:5' },
  prices: { input: 1, output: 2 },
  ...members,
}), 201);

// ---- members that a model allows ----

const chat = await add('chat');
const claude = await add('claude', {
  model_config: { provider: `anthropic${unique}`, model_name: 'sim-fixed:5' },
});
const { key } = await newKey();
const auth = { ...json, 'X-API-Key': key };
await modelsInForce(auth, [chat.name, claude.name]);
const messages = [{ role: 'user', content: 'a b' }];
const formats = {
  chat: ['/v1/chat/completions', { model: chat.name, messages }],
  response: ['/v1/responses', { model: chat.name, input: 'a b' }],
  message: ['/v1/messages', { model: claude.name, max_tokens: 9, messages }],
};
const send = (format, more) => ask('POST', formats[format][0], auth,
  JSON.stringify({ ...formats[format][1], ...more }));
const upstream = async () => JSON.parse((await sim('GET', '/__sim/last')).text
  .split('\r\n\r\n').slice(1).join('\r\n\r\n'));
const allow = async (model, list) => {
  const { allowed_members: now } = expect(await operator('PATCH', `/api/models/${model.id}`,
    { allowed_members: list }), 200);
  return now;
};
await until('the prices in force', async () => (await Promise.all(['chat', 'message'].flatMap(
  (format) => Array.from({ length: 16 }, () => send(format, {})),
))).every(({ status }) => status === 200));

const members = {
  chat: {
    audio: { voice: 'alloy', format: 'wav' },
    conversation: 'conv_1',
    messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }],
    modalities: ['text', 'audio'],
    plugins: [{ id: 'web' }],
    prediction: { type: 'content', content: 'x' },
    previous_response_id: 'resp_1',
    service_tier: 'priority',
    tools: [{ type: 'web_search' }],
    web_search_options: {},
  },
  response: {
    context_management: [{ type: 'compaction' }],
    input: [{ type: 'item_reference', id: 'msg_1' }],
    prompt: { id: 'pmpt_1' },
    tools: [{ type: 'web_search' }],
  },
  message: {
    cache_control: { type: 'ephemeral', ttl: '1h' },
    compaction: {},
    container: 'container_1',
    diagnostics: {},
    inference_geo: 'us',
    mcp_servers: [{ type: 'url', url: 'https://x.example', name: 'x' }],
    speed: 'fast',
    system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } }],
    thread: 'thread_1',
    tools: [{ type: 'web_search_20250305', name: 'web_search' }],
    user_profile_id: 'profile_1',
  },
};
const never = ['api_base', 'api_key', 'background', 'base_url', 'custom_host', 'fallbacks', 'models',
  'provider'];

for (const [format, list] of Object.entries(members)) {
  await test(`${format}: each member: refused by default, sent on where the model allows it`, async () => {
    const model = format === 'message' ? claude : chat;
    for (const [name, value] of Object.entries(list)) {
      const refused = await send(format, { [name]: value });
      assert.equal(refused.status, 400, `${name}: ${refused.text}`);
      assert.equal(JSON.parse(refused.text).error.param, name);
    }
    assert.deepEqual(await allow(model, Object.keys(list)), Object.keys(list).sort());
    await until('it is allowed everywhere', async () => (await Promise.all(Array.from({ length: 16 },
      () => send(format, list)))).every(({ status }) => status === 200), 3000);
    for (const [name, value] of Object.entries(list)) {
      const answer = await send(format, { [name]: value });
      assert.equal(answer.status, 200, `${name}: ${answer.text}`);
      assert.deepEqual((await upstream())[name], value, name);
    }
    for (const name of never.filter((n) => format !== 'message' || n !== 'background')) {
      const answer = await send(format, { [name]: 'x' });
      assert.equal(answer.status, 400, `${name}: ${answer.text}`);
    }
    assert.deepEqual(await allow(model, null), []);
    await until('it is refused everywhere', async () => (await Promise.all(Array.from({ length: 16 },
      () => send(format, list)))).every(({ status }) => status === 400), 3000);
  });
}

await test('store: false upstream, whatever is allowed', async () => {
  await allow(chat, ['previous_response_id']);
  await until('it is allowed', async () => (await Promise.all(Array.from({ length: 16 },
    () => send('response', { previous_response_id: 'r' })))).every(({ status }) => status === 200), 3000);
  for (const format of ['chat', 'response']) {
    assert.equal((await send(format, { store: true, previous_response_id: 'r' })).status, 200);
    assert.equal((await upstream()).store, false, format);
  }
});

await test('allowed_members: what no model may allow, or nobody knows: 400', async () => {
  for (const name of [...never, 'store', 'stored', 'Audio', 'audio;tools', '']) {
    const answer = await operator('PATCH', `/api/models/${chat.id}`, { allowed_members: ['audio', name] });
    expect(answer, 400);
    assert.equal(answer.body.error.param, 'allowed_members', name);
  }
  for (const value of ['audio', { audio: 1 }, [1]]) {
    expect(await operator('PATCH', `/api/models/${chat.id}`, { allowed_members: value }), 400);
  }
  const shown = expect(await operator('GET', `/api/models/${chat.id}`), 200);
  assert.deepEqual(shown.allowed_members, ['previous_response_id']);
});

await test('allowed_members: POST and command', async () => {
  const made = await add('allowing', { allowed_members: ['tools', 'audio', 'tools'] });
  assert.deepEqual(made.allowed_members, ['audio', 'tools']);
  const model = `allowing.${unique}`;
  assert.equal(tollgate('model', 'show', model).allowed_members, 'audio,tools');
  assert.equal(tollgate('model', 'set', model, '--allow-members', 'speed').allowed_members, 'speed');
  tollgate('model', 'set', model, '--max-output', '9');
  assert.equal(tollgate('model', 'show', model).allowed_members, 'speed');
  assert.ok(!tollgate('model', 'set', model, '--allow-members', 'none').allowed_members);
  const wrong = spawnSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`,
    ['model', 'set', model, '--allow-members', 'provider'], { encoding: 'utf8' });
  assert.notEqual(wrong.status, 0);
  assert.match(wrong.stderr, /provider/);
});

// ---- pages ----

const pages = async (path, limit) => {
  const all = [];
  let cursor = '';
  for (;;) {
    const page = expect(await operator('GET',
      `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor && `&cursor=${cursor}`}`), 200);
    assert.equal(page.object, 'list');
    assert.ok(page.data.length <= limit && (page.data.length === limit || !page.next_cursor));
    all.push(...page.data);
    if (!page.next_cursor) return all;
    cursor = page.next_cursor;
  }
};

await test('GET /api/models: pages hold all, in order, once; filters', async () => {
  for (let i = 0; i < 5; i += 1) await add(`page${i}`);
  const whole = expect(await operator('GET', '/api/models?limit=1000'), 200);
  assert.equal(whole.next_cursor, null);
  const ids = (list) => list.map(({ id }) => id);
  assert.deepEqual(ids(whole.data), ids(whole.data).toSorted((a, b) => a - b));
  for (const limit of [1, 2, whole.data.length]) {
    assert.deepEqual(ids(await pages('/api/models', limit)), ids(whole.data), `limit ${limit}`);
  }
  const ours = ids(whole.data.filter((m) => m.provider === `openai${unique}`));
  assert.ok(ours.length >= 7);
  assert.deepEqual(ids(await pages(`/api/models?provider=openai${unique}`, 3)), ours);
  assert.deepEqual(ids(await pages(`/api/models?name=page3.${unique}`, 1)).length, 1);
  const { id } = await add('off', { is_enabled: false });
  assert.deepEqual(ids(await pages(`/api/models?provider=openai${unique}&is_enabled=false`, 1)), [id]);
  expect(await operator('DELETE', `/api/models/${id}`), 200);
  assert.deepEqual(await pages(`/api/models?name=off.${unique}`, 1), []);
  assert.deepEqual(ids(await pages(`/api/models?name=off.${unique}&archived=true`, 1)), [id]);
});

await test('GET /api/prices: pages hold all versions, once, in the same order', async () => {
  for (let i = 1; i <= 4; i += 1) {
    expect(await operator('POST', '/api/prices', {
      model_id: chat.id,
      effective_from: `2035-01-0${i}T00:00:00Z`,
      prices: { input: i, output: i },
    }), 201);
  }
  for (const query of [`?model_id=${chat.id}`, '']) {
    const path = `/api/prices${query}`;
    const whole = expect(await operator('GET', `${path}${query ? '&' : '?'}limit=1000`), 200);
    assert.equal(whole.next_cursor, null);
    assert.ok(whole.data.length >= 5);
    for (const limit of [1, 2, 3, whole.data.length]) {
      assert.deepEqual(await pages(path, limit), whole.data, `${query} limit ${limit}`);
    }
  }
});

await test('cursors: another list\'s, odd ones, bad limits: 400', async () => {
  const { next_cursor: cursor } = expect(await operator('GET', '/api/models?limit=1'), 200);
  assert.ok(cursor);
  for (const path of [`/api/prices?cursor=${cursor}`, '/api/models?cursor=1', `/api/models?cursor=${cursor}0`,
    '/api/models?limit=0', '/api/models?limit=1001', '/api/prices?limit=x', '/api/models?page=2']) {
    expect(await operator('GET', path), 400);
  }
});

// ---- If-Match ----

await test('models: ETag and If-Match: a change for what is there, or 412', async () => {
  const { id } = await add('tagged');
  const path = `/api/models/${id}`;
  const first = await operator('GET', path);
  const { etag } = first.headers;
  assert.match(etag, /^"[0-9a-f]{32}"$/);
  assert.equal((await operator('GET', path)).headers.etag, etag);
  const changed = await operator('PATCH', path, { description: 'new' }, { 'If-Match': etag });
  expect(changed, 200);
  assert.notEqual(changed.headers.etag, etag);
  assert.equal((await operator('GET', path)).headers.etag, changed.headers.etag);
  for (const bad of [etag, '"x"', `W/${changed.headers.etag}`]) {
    expect(await operator('PATCH', path, { description: 'late' }, { 'If-Match': bad }), 412);
    expect(await operator('DELETE', path, undefined, { 'If-Match': bad }), 412);
  }
  assert.equal(expect(await operator('GET', path), 200).description, 'new');
  // Every setting, and its place, is in it.
  let now = changed.headers.etag;
  for (const body of [{ is_enabled: false }, { context_length: 100 }, { max_output: 50 },
    { default_max_output: 5 }, { long_context_threshold: 7 }, { tokenizer: 'o200k_base' },
    { default_temperature: 0.5 }, { default_top_p: 0.5 }, { connect_ms: 10 }, { first_byte_ms: 10 },
    { idle_ms: 10 }, { allowed_members: ['audio'] }]) {
    const answer = await operator('PATCH', path, body, { 'If-Match': now });
    expect(answer, 200);
    assert.notEqual(answer.headers.etag, now, JSON.stringify(body));
    now = answer.headers.etag;
  }
  tollgate('model', 'set', `tagged.${unique}`, '--upstream-name', 'sim-echo');
  expect(await operator('PATCH', path, { description: 'late' }, { 'If-Match': now }), 412);
  now = (await operator('GET', path)).headers.etag;
  for (const good of [`"x", ${now}`, '*']) {
    expect(await operator('PATCH', path, { description: 'same' }, { 'If-Match': good }), 200);
  }
  const last = (await operator('GET', path)).headers.etag;
  expect(await operator('DELETE', path, undefined, { 'If-Match': last }), 200);
});

await test('models: ten changes at once for the same ETag: one is made', async () => {
  const { id } = await add('raced');
  const { etag } = (await operator('GET', `/api/models/${id}`)).headers;
  const got = await Promise.all(Array.from({ length: 10 }, (_, i) => operator('PATCH',
    `/api/models/${id}`, { description: `race ${i}` }, { 'If-Match': etag })));
  assert.deepEqual(got.map(({ status }) => status).sort(), [200, ...Array(9).fill(412)]);
});

done();
