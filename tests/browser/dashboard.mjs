// SPDX-License-Identifier: MIT
// Signing in, reading the dashboard, signing out, as a person would; with
// and without JavaScript, light and dark, wide and narrow.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { assert, done, test } from '../sdk/tap.mjs';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const env = process.env;
const url = env.TOLLGATE_URL.replace(/\/$/, '');
const mine = `${url}/dashboard/${env.TOLLGATE_CUSTOMER_ID}`;
const nasty = '<script>window.hit=1</script>"\'><img src=x onerror="window.hit=1">&amp;';

const browser = await chromium.launch({
  executablePath: env.TG_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync'],
});

// A window of its own; what it complains about and asks for is kept.
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.foreign = [];
  page.on('console', (m) => {
    // The browser's own note about a 4xx that a test asks for is none.
    if (!/the server responded with a status of 4/.test(m.text())) page.complaints.push(m.text());
  });
  page.on('pageerror', (e) => page.complaints.push(String(e)));
  page.on('dialog', (d) => { page.complaints.push('a dialog'); d.dismiss(); });
  page.on('request', (r) => {
    if (!r.url().startsWith(url)) page.foreign.push(r.url());
  });
  return page;
}

async function signIn(page, email = env.TOLLGATE_DASHBOARD_EMAIL,
  password = env.TOLLGATE_DASHBOARD_PASSWORD) {
  await page.goto(`${url}/login`);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function post(path, body) {
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { Connection: 'close', 'X-API-Key': env.TOLLGATE_OPERATOR_KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  return answer.json();
}

function tollgate(...args) {
  return JSON.parse(execFileSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`,
    [...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] }).toString());
}

const number = (text) => Number(text.replace(/[$,\s]/g, ''));
const sum = (list) => list.reduce((a, b) => a + b, 0);

// Usage arrives by the flusher: wait until the page knows of some.
async function untilUsed(page) {
  for (let i = 0; i < 50; i += 1) {
    await page.goto(mine);
    if (await page.locator('.range').count()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail('no usage on the dashboard after 10 s');
}

const stamp = Date.now();
let other;
let stranger;

await test('a wrong password: one message, no session', async () => {
  const page = await open();
  await signIn(page, env.TOLLGATE_DASHBOARD_EMAIL, 'this is not the password');
  const says = await page.getByRole('alert').textContent();
  assert.match(says, /e-mail address or the password is not right/);
  await signIn(page, `nobody-${stamp}@example.org`, 'this is not the password');
  assert.equal(await page.getByRole('alert').textContent(), says);
  await page.goto(mine);
  assert.match(page.url(), /\/login\?next=/);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  await test(`sign in, read chart and table, sign out, ${how} JavaScript`, async () => {
    const page = await open({ javaScriptEnabled });
    await page.goto(mine);
    await page.getByLabel('E-mail address').fill(env.TOLLGATE_DASHBOARD_EMAIL);
    await page.getByLabel('Password').fill(env.TOLLGATE_DASHBOARD_PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    assert.equal(page.url(), mine);
    await untilUsed(page);

    const month = page.locator('.range').nth(2);
    const requests = number(await month.locator('.figures dd').nth(1).textContent());
    const cost = await month.locator('data.money').getAttribute('value');
    assert.ok(requests >= 1);

    await page.getByText('The same as a table').click();
    const rows = page.locator('#days tbody tr');
    assert.equal(await rows.count(), 30);
    assert.equal(sum((await rows.locator('td:nth-of-type(1)').allTextContents()).map(number)), requests);
    assert.equal(await page.locator('#days tfoot data.money').getAttribute('value'), cost);

    const chart = page.getByRole('img', { name: /Requests per day/ });
    assert.equal(await chart.locator('.chart-day').count(), 30);
    const labels = await chart.locator('.chart-day > title').allTextContents();
    assert.equal(sum(labels.map((t) => number(t.match(/: ([\d,]+) requests?/)[1]))), requests);

    const models = page.locator('#models tbody tr');
    assert.equal(sum((await models.locator('td:nth-of-type(1)').allTextContents()).map(number)), requests);
    const used = page.locator('#recent tbody tr time').first();
    assert.match(await used.getAttribute('datetime'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

    await page.getByRole('button', { name: 'Sign out' }).click();
    assert.equal(page.url(), `${url}/login`);
    await page.goto(mine);
    assert.match(page.url(), /\/login\?next=/);
    assert.deepEqual(page.complaints, []);
    assert.deepEqual(page.foreign, []);
    await page.context().close();
  });
}

await test('another customer\'s dashboard is a 404 (S8)', async () => {
  other = await post('/customers', { name: nasty, email: `other-${stamp}@example.org`, company: nasty });
  await post('/api/keys', { customer_id: other.id, name: nasty });
  const page = await open();
  await signIn(page);
  const answer = await page.goto(`${url}/dashboard/${other.id}`);
  assert.equal(answer.status(), 404);
  assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Nothing here');
  const never = await page.goto(`${url}/dashboard/999999999`);
  assert.equal(never.status(), 404);
  await page.context().close();
});

await test('markup in names is shown, not run (S23)', async () => {
  stranger = { email: `stranger-${stamp}@example.org` };
  stranger.password = tollgate('user', 'add', '--customer', String(other.id),
    '--email', stranger.email, '--role', 'owner').password;
  const page = await open();
  await signIn(page, stranger.email, stranger.password);
  assert.equal(page.url(), `${url}/dashboard/${other.id}`);
  assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), nasty);
  assert.ok(await page.getByText('No requests in the last 30 days').isVisible());
  assert.ok((await page.locator('.nav-of').textContent()).includes(nasty));
  assert.equal(await page.evaluate('window.hit'), undefined);
  assert.equal(await page.locator('script:not([src*="/static/tollgate.js"]), img').count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

await test('every page is under the strict policy and is not cached (S24, S33)', async () => {
  const page = await open();
  const check = (answer) => {
    const policy = answer.headers()['content-security-policy'];
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(answer.headers()['cache-control'], 'no-store');
    assert.equal(answer.headers()['x-content-type-options'], 'nosniff');
  };
  check(await page.goto(`${url}/login`));
  await signIn(page);
  check(await page.goto(mine));
  check(await page.goto(`${url}/dashboard/999999999`));
  check(await page.goto(`${mine}?days=1`));
  const [session] = (await page.context().cookies()).filter((c) => /session$/.test(c.name));
  assert.ok(session.httpOnly);
  assert.equal(session.sameSite, 'Lax');
  assert.equal(session.path, '/');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

await test('a form from another site changes nothing (S27)', async () => {
  const page = await open();
  await signIn(page);
  const forged = await page.request.post(`${url}/logout`, {
    form: { csrf: '0'.repeat(64) },
    headers: { Origin: 'https://elsewhere.example' },
  });
  assert.equal(forged.status(), 403);
  assert.equal((await page.goto(mine)).status(), 200);
  await page.context().close();
});

for (const colorScheme of ['light', 'dark']) {
  await test(`axe finds nothing, ${colorScheme} (D2, D13)`, async () => {
    const page = await open({ colorScheme, bypassCSP: true });
    const run = async (what) => {
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map((v) => `${what}: ${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
    };
    await page.goto(`${url}/login`);
    await run('sign-in');
    await signIn(page, env.TOLLGATE_DASHBOARD_EMAIL, 'this is not the password');
    await run('refused');
    await signIn(page);
    await page.goto(mine);
    await page.getByText('The same as a table').click();
    await run('dashboard');
    await page.goto(`${url}/dashboard/999999999`);
    await run('error');
    await page.context().close();
  });
}

await test('320 px wide: no scrolling sideways, targets of 24 px (D4)', async () => {
  const page = await open({ viewport: { width: 320, height: 640 } });
  const check = async () => {
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth
      - document.documentElement.clientWidth), 0);
    const small = await page.evaluate(() => [...document.querySelectorAll('a:not(.skip), button, summary, input:not([type=hidden])')]
      .filter((n) => { const b = n.getBoundingClientRect(); return b.width < 24 || b.height < 24; })
      .map((n) => n.outerHTML));
    assert.deepEqual(small, []);
  };
  await page.goto(`${url}/login`);
  await check();
  await signIn(page);
  await page.goto(mine);
  await check();
  await page.context().close();
});

await test('the keyboard alone signs in, its focus visible (D3)', async () => {
  const page = await open();
  const focus = () => page.evaluate(() => {
    const n = document.activeElement;
    return { text: n.textContent.trim(), name: n.name, outline: getComputedStyle(n).outlineStyle };
  });
  await page.goto(`${url}/login`);
  await page.keyboard.press('Tab');
  assert.deepEqual(await focus(), { text: 'Skip to the content', name: '', outline: 'solid' });
  await page.keyboard.press('Tab');
  assert.equal((await focus()).name, 'email');
  await page.keyboard.type(env.TOLLGATE_DASHBOARD_EMAIL);
  await page.keyboard.press('Tab');
  assert.equal((await focus()).name, 'password');
  assert.equal((await focus()).outline, 'solid');
  await page.keyboard.insertText(env.TOLLGATE_DASHBOARD_PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL(mine);
  await page.context().close();
});

await browser.close();
done();
