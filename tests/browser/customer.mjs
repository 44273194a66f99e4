// SPDX-License-Identifier: MIT
// A customer with one of everything, named in markup, for tests that walk the
// table of routes.
import { assert } from '../sdk/tap.mjs';
import { requestOf } from './pages.mjs';
import { api, env, made, nasty } from './visit.mjs';

const DAY_MS = 86400e3;

// The operator's things: {provider, model, tier}, as the API made them.
export async function service(stamp) {
  const provider = await made('/api/providers', { name: `${stamp}${nasty}`.slice(0, 60), kind: 'openai',
    base_url: `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, api_key: 'sk-x' });
  const model = await made('/api/models', { name: `markup.${stamp}`, provider: provider.name, upstream_name: 'sim-fixed',
    description: nasty, prices: { input: 1, output: 2 } });
  const tier = await made('/api/tiers', { name: `tier-${stamp}`, rate_limits: { 'key.requests.minute': 77 } });
  return { provider, model, tier };
}

// {id, things}: the customer's id, and of each kind of thing, by the word that
// is before {id} in routes, one.
export async function everything(name, model, stamp) {
  const c = await made('/customers', { name: `${nasty}${name}`, company: nasty, email: `${name}-${stamp}@example.org` });
  const of = { customer_id: c.id, name: nasty };
  const things = {};
  for (const kind of ['projects', 'agents', 'connectors']) things[kind] = (await made(`/api/${kind}`, of)).id;
  const user = await made('/api/users', { ...of, role: 'developer', email: `dev-${name}-${stamp}@example.org` });
  things.members = user.id;
  const key = await made('/api/keys', { ...of, project_id: things.projects, user_id: user.id, scopes: ['infer'],
    budget: { amount_usd: '1', period: 'month', kind: 'hard' } });
  things.keys = key.id;
  await use({ id: c.id, things }, model, [{}]);
  things.requests = requestOf(c.id);
  return { id: c.id, things };
}

// Requests of that customer's, each with what the test says of it.
export async function use({ things }, model, events) {
  const booked = await api('POST', '/api/usage', events.map((event) => ({ user_id: things.members, api_key_id: things.keys,
    project_id: things.projects, agent_id: things.agents, connector_id: things.connectors, model_id: model.id,
    token_in_count: 5, token_out_count: 7, request_status: 'ok', ...event })));
  assert.equal(booked.status, 201, JSON.stringify(booked.body));
}

// A month of them, on each day, with failures, and all kinds of tokens.
export const month = (now = Date.now()) => Array.from({ length: 90 }, (_, i) => ({
  request_timestamp: `${new Date(now - Math.floor(i / 3) * DAY_MS - i * 1000).toISOString().slice(0, 19)}Z`,
  token_in_count: 1000 + 37 * i, token_out_count: 815 + i, token_in_cached_context_count: 100 + i,
  token_out_reasoning_count: 77, latency_ms: 300 + 10 * i, time_to_first_token_ms: 90 + i,
  request_status: ['ok', 'ok', 'ok', 'timeout', 'upstream_error'][i % 5],
}));
