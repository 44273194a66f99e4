// SPDX-License-Identifier: MIT
// What operators do, in each way (D1, D3, D4). What comes of it is looked for
// behind the pages.
import { assert, done } from '../sdk/tap.mjs';
import { sql } from '../wire/lib.mjs';
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
const [[modelId]] = sql(`SELECT model_id FROM models WHERE name = '${model}'`);
tollgate('price', 'set', '--model', model, '--input', '1', '--output', '2');

const operator = person('operator', 0, stamp);
let serial = 0;

await inEachWay('the operator brings a model into service', async (way) => {
  const [itsProvider, itsModel] = [`served.${serial += 1}.${stamp}`, `vendor/${serial}.${stamp}`];
  const { page, hand, menu, field, button, send } = await signedIn(way, operator, `${url}/dashboard`);
  await menu('Providers');
  await hand.press(page.getByRole('link', { name: 'New provider' }));
  await hand.write(field('name'), itsProvider);
  await hand.choose(field('kind'), 'OpenAI and compatible');
  await hand.write(field('base_url'), `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`);
  await hand.write(field('api_key'), 'sk-by-keyboard');
  await send('Create');

  await menu('All models');
  await hand.press(page.getByRole('link', { name: 'New model' }));
  await hand.write(field('name'), itsModel);
  await hand.choose(field('provider'), itsProvider);
  await hand.write(field('upstream_name'), 'sim-fixed');
  await send('Create');

  await menu('Prices');
  await page.waitForURL(/\/prices$/);
  await hand.write(page.getByLabel("Model's name"), itsModel);
  await button('Find');
  await page.waitForURL(/find=/);
  await hand.press(page.getByRole('link', { name: itsModel, exact: true }));
  await hand.press(page.getByRole('link', { name: 'New prices' }).first());
  await hand.write(field('prices/input'), '1.25');
  await hand.write(field('prices/output'), '10');
  await send('Create');

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
  const [tier, name] = [`tier.${serial += 1}.${stamp}`, `Customer ${serial} ${stamp}`];
  const { page, hand, menu, field, button, link, send } = await signedIn(way, operator, `${url}/dashboard`);
  await menu('Tiers');
  await link('New tier');
  await hand.write(field('name'), tier);
  await hand.press(page.getByText('Limits of each key, all models together'));
  await hand.write(field('rate_limits/key.tokens.day'), '90000');
  await send('Create');
  assert.deepEqual(sql(`SELECT COUNT(*) FROM rate_limit_tiers WHERE name = '${tier}'`), [['1']]);

  await menu('All customers');
  await link('New customer');
  await hand.write(field('name'), name);
  await hand.write(field('email'), `customer-${serial}-${stamp}@example.org`);
  await send('Create');
  const [found] = (await api('GET', `/customers?name=${encodeURIComponent(name)}`)).body.data;

  // By a part of its name, in any case.
  await menu('All customers');
  await page.waitForURL(/\/admin\/customers$/);
  await hand.write(page.getByLabel('Name, e-mail address or company'), name.slice(2).toUpperCase());
  await button('Find');
  await page.waitForURL(/find=/);
  assert.equal(await page.locator('tbody tr').count(), 1);
  await hand.press(page.getByRole('link', { name, exact: true }));
  await page.waitForURL(new RegExp(`/admin/customers/${found.id}$`));
  await hand.write(field('markup'), '1.25');
  await hand.choose(field('state'), 'suspended: its keys are refused');
  await send('Save');
  const { state, markup } = (await api('GET', `/customers/${found.id}`)).body;
  assert.deepEqual([state, markup], ['suspended', 1.25]);
  await close(page);
});

await inEachWay('the operator imports a list of prices', async (way) => {
  serial += 1;
  const price = serial / 1e6;
  const { page, hand, menu, field, button, send } = await signedIn(way, operator, `${url}/dashboard`);
  await menu('Prices');
  await page.waitForURL(/\/prices$/);
  await hand.press(page.getByRole('link', { name: /Import/ }));
  await page.waitForURL(/\/import$/);
  await hand.write(field('list'), JSON.stringify({ 'sim-fixed': { input_cost_per_token: price, output_cost_per_token: 2e-6 } }));
  await hand.choose(field('provider_id'), provider);
  await button('Compare');
  await page.getByRole('region', { name: `Change of ${model}` }).waitFor();
  await send('Set them');
  const { data } = (await api('GET', `/api/prices?model_id=${modelId}`)).body;
  assert.equal(data.find((p) => p.is_in_force).prices.input, serial);
  await close(page);
});

await inEachWay('the operator changes a tier, and archives it', async (way) => {
  const name = `changes.${serial += 1}.${stamp}`;
  const { id } = await made('/api/tiers', { name, rate_limits: { 'key.tokens.day': 90000 } });
  const { page, hand, menu, field, link, send } = await signedIn(way, operator, `${url}/dashboard`);
  const shown = async () => (await api('GET', `/api/tiers/${id}`)).body;
  await menu('Tiers');
  await page.waitForURL(/\/tiers$/);
  await link(name);
  await page.waitForURL(new RegExp(`/tiers/${id}$`));
  // What it states is not folded away.
  await hand.write(field('rate_limits/key.tokens.day'), '70000');
  await hand.tick(page.getByLabel('billing', { exact: true }));
  await send('Save');
  assert.deepEqual([(await shown()).rate_limits['key.tokens.day'], (await shown()).roles], [70000, ['billing']]);

  await link(name);
  await page.waitForURL(new RegExp(`/tiers/${id}$`));
  await hand.press(page.getByText('Archive this tier…'));
  await send('Archive this tier');
  assert.notEqual((await shown()).archived_at, null);
  await close(page);
});

await inEachWay('the operator changes a model and its provider, and archives both', async (way) => {
  serial += 1;
  const its = await made('/api/providers', { name: `changes.${serial}.${stamp}`, kind: 'openai',
    base_url: `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, api_key: 'sk-changes' });
  const { id, name } = await made('/api/models', { name: `changes/${serial}.${stamp}`, provider: its.name, upstream_name: 'sim-fixed' });
  const { page, hand, menu, field, button, link, send } = await signedIn(way, operator, `${url}/dashboard`);
  const shown = async () => (await api('GET', `/api/models/${id}`)).body;
  const toModel = async () => {
    await menu('Prices');
    await page.waitForURL(/\/prices$/);
    await hand.write(page.getByLabel("Model's name"), name);
    await button('Find');
    await page.waitForURL(/find=/);
    await link(name);
    await page.waitForURL(new RegExp(`/prices/${id}$`));
    await link('The model');
    await page.waitForURL(new RegExp(`/models/${id}$`));
  };
  await toModel();
  await hand.write(field('description'), 'For long texts');
  await hand.write(field('context_length'), '65536');
  await hand.tick(page.getByLabel('Requests may be sent to it'));
  await hand.press(page.getByText('Time-outs', { exact: true }));
  await hand.write(field('idle_ms'), '4321');
  await send('Save');
  const { description, context_length, is_enabled, idle_ms } = await shown();
  assert.deepEqual([description, context_length, is_enabled, idle_ms], ['For long texts', 65536, false, 4321]);
  await toModel();
  await hand.press(page.getByText('Archive this model…'));
  await send('Archive this model');
  assert.notEqual((await shown()).archived_at, null);

  // Other suites' providers may fill pages of the list before it.
  await page.goto(`${url}/admin/providers/${its.id}`);
  await hand.write(field('drain_s'), '7');
  await send('Save');
  assert.deepEqual(sql(`SELECT drain_s FROM providers WHERE provider_id = ${its.id}`), [['7']]);
  await page.goto(`${url}/admin/providers/${its.id}`);
  await hand.press(page.getByText('Archive this provider…'));
  await send('Archive this provider');
  assert.deepEqual(sql(`SELECT archived_at IS NULL FROM providers WHERE provider_id = ${its.id}`), [['0']]);
  await close(page);
});

await inEachWay('the operator gives a customer a budget, and closes it', async (way) => {
  const name = `Closes ${serial += 1} ${stamp}`;
  const { id } = await made('/customers', { name, email: `closes-${serial}-${stamp}@example.org` });
  const { key } = await made('/api/keys', { customer_id: id, name: 'One' });
  const { page, hand, menu, field, button, link, send } = await signedIn(way, operator, `${url}/dashboard`);
  const find = async () => {
    await menu('All customers');
    await page.waitForURL(/\/admin\/customers$/);
    await hand.write(page.getByLabel('Name, e-mail address or company'), name);
    await button('Find');
    await page.waitForURL(/find=/);
  };
  await page.goto(`${url}/dashboard/${id}`);
  await menu('Limits and budgets');
  await page.waitForURL(/\/limits$/);
  await link('Edit budget');
  await page.waitForURL(/\/budget$/);
  await hand.write(field('budget/amount_usd'), '33.5');
  await send('Save');
  assert.equal((await api('GET', `/customers/${id}`)).body.budget.amount_usd, 33.5);

  await find();
  await link(name);
  await page.waitForURL(new RegExp(`/admin/customers/${id}$`));
  await hand.press(page.getByText('Close this customer…'));
  await send('Close this customer');
  assert.equal((await api('GET', '/v1/key', undefined, key)).status, 401);
  assert.deepEqual(sql(`SELECT archived_at IS NULL FROM customers WHERE customer_id = ${id}`), [['0']]);
  await close(page);
});

await inEachWay('the operator finds who changed a customer, by filters of the audit log', async (way) => {
  const { id } = await made('/customers', { name: `Audited ${serial += 1} ${stamp}`, email: `audited-${serial}-${stamp}@example.org` });
  for (const company of ['One', 'Two']) assert.equal((await api('PATCH', `/customers/${id}`, { company })).status, 200);
  const { page, hand, menu, field, button, link } = await signedIn(way, operator, `${url}/dashboard`);
  await menu('All audit entries');
  await page.waitForURL(/\/admin\/audit$/);
  await hand.choose(page.getByLabel('Who', { exact: true }), 'An operator key');
  await hand.write(field('customer_id'), String(id));
  await hand.write(field('action'), 'customer.set');
  await button('Show');
  await page.waitForURL(/action=customer.set/);
  const entries = page.locator('#audit tbody tr');
  assert.equal(await entries.count(), 2);
  assert.match(await entries.first().innerText(), /One[^]*Two/);
  await link('Reset');
  await page.waitForURL(/\/admin\/audit$/);
  assert.equal(await field('action').inputValue(), '');
  await close(page);
});

await browser.close();
done();
