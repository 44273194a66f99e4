// SPDX-License-Identifier: MIT
// Two tasks that can't be taken back, by keyboard alone, with and without
// JavaScript: a key is revoked, a member is invited (D1, D3).
import { assert, done, test } from '../sdk/tap.mjs';
import { keyboard } from './hands.mjs';
import { api, browser, close, made, open, person, url } from './visit.mjs';

const stamp = Date.now();
const { id: customer_id } = await made('/customers', { name: 'By keyboard', company: 'By keyboard',
  email: `by-keyboard-${stamp}@example.org` });
const owner = person('owner', customer_id, stamp);
const mine = `${url}/dashboard/${customer_id}`;

async function signedIn(javaScriptEnabled) {
  const page = await open({ javaScriptEnabled });
  const hand = keyboard(page);
  await page.goto(`${url}/login`);
  await hand.write(page.getByLabel('E-mail address'), owner.email);
  await hand.write(page.getByLabel('Password'), owner.password);
  await page.keyboard.press('Enter');
  await page.waitForURL(mine);
  const menu = (name) => hand.press(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }));
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

await browser.close();
done();
