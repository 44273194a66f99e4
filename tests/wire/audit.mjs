// SPDX-License-Identifier: MIT
// Each change, once by route and once by command, each on a thing of its own:
// their lines in the audit log differ in who and where alone.
import { hostname } from 'node:os';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, sql, tollgate,
} from './lib.mjs';

const unique = Date.now().toString(36);
let serial = 0;
const fresh = (prefix) => `${prefix}-${unique}-${serial++}`;

async function call(method, path, body) {
  const answer = await ask(method, path, { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY },
    body && JSON.stringify(body));
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`);
  return JSON.parse(answer.text);
}

const customer = await call('POST', '/customers', { name: 'c', email: `c-${unique}@example.com` });
const { name: provider } = await call('POST', '/api/providers',
  { name: fresh('up'), kind: 'openai', base_url: 'https://up.example.com/v1' });

// Things to change; each call makes another one.
const make = {
  key: () => call('POST', '/api/keys', { customer_id: customer.id, name: 'k' }),
  customer: () => call('POST', '/customers', { name: 'c', email: `${fresh('c')}@example.com` }),
  user: () => call('POST', '/api/users',
    { customer_id: customer.id, name: 'u', email: `${fresh('u')}@example.com`, role: 'viewer' }),
  project: () => call('POST', '/api/projects', { customer_id: customer.id, name: fresh('p') }),
  tier: () => call('POST', '/api/tiers', { name: fresh('t') }),
  provider: () => call('POST', '/api/providers',
    { name: fresh('p'), kind: 'openai', base_url: 'https://p.example.com/v1' }),
  model: () => call('POST', '/api/models', { name: fresh('m'), provider, upstream_name: 'm' }),
};

// [thing, action, by route, by command]; both get what was made, or for
// what is added nothing.
const cases = [
  ['key', 'key.set', (o) => ['PATCH', `/api/keys/${o.id}`, { name: 'other' }],
    (o) => ['key', 'set', `${o.id}`, '--name', 'other']],
  ['key', 'key.toggle', (o) => ['POST', `/api/keys/${o.id}/toggle`],
    (o) => ['key', 'toggle', `${o.id}`]],
  ['key', 'key.rotate', (o) => ['POST', `/api/keys/${o.id}/rotate`, { grace_seconds: 60 }],
    (o) => ['key', 'rotate', `${o.id}`, '--grace', '60']],
  ['key', 'key.revoke', (o) => ['DELETE', `/api/keys/${o.id}`],
    (o) => ['key', 'revoke', `${o.id}`]],
  ['key', 'key.revoke', (o) => ['POST', '/api/keys/revoke', { ids: [o.id] }],
    (o) => ['key', 'revoke-all', '--keys', `${o.id}`]],
  [null, 'key.add', () => ['POST', '/api/keys', { customer_id: customer.id, name: 'k', allowed_models: [1] }],
    () => ['key', 'add', '--customer', `${customer.id}`, '--name', 'k', '--models', '1']],
  ['customer', 'customer.set', (o) => ['PATCH', `/customers/${o.id}`, { company: 'x', markup: 2 }],
    (o) => ['customer', 'set', `${o.id}`, '--company', 'x', '--markup', '2']],
  ['customer', 'customer.set', (o) => ['PATCH', `/customers/${o.id}`, { state: 'suspended' }],
    (o) => ['customer', 'suspend', `${o.id}`]],
  ['customer', 'customer.close', (o) => ['DELETE', `/customers/${o.id}`],
    (o) => ['customer', 'close', `${o.id}`]],
  [null, 'customer.add', () => ['POST', '/customers', { name: 'c', email: `${fresh('c')}@example.com` }],
    () => ['customer', 'add', '--name', 'c', '--email', `${fresh('c')}@example.com`]],
  ['user', 'user.set', (o) => ['PATCH', `/api/users/${o.id}`, { role: 'billing', is_active: false }],
    (o) => ['user', 'set', o.email, '--role', 'billing', '--deactivate']],
  ['user', 'user.archive', (o) => ['DELETE', `/api/users/${o.id}`],
    (o) => ['user', 'archive', o.email]],
  [null, 'user.add', () => ['POST', '/api/users',
    { customer_id: customer.id, name: 'u', email: `${fresh('u')}@example.com`, role: 'viewer' }],
  () => ['user', 'add', '--customer', `${customer.id}`, '--name', 'u', '--email', `${fresh('u')}@example.com`,
    '--role', 'viewer']],
  ['project', 'project.archive', (o) => ['DELETE', `/api/projects/${o.id}`],
    (o) => ['project', 'archive', `${o.id}`]],
  [null, 'project.add', () => ['POST', '/api/projects', { customer_id: customer.id, name: fresh('p') }],
    () => ['project', 'add', '--customer', `${customer.id}`, '--name', fresh('p')]],
  ['tier', 'tier.set', (o) => ['PATCH', `/api/tiers/${o.id}`, { rate_limit_per_hour: 7 }],
    (o) => ['tier', 'set', o.name, '--per-hour', '7']],
  ['tier', 'tier.set', (o) => ['PATCH', `/api/tiers/${o.id}`, { roles: ['viewer'] }],
    (o) => ['tier', 'assign', o.name, '--role', 'viewer']],
  ['tier', 'tier.archive', (o) => ['DELETE', `/api/tiers/${o.id}`],
    (o) => ['tier', 'archive', o.name]],
  ['provider', 'provider.set', (o) => ['PATCH', `/api/providers/${o.id}`, { drain_s: 7, is_enabled: false }],
    (o) => ['provider', 'set', o.name, '--drain', '7', '--disable']],
  ['provider', 'provider.archive', (o) => ['DELETE', `/api/providers/${o.id}`],
    (o) => ['provider', 'archive', o.name]],
  ['model', 'model.set', (o) => ['PATCH', `/api/models/${o.id}`, { max_output: 9, default_temperature: 0.7, upstream_name: 'x' }],
    (o) => ['model', 'set', o.name, '--max-output', '9', '--default-temperature', '0.7', '--upstream-name', 'x']],
  ['model', 'model.set', (o) => ['PATCH', `/api/models/${o.id}`, { is_enabled: false }],
    (o) => ['model', 'disable', o.name]],
  ['model', 'model.archive', (o) => ['DELETE', `/api/models/${o.id}`],
    (o) => ['model', 'archive', o.name]],
  [null, 'model.add', () => ['POST', '/api/models', { name: fresh('m'), provider, context_length: 100, upstream_name: 'x' }],
    () => ['model', 'add', '--name', fresh('m'), '--provider', provider, '--context-length', '100', '--upstream-name', 'x']],
  ['model', 'price.set', (o) => ['POST', '/api/prices', { model_id: o.id, prices: { input: 1, output: 2 }, note: 'x' }],
    (o) => ['price', 'set', '--model', `${o.id}`, '--input', '1', '--output', '2', '--note', 'x']],
];

// What differs from one thing to the next: times are there or not, and those
// that are made have names and numbers of their own.
const times = /_at$|^effective_from$/;
function comparable(side, isNew) {
  if (!side) return side;
  return Object.fromEntries(Object.entries(side).map(([name, value]) => {
    if (times.test(name) && value) return [name, 'a time'];
    if (name.endsWith('public_id') && value) return [name, 'an id'];
    return [name, isNew && ['id', 'name', 'email', 'model_id'].includes(name) ? 'its own' : value];
  }));
}

// The newest line, and how many there are.
function newest() {
  const [id, actor, action, object, success, detail] = sql(
    'SELECT audit_id, actor, action, object, is_success, detail FROM audit_log ORDER BY audit_id DESC LIMIT 1',
  )[0];
  const { account, host, before, after, operator, ...others } = JSON.parse(detail);
  const isNew = before === null;
  return { id: Number(id), actor, account, host,
    line: { action, object, success, others, before: comparable(before, isNew), after: comparable(after, isNew),
      operator: operator && { before: comparable(operator.before), after: comparable(operator.after) } } };
}

for (const [thing, action, byRoute, byCommand] of cases) {
  await test(`${action}: ${byCommand({ id: 1, name: 'x', email: 'x' }).slice(0, 2).join(' ')}`, async () => {
    const one = thing && await make[thing]();
    const two = thing && await make[thing]();
    await call(...byRoute(one));
    const routes = newest();
    tollgate(...byCommand(two));
    const commands = newest();
    assert.equal(commands.id, routes.id + 1); // one line each
    assert.equal(routes.line.action, action);
    assert.deepEqual(commands.line, routes.line);
    assert.notDeepEqual(routes.line.after, {});
    assert.deepEqual([routes.actor, routes.account, routes.host], ['operator_key', undefined, undefined]);
    assert.deepEqual([commands.actor, commands.host], ['command', hostname()]);
    assert.ok(commands.account);
  });
}

done();
