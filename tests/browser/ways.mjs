// SPDX-License-Identifier: MIT
// The ways in which every task has to be possible: by keyboard alone, with and
// without JavaScript, and on a screen of 320 px (D1, D3, D4).
import { assert, test } from '../sdk/tap.mjs';
import { keyboard, mouse } from './hands.mjs';
import { open, url } from './visit.mjs';

// Before each move on a narrow screen: it does not scroll sideways.
function finger(page) {
  const hand = mouse(page);
  const look = (move) => async (target, ...more) => {
    await target.waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, page.url());
    return move(target, ...more);
  };
  return Object.fromEntries(Object.entries(hand).map(([name, move]) => [name, look(move)]));
}
export const ways = [
  { how: 'by keyboard alone', of: keyboard, options: {} },
  { how: 'by keyboard alone, without JavaScript', of: keyboard, options: { javaScriptEnabled: false } },
  { how: 'on 320 px', of: finger, options: { viewport: { width: 320, height: 640 } } },
];

// The window of somebody signed in, and what is done in it.
export async function signedIn(way, who, first) {
  const page = await open(way.options);
  const hand = way.of(page);
  await page.goto(`${url}/login`);
  await hand.write(page.getByLabel('E-mail address'), who.email);
  await hand.write(page.getByLabel('Password'), who.password);
  await hand.press(page.getByRole('button', { name: 'Sign in' }));
  await page.waitForURL(first);
  const button = (name) => hand.press(page.getByRole('button', { name, exact: true }));
  return {
    page,
    hand,
    menu: (name) => hand.press(page.getByRole('navigation').getByRole('link', { name, exact: true })),
    field: (name) => page.locator(`[name="${name}"]`),
    button,
    // An empty list has a second one that leads to the same.
    link: (name) => hand.press(page.getByRole('link', { name, exact: true }).first()),
    // A form is sent, and the page behind it says that it is done. The page
    // before may say so of something else, so the next one is waited for.
    send: async (name) => {
      await page.evaluate(() => { document.body.dataset.isBefore = ''; });
      await button(name);
      await page.locator('body:not([data-is-before]) [role=status]').first().waitFor();
    },
  };
}
export const inEachWay = async (what, run) => {
  for (const way of ways) await test(`${what}, ${way.how}`, () => run(way));
};
