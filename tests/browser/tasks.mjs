// SPDX-License-Identifier: MIT
// What customers and operators do: by keyboard alone, with and without
// JavaScript, and on a screen of 320 px (D1, D3, D4). What comes of each is
// looked for behind the pages.
import { code } from '../sdk/totp.mjs';
import { assert, done, test } from '../sdk/tap.mjs';
import { modelsInForce, sql, until } from '../wire/lib.mjs';
import { keyboard, mouse } from './hands.mjs';
import {
  api, browser, close, env, made, open, person, tollgate, url,
} from './visit.mjs';

const stamp = Date.now();

// Before each move on a narrow screen: it does not scroll sideways.
function finger(page) {
  const hand = mouse(page);
  const look = (move) => async (target, ...more) => {
    await target.waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, page.url());
    return move(target, ...more);
  };
  return Object.fromEntries(Object.entries(hand).map(([name, move]) => [name, look(move)]));
}
const ways = [
  { how: 'by keyboard alone', of: keyboard, options: {} },
  { how: 'by keyboard alone, without JavaScript', of: keyboard, options: { javaScriptEnabled: false } },
  { how: 'on 320 px', of: finger, options: { viewport: { width: 320, height: 640 } } },
];

const provider = `tasks.${stamp}`;
tollgate('provider', 'add', '--name', provider, '--kind', 'openai', '--base-url',
  `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-tasks');
const model = `task.${stamp}`;
tollgate('model', 'add', '--name', model, '--provider', provider, '--upstream-name', 'sim-fixed');
const [[modelId]] = sql(`SELECT model_id FROM models WHERE name = '${model}'`);
tollgate('price', 'set', '--model', model, '--input', '1', '--output', '2');

const { id: customer_id } = await made('/customers', { name: 'Tasks', company: 'Tasks',
  email: `tasks-${stamp}@example.org` });
const owner = person('owner', customer_id, stamp);
const operator = person('operator', 0, stamp);
const mine = `${url}/dashboard/${customer_id}`;
await modelsInForce({ 'X-API-Key': (await made('/api/keys', { customer_id, name: 'First' })).key }, [model]);
let serial = 0;
const newName = (what) => { serial += 1; return `${what} ${serial} ${stamp}`; };

async function signedIn(way, who = owner, first = mine) {
  const page = await open(way.options);
  const hand = way.of(page);
  await page.goto(`${url}/login`);
  await hand.write(page.getByLabel('E-mail address'), who.email);
  await hand.write(page.getByLabel('Password'), who.password);
  await hand.press(page.getByRole('button', { name: 'Sign in' }));
  await page.waitForURL(first);
  return {
    page,
    hand,
    menu: (name) => hand.press(page.getByRole('navigation').getByRole('link', { name, exact: true })),
    field: (name) => page.locator(`[name="${name}"]`),
    button: (name) => hand.press(page.getByRole('button', { name, exact: true })),
    link: (name) => hand.press(page.getByRole('link', { name, exact: true })),
    // After a form was sent: what was done is said.
    isDone: () => page.getByRole('status').first().waitFor(),
  };
}
const inEachWay = async (what, run) => {
  for (const way of ways) await test(`${what}, ${way.how}`, () => run(way));
};

const stateOf = async (secret) => (await api('GET', '/v1/key', undefined, secret)).status;

// ---- keys ----

await inEachWay('a key is changed, switched off and on, given another secret, revoked', async (way) => {
  const name = newName('Changes');
  const key = await made('/api/keys', { customer_id, name });
  const { page, hand, menu, field, button, link, isDone } = await signedIn(way);
  const shown = async () => (await api('GET', `/api/keys/${key.id}`)).body;
  await menu('API keys');
  await page.waitForURL(/\/keys$/);
  await hand.write(page.getByLabel('Whole name'), name);
  await button('Apply');
  await page.waitForURL(/name=/);
  await link(name);
  await page.waitForURL(new RegExp(`/keys/${key.id}$`));
  await hand.write(field('rate_limits/key_model.requests.minute'), '7');
  await hand.write(field('budget/amount_usd'), '12.5');
  await button('Save');
  await isDone();
  const changed = await shown();
  assert.deepEqual([changed.rate_limits['key_model.requests.minute'], changed.budget.amount_usd], [7, 12.5]);

  await button('Switch this key off');
  await isDone();
  assert.equal((await shown()).is_active, false);
  await button('Switch this key on');
  await isDone();
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
  const { page, hand, menu, button, link } = await signedIn(way);
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
  const { page, hand, menu, field, button, link, isDone } = await signedIn(way);
  await menu('Members');
  await page.waitForURL(/\/members$/);
  await link('New project');
  await page.waitForURL(/\/projects\/new$/);
  await hand.write(field('name'), name);
  await button('Create');
  await isDone();
  await menu('Limits');
  await page.waitForURL(/\/limits$/);
  await link(`Edit the budget of ${name}`);
  await page.waitForURL(/\/projects\/\d+/);
  await hand.write(field('budget/amount_usd'), '4.25');
  await button('Save');
  await isDone();
  const [found] = (await api('GET', `/api/projects?customer_id=${customer_id}&name=${encodeURIComponent(name)}`)).body.data;
  assert.equal(found.budget.amount_usd, 4.25);
  await close(page);
});

// ---- asking, finding ----

await inEachWay('a model is asked in the playground; the request is found by filters, its usage too', async (way) => {
  const name = newName('Asks');
  const key = await made('/api/keys', { customer_id, name });
  const { page, hand, menu, button } = await signedIn(way);
  await menu('Playground');
  await page.waitForURL(/\/playground/);
  await hand.choose(page.getByLabel('Ask under the API key'), name);
  await button('Use this key');
  await page.waitForURL(new RegExp(`key=${key.id}|key_id=${key.id}`));
  await hand.choose(page.getByLabel('Model'), model);
  await hand.write(page.getByLabel('Prompt', { exact: true }), 'How are you?');
  await button('Ask');
  await page.getByRole('link', { name: /how the cost came/i }).or(page.locator('#facts a')).first().waitFor();
  const [[id]] = await until('the row', () => {
    const rows = sql(`SELECT LOWER(HEX(request_id)) FROM usage_records WHERE api_key_id = ${key.id}`);
    return rows.length && rows;
  });

  await menu('Requests');
  await page.waitForURL(/\/requests$/);
  await hand.choose(page.getByLabel('API key', { exact: true }), name);
  await button('Find');
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

await inEachWay('another password, a second factor, other sessions ended', async (way) => {
  const who = person('viewer', customer_id, `${stamp}-${serial += 1}`);
  const elsewhere = await signedIn({ of: mouse, options: {} }, who);
  const { page, hand, button, link, isDone } = await signedIn(way, who);
  await hand.press(page.getByRole('link', { name: who.email }));
  await page.waitForURL(/\/settings$/);
  await hand.write(page.getByLabel('Time zone'), 'Europe/Berlin');
  await button('Save');
  await isDone();

  await link('Set up');
  await hand.write(page.getByLabel('Your password'), who.password);
  await button('Set it up');
  const secret = (await page.locator('#secret').textContent()).replace(/\s/g, '');
  await hand.write(page.getByLabel('Code', { exact: true }), code(secret));
  await button('Switch it on');
  assert.match(await page.locator('#codes').textContent(), /\w/);
  await link('I have kept them');
  await page.waitForURL(/\/settings/);

  await button('Sign out all others');
  await isDone();
  await elsewhere.page.reload();
  assert.match(elsewhere.page.url(), /\/login/);
  await close(elsewhere.page);

  await hand.write(page.getByLabel('Current password'), who.password);
  await hand.write(page.getByLabel('New password'), 'quite another password');
  await button('Change the password');
  await isDone();
  await close(page);
});

// ---- the operator ----

await inEachWay('the operator brings a model into service', async (way) => {
  const [itsProvider, itsModel] = [`served.${serial += 1}.${stamp}`, `vendor/${serial}.${stamp}`];
  const { page, hand, menu, field, button, isDone } = await signedIn(way, operator, `${url}/dashboard`);
  const create = async () => {
    await button('Create');
    await isDone();
  };
  await menu('Providers');
  await hand.press(page.getByRole('link', { name: 'New provider' }));
  await hand.write(field('name'), itsProvider);
  await hand.choose(field('kind'), 'OpenAI and compatible');
  await hand.write(field('base_url'), `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`);
  await hand.write(field('api_key'), 'sk-by-keyboard');
  await create();

  await menu('All models');
  await hand.press(page.getByRole('link', { name: 'New model' }));
  await hand.write(field('name'), itsModel);
  await hand.choose(field('provider'), itsProvider);
  await hand.write(field('upstream_name'), 'sim-fixed');
  await create();

  await menu('Prices');
  await page.waitForURL(/\/prices$/);
  for (;;) {
    const its = page.getByRole('link', { name: itsModel, exact: true });
    if (await its.count()) {
      await hand.press(its);
      break;
    }
    const at = page.url();
    await hand.press(page.getByRole('link', { name: 'More', exact: true }));
    await page.waitForURL((to) => to.href !== at);
  }
  await hand.press(page.getByRole('link', { name: 'New prices' }).first());
  await hand.write(field('prices/input'), '1.25');
  await hand.write(field('prices/output'), '10');
  await create();

  const [[id]] = sql(`SELECT provider_id FROM providers WHERE name = '${itsProvider}'`);
  await page.goto(`${url}/admin/providers/${id}`);
  await hand.press(page.getByRole('link', { name: 'Test it' }));
  await hand.choose(field('model_id'), itsModel);
  await hand.write(field('current_password'), operator.password);
  await button('Ask');
  await page.locator('#result').waitFor();
  assert.match(await page.locator('#result').innerText(), /It answers/);
  await close(page);
  tollgate('model', 'archive', itsModel);
});

await inEachWay('the operator makes a tier and a customer, and suspends it', async (way) => {
  const [tier, name] = [`tier.${serial += 1}.${stamp}`, newName('Customer')];
  const { page, hand, menu, field, button, link, isDone } = await signedIn(way, operator, `${url}/dashboard`);
  await menu('Tiers');
  await link('New tier');
  await hand.write(field('name'), tier);
  await hand.write(field('rate_limits/key.tokens.day'), '90000');
  await button('Create');
  await isDone();
  assert.deepEqual(sql(`SELECT COUNT(*) FROM rate_limit_tiers WHERE name = '${tier}'`), [['1']]);

  await menu('Customers');
  await link('New customer');
  await hand.write(field('name'), name);
  await hand.write(field('email'), `customer-${serial}-${stamp}@example.org`);
  await hand.write(field('markup'), '1.25');
  await button('Create');
  await isDone();
  const [found] = (await api('GET', `/customers?name=${encodeURIComponent(name)}`)).body.data;
  assert.equal(found.markup, 1.25);

  await page.goto(`${url}/admin/customers/${found.id}`);
  await hand.choose(field('state'), 'Suspended: its keys and members are refused');
  await button('Save');
  await isDone();
  assert.equal((await api('GET', `/customers/${found.id}`)).body.state, 'suspended');
  await close(page);
});

await inEachWay('the operator imports a list of prices', async (way) => {
  serial += 1;
  const price = serial / 1e6;
  const { page, hand, menu, field, button, isDone } = await signedIn(way, operator, `${url}/dashboard`);
  await menu('Prices');
  await page.waitForURL(/\/prices$/);
  await hand.press(page.getByRole('link', { name: /Import/ }));
  await page.waitForURL(/\/import$/);
  await hand.write(field('list'), JSON.stringify({ [model]: { input_cost_per_token: price, output_cost_per_token: 2e-6 } }));
  await hand.choose(field('provider_id'), provider);
  await button('Compare');
  await page.getByRole('region', { name: `Change of ${model}` }).waitFor();
  await button('Set them');
  await isDone();
  const { data } = (await api('GET', `/api/prices?model_id=${modelId}`)).body;
  assert.equal(data.find((p) => p.is_in_force).prices.input, serial);
  await close(page);
});

await browser.close();
done();
