// SPDX-License-Identifier: MIT
// GET /docs: complete, valid, readable without script, light and dark, narrow
// and wide. CHECKLIST D2, D4, D13, D20, S24.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { assert, done, test } from '../sdk/tap.mjs';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const { HtmlValidate, StaticConfigLoader } = require('html-validate');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const env = process.env;
const url = env.TOLLGATE_URL.replace(/\/$/, '');
// None is kept, which the server might close while a command runs here.
const once = { headers: { Connection: 'close' } };
const answer = await fetch(`${url}/docs`, once);
const html = await answer.text();

await test('docs: open to all, valid HTML, no script but ours, no style in it', async () => {
  assert.equal(answer.status, 200);
  const checker = new HtmlValidate(new StaticConfigLoader({
    root: true,
    extends: ['html-validate:recommended'],
    rules: { 'doctype-style': ['error', { style: 'lowercase' }] },
  }));
  const report = await checker.validateString(html, 'docs');
  assert.deepEqual(report.results.flatMap((r) => r.messages)
    .map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`), []);
  const rest = html.replace(/<script defer src="\/static\/tollgate\.js[^"<>]*"><\/script>/, '');
  assert.equal(rest.match(/<(script|style|iframe|img)\b|<[^>]*\s(on[a-z]+|style)=/i)?.[0], undefined);
});

await test('docs: a strict content security policy', () => {
  const policy = answer.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
});

await test('docs: every route of the API, and every link leads somewhere', () => {
  const routes = execFileSync(
    `${env.TOLLGATE_BUILD_DIR}/src/daemon/tollgate.fcgi`, ['--routes'],
  ).toString().trim().split('\n').map((line) => line.split(/\s+/))
    .filter((row) => /^[A-Z]+$/.test(row[0]) && !row.some((cell) => /^h[a-z-]{3}$/.test(cell)));
  assert.ok(routes.length > 50);
  for (const [method, path] of routes) {
    assert.ok(html.includes(`>${method}</span> <code>${path}</code>`), `${method} ${path}`);
  }
  const ids = new Set([...html.matchAll(/\sid="([^"]+)"/g)].map((m) => m[1]));
  for (const [, id] of html.matchAll(/href="#([^"]+)"/g)) assert.ok(ids.has(id), id);
});

await test('docs: the description itself, byte for byte', async () => {
  const yaml = await fetch(`${url}/docs/openapi.yaml`, once);
  assert.equal(yaml.headers.get('content-type'), 'application/yaml');
  assert.equal(await yaml.text(),
    fs.readFileSync(new URL('../../doc/openapi.yaml', import.meta.url), 'utf8'));
});

const browser = await chromium.launch({
  executablePath: env.TG_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

await test('docs: fits every width', async () => {
  const page = await browser.newPage();
  await page.goto(`${url}/docs`);
  for (const width of [320, 480, 800, 1280, 1920]) {
    await page.setViewportSize({ width, height: 900 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, `${width}`);
  }
  await page.close();
});

for (const [width, colorScheme] of [[320, 'light'], [320, 'dark'], [1280, 'light'], [1280, 'dark']]) {
  await test(`docs: ${width} px, ${colorScheme}: accessible, nothing foreign`, async () => {
    const context = await browser.newContext({
      viewport: { width, height: 900 }, colorScheme, bypassCSP: true,
    });
    const page = await context.newPage();
    const foreign = [];
    page.on('request', (r) => { if (!r.url().startsWith(url)) foreign.push(r.url()); });
    await page.goto(`${url}/docs`);
    await page.addScriptTag({ content: axe });
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`), []);
    assert.deepEqual(foreign, []);
    await context.close();
  });
}

await test('docs: without JavaScript, under its own policy: no complaint, links work', async () => {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 }, javaScriptEnabled: false,
  });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (m) => complaints.push(m.text()));
  page.on('pageerror', (e) => complaints.push(String(e)));
  await page.goto(`${url}/docs`);
  await page.getByRole('navigation').getByRole('link', { name: 'Create an API key' }).click();
  const box = await page.locator('#api_key_create').boundingBox();
  assert.ok(box.y >= 0 && box.y < 900, `at ${box.y}`);
  // The contents stay where they are.
  const nav = await page.getByRole('navigation').boundingBox();
  assert.ok(nav.y > -1 && nav.y < 1, `contents at ${nav.y}`);
  assert.deepEqual(complaints, []);
  await context.close();
});

await browser.close();
done();
