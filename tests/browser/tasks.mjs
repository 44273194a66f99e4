// SPDX-License-Identifier: MIT
// What customers do, in each way (D1, D3, D4). What comes of it is looked for
// behind the pages.
import { code } from '../sdk/totp.mjs';
import { assert, done } from '../sdk/tap.mjs';
import { modelsInForce, sql, until } from '../wire/lib.mjs';
import { mouse } from './hands.mjs';
import {
  api, browser, close, env, made, person, tollgate, url,
} from './visit.mjs';
import { inEachWay, signedIn } from './ways.mjs';

const stamp = Date.now();

const provider = `tasks.${stamp}`;
tollgate('provider', 'add', '--name', provider, '--kind', 'openai', '--base-url',
  `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-tasks');
const model = `task.${stamp}`;
tollgate('model', 'add', '--name', model, '--provider', provider, '--upstream-name', 'sim-fixed');
tollgate('price', 'set', '--model', model, '--input', '1', '--output', '2');

const { id: customer_id } = await made('/customers', { name: 'Tasks', company: 'Tasks',
  email: `tasks-${stamp}@example.org` });
const owner = person('owner', customer_id, stamp);
const mine = `${url}/dashboard/${customer_id}`;
await modelsInForce({ 'X-API-Key': (await made('/api/keys', { customer_id, name: 'First' })).key }, [model]);
let serial = 0;
const newName = (what) => { serial += 1; return `${what} ${serial} ${stamp}`; };

const stateOf = async (secret) => (await api('GET', '/v1/key', undefined, secret)).status;

// ---- keys ----

await inEachWay('a key is changed, switched off and on, given another secret, revoked', async (way) => {
  const name = newName('Changes');
  const key = await made('/api/keys', { customer_id, name });
  const { page, hand, menu, field, button, link, send } = await signedIn(way, owner, mine);
  const shown = async () => (await api('GET', `/api/keys/${key.id}`)).body;
  await menu('API keys');
  await page.waitForURL(/\/keys$/);
  await hand.press(page.locator('.filters > summary'));
  await hand.write(page.getByLabel('Whole name'), name);
  await button('Apply');
  await page.waitForURL(/name=/);
  await link(name);
  await page.waitForURL(new RegExp(`/keys/${key.id}$`));
  await hand.press(page.getByText('Limits of the key, each model apart'));
  await hand.write(field('rate_limits/key_model.requests.minute'), '7');
  await hand.write(field('budget/amount_usd'), '12.5');
  await send('Save');
  const changed = await shown();
  assert.deepEqual([changed.rate_limits['key_model.requests.minute'], changed.budget.amount_usd], [7, 12.5]);

  await send('Switch this key off');
  assert.equal((await shown()).is_active, false);
  await send('Switch this key on');
  assert.equal((await shown()).is_active, true);

  await hand.press(page.getByText('Give this key a new secret…'));
  await hand.choose(page.getByLabel('stays valid for'), 'no time: it is refused at once');
  await button('Make a new secret');
  const secret = await page.locator('#secret').textContent();
  assert.deepEqual([await stateOf(secret), await stateOf(key.key)], [200, 401]);
  await hand.press(page.getByRole('link', { name: 'open the key' }));
  await page.waitForURL(new RegExp(`/keys/${key.id}$`));

  // It is folded, so nobody comes upon it by chance: there is no way to the
  // button before the fold is opened.
  assert.equal(await page.getByRole('button', { name: 'Revoke this key' }).isVisible(), false);
  await hand.press(page.getByText('Revoke this key…'));
  await button('Revoke this key');
  await page.getByRole('status').filter({ hasText: 'The key is revoked' }).waitFor();
  assert.equal(await stateOf(secret), 401);
  await close(page);
});

// ---- members, projects, budgets ----

await inEachWay('a member is invited, and comes in by the link', async (way) => {
  serial += 1;
  const email = `invited-${serial}-${stamp}@example.org`;
  const { page, hand, menu, button, link } = await signedIn(way, owner, mine);
  await menu('Members');
  await page.waitForURL(/\/members$/);
  await link('New member');
  await page.waitForURL(/\/members\/new$/);
  // It is needed for some roles, so it isn't called optional.
  await page.getByLabel('Your password', { exact: true }).waitFor();
  await hand.write(page.getByLabel('Name', { exact: true }), 'Grace');
  await hand.write(page.getByLabel('E-mail address'), email);
  await hand.choose(page.getByLabel('Role', { exact: true }), 'Billing: sees usage and bills');
  await button('Create');
  const invitation = await page.locator('#link').textContent();
  await link('Done');
  await page.waitForURL(/\/members$/);
  const row = page.locator('#members tbody tr').filter({ hasText: email });
  assert.match(await row.textContent(), /billing/);
  await button('Sign out');
  await page.waitForURL(/\/login$/);

  // Whoever has the link does the same.
  await page.goto(invitation);
  await hand.write(page.getByLabel('New password'), 'a password of some length');
  await page.keyboard.press('Enter');
  await page.getByText('Your password is set').waitFor();
  await hand.write(page.getByLabel('E-mail address'), email);
  await hand.write(page.getByLabel('Password'), 'a password of some length');
  await page.keyboard.press('Enter');
  await page.waitForURL(mine);
  await close(page);
});

await inEachWay('a project is made, and given a budget', async (way) => {
  const name = newName('Shop');
  const { page, hand, menu, field, button, link, send } = await signedIn(way, owner, mine);
  await menu('Members');
  await page.waitForURL(/\/members$/);
  await link('New project');
  await page.waitForURL(/\/projects\/new$/);
  await hand.write(field('name'), name);
  await send('Create');
  await menu('Limits and budgets');
  await page.waitForURL(/\/limits$/);
  await link(`Edit the budget of ${name}`);
  await page.waitForURL(/\/projects\/\d+/);
  await hand.write(field('budget/amount_usd'), '4.25');
  await send('Save');
  const [found] = (await api('GET', `/api/projects?customer_id=${customer_id}&name=${encodeURIComponent(name)}`)).body.data;
  assert.equal(found.budget.amount_usd, 4.25);
  await close(page);
});

// ---- asking, finding ----

await inEachWay('a model is asked in the playground; the request is found by filters, its usage too', async (way) => {
  const name = newName('Asks');
  const key = await made('/api/keys', { customer_id, name });
  const { page, hand, menu, button } = await signedIn(way, owner, mine);
  await menu('Playground');
  await page.waitForURL(/\/playground/);
  const under = page.getByLabel('Ask under the API key');
  await hand.choose(under, (await under.locator('option').allTextContents()).find((text) => text.startsWith(name)));
  await button('Use this key');
  await page.waitForURL(new RegExp(`key=${key.id}|key_id=${key.id}`));
  await hand.choose(page.getByLabel('Model'), model);
  await hand.write(page.getByLabel('Prompt', { exact: true }), 'How are you?');
  await button('Ask');
  await page.locator('#play-request a').waitFor();
  const [[id]] = await until('the row', () => {
    const rows = sql(`SELECT LOWER(HEX(request_id)) FROM usage_records WHERE api_key_id = ${key.id}`);
    return rows.length && rows;
  });

  await menu('Requests');
  await page.waitForURL(/\/requests$/);
  await hand.press(page.getByText('Dates and filters'));
  await hand.choose(page.getByLabel('API key', { exact: true }), name);
  await button('Show');
  await page.waitForURL(new RegExp(`api_key_id=${key.id}`));
  const found = page.locator('#requests tbody tr');
  assert.equal(await found.count(), 1);
  await hand.press(found.getByRole('link').first());
  await page.waitForURL((to) => to.pathname.replaceAll('-', '').endsWith(id));

  await menu('Usage');
  await page.waitForURL(/\/usage$/);
  await hand.press(page.getByText('Dates and filters'));
  await hand.choose(page.getByLabel('API key', { exact: true }), name);
  await hand.choose(page.getByLabel('Show'), 'Requests');
  await button('Show');
  await page.waitForURL(new RegExp(`api_key_id=${key.id}`));
  assert.match(await page.locator('#groups tfoot').innerText(), /\b1\b/);
  await close(page);
});

// ---- oneself ----

await inEachWay('a time zone, other sessions ended, a second factor, another password', async (way) => {
  const who = person('viewer', customer_id, `${stamp}-${serial += 1}`);
  const elsewhere = await signedIn({ of: mouse, options: {} }, who, mine);
  const { page, hand, button, link, send } = await signedIn(way, who, mine);
  await hand.press(page.getByRole('link', { name: who.email }));
  await page.waitForURL(/\/settings$/);
  await hand.write(page.getByLabel('Time zone'), 'Europe/Berlin');
  await send('Save');

  await send('Sign out all others');
  await elsewhere.page.reload();
  assert.match(elsewhere.page.url(), /\/login/);
  await close(elsewhere.page);

  await link('Set up');
  await hand.write(page.getByLabel('Your password'), who.password);
  await button('Set it up');
  const secret = (await page.locator('#secret').textContent()).replace(/\s/g, '');
  await hand.write(page.getByLabel('Code', { exact: true }), code(secret));
  await button('Switch it on');
  const codes = (await page.locator('#codes').textContent()).trim();
  await link('I have kept them');
  await page.waitForURL(/\/settings/);

  await hand.write(page.getByLabel('Current password'), who.password);
  await hand.write(page.getByLabel('New password'), 'quite another password');
  await send('Change the password');

  // All of it holds at the next sign-in: the password, the code, the zone.
  await button('Sign out');
  await page.waitForURL(/\/login$/);
  await hand.write(page.getByLabel('E-mail address'), who.email);
  await hand.write(page.getByLabel('Password'), 'quite another password');
  await button('Sign in');
  await page.waitForURL(/\/login\/code/);
  await hand.write(page.getByLabel('Code', { exact: true }), codes.split(/\s+/)[0]);
  await button('Go on');
  await page.waitForURL(mine);
  assert.match(await page.locator('#live-as-of').textContent(), /\d\d:\d\d:\d\d CES?T\s+\(/);
  await close(page);
});

await browser.close();
done();
