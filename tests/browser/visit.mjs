// SPDX-License-Identifier: MIT
// What tests of pages share: a browser's window, signing in, the API beside
// it, and what has to hold on each page.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { assert } from '../sdk/tap.mjs';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const { HtmlValidate, StaticConfigLoader } = require('html-validate');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const { env } = process;
export const url = env.TOLLGATE_URL.replace(/\/$/, '');
export const mine = `${url}/dashboard/${env.TOLLGATE_CUSTOMER_ID}`;
export const nasty = '<script>window.hit=1</script>"\'><img src=x onerror="window.hit=1">&amp;';
// Where there is no room for that, or no space may be.
export const nastyWord = '<svg/onload=window.hit=1>';

export const browser = await chromium.launch({
  executablePath: env.TG_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync'],
});

// A window of its own; what it complains about and asks for is kept.
export async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (m) => {
    // The browser's own note about a 4xx that a test asks for is none.
    if (!/the server responded with a status of 4/.test(m.text())) page.complaints.push(m.text());
  });
  page.on('pageerror', (e) => page.complaints.push(String(e)));
  page.on('dialog', (d) => { page.complaints.push('a dialog'); d.dismiss(); });
  page.on('request', (r) => {
    if (!r.url().startsWith(url)) page.complaints.push(`asked for ${r.url()}`);
  });
  return page;
}

// But for Chromium's advice for sign-in forms, on forms that are none.
export const complaintsOf = (page) => page.complaints
  .filter((c) => !c.startsWith('[DOM] Input elements should have autocomplete'));

export async function close(page) {
  assert.deepEqual(complaintsOf(page), []);
  await page.context().close();
}

export async function signIn(page, who = { email: env.TOLLGATE_DASHBOARD_EMAIL,
  password: env.TOLLGATE_DASHBOARD_PASSWORD }) {
  await page.goto(`${url}/login`);
  await page.getByLabel('E-mail address').fill(who.email);
  await page.getByLabel('Password').fill(who.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.doesNotMatch(page.url(), /\/login/);
}

export function tollgate(...args) {
  return JSON.parse(execFileSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`,
    [...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] }).toString());
}

// Somebody who can sign in.
export function person(role, customerId, stamp) {
  const email = `${role}-${customerId}-${stamp}@example.org`;
  const of = role === 'operator' ? [] : ['--customer', String(customerId)];
  return { email, ...tollgate('user', 'add', ...of, '--email', email, '--role', role) };
}

// While a command runs nothing is heard of a connection that the server closes,
// so none is kept.
export const once = { Connection: 'close' };

// The row of a model in the operator's list. Other suites' models may fill pages
// before it.
export async function modelRow(page, name) {
  const row = page.locator('#health tbody tr').filter({ hasText: name });
  await page.goto(`${url}/admin/models`);
  while (await row.count() === 0) {
    await page.goto(url + await page.getByRole('link', { name: 'More', exact: true }).getAttribute('href'));
  }
  return row;
}

export async function api(method, path, body, key = env.TOLLGATE_OPERATOR_KEY) {
  const answer = await fetch(url + path, {
    method,
    headers: { ...once, 'X-API-Key': key, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

export async function made(path, body) {
  const answer = await api('POST', path, body);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body;
}

const checker = new HtmlValidate(new StaticConfigLoader({
  root: true,
  extends: ['html-validate:recommended'],
  rules: {
    'doctype-style': ['error', { style: 'lowercase' }],
    // A box for each of a list's values.
    'form-dup-name': ['error', { shared: ['radio', 'checkbox', 'button', 'reset', 'submit'] }],
    // A customer's name may be long.
    'long-title': 'off',
  },
}));

export async function assertValid(html, name) {
  const report = await checker.validateString(html, name);
  assert.deepEqual(report.results.flatMap((r) => r.messages)
    .map((m) => `${name}:${m.line}:${m.column} ${m.ruleId}: ${m.message}`), []);
  const bad = html.replace(/"[^"]*"/g, '""').match(/<(style|iframe|img)\b|<[^>]*\s(on[a-z]+|style)=/i);
  assert.equal(bad?.[0], undefined);
}

// Of two colours, [red, green, blue] or as computed styles have them (WCAG 2.2,
// relative luminance).
export function contrast(...colours) {
  const light = (colour) => {
    const [r, g, b] = (typeof colour === 'string' ? colour.match(/[\d.]+/g).slice(0, 3).map(Number) : colour)
      .map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = colours.map(light).sort((p, q) => q - p);
  return (a + 0.05) / (b + 0.05);
}

// What somebody wrote is text: nothing of it ran, no element came of it. In a
// window that was opened with bypassCSP, where it would have.
export async function assertInert(page, name) {
  assert.equal(await page.evaluate('window.hit'), undefined, name);
  assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('body *')]
    .filter((n) => n.matches('script, img, iframe, object, style') || [...n.attributes].some((a) => a.name.startsWith('on')))
    .map((n) => n.outerHTML)), [], name);
}

// Of a window that was opened with bypassCSP.
export async function assertAccessible(page, name) {
  // axe judges no text that lies on a gradient, as that of tables does for the
  // sake of the shadows at their sides.
  await page.addStyleTag({ content: '.scroll, .scroll-code, .docs-code, .nav { background: var(--cover) !important; }' });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map((v) => `${name}: ${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
}

// At 320 px: no scrolling sideways, and what is clicked has 24 px or stands in
// a line of text, as WCAG 2.5.8 has it.
export async function assertNarrow(page, name) {
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth
    - document.documentElement.clientWidth), 0, name);
  const small = await page.evaluate(() => [...document.querySelectorAll(
    'a:not(.skip, p a), button, summary, select, textarea, input:not([type=hidden], [type=checkbox])')]
    .filter((n) => n.checkVisibility())
    .filter((n) => { const b = n.getBoundingClientRect(); return b.width < 24 || b.height < 24; })
    .map((n) => n.outerHTML));
  assert.deepEqual(small, [], name);
}

// What a page is wherever it is read: valid as it was sent, accessible in light
// and dark, and fit for 320 px.
export async function assertFine(page, html, name) {
  await assertValid(html, name);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await assertAccessible(page, `${name}, ${colorScheme}`);
  }
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  await assertNarrow(page, name);
  await page.setViewportSize(size);
}

// Fills and sends a form, whatever the browser would have said of it.
export async function fillAndSend(page, button, fields) {
  await page.evaluate(() => {
    document.querySelectorAll('form').forEach((form) => { form.noValidate = true; });
    document.querySelectorAll('details').forEach((fold) => { fold.open = true; });
  });
  for (const [name, text] of Object.entries(fields)) await page.locator(`[name="${name}"]:visible`).fill(text);
  await page.getByRole('button', { name: button, exact: true }).click();
}

// The page that answers it, as it was sent; it is the window's by then.
export async function answerOf(page, button, fields) {
  await page.evaluate(() => { document.body.dataset.isBefore = ''; });
  const [answer] = await Promise.all([page.waitForResponse((r) => r.request().method() === 'POST'),
    fillAndSend(page, button, fields)]);
  const html = await answer.text();
  await page.locator('body:not([data-is-before])').waitFor();
  return html;
}
