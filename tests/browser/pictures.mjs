// SPDX-License-Identifier: MIT
// pictures.mjs FOLDER: a picture of each page, light and dark, for the
// documents; of a quick start of its own, which it fills with a made-up month.
// HACKING.md says how to run it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { sql } from '../wire/lib.mjs';
import { assert } from '../sdk/tap.mjs';
import { code } from '../sdk/totp.mjs';
import { address, routes } from './pages.mjs';
import { api, browser, env, made, mine, open, signIn, tollgate, url } from './visit.mjs';

const [folder] = process.argv.slice(2);
const customer = Number(env.TOLLGATE_CUSTOMER_ID);
const DAY_MS = 86400e3;

// The same month each time.
let seed = 7;
const draw = (n) => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return Math.floor(seed / 2147483648 * n);
};

async function fill() {
  const { body: users } = await api('GET', `/api/users?customer_id=${customer}`);
  const owner = users.data[0].id;
  for (const [name, role] of [['Grace', 'developer'], ['Margaret', 'billing'], ['Katherine', 'viewer']]) {
    await made('/api/users', { customer_id: customer, name, email: `${name.toLowerCase()}@company.com`, role });
  }
  const projects = [];
  for (const name of ['Web shop', 'Support desk', 'Search']) {
    projects.push((await made('/api/projects', { customer_id: customer, name })).id);
  }
  const agents = [];
  for (const name of ['Order helper', 'Nightly summary']) {
    agents.push((await made('/api/agents', { customer_id: customer, name })).id);
  }
  await made('/api/connectors', { customer_id: customer, name: 'Ticket system' });
  const keys = [];
  for (const [i, name] of ['Web shop, production', 'Support desk', 'Search index', 'Grace\'s notebook'].entries()) {
    keys.push((await made('/api/keys', { customer_id: customer, name, project_id: projects[i % 3],
      rate_limit: 600, expires_at: i === 3 ? new Date(Date.now() + 6 * DAY_MS).toISOString() : null,
      budget: { amount_usd: 200 - 40 * i, period: 'month', kind: 'hard' } })).id);
  }
  sql('UPDATE price_versions SET effective_from = NOW(6) - INTERVAL 60 DAY');
  const { body: models } = await api('GET', '/v1/models', undefined, env.TOLLGATE_API_KEY);
  const rows = [];
  for (let day = 29; day >= 0; day -= 1) {
    const at = Date.now() - day * DAY_MS;
    const weekday = new Date(at).getUTCDay();
    const n = (weekday % 6 === 0 ? 30 : 80) + draw(30) + 2 * (29 - day);
    for (let i = 0; i < n; i += 1) {
      const k = Math.min(draw(4), draw(4));
      const isSlow = draw(40) === 0;
      const time = Math.min(at - at % DAY_MS + draw(86400) * 1000, Date.now() - 1000);
      rows.push({
        user_id: owner, api_key_id: keys[k], project_id: projects[k % 3], agent_id: draw(3) ? undefined : agents[draw(2)],
        model_id: models.data[draw(5) ? models.data.length - 1 : 0].model_id,
        request_timestamp: new Date(time).toISOString(),
        request_status: isSlow ? ['timeout', 'upstream_error'][draw(2)] : 'ok',
        latency_ms: isSlow ? 30000 : 300 + draw(2400) + draw(900), time_to_first_token_ms: 90 + draw(300),
        token_in_count: 200 + draw(3000), token_in_cached_context_count: draw(900),
        token_out_count: isSlow ? 0 : 60 + draw(1100), token_out_reasoning_count: draw(3) || isSlow ? 0 : draw(700),
      });
    }
  }
  while (rows.length) await made('/api/usage', rows.splice(0, 1000));
  assert.equal((await api('PATCH', `/customers/${customer}`, { budget: { amount_usd: 40, period: 'month', kind: 'hard' } })).status, 200);
  for (const [amount_usd, reference] of [[250, 'transfer-1107'], [50, 'welcome']]) {
    await made(`/customers/${customer}/credits`, { amount_usd, reference });
  }
}

await fill();
const [last] = sql(`SELECT LOWER(HEX(request_id)) FROM usage_records WHERE customer_id = ${customer}
  AND cost_in_usd > 0 ORDER BY request_timestamp DESC LIMIT 1`)[0];
const request = last.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
const [[key]] = sql(`SELECT api_key_id FROM api_keys WHERE customer_id = ${customer} AND name LIKE 'Web shop%'`);
const operator = { email: 'operator@example.org', ...tollgate('user', 'add', '--email', 'operator@example.org', '--role', 'operator') };
const pages = [
  ['overview', mine], ['usage', `${mine}/usage?metric=cost&group_by=key&range=30d`], ['requests', `${mine}/requests`],
  ['request', `${mine}/requests/${request}`], ['keys', `${mine}/keys`], ['key', `${mine}/keys/${key}`],
  ['key-new', `${mine}/keys/new`], ['limits', `${mine}/limits`], ['models', `${mine}/models`],
  ['playground', `${mine}/playground`], ['members', `${mine}/members`], ['billing', `${mine}/billing`],
  ['audit', `${mine}/audit`], ['settings', `${url}/settings`],
];
const operators = ['customers', 'usage', 'models', 'prices', 'providers', 'tiers', 'system', 'audit']
  .map((name) => [`admin-${name}`, `${url}/admin/${name}`]);

// The forms and whatever else there is, by the table of routes.
const idOf = (table, column, where) => sql(`SELECT MIN(${column}) FROM ${table} WHERE ${where}`)[0][0];
const ofCustomer = `customer_id = ${customer}`;
const things = { keys: key, requests: request, customers: customer,
  members: idOf('users', 'user_id', `${ofCustomer} AND name = 'Grace'`), projects: idOf('projects', 'project_id', ofCustomer),
  agents: idOf('agents', 'agent_id', ofCustomer), connectors: idOf('connectors', 'connector_id', ofCustomer),
  tiers: idOf('rate_limit_tiers', 'tier_id', '1'), providers: idOf('providers', 'provider_id', 'archived_at IS NULL'),
  models: idOf('models', 'model_id', 'archived_at IS NULL') };
things.prices = things.models;
const one = { agents: 'agent', connectors: 'connector', projects: 'project', members: 'member', customers: 'customer', tiers: 'tier',
  providers: 'provider', models: 'model', prices: 'price', keys: 'key' };
const nameOf = (path) => path.replace('/dashboard/{customer_id}/', '').replace(/^\//, '').split('/')
  .map((part, i, all) => ((/\{|^new$/.test(all[i + 1] ?? '') && one[part]) || part)).filter((part) => !part.startsWith('{')).join('-');
for (const route of routes.filter((r) => r.method === 'GET' && r.auth === 'session')) {
  const at = url + address(route.path, customer, things);
  const isOperators = route.path.startsWith('/admin') || route.path === '/dashboard' || !route.roles.includes('O');
  if ([...pages, ...operators].some(([, taken]) => taken.split('?')[0] === at)) continue;
  (isOperators ? operators : pages).push([nameOf(route.path), at]);
}

const view = { viewport: { width: 1100, height: 760 }, reducedMotion: 'reduce' };
const themes = ['light', 'dark'];
for (const colorScheme of themes) {
  for (const [who, list] of [[undefined, pages], [operator, operators]]) {
    const page = await open({ colorScheme, ...view });
    if (!who) {
      await page.goto(`${url}/login`);
      await page.screenshot({ path: `${folder}/sign-in-${colorScheme}.png` });
      for (const [name, at] of [['docs', '/docs'], ['login-forgot', '/login/forgot']]) {
        await page.goto(url + at);
        await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
      }
    }
    await signIn(page, who);
    for (const [name, at] of list) {
      await page.goto(at);
      await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
    }
    await page.context().close();
  }
}

// What changes something comes last, so that it is in no other picture: a form
// that was refused, a secret, a revocation that waits to be confirmed.
for (const colorScheme of themes) {
  const page = await open({ colorScheme, ...view });
  const picture = (name) => page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
  await signIn(page);
  await page.goto(`${mine}/keys/new`);
  await page.getByLabel('Name', { exact: true }).fill('Nightly report');
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.locator('#secret').waitFor();
  await picture('key-secret');
  await page.getByRole('link', { name: /open the key/ }).click();
  await page.getByText('Revoke this key…').click();
  await page.getByRole('button', { name: 'Revoke this key' }).scrollIntoViewIfNeeded();
  await picture('key-revoke');
  await page.goto(`${mine}/members/new`);
  await page.getByLabel('Name', { exact: true }).fill('Grace');
  await page.getByLabel('E-mail address').fill('grace@company.com');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.locator('.alert, .field-bad').first().waitFor();
  await picture('form-refused');
  await page.getByLabel('Name', { exact: true }).fill('Alan');
  await page.getByLabel('E-mail address').fill(`alan-${colorScheme}@company.com`);
  await page.getByRole('button', { name: 'Create' }).click();
  await page.locator('#link').waitFor();
  await picture('member-link');
  await page.goto(`${mine}/playground?key_id=${key}`);
  await page.getByLabel('Model').selectOption('gpt2-mini');
  await page.getByLabel('Prompt', { exact: true }).fill('The old lighthouse stood');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.locator('#play-facts dd').first().waitFor();
  await page.locator('#answer-head').scrollIntoViewIfNeeded();
  await picture('playground-answer');
  await page.goto(`${url}/nothing-here`);
  await picture('error');
  await page.context().close();
}

// What the operator is answered.
for (const colorScheme of themes) {
  const page = await open({ colorScheme, ...view });
  const picture = (name) => page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
  await signIn(page, operator);
  const [[external]] = sql(`SELECT provider_id FROM providers WHERE name = 'lawgent'`);
  await page.goto(`${url}/admin/prices/import`);
  await page.locator('textarea[name=list]').fill(JSON.stringify({
    'lawgent-thinking': { input_cost_per_token: 2e-6, output_cost_per_token: 8e-6, cache_read_input_token_cost: 2e-7 } }));
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.getByText('Nothing is changed yet').waitFor();
  await picture('admin-prices-compared');
  await page.goto(`${url}/admin/providers/${external}/test`);
  await page.locator('[name=current_password]').fill(operator.password);
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.locator('#result').waitFor();
  await picture('admin-provider-tested');
  await page.context().close();
}

// A customer who begins.
const newcomer = await made('/customers', { name: 'Newcomer', email: 'newcomer@example.org' });
const first = { email: 'first@example.org', ...tollgate('user', 'add', '--customer', String(newcomer.id), '--email', 'first@example.org', '--role', 'owner') };
for (const colorScheme of themes) {
  const page = await open({ colorScheme, ...view });
  await signIn(page, first);
  for (const [name, at] of [['first-steps', ''], ['keys-empty', '/keys'], ['usage-empty', '/usage']]) {
    await page.goto(`${url}/dashboard/${newcomer.id}${at}`);
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
  }
  await page.context().close();
}
// Somebody who is invited, sets a password and a second factor, and is asked
// for it. /login/remote is left: this server says nobody's name.
for (const colorScheme of themes) {
  const email = `ada-${colorScheme}@company.com`;
  const { id } = await made('/api/users', { customer_id: newcomer.id, name: 'Ada', email, role: 'developer' });
  assert.ok(id);
  const password = 'a horse, a battery, a staple';
  const page = await open({ colorScheme, ...view });
  const picture = (name) => page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
  await page.goto(url + new URL(tollgate('user', 'invite', email).link, url).pathname);
  await picture('login-password');
  await page.getByLabel('New password').fill(password);
  await page.keyboard.press('Enter');
  await page.locator('.done').waitFor();
  await signIn(page, { email, password });
  await page.goto(`${url}/settings/factor`);
  await page.getByLabel('Your password').fill(password);
  await page.getByRole('button', { name: 'Set it up' }).click();
  const secret = await page.locator('#secret').textContent();
  await picture('settings-factor-begun');
  await page.getByLabel('Code', { exact: true }).fill(code(secret));
  await page.keyboard.press('Enter');
  await page.locator('#codes').waitFor();
  await picture('settings-factor-codes');
  await page.context().clearCookies();
  await page.goto(`${url}/login`);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Code', { exact: true }).waitFor();
  await picture('login-code');
  await page.context().close();
}
await browser.close();
const files = fs.readdirSync(folder).filter((name) => name.endsWith('.png')).map((name) => `${folder}/${name}`);
execFileSync('pngquant', ['--force', '--ext', '.png', '--speed', '1', '--strip', '32', ...files]);
console.log(`${files.length} pictures, ${Math.round(files.reduce((n, f) => n + fs.statSync(f).size, 0) / 1000)} KB`);
