// SPDX-License-Identifier: MIT
// Pages that no address shows, for a form answers with them: links and codes
// that are shown once, what a provider said, forms that are refused. Each is
// valid, accessible in light and dark, and fits 320 px (D2, D4, D13); a refusal
// is tied to its field for who does not see the page (WCAG 3.3.1).
import { assert, done, test } from '../sdk/tap.mjs';
import { code } from '../sdk/totp.mjs';
import { everything, service } from './customer.mjs';
import {
  answerOf, assertFine, browser, close, fillAndSend, made, open, person, signIn, url,
} from './visit.mjs';

const stamp = Date.now();
const password = 'correct horse battery staple';
const { provider, model, tier } = await service(stamp);
const failing = await made('/api/models', { name: `answers.${stamp}`, provider: provider.name, upstream_name: 'sim-500' });
const customer = await everything('answers', model, stamp);
const mine = `${url}/dashboard/${customer.id}`;
const ownerWho = person('owner', customer.id, stamp);
const operatorWho = person('operator', 0, stamp);
const [owner, operator] = [await open({ bypassCSP: true }), await open({ bypassCSP: true })];
await signIn(owner, ownerWho);
await signIn(operator, operatorWho);

// What the field is described by says so, and is there to be seen.
async function assertDescribed(field, message) {
  const described = await field.evaluate((n) => (n.getAttribute('aria-describedby') ?? '').split(/\s+/).filter(Boolean)
    .map((id) => document.getElementById(id)).map((d) => d?.checkVisibility() && d.textContent));
  assert.ok(described.every((text) => text), described.join());
  assert.ok(described.some((text) => message.test(text)), described.join());
}

// ---- what is shown once ----

const email = `invited-${stamp}@example.org`;
let link = '';
await test('a member\'s link: valid, accessible, fits 320 px', async () => {
  await owner.goto(`${mine}/members/new`);
  const html = await answerOf(owner, 'Create', { name: 'Grace', email });
  link = await owner.locator('#link').textContent();
  await assertFine(owner, html, 'link');
});

const guest = await open({ bypassCSP: true });
await test('a good link\'s page, and a password that is too short: valid, accessible, the field says why', async () => {
  const shown = await guest.goto(link);
  await assertFine(guest, await shown.text(), 'password');
  const html = await answerOf(guest, 'Set the password', { password: 'short' });
  await assertDescribed(guest.locator('[name=password]'), /at least \d+ characters/);
  await assertFine(guest, html, 'password, refused');
  await fillAndSend(guest, 'Set the password', { password });
  await guest.getByText('Your password is set').waitFor();
});

await test('a second factor, refused, begun, confirmed, on: valid, accessible, each field says why', async () => {
  await signIn(guest, { email, password });
  await guest.goto(`${url}/settings/factor`);
  await assertFine(guest, await answerOf(guest, 'Set it up', { current_password: 'not that' }), 'factor, refused');
  await assertDescribed(guest.locator('[name=current_password]'), /not your password/);
  await fillAndSend(guest, 'Set it up', { current_password: password });
  await guest.locator('#secret').waitFor();
  await assertFine(guest, await (await guest.reload()).text(), 'factor, begun');
  await assertFine(guest, await answerOf(guest, 'Switch it on', { code: 'abcdef' }), 'factor, begun, refused');
  await assertDescribed(guest.locator('[name=code]'), /code/i);
  const secret = await guest.locator('#secret').textContent();
  await assertFine(guest, await answerOf(guest, 'Switch it on', { code: code(secret) }), 'codes');
  assert.equal(await guest.locator('#codes li').count(), 10);
  await assertFine(guest, await (await guest.goto(`${url}/settings/factor`)).text(), 'factor, on');
  const html = await answerOf(guest, 'Switch it off', { current_password: 'not that', code: 'abcdef' });
  for (const name of ['current_password', 'code']) await assertDescribed(guest.locator(`[name=${name}]`), /not your password/);
  await assertFine(guest, html, 'factor, on, refused');
});

await test('signing in by password and code, each refused: valid, accessible, each field says why', async () => {
  const page = await open({ bypassCSP: true });
  await page.goto(`${url}/login`);
  const html = await answerOf(page, 'Sign in', { email, password: 'not that' });
  for (const name of ['email', 'password']) await assertDescribed(page.locator(`[name=${name}]`), /not right/);
  await assertFine(page, html, 'login, refused');
  await page.locator('[name=password]').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/login\/code/);
  await assertFine(page, await (await page.goto(page.url())).text(), 'code');
  const refused = await answerOf(page, 'Go on', { code: 'abcdef' });
  await assertDescribed(page.locator('[name=code]'), /not right/);
  await assertFine(page, refused, 'code, refused');
  await close(page);
});

// ---- what a provider said ----

await test('a provider\'s test, refused, answered well and badly: valid, accessible', async () => {
  await operator.goto(`${url}/admin/providers/${provider.id}/test`);
  await assertFine(operator, await answerOf(operator, 'Ask', { current_password: 'not that' }), 'test, refused');
  await assertDescribed(operator.locator('[name=current_password]'), /not your password/);
  for (const [{ id }, says] of [[failing, 'Failed'], [model, 'Well']]) {
    await operator.locator('[name=model_id]').selectOption(String(id));
    const html = await answerOf(operator, 'Ask', { current_password: operatorWho.password });
    assert.equal(await operator.locator('#result .state').textContent(), says);
    await assertFine(operator, html, `test, ${says}`);
  }
});

// ---- forms that are refused ----

// The last of the fields is what is refused.
for (const [page, at, button, fields, message] of [
  [owner, `${mine}/keys/new`, 'Create key', { name: 'Somebody', allowed_ips: 'nowhere' }, /address/i],
  [owner, `${mine}/keys/new`, 'Create key', { name: '' }, /name/i],
  [owner, `${mine}/keys/${customer.things.keys}`, 'Save', { 'budget/amount_usd': 'much' }, /number/],
  [owner, `${mine}/keys/${customer.things.keys}`, 'Save', { 'rate_limits/key.requests.minute': 'many' }, /number/],
  [owner, `${mine}/projects/new`, 'Create', { 'budget/amount_usd': 'much' }, /number/],
  [owner, `${mine}/members/new`, 'Create', { name: 'Somebody', email: 'nobody' }, /such as name@/],
  [operator, `${url}/admin/tiers/new`, 'Create', { name: '' }, /name/i],
  [operator, `${url}/admin/tiers/${tier.id}`, 'Save', { 'rate_limits/key.tokens.day': 'many' }, /number/],
  [operator, `${url}/admin/models/${model.id}`, 'Save', { context_length: 'much' }, /number/],
  [operator, `${url}/admin/models/${model.id}`, 'Save', { default_temperature: 'hot' }, /number/],
  [operator, `${url}/admin/providers/${provider.id}`, 'Save', { api_key: 'sk-anew', base_url: 'nowhere' }, /http/],
  [operator, `${url}/admin/prices/${model.id}/new`, 'Create', { 'prices/input': 'much' }, /number/],
  [operator, `${url}/admin/customers/new`, 'Create', { name: 'Somebody', email: 'nobody' }, /such as name@/],
  [operator, `${url}/admin/customers/${customer.id}`, 'Save', { markup: 'much' }, /number/],
]) {
  const [name, value] = Object.entries(fields).at(-1);
  const called = new URL(at).pathname.replace(/\d+/g, 'N');
  await test(`${called}: a refusal of '${value}' as ${name} is the field's, valid, accessible (WCAG 3.3.1)`, async () => {
    await page.goto(at);
    const html = await answerOf(page, button, fields);
    const field = page.locator(`[name="${name}"]`);
    // It is not folded away, and no other one is called wrong.
    assert.equal(await field.isVisible(), true);
    assert.deepEqual(await page.locator('[aria-invalid]').evaluateAll((all) => all.map((n) => [n.name, n.getAttribute('aria-invalid')])),
      [[name, 'true']]);
    await assertDescribed(field, message);
    await assertFine(page, html, called);
  });
}

for (const [what, button, fields, refused, message] of [
  ['a time zone', 'Save', { time_zone: 'Nowhere/AtAll' }, ['time_zone'], /time zone/i],
  ['a password', 'Change the password', { current_password: 'not that', password }, ['current_password', 'password'], /not your password/],
  ['a new password', 'Change the password', { current_password: ownerWho.password, password: 'short' }, ['password'], /at least \d+ characters/],
]) {
  await test(`/settings: ${what} that is refused: the field says why, valid, accessible (WCAG 3.3.1)`, async () => {
    await owner.goto(`${url}/settings`);
    const html = await answerOf(owner, button, fields);
    await owner.getByRole('alert').waitFor();
    for (const name of refused) await assertDescribed(owner.locator(`[name=${name}]`), message);
    await assertFine(owner, html, what);
  });
}

await test('no page complained, or asked elsewhere', async () => {
  for (const page of [owner, operator, guest]) await close(page);
});
await browser.close();
done();
