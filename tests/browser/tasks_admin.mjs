// SPDX-License-Identifier: MIT
// What operators do, in each way (D1, D3, D4). What comes of it is looked for
// behind the pages.
import { assert, done } from '../sdk/tap.mjs';
import { sql } from '../wire/lib.mjs';
import {
  api, browser, close, env, person, tollgate, url,
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

await browser.close();
done();
