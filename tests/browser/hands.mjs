// SPDX-License-Identifier: MIT
// Two ways to use a page: press, tick, write and choose by mouse, or by keyboard alone.
import { assert } from '../sdk/tap.mjs';

export const mouse = () => ({
  press: (target) => target.click(),
  tick: (target) => target.click(),
  write: (target, text) => target.fill(text),
  choose: (target, label) => target.selectOption({ label }),
});

// Tab until the target has the focus; what has it is seen all the way: there
// is a ring, a part of it is in the window, and nothing lies over the middle of
// that (WCAG 2.4.7, 2.4.11).
export async function reach(page, target) {
  const wanted = await target.elementHandle();
  for (let i = 0; i < 200; i += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluateHandle(() => document.activeElement);
    const hidden = await at.evaluate((n) => {
      const style = getComputedStyle(n);
      const box = n.getBoundingClientRect();
      const middle = (from, to, end) => (Math.max(from, 0) + Math.min(to, end)) / 2;
      const top = document.elementFromPoint(middle(box.left, box.right, window.innerWidth),
        middle(box.top, box.bottom, window.innerHeight));
      if (n === document.body) return '';
      if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) return `no ring: ${n.outerHTML}`;
      if (!top) return `out of sight: ${n.outerHTML}`;
      return n.contains(top) || top.contains(n) ? '' : `${n.outerHTML} lies under ${top.outerHTML}`;
    });
    assert.equal(hidden, '');
    if (await at.evaluate((n, w) => n === w, wanted)) return;
  }
  assert.fail(`no way by Tab to ${target}`);
}

export const keyboard = (page) => ({
  async press(target) {
    await reach(page, target);
    await page.keyboard.press('Enter');
  },
  async tick(target) {
    await reach(page, target);
    await page.keyboard.press('Space');
  },
  async write(target, text) {
    await reach(page, target);
    await page.keyboard.press('Control+A');
    await page.keyboard.type(text);
  },
  async choose(target, label) {
    await reach(page, target);
    await page.keyboard.type(label);
    assert.equal(await target.evaluate((n) => n.selectedOptions[0].textContent.trim()), label);
  },
});
