// SPDX-License-Identifier: MIT
// The audit log as customers and operators read it: every entry once, by
// filters and page by page; with JavaScript and without.
import { done, test, assert } from '../sdk/tap.mjs';
import { sql } from '../wire/lib.mjs';
import {
  api, assertAccessible, assertNarrow, assertValid, browser, close, made, nasty, open,
  person, signIn, url,
} from './visit.mjs';

const stamp = Date.now();

async function newCustomer(name) {
  const customer = await made('/customers', { name, email: `${stamp}-${Math.random()}@example.org` });
  return { id: customer.id, page: `${url}/dashboard/${customer.id}/audit` };
}
const a = await newCustomer(`Audited ${stamp}`);
a.owner = person('owner', a.id, stamp);
const b = await newCustomer('Another');
b.owner = person('owner', b.id, stamp);
const operator = person('operator', 0, stamp);

const key = await made('/api/keys', { customer_id: a.id, name: nasty, scopes: ['manage'] });
assert.equal((await api('PATCH', `/api/keys/${key.id}`, { name: `Renamed ${nasty}` })).status, 200);
assert.equal((await api('PATCH', `/customers/${a.id}`, { company: nasty, markup: 2.5 })).status, 200);
assert.equal((await api('PATCH', `/customers/${a.id}`, { budget: { amount_usd: '5', period: 'day', kind: 'hard' } })).status, 200);
for (let i = 0; i < 120; i += 1) await made('/api/projects', { customer_id: a.id, name: `p${i} ${stamp}` });
// By a key of the customer's own.
assert.equal((await api('POST', '/api/projects', { name: `by key ${stamp}` }, key.key)).status, 201);
await made(`/customers/${a.id}/credits`, { amount_usd: '2', reference: 'r-1' });

const ids = async (page) => page.locator('#audit tbody code.id').allTextContents();
const inDatabase = (where) => sql(`SELECT request_id FROM audit_log WHERE customer_id = ${a.id} AND request_id IS NOT NULL
  AND ${where} ORDER BY audit_id DESC`).flat();
const field = (page, name) => page.locator(`[name="${name}"]`);

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  await test(`every entry once, page by page, ${how} JavaScript (S31)`, async () => {
    const page = await open({ javaScriptEnabled });
    await signIn(page, a.owner);
    await page.getByRole('link', { name: 'Audit log' }).click();
    assert.equal(page.url(), a.page);
    const wanted = inDatabase('1');
    const seen = [];
    for (;;) {
      seen.push(...await ids(page));
      const older = page.getByRole('link', { name: 'Older entries' });
      if (!await older.count()) break;
      await older.click();
    }
    assert.deepEqual(seen, wanted);
    assert.ok(seen.length > 120);
    await close(page);
  });

  await test(`filters by form, each by itself and together, ${how} JavaScript (D7)`, async () => {
    const page = await open({ javaScriptEnabled });
    await signIn(page, a.owner);
    const today = new Date().toISOString().slice(0, 10);
    for (const [choose, where] of [
      [{ actor: 'api_key' }, 'actor = \'api_key\''],
      [{ action: 'key.set' }, 'action = \'key.set\''],
      [{ object: 'customer' }, 'object = \'customer\''],
      [{ object: 'api_key', object_id: String(key.id) }, `object = 'api_key' AND object_id = ${key.id}`],
      [{ outcome: 'failed' }, 'is_success = 0'],
      [{ from: today, to: today, object: 'api_key' }, `DATE(created_at) = '${today}' AND object = 'api_key'`],
      [{ to: '2026-01-01' }, '0'],
    ]) {
      await page.goto(a.page);
      for (const [name, value] of Object.entries(choose)) {
        if (/^(actor|outcome)$/.test(name)) await field(page, name).selectOption(value);
        else await field(page, name).fill(value);
      }
      await page.getByRole('button', { name: 'Show' }).click();
      assert.deepEqual(await ids(page), inDatabase(where), where);
      for (const [name, value] of Object.entries(choose)) {
        assert.equal(await field(page, name).inputValue(), value);
      }
    }
    assert.ok(await page.getByText('No entry fits.').isVisible());
    // By the action of a row.
    await page.goto(a.page);
    await page.getByRole('link', { name: 'customer.credit' }).click();
    assert.deepEqual(await ids(page), inDatabase('action = \'customer.credit\''));
    await close(page);
  });
}

await test('before and after are readable, names stay text, the operator\'s own stay hidden (S23)', async () => {
  const page = await open();
  await signIn(page, a.owner);
  const changes = async (action) => {
    await page.goto(`${a.page}?action=${action}`);
    return (await page.locator('#audit tbody tr').first().locator('.changes').innerText()).split('\n');
  };
  assert.deepEqual(await changes('key.set'), [`name ${nasty} → Renamed ${nasty}`]);
  assert.deepEqual(await changes('customer.credit'), ['amount_usd 2', 'reference r-1']);
  await page.goto(`${a.page}?action=customer.set`);
  const rows = page.locator('#audit tbody tr');
  assert.match(await rows.nth(0).locator('.changes').innerText(), /^budget nothing → amount_usd: 5, period: day, kind: hard/);
  assert.equal(await rows.nth(1).locator('.changes').innerText(), `company nothing → ${nasty}`);
  // Who: an operator's key by number, and a thing's own page.
  assert.match(await rows.nth(0).locator('td').first().textContent(), /^operator key \d+/);
  await page.goto(`${a.page}?object=api_key&object_id=${key.id}`);
  await page.getByRole('link', { name: `api_key ${key.id}` }).first().click();
  assert.match(page.url(), new RegExp(`/keys/${key.id}$`));
  assert.equal(await page.evaluate('window.hit'), undefined);
  await close(page);

  const theirs = await open();
  await signIn(theirs, operator);
  await theirs.goto(`${url}/admin/audit?customer_id=${a.id}&action=customer.set`);
  assert.match(await theirs.locator('#audit tbody tr').nth(1).locator('.changes').innerText(), /markup/);
  await close(theirs);
});

await test('a customer reads where its own people were, not where the operator was', async () => {
  const where = async (page, at, action) => {
    await page.goto(`${at}${at.includes('?') ? '&' : '?'}action=${action}`);
    return page.locator('#audit tbody tr').first().locator('td').first().innerText();
  };
  const [[where0]] = sql(`SELECT client_address FROM audit_log WHERE customer_id = ${a.id} AND action = 'session.create'
    AND is_success = 1 LIMIT 1`);
  const theirs = await open();
  await signIn(theirs, operator);
  await theirs.goto(`${url}/dashboard/${a.id}/projects/new`);
  await field(theirs, 'name').fill(`by the operator ${stamp}`);
  await theirs.getByRole('button', { name: 'Create' }).click();
  const log = `${url}/admin/audit?customer_id=${a.id}`;
  assert.equal(await where(theirs, log, 'project.add'), `${operator.email}\n${where0}`);
  assert.match(await where(theirs, log, 'customer.set'), new RegExp(`^operator key \\d+\n${where0}$`));
  await close(theirs);

  const page = await open();
  await signIn(page, a.owner);
  assert.equal(await where(page, a.page, 'project.add'), 'the service\'s operator');
  assert.match(await where(page, a.page, 'customer.set'), /^operator key \d+$/);
  assert.equal(await where(page, a.page, 'session.create'), `${a.owner.email}\n${where0}`);
  await close(page);
  // And so by the API.
  const said = async (action) => (await api('GET', `/api/audit?action=${action}`, undefined, key.key)).body.data[0].client_address;
  assert.equal(await said('project.add'), null);
  assert.equal(await said('customer.set'), null);
  assert.equal(await said('session.create'), where0);
});

await test('owners and operators only; another\'s log is a 404; wrong filters are a 400 page (S8, D7)', async () => {
  for (const role of ['developer', 'billing', 'viewer']) {
    const page = await open();
    await signIn(page, person(role, a.id, stamp));
    assert.equal(await page.getByRole('link', { name: 'Audit log' }).count(), 0);
    assert.equal((await page.goto(a.page)).status(), 403, role);
    await close(page);
  }
  const page = await open();
  await signIn(page, b.owner);
  assert.equal((await page.goto(a.page)).status(), 404);
  assert.equal((await page.goto(`${url}/admin/audit`)).status(), 403);
  for (const wrong of ['actor=nobody', 'object_id=0', 'from=yesterday', 'before=x', 'unknown=1', 'outcome=maybe', `customer_id=${b.id}`]) {
    assert.equal((await page.goto(`${b.page}?${wrong}`)).status(), 400, wrong);
  }
  await close(page);
});

await test('operators read all customers\' entries in one list, or one\'s', async () => {
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, operator);
  await page.goto(`${url}/admin/audit`);
  assert.deepEqual(await ids(page), sql(`SELECT request_id FROM (SELECT audit_id, request_id FROM audit_log
    ORDER BY audit_id DESC LIMIT 40) x WHERE request_id IS NOT NULL ORDER BY audit_id DESC`).flat());
  await field(page, 'customer_id').fill(String(a.id));
  await field(page, 'object').fill('api_key');
  await page.getByRole('button', { name: 'Show' }).click();
  assert.deepEqual(await ids(page), inDatabase('object = \'api_key\''));
  await page.getByRole('link', { name: String(a.id), exact: true }).first().click();
  assert.equal(page.url(), `${url}/dashboard/${a.id}`);
  await close(page);
});

await test('few among many are looked for page by page', async () => {
  const c = await newCustomer('Many');
  c.owner = person('owner', c.id, stamp);
  sql(`INSERT INTO audit_log (actor, customer_id, action, is_success)
    SELECT 'system', ${c.id}, IF(seq = 1, 'seldom.done', 'often.done'), 1 FROM seq_1_to_10100`);
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, c.owner);
  await page.goto(`${c.page}?action=seldom.done`);
  assert.ok(await page.getByText('Looked through 10,000 entries').isVisible());
  assert.equal(await page.locator('#audit').count(), 0);
  await page.getByRole('link', { name: 'Look further back' }).click();
  assert.equal(await page.locator('#audit tbody tr').count(), 1);
  assert.equal(await page.getByRole('link', { name: 'Look further back' }).count(), 0);
  await close(page);
});

await test('a day is found at once, however old and among however many others (D7)', async () => {
  const c = await newCustomer('Old');
  c.owner = person('owner', c.id, stamp);
  sql(`INSERT INTO audit_log (actor, customer_id, action, is_success, created_at) SELECT 'system', ${c.id},
    IF(seq % 4 = 1, 'seldom.done', 'often.done'), 1, '2026-01-01 23:00:00' - INTERVAL seq HOUR FROM seq_1_to_30000`);
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, c.owner);
  await page.goto(c.page);
  const times = async () => page.locator('#audit tbody th time').evaluateAll((all) => all.map((t) => t.dateTime.slice(0, 10)));
  for (const [fields, n] of [[{}, 24], [{ action: 'seldom.done' }, 6], [{ object: 'none' }, 0]]) {
    for (const [name, value] of Object.entries({ from: '2023-05-06', to: '2023-05-06', ...fields })) {
      await field(page, name).fill(value);
    }
    await page.getByRole('button', { name: 'Show' }).click();
    assert.deepEqual(await times(), Array(n).fill('2023-05-06'));
    assert.equal(await page.getByRole('link', { name: /^(Older|Look)/ }).count(), 0);
  }
  assert.ok(await page.getByText('No entry fits.').isVisible());
  await field(page, 'from').fill('');
  await field(page, 'object').fill('');
  await field(page, 'action').fill('');
  await page.getByRole('button', { name: 'Show' }).click();
  assert.deepEqual((await times()).slice(0, 25), [...Array(24).fill('2023-05-06'), '2023-05-05']);
  await page.getByRole('link', { name: 'Older entries' }).click();
  assert.equal((await times()).length, 40);
  await close(page);
});

for (const colorScheme of ['light', 'dark']) {
  await test(`full and empty are valid and axe finds nothing, ${colorScheme} (D2, D13, D20)`, async () => {
    const page = await open({ colorScheme, bypassCSP: true });
    await signIn(page, operator);
    for (const path of [a.page, `${a.page}?action=none.such`, `${url}/admin/audit`]) {
      await assertValid(await (await page.goto(path)).text(), path);
      const folded = page.locator('details:not([open]) > summary');
      while (await folded.count()) await folded.first().click();
      await assertAccessible(page, path);
      assert.equal(await page.evaluate('window.hit'), undefined);
    }
    await close(page);
  });
}

await test('320 px wide: no scrolling sideways, targets of 24 px (D4)', async () => {
  const page = await open({ viewport: { width: 320, height: 640 } });
  await signIn(page, operator);
  for (const path of [a.page, `${url}/admin/audit`]) {
    await page.goto(path);
    await assertNarrow(page, path);
  }
  await close(page);
});

await browser.close();
done();
