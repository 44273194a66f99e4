// SPDX-License-Identifier: MIT
// The first view of each page: page, style sheet, script and icon together are
// 60 KB at most, nothing cached, even for a browser that does not say who asked
// and so gets pages uncompressed (BREACH). They grow with what they list: this
// customer has 20 models, 20 keys and more of members, projects, agents and
// connectors than a page shows; so has the operator of everything else.
import { assert, done, test } from '../sdk/tap.mjs';
import { sql, until } from '../wire/lib.mjs';
import { address, requestOf, routes } from './pages.mjs';
import { api, browser, env, made, open, person, signIn, tollgate, url } from './visit.mjs';

const MAX = 60 * 1000;
const stamp = Date.now();
const DAY = 86400e3;
const iso = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const many = (n, make) => Promise.all(Array.from({ length: n }, (_, i) => make(i)));

// ---- a customer with much of everything ----

const provider = `heavy.${stamp}`;
tollgate('provider', 'add', '--name', provider, '--kind', 'openai', '--base-url',
  `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-x');
const classes = ['input', 'cached_input', 'cache_write', 'output', 'reasoning', 'audio_input', 'audio_output', 'image_output'];
const models = await many(20, (i) => made('/api/models', {
  name: `vendor/model-of-many-${i}.${stamp}`, provider, upstream_name: 'sim-fixed', context_length: 200000,
  description: 'A model with a description of about the length that vendors give theirs in lists of models.',
  prices: Object.fromEntries(classes.map((c, k) => [c, `${0.3125 * (k + 1)}`])),
}));
const { id } = await made('/customers', { name: `Heavy ${stamp} Incorporated`, email: `heavy-${stamp}@example.org` });
const [[ownerId]] = sql(`SELECT MIN(user_id) FROM users WHERE customer_id = ${id}`);
const labels = {};
for (const kind of ['project', 'agent', 'connector']) {
  labels[kind] = await many(42, (i) => made(`/api/${kind}s`, { customer_id: id, name: `The ${kind} of number ${i}` }));
}
const users = await many(42, (i) => made('/api/users', { customer_id: id, role: 'developer',
  name: `Somebody of number ${i}`, email: `member-${i}-${stamp}@example.org` }));
const keys = await many(20, (i) => made('/api/keys', {
  customer_id: id, name: `A key of number ${i}`, user_id: users[i].id, project_id: labels.project[i].id,
  allowed_models: i % 2 ? undefined : models.map((m) => m.id), scopes: ['infer', 'usage:read'],
  budget: { amount_usd: '125.50', period: 'month', kind: 'hard' },
}));
assert.equal((await api('PATCH', `/customers/${id}`, { budget: { amount_usd: '1000', period: 'month', kind: 'soft' } })).status, 200);
const host = `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`;
await many(51, async (i) => {
  await made('/customers', { name: `Customer ${i} with a name of some length`, company: `Company ${i} and Sons`,
    email: `customer-of-number-${i}-${stamp}@example.org` });
  await made('/api/tiers', { name: `tier-of-number-${i}.${stamp}`,
    rate_limits: { 'key.requests.day': 1000 + i, 'key.tokens.minute': 90000, 'customer.requests.minute': 600 } });
  await made('/api/providers', { name: `provider-of-number-${i}.${stamp}`, kind: 'openai', base_url: host });
  await made('/api/models', { name: `vendor/another-model-${i}.${stamp}`, provider, upstream_name: 'sim-fixed',
    context_length: 200000, prices: { input: '1.25', output: '10.5' }, is_enabled: false });
});
const ids = (list) => list.map((o) => o.id);
for (let at = 0; at < 1200; at += 100) {
  const events = Array.from({ length: 100 }, (_, k) => {
    const n = at + k;
    return {
      user_id: users[n % 40].id, api_key_id: keys[n % 20].id, project_id: ids(labels.project)[n % 40],
      agent_id: ids(labels.agent)[n % 40], connector_id: ids(labels.connector)[n % 40], model_id: models[n % 20].id,
      request_timestamp: iso(stamp - (n < 200 ? n * 60e3 : (Math.floor(n / 20) % 30) * DAY)), token_in_count: 4711 + n,
      token_out_count: 815, token_in_cached_context_count: 1000, token_out_reasoning_count: 77,
      request_status: ['ok', 'ok', 'timeout', 'upstream_error', 'client_closed'][n % 5],
    };
  });
  const answer = await api('POST', '/api/usage', events);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
}
const owner = person('owner', id, stamp);
const operator = person('operator', 0, stamp);

// ---- its pages, of the table of routes ----

const [[providerId]] = sql(`SELECT provider_id FROM providers WHERE name = '${provider}'`);
const things = {
  keys: keys[0].id, members: users[0].id, projects: labels.project[0].id, agents: labels.agent[0].id,
  connectors: labels.connector[0].id, requests: requestOf(id), customers: id, tiers: 1, providers: providerId,
  models: models[0].id, prices: models[0].id,
};
const pages = routes.filter((r) => r.method === 'GET' && r.auth === 'session');
const busy = { '/dashboard/{customer_id}/usage': ['', 'range=30d&group_by=key&granularity=day', 'range=24h&group_by=model&granularity=hour', 'range=12m&group_by=agent'] };

// Its head and its body.
const iconBytes = await (async () => {
  const answer = await fetch(`${url}/static/favicon.svg`, { headers: { Connection: 'close' } });
  return (await answer.arrayBuffer()).byteLength + [...answer.headers].join('').length + 32;
})();

async function transferred(state, path) {
  const page = await open({ storageState: state });
  const session = await page.context().newCDPSession(page);
  const parts = {};
  const names = {};
  await session.send('Network.enable');
  session.on('Network.responseReceived', (e) => { names[e.requestId] = new URL(e.response.url).pathname; });
  session.on('Network.loadingFinished', (e) => { parts[names[e.requestId]] = e.encodedDataLength; });
  const answer = await page.goto(url + path, { waitUntil: 'load' });
  await until('all of it is there', () => Object.keys(parts).some((p) => /\.css$/.test(p)) && Object.keys(parts).some((p) => /\.js$/.test(p)));
  // The icon is fetched when the browser likes to.
  const icon = Object.keys(parts).some((p) => /\.svg$/.test(p)) ? 0 : iconBytes;
  await page.context().close();
  return { status: answer.status(), parts, bytes: Object.values(parts).reduce((a, b) => a + b, icon) };
}

async function stateOf(who) {
  const page = await open();
  await signIn(page, who);
  const state = await page.context().storageState();
  await page.context().close();
  return state;
}
const states = { owner: await stateOf(owner), operator: await stateOf(operator), nobody: undefined };

// The page alone, for a browser that does not say who asked.
async function wholePage(state, path) {
  const cookies = state ? state.cookies.map((c) => `${c.name}=${c.value}`).join('; ') : '';
  const answer = await fetch(url + path, { headers: { Connection: 'close', Cookie: cookies, 'Accept-Encoding': 'gzip' } });
  return Number(answer.headers.get('content-length')) || (await answer.arrayBuffer()).byteLength;
}

async function weigh(who, path) {
  const { status, parts, bytes } = await transferred(states[who], path);
  const page = parts[path.replace(/\?.*/, '')];
  const whole = bytes - page + Math.max(page, await wholePage(states[who], path));
  console.log(`# ${String(bytes).padStart(7)} bytes, ${String(whole).padStart(7)} uncompressed  ${path}`);
  assert.equal(status, 200, path);
  assert.ok(whole <= MAX, `${path}: ${whole} bytes, ${JSON.stringify(parts)}`);
}
assert.ok(pages.length > 30, `${pages.length} pages`);
for (const route of pages) {
  for (const query of busy[route.path] ?? ['']) {
    const path = address(route.path, id, things) + (query && `?${query}`);
    await test(`${route.path} ${query}: 60 KB at most`, () => weigh(route.roles.includes('O') && route.path !== '/dashboard' ? 'owner' : 'operator', path));
  }
}
for (const path of ['/login', '/login/forgot', '/docs']) await test(`${path}: 60 KB at most`, () => weigh('nobody', path));

// ---- what does not fit on a page is on the next ----

await test('members, projects, agents, connectors: those beyond a page are behind its link', async () => {
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, owner);
  const lists = { members: 44, projects: 42, agents: 42, connectors: 42 }; // with the first owner and the one who looks
  for (const [kind, n] of Object.entries(lists)) {
    const seen = new Set();
    await page.goto(`${url}/dashboard/${id}/members`);
    for (let pages = 1; ; pages += 1) {
      const card = page.locator('section.card', { has: page.locator(`#${kind}-head`) });
      const names = await card.locator('tbody th a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
      assert.ok(names.length <= 40);
      names.forEach((name) => seen.add(name));
      const more = card.getByRole('link', { name: `More ${kind}` });
      if (!await more.count()) {
        assert.equal(pages, 2, kind);
        await card.getByRole('link', { name: /from the first on/ }).click();
        assert.equal(await card.locator('tbody th a').first().getAttribute('href'), [...seen][0]);
        break;
      }
      await more.click();
      assert.equal(new URL(page.url()).hash, `#${kind}-head`);
    }
    assert.equal(seen.size, n, kind);
  }
});

await browser.close();
done();
