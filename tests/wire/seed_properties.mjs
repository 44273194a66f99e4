// SPDX-License-Identifier: MIT
// Holds the program to seed_properties.def, a row at a time. What a model is
// made with, and what its properties are changed to, is said here.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, modelsInForce, newKey, sim, sql, tollgate, usageRow,
} from './lib.mjs';

const unique = `${process.pid}-${Date.now()}`;
const rows = readFileSync(new URL('seed_properties.def', import.meta.url), 'utf8').split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => {
    const [document, model, property, column, member, filter, command, change, ...rest] = line.split(/\s{2,}/);
    assert.ok(change && rest.length === 0, line);
    // The view calls the number of a row as the document does.
    const view = model === 'PsModelUsage' ? [`ps_model_usage.${property}`] : [];
    const columns = column === '-' ? [] : [...column.split(','), ...view];
    return { document, model, property, columns, member, filter, command, change };
  });

const call = async (key, method, path, body = undefined) => {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await ask(method, path, {
    ...json, 'X-API-Key': key, ...(text === undefined && method !== 'GET' ? { 'Content-Length': 0 } : {}),
  }, text);
  return { ...answer, body: answer.text.startsWith('{') ? JSON.parse(answer.text) : null };
};
const operator = (...args) => call(env.TOLLGATE_OPERATOR_KEY, ...args);
const expect = (answer, status, what = '') => {
  assert.equal(answer.status, status, `${what} ${answer.text.slice(0, 300)}`);
  return answer.body;
};
const make = async (path, body) => expect(await operator('POST', path, body), 201, path);
const data = async (path) => expect(await operator('GET', path), 200, path).data;
// The tables' values as the API has them, to compare.
const column = (name, id) => {
  const [from, what] = name.split('.');
  const keys = {
    api_keys: 'api_key_id', api_key_models: 'api_key_id', rate_limit_tiers: 'tier_id', role_tiers: 'rate_limit_tier',
    customers: 'customer_id', models: 'model_id', deployments: 'model_id', providers: 'model_id',
    usage_records: 'usage_id', ps_model_usage: 'id', price_versions: 'price_version_id',
  };
  return sql(`SELECT ${what} FROM ${from} WHERE ${keys[from]} = ${id} ORDER BY 1`).map(([value]) => value).join(',');
};
const asText = (value) => {
  if (value === null) return 'NULL';
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value);
};
// Times of the database have microseconds, ids of names are compared by name.
const same = (got, want, what) => {
  const time = /^\d{4}-\d\d-\d\dT[\d:]+Z$/.test(want) ? want.replace('T', ' ').replace('Z', '') : null;
  if (time) assert.ok(got.startsWith(time), `${what}: ${got} is not ${want}`);
  else if (/^-?\d+\.\d{12}$/.test(got)) assert.equal(Number(got), Number(want), what);
  else assert.equal(got, asText(want), what);
};

// ---- what there is to refer to ----

const customer = await make('/customers', { name: `c ${unique}`, email: `seed-${unique}@example.com`, company: `co ${unique}` });
const other = await make('/customers', { name: 'other', email: `seed-other-${unique}@example.com` });
const user = await make('/api/users', { customer_id: customer.id, name: 'u', role: 'developer', email: `seed-u-${unique}@example.com` });
const user2 = await make('/api/users', { customer_id: customer.id, name: 'v', role: 'viewer', email: `seed-v-${unique}@example.com` });
const label = async (kind, n) => (await make(`/api/${kind}s`, { customer_id: customer.id, name: `${kind} ${n}` })).id;
const project = await label('project', 1);
const project2 = await label('project', 2);
const agent = await label('agent', 1);
const connector = await label('connector', 1);
const tier = await make('/api/tiers', { name: `one ${unique}`, rate_limit_per_minute: 7, rate_limit_per_hour: 70, roles: ['billing'] });
const tier2 = await make('/api/tiers', { name: `two ${unique}` });
const cut = (ms) => new Date(ms).toISOString().replace(/\.\d+Z/, 'Z');
const soon = cut(Date.now() + 86400e3);
const later = cut(Date.now() + 2 * 86400e3);

// ---- each model: how one is made, where it is, what it has ----

const past = '2000-01-01T00:00:00Z';
const future = '2100-01-01T00:00:00Z';
const models = {};

const key = await newKey({
  customer_id: customer.id, name: `k ${unique}`, user_id: user.id, project_id: project, expires_at: soon,
  rate_limit: 50, rate_limit_tier: tier.name, allowed_models: [1],
});
const stranger = await newKey({ customer_id: other.id, name: 'stranger', allowed_models: [2], expires_at: future });
models.ApiKey = {
  id: key.id, path: `/api/keys/${key.id}`, list: '/api/keys', stranger: stranger.id, argument: String(key.id),
  // property: [as it was made, what it becomes, by which option's argument]
  values: {
    api_key_id: [key.id], user_id: [user.id, user2.id, user2.email], created_at: [null], expires_at: [soon, later],
    is_active: [true], rate_limit_tier: [tier.name, tier2.name], project: [project, project2], customer: [customer.id],
    name: [`k ${unique}`, `renamed ${unique}`], key: [key.key.slice(3, 13)], rate_limit: [50, 60],
    allowed_models: [[1], [1, 2]], api_key_secret: [],
  },
  filters: {
    state: ['active', 'revoked'], created_from: [past, future], created_to: [future, past],
    expires_before: [later, past], tier: [tier.name, tier2.name], model: ['1', '2'],
    prefix: [`tg_${key.key.slice(3, 13)}`, `tg_${stranger.key.slice(3, 13)}`],
  },
};
models.Tier = {
  id: tier.id, path: `/api/tiers/${tier.id}`, list: '/api/tiers', stranger: tier2.id, argument: tier.name,
  values: {
    name: [tier.name], limit_per_minute: [7, 8], limit_per_hour: [70, 80], user_roles: [['billing'], ['viewer'], 'viewer'],
  },
  filters: {},
};
models.Customer = {
  id: customer.id, path: `/customers/${customer.id}`, list: '/customers', stranger: other.id, argument: String(customer.id),
  values: {
    id: [customer.id], name: [customer.name, `renamed ${unique}`], email: [customer.email],
    company: [customer.company, `new co ${unique}`], created_at: [null],
    rate_limits: [{}, { 'key_model.requests.minute': 9 }, 9],
  },
  filters: { created_from: [past, future], created_to: [future, past] },
};

const address = 'https://api.example.com/v1/completions';
const external = await make('/api/models', {
  name: `seed-external-${unique}`,
  model_config: { api_url: address, api_key: 'your_api_key', model_name: 'their-name', preload: false },
});
const local = await make('/api/models', {
  name: `seed-local-${unique}`, model_config: { model_path: 'gpt2-mini', preload: true }, is_enabled: false,
});
models.Model = {
  id: external.id, path: `/api/models/${external.id}`, list: '/api/models', stranger: local.id, argument: external.name,
  values: {
    model_id: [external.id], name: [external.name], model_path: ['gpt2-mini'], preload: [true],
    api_url: [address, 'https://api.example.com/v2/completions'], api_key: ['your_api_key', 'another_key'],
    model_name: ['their-name', 'their-other'],
  },
  filters: {},
  of: { model_path: local, preload: local },
};

// A price for each class of tokens; those of a line of their own tell them apart.
const classes = ['input', 'cached_input', 'output', 'reasoning', 'audio_output', 'image_output']
  .flatMap((name) => [name, `long_${name}`]);
const prices = Object.fromEntries(classes.map((name, i) => [name, 1000 + i]));
const price = await make('/api/prices', { model_id: external.id, prices });
const otherPrice = await make('/api/prices', { model_id: local.id, prices: { input: 1, output: 2 } });
models.Price = {
  id: price.id, path: `/api/prices/${price.id}`, list: '/api/prices', stranger: otherPrice.id, argument: external.name,
  // No route shows one alone.
  get: async () => {
    const one = (await data(`/api/prices?model_id=${external.id}`)).find(({ id }) => id === price.id);
    return { ...one, ...one.prices };
  },
  values: {
    model: [external.id], effective_from: [price.effective_from],
    ...Object.fromEntries(classes.map((name) => [name, [prices[name]]])),
  },
  filters: { model_id: [String(external.id), String(local.id)] },
};
for (const { property, member } of rows.filter((row) => row.model === 'Price' && row.property.endsWith('_price')))
  models.Price.values[property] = [prices[member]];

// One that came by a request, and one that came by POST /api/usage.
const asking = await newKey({ customer_id: customer.id, user_id: user.id, rate_limit: undefined });
await modelsInForce({ 'X-API-Key': asking.key }, ['lawgent-thinking']);
const generated = await call(asking.key, 'POST', '/generate', { text: 'a', model_id: 2, max_length: 20 });
expect(generated, 200);
const counters = {
  token_in_count: 101, token_out_count: 102, token_in_cached_context_count: 103, long_context_token_in_count: 104,
  long_context_token_in_cached_context_count: 105, token_out_reasoning_count: 106, token_out_audio_count: 107,
  token_out_image_count: 108, long_context_token_out_count: 109, long_context_token_out_reasoning_count: 110,
  long_context_token_out_audio_count: 111, long_context_token_out_image_count: 112,
};
const requestId = generated.headers['x-request-id'];
const { usage_id: usageId } = await usageRow(requestId, ['usage_id']);
const shown = expect(await operator('GET', `/api/usage/${requestId}`), 200);
const posted = await make('/api/usage', {
  user_id: user.id, model_id: 1, agent_id: agent, connector_id: connector, api_key_id: asking.id, ...counters,
});
models.Usage = {
  id: Number(usageId), path: `/api/usage/${requestId}`, list: '/api/usage', stranger: posted.id,
  values: {
    usage_id: [Number(usageId)], api_key_id: [asking.id], request_timestamp: [null], model_requested: ['lawgent-thinking'],
    provider_used: ['lawgent'], prompt_tokens: [shown.token_in_count], completion_tokens: [shown.token_out_count],
    cost_in_usd: [JSON.parse(generated.text).cost], request_status: ['ok'], response_time: [null],
  },
  filters: {
    from: [past, future], to: [future, past], request_status: ['ok', 'timeout'],
    provider_id: [String(shown.provider_id), '4000000000'], api_key_id: [String(asking.id), String(key.id)],
  },
};
models.PsModelUsage = {
  id: posted.id, path: `/api/usage/${posted.request_id}`, list: '/api/usage', stranger: Number(usageId),
  values: {
    id: [posted.id], user_id: [user.id], created_at: [null], updated_at: [null], model_id: [1], agent_id: [agent],
    connector_id: [connector], ...Object.fromEntries(Object.entries(counters).map(([name, n]) => [name, [n]])),
  },
  filters: {
    user_id: [String(user.id), String(user2.id)], model_id: ['1', '2'], agent_id: [String(agent), '4000000000'],
    connector_id: [String(connector), '4000000000'],
  },
};

// ---- a row ----

const thing = (row) => {
  const m = models[row.model];
  const o = m.of?.[row.property];
  return o ? { ...m, id: o.id, path: `/api/models/${o.id}`, argument: o.name } : m;
};

// What is stored in other words than the API's.
const stored = async (row, m, want) => {
  const name = `${row.model}.${row.property}`;
  if (name === 'ApiKey.rate_limit_tier') return (want === tier.name ? tier : tier2).id;
  if (name === 'Customer.rate_limits') return want['key_model.requests.minute'] ?? 'NULL';
  if (row.model === 'Price' && row.property.endsWith('_price')) return want / 1e6; // of a token
  return want;
};

const read = async (m) => (m.get ? m.get() : expect(await operator('GET', m.path), 200));

async function isReadAndStored(row, m, want) {
  const got = await read(m);
  for (const name of row.columns) {
    if (row.member === 'never') {
      assert.ok(column(name, m.id).length > 0, `${name} is empty`);
      continue;
    }
    if (want !== null) assert.deepEqual(got[row.member], want, `${row.member} of ${m.path}`);
    else assert.ok(got[row.member] !== undefined && got[row.member] !== null, row.member);
    same(column(name, m.id), await stored(row, m, got[row.member]), name);
  }
}

async function isHidden(row, m) {
  const secret = { api_key_secret: key.key.slice(14), api_key: 'your_api_key' }[row.property];
  assert.ok(secret, row.property);
  for (const path of [m.path, m.list, '/api/providers', '/api/audit?limit=1000']) {
    const { text } = await operator('GET', path);
    assert.ok(!text.includes(secret), `${path} shows it`);
    if (!path.includes('audit')) assert.ok(!text.includes(`"${row.property}"`), `${path} has ${row.property}`);
  }
  // Neither as it is nor in any other form that a dump would give away.
  const dumped = sql(`SELECT * FROM ${row.columns[0].split('.')[0]}`).flat().join('\n');
  assert.ok(!dumped.includes(secret), `${row.columns[0]} has it in clear`);
}

async function isFound(row, m, filter, [hit, miss]) {
  const address = (value) => `${m.list}?${filter}=${encodeURIComponent(value)}${
    m.list === '/api/models' ? '' : '&limit=1000'}${
    m.list === '/api/usage' && !['from', 'to'].includes(filter) ? `&from=${past}` : ''}${
    filter === 'to' ? '&from=1999-01-01' : ''}${filter === 'from' ? '&to=2101-01-01' : ''}${m.list === '/api/usage' ? `&customer_id=${customer.id}` : ''}`;
  const ids = (list) => list.map((one) => one.id);
  const found = await data(address(hit));
  assert.ok(ids(found).includes(m.id), `${filter}=${hit} does not find it`);
  if (row.member in (found[0] ?? {}) && typeof hit === 'string' && !/^(created|expires|from|to)/.test(filter)
    && ['name', 'email', 'company', 'request_status'].includes(filter)) {
    assert.deepEqual([...new Set(found.map((one) => one[row.member]))], [hit], filter);
  }
  // Usage of a thing that isn't there is refused, other lists are empty.
  const missed = await operator('GET', address(miss));
  if (missed.status !== 404) {
    assert.ok(!ids(expect(missed, 200).data).includes(m.id), `${filter}=${miss} finds it`);
  } else assert.equal(missed.body.error.param, filter);
}

async function byCommand(row, m) {
  const words = row.command.split(' ');
  const last = words.pop();
  const value = m.values[row.property];
  const next = value[2] ?? value[1] ?? value[0];
  if (words[0] === 'usage') return byUsageCommand(row, m, words, last);
  if (words[0] === 'price') return byPriceCommand(row, words, last);
  if (!last.startsWith('--')) {
    // A new secret goes to another key: this one's is looked for below.
    const got = tollgate(...words, last === 'key' ? String(m.stranger) : m.argument)[last];
    assert.ok(got !== undefined && got !== null, `${row.command} does not say it`);
    if (last !== 'key') {
      const { [row.member]: want } = expect(await operator('GET', m.path), 200);
      assert.equal(asText(got), asText(want), row.command);
    }
    return undefined;
  }
  if (words.join(' ') === 'model add' || words.join(' ') === 'tier add') return byAdding(row, words, last);
  if (words[0] === 'provider') {
    const before = column(row.columns[0], m.id);
    const { provider } = expect(await operator('GET', m.path), 200);
    tollgate(...words, provider, last, 'by_command');
    assert.notEqual(column(row.columns[0], m.id), before);
    return undefined;
  }
  if (row.property === 'user_roles') await operator('PATCH', m.path, { roles: [] });
  const switches = ['--off'];
  tollgate(...words, m.argument, last, ...(switches.includes(last) ? [] : [asText(next)]));
  const want = last === '--off' ? false : value[1];
  await isReadAndStored(row, m, want);
  return undefined;
}

async function byAdding(row, words, option) {
  const name = `added-${row.property}-${unique}`;
  if (words[0] === 'tier') {
    const { id } = tollgate(...words, option, name);
    assert.equal(column(row.columns[0], id), name);
    return;
  }
  const { id } = tollgate(...words, '--name', name, '--local', 'gpt2-mini', ...(option === '--preload' ? [option] : []),
    '--disabled');
  same(column(row.columns[0], id), option === '--preload' ? 1 : 'gpt2-mini', row.command);
  expect(await operator('DELETE', `/api/models/${id}`), 200);
}

async function byPriceCommand(row, words, option) {
  const given = { '--model': local.name, '--input': '11', '--output': '12', '--from': later };
  if (!given[option]) given[option] = '13';
  const { id } = tollgate(...words, ...Object.entries(given)
    .filter(([name]) => name !== '--from' || name === option).flat());
  const want = { '--model': local.id, '--from': later }[option] ?? Number(given[option]) / 1e6;
  same(column(row.columns[0], id), want, row.command);
}

async function byUsageCommand(row, m, words, last) {
  const at = cut(Date.now() - 3600e3);
  const given = {
    '--user': user.email, '--model': '1', '--key': String(asking.id), '--agent': String(agent),
    '--connector': String(connector), '--at': at, '--status': 'timeout', '--latency-ms': '1234',
  };
  if (words[1] === 'report') {
    const [sum] = tollgate(...words, '--by', 'provider', '--customer', String(customer.id), last, 'lawgent');
    assert.equal(sum.requests, 1);
    return;
  }
  const args = { '--user': given['--user'], '--model': given['--model'], '--input': '3' };
  if (last.startsWith('--')) args[last] = given[last] ?? '77';
  const got = tollgate(...words, ...Object.entries(args).flat());
  const member = last.startsWith('--') ? row.member : last;
  const want = {
    '--user': user.id, '--model': 1, '--key': asking.id, '--agent': agent, '--connector': connector, '--at': at,
    '--status': 'timeout', '--latency-ms': 1234,
  }[last] ?? (last.startsWith('--') ? 77 : got[member]);
  assert.deepEqual(got[member], want, row.command);
  for (const name of row.columns) same(column(name, got.id), got[member], name);
}

async function isChanged(row, m) {
  const [was, to] = m.values[row.property];
  if (row.change === 'toggle') {
    assert.equal(expect(await operator('POST', `${m.path}/toggle`, { is_active: true }), 200).is_active, true);
    await isReadAndStored(row, m, true);
    expect(await operator('PATCH', m.path, { is_active: false }), 200);
    await isReadAndStored(row, m, false);
    expect(await operator('POST', `${m.path}/toggle`), 200);
    await isReadAndStored(row, m, true);
    return;
  }
  if (row.change === 'PATCH') {
    if (row.member === 'never') {
      const { provider } = expect(await operator('GET', m.path), 200);
      const [{ id }] = (await data('/api/providers?limit=1000')).filter((p) => p.name === provider);
      const before = column(row.columns[0], m.id);
      expect(await operator('PATCH', `/api/providers/${id}`, { [row.property]: to }), 200);
      assert.notEqual(column(row.columns[0], m.id), before);
      return;
    }
    // The command may have brought it there already: back, and there again.
    for (const value of [was, to]) {
      const change = row.property === 'rate_limits' && Object.keys(value).length === 0 ? null : value;
      expect(await operator('PATCH', m.path, { [row.member]: change }), 200, row.property);
      await isReadAndStored(row, m, value);
    }
    return;
  }
  assert.equal(row.change, 'never');
  const before = row.columns.map((name) => column(name, m.id));
  const member = row.member === 'never' ? row.property : row.member;
  const answer = await operator('PATCH', m.path, { [member]: was ?? before[0] });
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`);
  assert.deepEqual(row.columns.map((name) => column(name, m.id)), before);
}

// ---- what is said in one request and its answer ----

const word = `said${unique.replace('-', '')}`;
const said = { text: `${word} once`, model_id: 2, max_length: 33 };
const talking = await newKey({ customer_id: other.id });
const generate = (more) => call(talking.key, 'POST', '/generate', { ...said, ...more });
const refuses = async (member, values) => {
  for (const value of values) {
    const { body, text } = await generate({ [member]: value });
    assert.equal(body.error.param, member, `${JSON.stringify(value)} ${text}`);
  }
};
const sent = async () => (await sim('GET', '/__sim/last')).text;
const lengthSent = async () => {
  const body = JSON.parse((await sent()).split('\r\n\r\n').slice(1).join('\r\n\r\n'));
  return body.max_completion_tokens ?? body.max_tokens;
};
// In no table, and in no line of the log.
const isNowhere = (what) => {
  const dump = execFileSync('mariadb-dump', ['--no-defaults', '-u', 'root', '-S', env.TOLLGATE_DB_SOCKET, '--no-create-info',
    '--single-transaction', env.TOLLGATE_DB_NAME], { maxBuffer: 2 ** 30 }).toString();
  assert.ok(dump.includes('usage_records') && !dump.includes(what), 'the database has it');
  assert.ok(!readFileSync(`${env.TOLLGATE_STACK_DIR}/log/worker.log`, 'utf8').includes(what), 'the log has it');
};
const statesOf = async (answer) => (
  usageRow(answer.headers['x-request-id'], ['model_id', 'prompt_tokens', 'completion_tokens', 'cost_in_usd']));

const members = {
  'NewKey.customer_email': async (row) => {
    const ofMail = await make('/api/keys', { customer_email: customer.email, name: 'by mail' });
    same(column(row.columns[0], ofMail.id), customer.id, row.property);
    for (const more of [{ customer_id: customer.id }, { customer_email: 'a@b@c' }])
      assert.ok([400, 404].includes((await operator('POST', '/api/keys',
        { customer_email: customer.email, name: 'x', ...more })).status));
    expect(await operator('POST', '/api/keys', { customer_email: `nobody-${customer.email}`, name: 'x' }), 404);
    assert.equal(tollgate('key', 'add', '--customer', customer.email, '--name', 'by mail').customer_id, customer.id);
    expect(await operator('PATCH', `/api/keys/${ofMail.id}`, { customer_email: other.email }), 400);
    same(column(row.columns[0], ofMail.id), customer.id, row.property);
  },
  'Generate.text': async () => {
    expect(await generate({}), 200);
    assert.ok((await sent()).includes(said.text));
    isNowhere(word);
    await refuses('text', [7, null, undefined, ['a']]);
  },
  'Generate.model_id': async (row) => {
    for (const [asked, id] of [[2, 2], ['lawgent-thinking', 2], [1, 1], [undefined, 1]]) {
      const answer = await generate({ model_id: asked });
      expect(answer, 200);
      const { model_id: kept } = await statesOf(answer);
      assert.equal(Number(kept), id, `${asked}`);
      const { usage_id: usage } = await usageRow(answer.headers['x-request-id'], ['usage_id']);
      for (const [model, is] of [[id, true], [3 - id, false]]) {
        const found = await data(`${models.Usage.list}?${row.filter}=${model}&customer_id=${other.id}&limit=1000`);
        assert.equal(found.some((one) => one.id === Number(usage)), is, `${row.filter}=${model}`);
      }
    }
    for (const value of [0, -1, 1.5, 4000000000, 'no-such', [1], true]) {
      const answer = await generate({ model_id: value });
      assert.ok([400, 404].includes(answer.status), `${value} ${answer.text}`);
    }
  },
  'Generate.max_length': async () => {
    for (const [asked, length] of [[undefined, 100], [1, 1], [33, 33]]) {
      expect(await generate({ max_length: asked }), 200);
      assert.equal(await lengthSent(), length);
    }
    await refuses('max_length', [0, -1, 1.5, '5', 1e300, [1]]);
  },
  'Generate.response': async () => {
    const answer = expect(await generate({}), 200);
    assert.equal(typeof answer.response, 'string');
    assert.ok(answer.response.length > 0 && !answer.response.includes(word));
    isNowhere(answer.response);
  },
  'Generate.tokens_used': async () => {
    const answer = await generate({});
    const { prompt_tokens: all, completion_tokens: out } = await statesOf(answer);
    assert.equal(expect(answer, 200).tokens_used, Number(all) + Number(out));
    assert.ok(Number(all) > 0 && Number(out) > 0);
  },
  'Generate.cost': async () => {
    const answer = await generate({});
    const { cost_in_usd: cost } = await statesOf(answer);
    const [, text] = /"cost":(\d+(?:\.\d+)?)[,}]/.exec(answer.text); // no exponent
    assert.ok(Number(cost) > 0);
    assert.equal(text, cost.replace(/\.?0+$/, ''));
  },
};

for (const row of rows) {
  const what = `${row.document} ${row.model}.${row.property}`;
  if (['request', 'answer'].includes(row.member)) {
    await test(`${what}: in the ${row.member}`, () => members[`${row.model}.${row.property}`](row));
    continue;
  }
  const m = thing(row);
  const value = models[row.model].values[row.property];
  await test(`${what}: written and read`, async () => {
    assert.ok(value, 'the test knows no value of it');
    await isReadAndStored(row, m, value.length ? value[0] : null);
    if (row.member === 'never') await isHidden(row, m);
  });
  if (row.filter === 'path') {
    await test(`${what}: found by its path`, async () => {
      const of = (id) => m.path.replace(/[^/]+$/, id);
      assert.equal(expect(await operator('GET', of(m.id)), 200)[row.member], m.id);
      expect(await operator('GET', of('4000000000')), 404);
    });
  } else if (row.filter !== '-') {
    for (const filter of row.filter.split(',')) {
      await test(`${what}: found by ${filter}`, async () => {
        const strange = async () => expect(await operator('GET', m.path.replace(/[^/]+$/, m.stranger)), 200)[row.member];
        await isFound(row, m, filter, m.filters[filter] ?? [value[0], (await strange()) ?? 4000000000]);
      });
    }
  }
  await test(`${what}: by command`, () => byCommand(row, m));
  await test(`${what}: ${row.change === 'never' ? 'its change is refused' : 'changed'}`, () => isChanged(row, m));
}

await test('usage: the application\'s account may neither change nor delete a row', () => {
  const grants = readFileSync(new URL('../../sql/grants.sql', import.meta.url), 'utf8').split('\n')
    .filter((line) => /ON tollgate\.usage_records TO 'tollgate'/.test(line));
  assert.equal(grants.length, 1);
  assert.doesNotMatch(grants[0], /UPDATE|DELETE|ALL/);
});

await test('every column of the table is in the database', () => {
  const known = new Set(sql(`SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = '${env.TOLLGATE_DB_NAME}'`).flat());
  for (const name of rows.flatMap((row) => row.columns)) assert.ok(known.has(name), name);
});

await test('ps_model_usage has the columns that were asked for, in their order', () => {
  assert.equal(sql(`SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = '${env.TOLLGATE_DB_NAME}' AND TABLE_NAME = 'ps_model_usage'`)[0][0], [
    'id', 'user_id', 'created_at', 'updated_at', 'model_id', 'token_in_count', 'token_in_cached_context_count',
    'long_context_token_in_count', 'long_context_token_in_cached_context_count', 'token_out_count',
    'token_out_reasoning_count', 'token_out_audio_count', 'token_out_image_count', 'long_context_token_out_count',
    'long_context_token_out_reasoning_count', 'long_context_token_out_audio_count', 'long_context_token_out_image_count',
    'agent_id', 'connector_id'].join(','));
});

done();
