// SPDX-License-Identifier: MIT
// Somebody is invited, sets a password, a second factor and a time zone, as a
// person would: keyboard and page alone, wide and narrow, light and dark.
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { assert, done, test } from '../sdk/tap.mjs';

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

// RFC 6238, of a secret in base32.
function code(base32, step) {
  const bits = [...base32.replaceAll(' ', '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', key).update(counter).digest();
  return String((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}
const step = () => Math.floor(Date.now() / 30000);

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
    await page.getByLabel('Code', { exact: true }).fill(code(secret, step()));
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

await test('forgotten: without e-mail the page says whom to ask', async () => {
  const page = await open();
  await page.goto(`${url}/login/forgot`);
  await check(page, 'forgot');
  assert.match(await page.locator('main').textContent(), /This service sends no e-mail/);
  await page.context().close();
});

await browser.close();
done();
