// SPDX-License-Identifier: MIT
// What holds of every page and every form in the table of routes, so that none
// can be forgotten: a form without its session's token changes nothing (S27),
// another tenant's things are not there (S8), what people named is text (S23),
// and pages are valid and accessible.
import { assert, done, test } from '../sdk/tap.mjs';
import { sql, until } from '../wire/lib.mjs';
import { everything, service } from './customer.mjs';
import { address, routes, send, tokenOf } from './pages.mjs';
import {
  assertFine, assertInert, browser, complaintsOf, nasty, open, person, signIn, url,
} from './visit.mjs';

const stamp = Date.now();

// ---- two customers with one of everything, full of markup ----

const { provider, model, tier } = await service(stamp);
const a = await everything('mine', model, stamp);
const b = await everything('theirs', model, stamp);
// Of the operator's pages; the ids that forms of nobody's things have.
const common = { customers: a.id, tiers: tier.id, providers: provider.id, models: model.id, prices: model.id };
const nothing = { sessions: 4294967295 };

// Settings tells browsers apart by the user agent.
const window_ = async (who) => {
  const page = await open({ bypassCSP: true, userAgent: nasty });
  await signIn(page, who);
  return page;
};
const owner = await window_(person('owner', a.id, stamp));
const operator = await window_(person('operator', 0, stamp));
const stranger = await window_(person('owner', b.id, stamp));
const tokenIn = async (page) => tokenOf((await send(page.context(), 'GET', '/settings')).text);
const tokens = { owner: await tokenIn(owner), stranger: await tokenIn(stranger), operator: await tokenIn(operator) };
const isOperators = (route) => !route.roles.includes('O');
const isOfCustomer = (route) => route.path.includes('{customer_id}');
const fill = (route, customerId, things) => address(route.path, customerId, { ...common, ...nothing, ...things });
const changes = () => sql('SELECT COUNT(*) FROM audit_log')[0][0];
assert.notEqual(tokens.owner, tokens.stranger);

// ---- tokens ----

const forms = routes.filter((r) => r.method === 'POST');
await test('every form of a page asks for a token', () => {
  assert.ok(forms.length > 40, `${forms.length} forms`);
  assert.deepEqual(forms.filter((r) => !r.hasCsrf), []);
});

for (const route of forms) {
  await test(`POST ${route.path}: refused without its own session's token (S27)`, async () => {
    const page = isOperators(route) ? operator : owner;
    const right = isOperators(route) ? tokens.operator : tokens.owner;
    const path = fill(route, a.id, a.things);
    const before = changes();
    let context = page.context();
    let token = right;
    let other = tokens.stranger;
    if (route.auth === 'public') {
      // Who is not signed in has a cookie of the form's own.
      const fresh = [await open(), await open()];
      for (const p of fresh) await p.goto(`${url}/login`);
      context = fresh[0].context();
      token = await fresh[0].locator('input[name=csrf]').first().getAttribute('value');
      other = await fresh[1].locator('input[name=csrf]').first().getAttribute('value');
      assert.notEqual(token, other);
    }
    const site = { 'Sec-Fetch-Site': 'same-origin' };
    for (const [what, fields, headers] of [
      ['no token', {}, site],
      ['an empty one', { csrf: '' }, site],
      ['a wrong one', { csrf: `${token.slice(0, -4)}AAAA` }, site],
      ['another session\'s', { csrf: other }, site],
      ['from another site', { csrf: token }, { 'Sec-Fetch-Site': 'cross-site' }],
      ['from a sibling', { csrf: token }, { 'Sec-Fetch-Site': 'same-site' }],
      ['another origin', { csrf: token }, { Origin: 'https://evil.example' }],
    ]) {
      const answer = await send(context, 'POST', path, { ...fields, name: 'x', prompt: 'x' }, headers);
      assert.equal(answer.status, 403, `${what}: ${answer.status}`);
      assert.match(answer.text, /form has expired/, what);
    }
    const json = await send(context, 'POST', path, { csrf: token }, { ...site, 'Content-Type': 'text/plain' });
    assert.equal(json.status, 415);
    assert.equal(changes(), before);
  });
}

await test('with its token a form gets through to what it is about', async () => {
  const answer = await send(owner.context(), 'POST', `/dashboard/${a.id}/projects`, { csrf: tokens.owner, name: '' });
  assert.equal(answer.status, 400);
  assert.doesNotMatch(answer.text, /form has expired/);
});

// ---- looking ----

// What the service does by itself, and when somebody was last seen.
const own = ['api_key_uses', 'hosts', 'leases', 'sessions', 'workers'];
await test('looking at every page changes no table (S27), and none of them is kept (S33)', async () => {
  const tables = sql('SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = \'BASE TABLE\'')
    .flat().filter((name) => !own.includes(name));
  assert.ok(tables.length > 30, `${tables.length} tables`);
  const state = () => sql(`CHECKSUM TABLE ${tables.join(', ')}`);
  const pages = routes.filter((r) => r.method === 'GET' && r.auth === 'session');
  assert.ok(pages.length > 40, `${pages.length} pages`);
  await until('notices to be routed', () => sql('SELECT 1 FROM notices WHERE is_routed = 0').length === 0);
  const before = state();
  for (const route of pages) {
    const page = isOperators(route) || route.path === '/dashboard' ? operator : owner;
    const answer = await send(page.context(), 'GET', fill(route, a.id, a.things));
    assert.equal(answer.status, 200, route.path);
    assert.equal(answer.headers['cache-control'], 'no-store', route.path);
  }
  assert.deepEqual(state(), before);
});

// ---- tenants ----

// What these forms look at before they look for the key.
const needed = {
  '/dashboard/{customer_id}/keys/{id}/rotate': { grace_seconds: '0', etag: '0123456789abcdef' },
  '/dashboard/{customer_id}/keys/{id}/toggle': { wanted: 'off' },
};
for (const route of routes.filter(isOfCustomer)) {
  await test(`${route.method} ${route.path}: another customer's is not there (S8)`, async () => {
    const before = changes();
    const fields = { csrf: tokens.owner, ...needed[route.path] };
    const places = [[b.id, b.things], [b.id, a.things], [999999999, a.things]];
    // Things of theirs under an own address.
    if (/\{(id|request_id)\}/.test(route.path)) places.push([a.id, b.things]);
    for (const [customerId, things] of places) {
      const answer = await send(owner.context(), route.method, fill(route, customerId, things), fields,
        { 'Sec-Fetch-Site': 'same-origin' });
      // What is the operator's is so wherever it is.
      assert.equal(answer.status, isOperators(route) ? 403 : 404,
        `${route.method} ${fill(route, customerId, things)}: ${answer.status}`);
      assert.doesNotMatch(answer.text, /form has expired/);
    }
    assert.equal(changes(), before);
  });
}

// ---- roles ----

const letters = { owner: 'O', billing: 'b', developer: 'd', viewer: 'v' };
for (const [role, letter] of Object.entries(letters)) {
  await test(`${role}: the pages and forms that the table gives that role, no other (S7)`, async () => {
    const page = await open();
    await signIn(page, person(role, a.id, `${stamp}-roles`));
    const csrf = await tokenIn(page);
    const before = changes();
    let n = 0;
    for (const route of routes.filter((r) => r.auth === 'session')) {
      const may = route.roles.includes(letter);
      // What a role may send is sent to nothing, or not at all.
      if (may && route.method === 'POST') continue;
      const answer = await send(page.context(), route.method, fill(route, a.id, a.things), { csrf },
        { 'Sec-Fetch-Site': 'same-origin' });
      if (may) assert.ok([200, 303].includes(answer.status), `${route.method} ${route.path}: ${answer.status}`);
      else assert.equal(answer.status, 403, `${route.method} ${route.path}`);
      assert.doesNotMatch(answer.text, /form has expired/);
      n += 1;
    }
    assert.ok(n > 40, `${n} routes`);
    assert.equal(changes(), before);
    await page.context().close();
  });
}

await test('the operator\'s pages are nobody else\'s (S8)', async () => {
  const pages = routes.filter((r) => r.path.startsWith('/admin'));
  assert.ok(pages.length > 10);
  for (const route of pages) {
    const answer = await send(owner.context(), route.method, fill(route, a.id, a.things), { csrf: tokens.owner },
      { 'Sec-Fetch-Site': 'same-origin' });
    assert.equal(answer.status, 403, `${route.method} ${route.path}`);
    assert.doesNotMatch(answer.text, /form has expired/);
  }
});

await test('somebody else\'s sign-in is not one\'s own to end (S8)', async () => {
  const ids = sql(`SELECT s.session_id FROM sessions s JOIN users u USING (user_id) WHERE u.customer_id = ${b.id}`).flat();
  assert.ok(ids.length > 0);
  for (const id of ids) {
    const answer = await send(owner.context(), 'POST', `/settings/sessions/${id}/end`, { csrf: tokens.owner },
      { 'Sec-Fetch-Site': 'same-origin' });
    assert.equal(answer.status, 303); // as of one that has ended
  }
  assert.deepEqual(sql(`SELECT s.session_id FROM sessions s JOIN users u USING (user_id) WHERE u.customer_id = ${b.id}`).flat(), ids);
  assert.equal((await send(stranger.context(), 'GET', '/settings')).status, 200);
});

// ---- markup, validity, accessibility ----

for (const route of routes.filter((r) => r.method === 'GET' && r.auth === 'session')) {
  await test(`${route.path}: markup stays text, valid, accessible, light and dark, narrow (D2, D4, D13, D20, S23)`, async () => {
    // What only operators may see of a customer, as one of them.
    // The first page sends customers' people on to their own.
    const page = isOperators(route) || route.path === '/dashboard' ? operator : owner;
    const answer = await page.goto(url + fill(route, a.id, a.things));
    assert.equal(answer.status(), 200);
    await assertInert(page, route.path);
    await assertFine(page, await answer.text(), route.path);
  });
}

await test('what was named in markup was there to be seen', async () => {
  for (const path of [`/dashboard/${a.id}`, `/dashboard/${a.id}/keys`, `/dashboard/${a.id}/members`, `/dashboard/${a.id}/requests`,
    `/dashboard/${a.id}/playground?key_id=${a.things.keys}`]) {
    assert.ok((await send(owner.context(), 'GET', path)).text.includes('&lt;script&gt;window.hit=1'), path);
  }
  assert.ok((await send(operator.context(), 'GET', `/admin/customers/${a.id}`)).text.includes('&lt;script&gt;window.hit=1'));
});

await test('no page complained, or asked elsewhere', () => {
  assert.deepEqual([owner, operator, stranger].flatMap(complaintsOf), []);
});
await browser.close();
done();
