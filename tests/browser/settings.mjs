// SPDX-License-Identifier: MIT
// Somebody is invited, sets a password, a second factor and a time zone, as a
// person would: keyboard and page alone, wide and narrow, light and dark.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { assert, done, test } from '../sdk/tap.mjs';
import { code } from '../sdk/totp.mjs';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const env = process.env;
const url = env.TOLLGATE_URL.replace(/\/$/, '');
const password = 'correct horse battery staple';

const browser = await chromium.launch({
  executablePath: env.TG_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync'],
});

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (m) => {
    // Advice about forms is none of the page's errors; nor is a 4xx that is
    // asked for.
    if (m.type() === 'error' && !/status of 4/.test(m.text())) page.complaints.push(m.text());
  });
  page.on('pageerror', (e) => page.complaints.push(String(e)));
  return page;
}

async function signIn(page, email, secret) {
  await page.goto(`${url}/login`);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

// Nothing to complain about, light and dark; no wider than the window.
async function check(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const found = await page.evaluate(`${axe}; axe.run().then((r) => r.violations.map((v) => v.id + ': ' + v.nodes[0].html))`);
    assert.deepEqual(found, [], `${name}, ${colorScheme}`);
  }
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 800 });
  assert.ok(await page.evaluate('document.documentElement.scrollWidth') <= 320, `${name} at 320 px`);
  await page.setViewportSize(size);
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';
  const email = `invited-${how}-${Date.now()}@example.com`;
  // axe needs script, so pages are checked in the round that has it.
  const look = (page, name) => (javaScriptEnabled ? check(page, name) : undefined);

  await test(`invited, signed in, second factor, time zone, signed out elsewhere, ${how} JavaScript`, async () => {
    const owner = await open({ javaScriptEnabled });
    await signIn(owner, env.TOLLGATE_DASHBOARD_EMAIL, env.TOLLGATE_DASHBOARD_PASSWORD);
    await owner.goto(`${url}/dashboard/${env.TOLLGATE_CUSTOMER_ID}/members`);
    await owner.getByRole('link', { name: 'New member' }).click();
    await owner.getByLabel('Name').fill('Grace');
    await owner.getByLabel('E-mail address').fill(email);
    await owner.getByRole('button', { name: 'Create' }).click();
    const link = await owner.locator('#link').textContent();
    await look(owner, 'invitation');
    await owner.context().close();

    const page = await open({ javaScriptEnabled });
    await page.goto(link);
    await look(page, 'set password');
    await page.getByLabel('New password').fill(password);
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.done').textContent(), 'Your password is set. Sign in with it.');
    await signIn(page, email, password);
    await page.getByRole('link', { name: email }).click();
    await look(page, 'settings');

    await page.getByLabel('Time zone').fill('Europe/Berlin');
    await page.getByRole('button', { name: 'Save' }).click();
    assert.match(await page.locator('#sessions tbody time').first().textContent(), / CES?T$/);
    assert.match(await page.locator('#sessions tbody time').first().getAttribute('datetime'), /Z$/);

    await page.getByRole('link', { name: 'Set up' }).click();
    await look(page, 'second factor, off');
    await page.getByLabel('Your password').fill(password);
    await page.getByRole('button', { name: 'Set it up' }).click();
    await look(page, 'second factor, begun');
    const secret = await page.locator('#secret').textContent();
    await page.getByLabel('Code', { exact: true }).fill(code(secret));
    await page.keyboard.press('Enter');
    await page.locator('#codes').waitFor();
    await look(page, 'recovery codes');
    const codes = await page.locator('#codes code').allTextContents();
    assert.equal(codes.length, 10);
    await page.getByRole('link', { name: 'I have kept them' }).click();
    await page.getByRole('link', { name: 'Change', exact: true }).click();
    await look(page, 'second factor, on');

    const other = await open({ javaScriptEnabled });
    await signIn(other, email, password);
    await look(other, 'code');
    await other.getByLabel('Code', { exact: true }).fill(codes[0]);
    await other.keyboard.press('Enter');
    await other.getByRole('link', { name: email }).click();

    await page.goto(`${url}/settings`);
    await page.getByRole('button', { name: 'Sign out all others' }).click();
    assert.equal(await page.locator('#sessions tbody tr').count(), 1);
    await other.goto(`${url}/settings`);
    assert.match(other.url(), /\/login\?next=/);
    assert.deepEqual([...page.complaints, ...other.complaints], []);
    await page.context().close();
    await other.context().close();
  });
}

await test('signing in takes pasted text, says managers what its fields are, and asks no riddle (D14)', async () => {
  const page = await open();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const paste = async (label, text) => {
    const field = page.getByLabel(label);
    await page.evaluate((t) => navigator.clipboard.writeText(t), text);
    await field.focus();
    await page.keyboard.press('Control+V');
    assert.equal(await field.inputValue(), text);
  };
  await page.goto(`${url}/login`);
  assert.deepEqual(await page.locator('form [autocomplete]').evaluateAll((all) => all.map((f) => [f.name, f.type, f.autocomplete])),
    [['email', 'email', 'username'], ['password', 'password', 'current-password']]);
  assert.equal(await page.locator('form :is(input:not([type=hidden]), select, textarea)').count(), 2);
  assert.equal(await page.locator('iframe, main img, main canvas, main audio').count(), 0);
  await paste('E-mail address', env.TOLLGATE_DASHBOARD_EMAIL);
  await paste('Password', env.TOLLGATE_DASHBOARD_PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/dashboard\/\d+$/);

  // Another password is pasted, too, and a manager is told which is which.
  await page.goto(`${url}/settings`);
  const form = page.locator('form', { has: page.locator('[name=current_password]') }).first();
  assert.deepEqual(await form.locator('[autocomplete]').evaluateAll((all) => all.map((f) => f.autocomplete)),
    ['username', 'current-password', 'new-password']);
  await paste('New password', 'a password, pasted whole');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

await test('forgotten: without e-mail the page says whom to ask', async () => {
  const page = await open();
  await page.goto(`${url}/login/forgot`);
  await check(page, 'forgot');
  assert.match(await page.locator('main').textContent(), /This service sends no e-mail/);
  await page.context().close();
});

await browser.close();
done();
