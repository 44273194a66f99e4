// SPDX-License-Identifier: MIT
// Who has forgotten a password asks for a link, gets it by e-mail and sets
// another, in each way (D1, D3, D4).
import fs from 'node:fs';
import { assert, done, test } from '../sdk/tap.mjs';
import { until } from '../wire/lib.mjs';
import {
  answerOf, assertFine, assertInert, browser, close, env, made, nasty, open, person, signIn, url,
} from './visit.mjs';
import { inEachWay } from './ways.mjs';

const stamp = Date.now();
const { id: customer_id } = await made('/customers', { name: 'Forgetful', email: `forgetful-${stamp}@example.org` });
const mailbox = `${env.TOLLGATE_STACK_DIR}/mail`;
const lettersTo = (email) => fs.readdirSync(mailbox).filter((name) => name.startsWith('message.'))
  .map((name) => fs.readFileSync(`${mailbox}/${name}`, 'utf8')).filter((letter) => letter.includes(`To: ${email}`));
const textOf = (letter) => Buffer.from(letter.slice(letter.indexOf('\n\n')), 'base64').toString();

let serial = 0;
await inEachWay('a forgotten password: a link is asked for, comes by e-mail, sets another', async (way) => {
  const who = person('viewer', customer_id, `${stamp}-${serial += 1}`);
  const page = await open(way.options);
  const hand = way.of(page);
  await page.goto(`${url}/login`);
  await hand.press(page.getByRole('link', { name: 'Forgot your password?' }));
  await page.waitForURL(/\/login\/forgot$/);
  await hand.write(page.getByLabel('E-mail address'), who.email);
  await hand.press(page.getByRole('button', { name: 'Send a link' }));
  await page.getByRole('status').filter({ hasText: who.email }).waitFor();

  const letter = await until('the letter', () => lettersTo(who.email)[0], 30000);
  const [, link] = textOf(letter).match(/https:\/\/ai\.example\.com(\/login\/password\/[\w-]+)/);
  await page.goto(url + link);
  await hand.write(page.getByLabel('New password'), 'a password of some length');
  await hand.press(page.getByRole('button', { name: 'Set the password' }));
  await page.getByText('Your password is set').waitFor();
  await signIn(page, { ...who, password: 'a password of some length' });
  await close(page);
});

await test('the page once a link is sent, and one that refuses: valid, accessible, markup stays text (D2, D13, S23)', async () => {
  const page = await open({ bypassCSP: true });
  await page.goto(`${url}/login/forgot`);
  await assertFine(page, await answerOf(page, 'Send a link', { email: nasty }), 'forgot, refused');
  assert.equal(await page.locator('[name=email]').inputValue(), nasty);
  assert.match(await page.locator(`#${await page.locator('[name=email]').getAttribute('aria-describedby')}`).textContent(), /such as name@/);
  await assertInert(page, 'forgot, refused');
  await assertFine(page, await answerOf(page, 'Send a link', { email: `nobody-${stamp}@example.org` }), 'forgot, sent');
  assert.match(await page.getByRole('status').textContent(), /is on its way to it/);
  await close(page);
});

await browser.close();
done();
