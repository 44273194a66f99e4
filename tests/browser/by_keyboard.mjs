// SPDX-License-Identifier: MIT
// By keyboard alone, with and without JavaScript: a key is revoked, a member is
// invited, and the operator brings a model into service (D1, D3).
import { assert, done, test } from '../sdk/tap.mjs';
import { sql } from '../wire/lib.mjs';
import { keyboard } from './hands.mjs';
import {
  api, browser, close, env, made, open, person, tollgate, url,
} from './visit.mjs';

const stamp = Date.now();
const { id: customer_id } = await made('/customers', { name: 'By keyboard', company: 'By keyboard',
  email: `by-keyboard-${stamp}@example.org` });
const owner = person('owner', customer_id, stamp);
const mine = `${url}/dashboard/${customer_id}`;

async function signedIn(javaScriptEnabled, who = owner, first = mine) {
  const page = await open({ javaScriptEnabled });
  const hand = keyboard(page);
  await page.goto(`${url}/login`);
  await hand.write(page.getByLabel('E-mail address'), who.email);
  await hand.write(page.getByLabel('Password'), who.password);
  await page.keyboard.press('Enter');
  await page.waitForURL(first);
  const menu = (name) => hand.press(page.getByRole('navigation').getByRole('link', { name, exact: true }));
  return { page, hand, menu };
}

const stateOf = async (key) => (await api('GET', '/v1/key', undefined, key.secret_key ?? key.key)).status;

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  await test(`a key is revoked by keyboard alone, ${how} JavaScript (D1, D3)`, async () => {
    const name = `Leaves ${how} ${stamp}`;
    const key = await made('/api/keys', { customer_id, name });
    const { page, hand, menu } = await signedIn(javaScriptEnabled);
    assert.equal(await stateOf(key), 200);
    await menu('API keys');
    await page.waitForURL(/\/keys$/);
    await hand.press(page.getByRole('link', { name, exact: true }));
    await page.waitForURL(new RegExp(`/keys/${key.id}$`));

    // It is folded, so nobody comes upon it by chance: there is no way by Tab
    // to the button before the fold is opened.
    const button = page.getByRole('button', { name: 'Revoke this key' });
    assert.equal(await button.isVisible(), false);
    await hand.press(page.getByText('Revoke this key…'));
    await hand.press(button);

    await page.getByRole('status').filter({ hasText: 'The key is revoked' }).waitFor();
    assert.equal(await stateOf(key), 401);
    await close(page);
  });

  await test(`a member is invited by keyboard alone, and comes in by the link, ${how} JavaScript (D1, D3)`, async () => {
    const email = `invited-${how}-${stamp}@example.org`;
    const { page, hand, menu } = await signedIn(javaScriptEnabled);
    await menu('Members');
    await page.waitForURL(/\/members$/);
    await hand.press(page.getByRole('link', { name: 'New member' }));
    await page.waitForURL(/\/members\/new$/);
    // It is needed for some roles, so it isn't called optional.
    await page.getByLabel('Your password', { exact: true }).waitFor();
    await hand.write(page.getByLabel('Name', { exact: true }), 'Grace');
    await hand.write(page.getByLabel('E-mail address'), email);
    await hand.choose(page.getByLabel('Role', { exact: true }), 'Billing: sees usage and bills');
    await hand.press(page.getByRole('button', { name: 'Create' }));
    const link = await page.locator('#link').textContent();
    await hand.press(page.getByRole('link', { name: 'Done' }));
    await page.waitForURL(/\/members$/);
    const row = page.locator('#members tbody tr').filter({ hasText: email });
    assert.match(await row.textContent(), /billing/);
    await hand.press(page.getByRole('button', { name: 'Sign out' }));
    await page.waitForURL(/\/login$/);

    // Whoever has the link does the same.
    await page.goto(link);
    await hand.write(page.getByLabel('New password'), 'a password of some length');
    await page.keyboard.press('Enter');
    await page.getByText('Your password is set').waitFor();
    await hand.write(page.getByLabel('E-mail address'), email);
    await hand.write(page.getByLabel('Password'), 'a password of some length');
    await page.keyboard.press('Enter');
    await page.waitForURL(mine);
    await close(page);
  });
}

const operator = person('operator', 0, stamp);
for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  await test(`the operator brings a model into service by keyboard alone, ${how} JavaScript (D1, D3)`, async () => {
    const [provider, model] = [`served-${how}.${stamp}`, `vendor/${how}.${stamp}`];
    const { page, hand, menu } = await signedIn(javaScriptEnabled, operator, `${url}/dashboard`);
    const field = (name) => page.locator(`[name="${name}"]`);
    const create = async () => {
      await hand.press(page.getByRole('button', { name: 'Create' }));
      await page.getByRole('status').first().waitFor();
    };
    await menu('Providers');
    await hand.press(page.getByRole('link', { name: 'New provider' }));
    await hand.write(field('name'), provider);
    await hand.choose(field('kind'), 'OpenAI and compatible');
    await hand.write(field('base_url'), `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`);
    await hand.write(field('api_key'), 'sk-by-keyboard');
    await create();

    await menu('All models');
    await hand.press(page.getByRole('link', { name: 'New model' }));
    await hand.write(field('name'), model);
    await hand.choose(field('provider'), provider);
    await hand.write(field('upstream_name'), 'sim-fixed');
    await create();

    await menu('Prices');
    await page.waitForURL(/\/prices$/);
    for (;;) {
      const its = page.getByRole('link', { name: model, exact: true });
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

    const [[id]] = sql(`SELECT provider_id FROM providers WHERE name = '${provider}'`);
    await page.goto(`${url}/admin/providers/${id}`);
    await hand.press(page.getByRole('link', { name: 'Test it' }));
    await hand.choose(field('model_id'), model);
    await hand.write(field('current_password'), operator.password);
    await hand.press(page.getByRole('button', { name: 'Ask' }));
    await page.locator('#result').waitFor();
    assert.match(await page.locator('#result').innerText(), /It answers/);
    await close(page);
    tollgate('model', 'archive', model);
  });
}

await browser.close();
done();
