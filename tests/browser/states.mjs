// SPDX-License-Identifier: MIT
// Each page of the table of routes twice: when there is nothing to show, and
// when there is something in each of its tables. Each time axe finds nothing,
// light and dark (D2), and, in a window that obeys the content security policy,
// nothing is against it and nobody else is asked (D20).
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert, done, test } from '../sdk/tap.mjs';
import { sql } from '../wire/lib.mjs';
import { everything, month, service, use } from './customer.mjs';
import { address, routes } from './pages.mjs';
import {
  api, assertAccessible, assertValid, browser, close, complaintsOf, made, open, person, signIn, tollgate, url,
} from './visit.mjs';

const stamp = Date.now();

// ---- windows ----

// Of one person: where axe can be put in, and where the policy holds.
async function windows(who) {
  const checked = await open({ bypassCSP: true });
  const strict = await open();
  await strict.addInitScript(() => {
    window.refused = [];
    document.addEventListener('securitypolicyviolation', (e) => window.refused.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  for (const page of [checked, strict]) if (who) await signIn(page, who);
  return { checked, strict };
}

// Names of the tables that were seen with a row in them.
const tablesSeen = new Set();

async function assertFine({ checked, strict }, at, name, status = 200) {
  // browser/docs has that one, which is large, under axe.
  if (at !== '/docs') {
    const answer = await checked.goto(url + at);
    assert.equal(answer.status(), status, at);
    await assertValid(await answer.text(), name);
    await assertFineHere(checked, name);
  }
  await strict.goto(url + at, { waitUntil: 'load' });
  await assertObeys(strict, name);
}

async function assertFineHere(page, name) {
  // What is folded is looked at too.
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await assertAccessible(page, `${name}, ${colorScheme}`);
  }
  const seen = await page.evaluate(() => [...document.querySelectorAll('.scroll')]
    .filter((s) => s.querySelector('tbody tr:not(:has([colspan]))')).map((s) => s.getAttribute('aria-label')));
  seen.forEach((label) => tablesSeen.add(label));
}

async function assertObeys(page, name) {
  // The script ran, and so did what it does at once.
  await page.waitForFunction(() => document.documentElement.classList.contains('has-script'));
  assert.deepEqual(await page.evaluate(() => window.refused), [], name);
  assert.deepEqual(complaintsOf(page), [], name);
  page.complaints.length = 0;
}

const pages = routes.filter((r) => r.method === 'GET' && !r.path.endsWith('.yaml'));
const hasId = (r) => /\{(id|request_id|token)\}/.test(r.path);
// The first page sends customers' people on to their own.
const isOperators = (r) => r.path.startsWith('/admin') || r.path === '/dashboard' || (r.auth === 'session' && !r.roles.includes('O'));

// ---- nobody is signed in ----

const nobody = await windows();
// Of what isn't there: a link that was never given out, a server that says nobody.
const strange = { '/login/password/{token}': 404, '/login/remote': 404 };
for (const route of pages.filter((r) => r.auth === 'public')) {
  await test(`${route.path}: accessible, within the policy (D2, D20)`, () => assertFine(nobody,
    address(route.path, 0, {}), route.path, strange[route.path]));
}
await test('a page that is not there: accessible, within the policy (D2, D20)', () => assertFine(nobody, '/nothing-here', 'not found', 404));

await test('what is against the policy is seen by this test', async () => {
  await nobody.strict.goto(`${url}/login`);
  await nobody.strict.evaluate(() => { document.body.setAttribute('style', 'color: red'); });
  await nobody.strict.evaluate(() => fetch('https://elsewhere.invalid/').catch(() => 0));
  await nobody.strict.waitForFunction(() => window.refused.length >= 2);
  assert.match((await nobody.strict.evaluate(() => window.refused)).join(), /style-src.*connect-src https:\/\/elsewhere/);
  await assert.rejects(() => assertObeys(nobody.strict, 'x'));
  nobody.strict.complaints.length = 0;
});

// ---- nothing is there ----

const operator = await windows(person('operator', 0, stamp));
await test('a fresh installation has no customer, model, provider or use', () => {
  for (const table of ['customers', 'models', 'providers', 'usage_records']) {
    assert.equal(sql(`SELECT COUNT(*) FROM ${table}`)[0][0], '0', table);
  }
});
await test('an empty list says what comes first, and leads there', async () => {
  const page = operator.checked;
  for (const [list, name, first] of [['customers', 'New customer', 'customers'], ['tiers', 'New tier', 'tiers'],
    ['providers', 'New provider', 'providers'], ['prices', 'New model', 'models']]) {
    await page.goto(`${url}/admin/${list}`);
    if (list === 'tiers' && sql('SELECT 1 FROM rate_limit_tiers LIMIT 1').length) continue;
    const link = page.locator('main .card').getByRole('link', { name });
    assert.ok((await link.getAttribute('href')).endsWith(`/admin/${first}/new`), list);
  }
});
for (const route of pages.filter((r) => r.auth === 'session' && !hasId(r) && !r.path.includes('{customer_id}'))) {
  await test(`${route.path}, nothing there: accessible, within the policy (D2, D20)`, () => assertFine(operator, route.path, route.path));
}
const fresh = await made('/customers', { name: 'Fresh', email: `fresh-${stamp}@example.org` });
const newcomer = await windows(person('owner', fresh.id, stamp));
for (const route of pages.filter((r) => r.path.includes('{customer_id}') && !hasId(r))) {
  const of = isOperators(route) ? operator : newcomer;
  await test(`${route.path}, nothing there: accessible, within the policy (D2, D20)`, () => assertFine(of,
    address(route.path, fresh.id, {}), route.path));
}
await test('an empty list says who can make one, to whoever may not', async () => {
  const page = await open();
  await signIn(page, person('viewer', fresh.id, stamp));
  for (const [of, n] of [[page, 3], [newcomer.checked, 0]]) {
    await of.goto(`${url}/dashboard/${fresh.id}/members`);
    assert.equal(await of.getByText('An owner or a developer can make one.').count(), n);
    assert.equal(await of.locator('main p').getByRole('link', { name: /^New (project|agent|connector)$/ }).count(), 3 - n);
  }
  await close(page);
});
await test('what is empty has no table but of who is there and what was done', () => {
  const known = /^Table: (Members|Audit log|Where you are signed in|Tiers|Hosts|Workers|Limits in force|Customers|Ledger)$/;
  assert.deepEqual([...tablesSeen].filter((label) => !known.test(label)), []);
});

// ---- something is everywhere ----

const { provider, model, tier } = await service(stamp);
const full = await everything('full', model, stamp);
await use(full, model, month(stamp));
for (const amount_usd of [250, 5]) await made(`/customers/${full.id}/credits`, { amount_usd, reference: `transfer-${amount_usd}` });
assert.equal((await api('PATCH', `/customers/${full.id}`, { budget: { amount_usd: '40', period: 'month', kind: 'hard' },
  rate_limits: { 'customer.requests.minute': 1000 } })).status, 200);
tollgate('reconcile', '--database-only');
sql("INSERT INTO usage_rejected (series, off, error, record) VALUES (REPEAT('s', 16), 1, '<b>why</b>', 'x')");
const owner = await windows(person('owner', full.id, stamp));
const things = { ...full.things, customers: full.id, tiers: tier.id, providers: provider.id, models: model.id, prices: model.id };
const views = { '/dashboard/{customer_id}/usage': ['', '?metric=cost&group_by=key&range=30d', '?metric=latency_p95&group_by=model&range=12m'],
  '/dashboard/{customer_id}/requests': ['', '?range=30d'] };
tablesSeen.clear();
for (const route of pages.filter((r) => r.auth === 'session')) {
  const of = isOperators(route) ? operator : owner;
  for (const query of views[route.path] ?? ['']) {
    await test(`${route.path}${query}, something there: accessible, within the policy (D2, D20)`, () => assertFine(of,
      address(route.path, full.id, things) + query, route.path));
  }
}

await test('a key\'s secret: accessible, within the policy (D2, D20)', async () => {
  for (const [page, name] of [[owner.checked, 'One'], [owner.strict, 'Two']]) {
    await page.goto(`${url}/dashboard/${full.id}/keys/new`);
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByRole('button', { name: 'Create key' }).click();
    await page.locator('#secret').waitFor();
    if (page === owner.checked) await assertFineHere(page, 'secret');
    else await assertObeys(page, 'secret');
  }
});

await test('prices of a list, compared: accessible, within the policy (D2, D20)', async () => {
  for (const upstream_name of ['sim-fixed', 'of-no-list']) {
    await made('/api/models', { name: `${upstream_name}.${stamp}`, provider: provider.name, upstream_name });
  }
  for (const page of [operator.checked, operator.strict]) {
    await page.goto(`${url}/admin/prices/import`);
    await page.locator('textarea[name=list]').fill(JSON.stringify({ 'sim-fixed': { input_cost_per_token: 0.000003, output_cost_per_token: 0.000004 } }));
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByText('Nothing is changed yet').waitFor();
    if (page === operator.checked) await assertFineHere(page, 'list');
    else await assertObeys(page, 'list');
  }
});

// Those that the templates have.
await test('every table of the pages was seen with a row in it', () => {
  const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../templates');
  const labels = fs.readdirSync(folder, { recursive: true }).filter((f) => f.endsWith('.html'))
    .flatMap((f) => [...fs.readFileSync(path.join(folder, f), 'utf8').matchAll(/aria-label="(Table: [^"]+)"/g)].map((m) => m[1]));
  assert.ok(labels.length > 20);
  const unseen = labels.filter((label) => {
    const pattern = new RegExp(`^${label.split(/\{\{[^}]*\}\}/).map((t) => t.replace(/[^\w: ]/g, '\\$&')).join('.+')}$`);
    return ![...tablesSeen].some((seen) => pattern.test(seen));
  });
  assert.deepEqual(unseen, [], [...tablesSeen].join('\n'));
});

await browser.close();
done();
