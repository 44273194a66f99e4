// SPDX-License-Identifier: MIT
// What owners do with members, projects, agents and connectors, and people with
// their own sign-ins and bills, in each way (D1, D3, D4). What comes of it is
// looked for behind the pages.
import { code } from '../sdk/totp.mjs';
import { assert, done } from '../sdk/tap.mjs';
import { sql } from '../wire/lib.mjs';
import {
  api, browser, close, env, made, open, person, signIn, tollgate, url,
} from './visit.mjs';
import { inEachWay, signedIn } from './ways.mjs';

const stamp = Date.now();
const { id: customer_id } = await made('/customers', { name: 'People', email: `people-${stamp}@example.org` });
const owner = person('owner', customer_id, stamp);
const mine = `${url}/dashboard/${customer_id}`;
let serial = 0;
const newName = (what) => { serial += 1; return `${what} ${serial} ${stamp}`; };
const newPerson = (role) => { serial += 1; return person(role, customer_id, `${stamp}-${serial}`); };
const atMembers = async (way) => {
  const at = await signedIn(way, owner, mine);
  await at.menu('Members');
  await at.page.waitForURL(/\/members$/);
  return at;
};

// ---- projects, agents, connectors ----

for (const [kind, a] of [['project', 'a'], ['agent', 'an'], ['connector', 'a']]) {
  await inEachWay(`${a} ${kind} is made, renamed, archived`, async (way) => {
    const name = newName(kind);
    const later = `Later ${name}`;
    const { page, hand, field, link, send } = await atMembers(way);
    await link(`New ${kind}`);
    await page.waitForURL(/\/new$/);
    await hand.write(field('name'), name);
    await send('Create');
    const [{ id }] = (await api('GET', `/api/${kind}s?customer_id=${customer_id}&name=${encodeURIComponent(name)}`)).body.data;
    const shown = async () => (await api('GET', `/api/${kind}s/${id}`)).body;

    await link(name);
    await page.waitForURL(new RegExp(`/${kind}s/${id}$`));
    await hand.write(field('name'), later);
    await send('Save');
    assert.equal((await shown()).name, later);

    await link(later);
    await page.waitForURL(new RegExp(`/${kind}s/${id}$`));
    await hand.press(page.getByText(`Archive this ${kind}…`));
    await send(`Archive this ${kind}`);
    assert.notEqual((await shown()).archived_at, null);
    assert.equal(await page.getByRole('link', { name: later, exact: true }).count(), 0);
    await close(page);
  });
}

// ---- members ----

await inEachWay('a member is given another role, switched off, and archived', async (way) => {
  const member = newPerson('viewer');
  const theirs = await open();
  await signIn(theirs, member);
  const { page, hand, field, link, send } = await atMembers(way);
  await link(member.email);
  await page.waitForURL(/\/members\/\d+$/);
  await hand.choose(field('role'), 'Developer: makes keys');
  await hand.write(page.getByLabel('Your password', { exact: true }).first(), owner.password);
  await send('Save');
  const shown = async () => (await api('GET', `/api/users/${member.id}`)).body;
  assert.equal((await shown()).role, 'developer');

  await link(member.email);
  await page.waitForURL(/\/members\/\d+$/);
  await hand.tick(page.getByLabel('May sign in and use keys'));
  await send('Save');
  assert.equal((await shown()).is_active, false);
  await theirs.goto(mine);
  assert.match(theirs.url(), /\/login/);

  await link(member.email);
  await page.waitForURL(/\/members\/\d+$/);
  await hand.press(page.getByText('Archive this member…'));
  await send('Archive this member');
  assert.notEqual((await shown()).archived_at, null);
  assert.equal(await page.getByRole('link', { name: member.email, exact: true }).count(), 0);
  for (const p of [theirs, page]) await close(p);
});

await inEachWay('a member who has lost the password gets a link', async (way) => {
  const member = newPerson('viewer');
  const { page, hand, button, link } = await atMembers(way);
  await link(member.email);
  await page.waitForURL(/\/members\/\d+$/);
  await hand.write(page.locator('#act-password'), owner.password);
  await button('Make a link');
  const reset = await page.locator('#link').textContent();
  await link('Done');
  await page.waitForURL(/\/members$/);

  const theirs = await open(way.options);
  const theirHand = way.of(theirs);
  await theirs.goto(reset);
  await theirHand.write(theirs.getByLabel('New password'), 'a password of some length');
  await theirHand.press(theirs.getByRole('button', { name: 'Set the password' }));
  await theirs.getByText('Your password is set').waitFor();
  await signIn(theirs, { ...member, password: 'a password of some length' });
  for (const p of [theirs, page]) await close(p);
});

// ---- oneself ----

await inEachWay('one device is signed out, no other', async (way) => {
  const who = newPerson('viewer');
  const devices = {};
  for (const [device, userAgent] of [['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
    ['Safari on macOS', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15']]) {
    devices[device] = await open({ userAgent });
    await signIn(devices[device], who);
  }
  const { page, hand, send } = await signedIn(way, who, mine);
  await hand.press(page.getByRole('link', { name: who.email }));
  await page.waitForURL(/\/settings$/);
  await send('Sign out Firefox on Linux');
  assert.equal(await page.locator('#sessions tbody tr').count(), 2);
  for (const [device, window] of Object.entries(devices)) {
    await window.goto(`${url}/settings`);
    assert.equal(/\/login/.test(window.url()), device === 'Firefox on Linux', device);
    await close(window);
  }
  await close(page);
});

await inEachWay('a second factor is switched off', async (way) => {
  const who = newPerson('viewer');
  const { page, hand, button, link, send } = await signedIn(way, who, mine);
  await hand.press(page.getByRole('link', { name: who.email }));
  await page.waitForURL(/\/settings$/);
  await link('Set up');
  await hand.write(page.getByLabel('Your password'), who.password);
  await button('Set it up');
  await hand.write(page.getByLabel('Code', { exact: true }), code(await page.locator('#secret').textContent()));
  await button('Switch it on');
  const [kept] = (await page.locator('#codes').textContent()).trim().split(/\s+/);
  await link('I have kept them');
  await page.waitForURL(/\/settings/);

  await link('Change');
  await page.waitForURL(/\/factor$/);
  await hand.press(page.getByText('Switch the second factor off…'));
  await hand.write(page.getByLabel('Your password'), who.password);
  await hand.write(page.getByLabel('Code, of the app or for recovery'), kept);
  await send('Switch it off');
  await button('Sign out');
  await page.waitForURL(/\/login$/);
  await hand.write(page.getByLabel('E-mail address'), who.email);
  await hand.write(page.getByLabel('Password'), who.password);
  await button('Sign in');
  await page.waitForURL(mine);
  await close(page);
});

// ---- bills ----

const provider = `people.${stamp}`;
tollgate('provider', 'add', '--name', provider, '--kind', 'openai', '--base-url',
  `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-people');
tollgate('model', 'add', '--name', provider, '--provider', provider, '--upstream-name', 'sim-fixed');
const [[model_id]] = sql(`SELECT model_id FROM models WHERE name = '${provider}'`);
const now = new Date();
const earlier = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 7, 12));
const text = (date) => `${date.toISOString().slice(0, 19)}Z`;
await made('/api/prices', { model_id: Number(model_id), effective_from: text(new Date(earlier - 86400e3)), prices: { input: 1, output: 2 } });
const booked = await api('POST', '/api/usage', [{ user_id: owner.id, model_id: Number(model_id), request_timestamp: text(earlier),
  token_in_count: 3000000, token_out_count: 0 }]);
assert.equal(booked.status, 201, JSON.stringify(booked.body));

await inEachWay('the bill of the month before is found, and led back to what was used', async (way) => {
  const { page, hand, menu, link } = await signedIn(way, owner, mine);
  await menu('Billing');
  await page.waitForURL(/\/billing$/);
  const [closing, month] = [await page.locator('#opening').textContent(), await page.locator('#ledger-head').textContent()];
  await link('Earlier month');
  await page.waitForURL(/month=/);
  assert.match(await page.locator('#ledger').textContent(), /-?\$3\.00/);
  assert.equal(await page.locator('#totals dd').last().textContent(), closing);
  await hand.press(page.locator('#ledger').getByRole('link', { name: 'Usage' }));
  await page.waitForURL(/\/usage\?/);
  assert.match(await page.locator('#groups tfoot').textContent(), /\$3\.00/);
  await page.goBack();
  await link('Later month');
  await page.waitForURL((to) => !to.search.includes(earlier.toISOString().slice(0, 7)));
  assert.equal(await page.locator('#ledger-head').textContent(), month);
  await close(page);
});

await browser.close();
done();
