// SPDX-License-Identifier: MIT
// Somebody's first visit, who has no more than what the quick start printed:
// signs in, makes a key, sends the request that the page shows, finds it and
// its cost, takes the month home as a file, signs out. By mouse, without
// JavaScript, by keyboard alone (D1, D3), and on a screen of 320 px (D4).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { assert, done, test } from '../sdk/tap.mjs';
import { keyboard, mouse } from './hands.mjs';
import { api, browser, close, env, open, url } from './visit.mjs';

const stamp = Date.now();

// ---- the visit ----

async function visit(page, hand, name) {
  await page.goto(url);
  await page.waitForURL(/\/login/);
  await hand.write(page.getByLabel('E-mail address'), env.TOLLGATE_DASHBOARD_EMAIL);
  await hand.write(page.getByLabel('Password'), env.TOLLGATE_DASHBOARD_PASSWORD);
  await hand.press(page.getByRole('button', { name: 'Sign in' }));
  await page.waitForURL(/\/dashboard\/\d+$/);
  const menu = (text) => page.getByRole('navigation', { name: 'Pages' })
    .getByRole('link', { name: text, exact: true });

  await hand.press(menu('API keys'));
  await page.waitForURL(/\/keys$/);
  await hand.press(page.getByRole('link', { name: 'New API key' }));
  await page.waitForURL(/\/keys\/new$/);
  await hand.write(page.getByLabel('Name', { exact: true }), name);
  await hand.press(page.getByRole('button', { name: 'Create key' }));
  // What the page shows is run as it stands, only with the answer's head.
  const example = await page.locator('#example').textContent();
  const answer = execFileSync('bash', ['-c', example.replace(/^curl /, 'curl -sS -i ')]).toString();
  assert.match(answer, /^HTTP\/1.1 200 /);
  const id = answer.match(/^x-request-id: (\S+)/mi)[1];

  // The row is there once the flusher has posted it: look again as a person would.
  await hand.press(menu('Requests'));
  await page.waitForURL(/\/requests$/);
  const row = page.getByRole('row').filter({ hasText: id });
  for (let i = 0; i < 50 && await row.count() === 0; i += 1) await page.reload();
  assert.match(await row.textContent(), new RegExp(name));
  await hand.press(row.getByRole('link'));
  await page.waitForURL(new RegExp(id));
  const usage = (await api('GET', `/api/usage/${id}`)).body;
  assert.match(await page.locator('#main').textContent(), /How the cost came to be/);
  assert.ok((await page.locator('#facts').textContent()).includes(name));
  // Written out to the pico-dollar, as the API has it.
  assert.ok(usage.cost_in_usd > 0);
  assert.ok((await page.locator('#cost tfoot tr').last().textContent())
    .includes(usage.cost_in_usd.toFixed(12).replace(/0+$/, '')));

  await hand.press(menu('Usage'));
  await page.waitForURL(/\/usage$/);
  await hand.choose(page.getByLabel('Show'), 'Requests');
  await hand.choose(page.getByLabel('By', { exact: true }), 'API key');
  await hand.choose(page.getByLabel('Time (UTC)'), 'This month');
  await hand.press(page.getByRole('button', { name: 'Show' }));
  await page.waitForURL(/range=month/);
  const [file] = await Promise.all([page.waitForEvent('download'),
    hand.press(page.getByRole('link', { name: 'Download CSV' }))]);
  const lines = fs.readFileSync(await file.path(), 'utf8').trim().split('\r\n');
  assert.equal(lines.filter((line) => line.split(',')[2] === name).length, 1);

  await hand.press(page.getByRole('button', { name: 'Sign out' }));
  await page.waitForURL(/\/login$/);
}

for (const [how, of, options] of [
  ['by mouse', mouse, {}],
  ['without JavaScript', mouse, { javaScriptEnabled: false }],
  ['by keyboard alone', keyboard, {}],
  ['on 320 px', mouse, { viewport: { width: 320, height: 640 } }],
]) {
  await test(`a first visit ${how}: a key, a request, its cost, the month as a file (D1, D3)`, async () => {
    const page = await open({ acceptDownloads: true, ...options });
    await visit(page, of(page), `First ${how} ${stamp}`);
    await close(page);
  });
}

await browser.close();
done();
