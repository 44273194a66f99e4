// SPDX-License-Identifier: MIT
// Holds the program to seed_properties.def, a row at a time. What a model is
// made with, and what its properties are changed to, is said here.
import { readFileSync } from 'node:fs';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, modelsInForce, newKey, sql, tollgate, usageRow,
} from './lib.mjs';

const unique = `${process.pid}-${Date.now()}`;
const rows = readFileSync(new URL('seed_properties.def', import.meta.url), 'utf8').split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => {
    const [document, model, property, column, member, filter, command, change, ...rest] = line.split(/\s{2,}/);
    assert.ok(change && rest.length === 0, line);
    // The view calls the number of a row as the document does.
    const view = model === 'PsModelUsage' ? [`ps_model_usage.${property}`] : [];
    return { document, model, property, columns: [column, ...view], member, filter, command, change };
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
    usage_records: 'usage_id', ps_model_usage: 'id',
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
  return want;
};

async function isReadAndStored(row, m, want) {
  const got = expect(await operator('GET', m.path), 200);
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

for (const row of rows) {
  const what = `${row.document} ${row.model}.${row.property}`;
  const m = thing(row);
  const value = models[row.model].values[row.property];
  await test(`${what}: written and read`, async () => {
    assert.ok(value, 'the test knows no value of it');
    await isReadAndStored(row, m, value.length ? value[0] : null);
    if (row.member === 'never') await isHidden(row, m);
  });
  if (row.filter === 'path') {
    await test(`${what}: found by its path`, async () => {
      assert.equal(expect(await operator('GET', m.path), 200)[row.member], m.id);
      expect(await operator('GET', m.path.replace(/\d+$/, '4000000000')), 404);
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
