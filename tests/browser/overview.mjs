// SPDX-License-Identifier: MIT
// The overview: what it says is what the database says, it follows usage while
// it is open, and it says what to do first; with JavaScript and without.
import { done, test, assert } from '../sdk/tap.mjs';
import { sql, until } from '../wire/lib.mjs';
import {
  api, assertAccessible, assertNarrow, assertValid, browser, close, env, made, nasty, once, open,
  person, signIn, tollgate, url,
} from './visit.mjs';

const stamp = Date.now();
const DAY = 86400e3;
const iso = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const number = (text) => Number(text.replace(/[,\s]/g, ''));
const pico = (text) => {
  const [whole, part = ''] = text.replace(/[$,]/g, '').split('.');
  return BigInt(whole + part.padEnd(12, '0'));
};

const provider = `overview.${stamp}`;
tollgate('provider', 'add', '--name', provider, '--kind', 'openai', '--base-url',
  `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-x');
const modelName = `overview.${stamp}`;
tollgate('model', 'add', '--name', modelName, '--provider', provider, '--upstream-name', 'sim-fixed');
const [[modelId]] = sql(`SELECT model_id FROM models WHERE name = '${modelName}'`);
await made('/api/prices', {
  model_id: Number(modelId), effective_from: iso(stamp - 500 * DAY),
  prices: { input: 0.31, output: 1.23 },
});

async function newCustomer(name) {
  const customer = await made('/customers', { name, email: `${name.replace(/\W/g, '')}-${stamp}@example.org` });
  const [[owner]] = sql(`SELECT MIN(user_id) FROM users WHERE customer_id = ${customer.id}`);
  return { id: customer.id, user: Number(owner), page: `${url}/dashboard/${customer.id}` };
}
const newKey = async (customer, more = {}) => {
  const key = await made('/api/keys', { customer_id: customer.id, name: 'app', ...more });
  await until('the key in force', async () => (await api('GET', '/v1/key', undefined, key.key)).status === 200);
  return key;
};
const ask = (key, model = modelName) => fetch(`${url}/v1/chat/completions`, {
  method: 'POST',
  headers: { ...once, Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
  body: JSON.stringify({ model, messages: [{ role: 'user', content: 'one two three' }] }),
});
const book = async (events) => {
  const answer = await api('POST', '/api/usage', events);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
};

// ---- a customer with two months behind it ----

const a = await newCustomer('Much');
a.owner = person('owner', a.id, stamp);
a.key = await newKey(a, {
  name: nasty, rate_limits: { 'key_model.requests.day': 1000 }, expires_at: iso(stamp + 5 * DAY),
});
let seed = 7;
const random = (n) => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return Math.floor((seed / 2147483648) * n);
};
await book(Array.from({ length: 400 }, () => ({
  user_id: a.user, api_key_id: a.key.id, model_id: Number(modelId),
  request_timestamp: iso(stamp - random(60 * DAY)),
  token_in_count: random(50000), token_out_count: random(9000),
  request_status: ['ok', 'ok', 'client_closed', 'timeout', 'upstream_error'][random(5)],
  latency_ms: 10 + random(9000), time_to_first_token_ms: random(4) ? 5 + random(900) : null,
})));
// Known to every worker once one of sixteen at the same time is not refused.
await until('the model in force', async () => (await Promise.all(Array.from({ length: 16 },
  () => api('GET', '/v1/models', undefined, a.key.key))))
  .every(({ body }) => body.data.some((m) => m.id === modelName)));

// One that may ask once a day: what follows is refused with 429.
const limited = await newKey(a, { name: 'once', rate_limits: { 'key_model.requests.day': 1 } });
await until('a 429', async () => (await ask(limited.key)).status === 429);
await ask(limited.key);
await until('refusals are counted', () => Number(sql(
  `SELECT COALESCE(SUM(refusals), 0) FROM usage_refusals WHERE api_key_id = ${limited.id}`)[0][0]) >= 2);
await until('rows are there', () => Number(sql(
  `SELECT COUNT(*) FROM usage_records WHERE api_key_id = ${limited.id}`)[0][0]) >= 1);

const month = (ms) => `${new Date(ms).toISOString().slice(0, 7)}-01`;
const day = (ms, back) => new Date(ms - back * DAY).toISOString().slice(0, 10);

// Rows themselves, not sums of them.
function fromRows(where) {
  const [[requests, failed, tokIn, tokOut, cost]] = sql(`SELECT COUNT(*),
    COALESCE(SUM(request_status NOT IN ('ok', 'client_closed')), 0), COALESCE(SUM(prompt_tokens), 0),
    COALESCE(SUM(completion_tokens), 0), COALESCE(SUM(cost_in_usd), 0)
    FROM usage_records WHERE customer_id = ${a.id} AND ${where}`);
  return { requests: Number(requests), failed: Number(failed), tokIn: Number(tokIn), tokOut: Number(tokOut), cost: pico(cost) };
}
function percentile(column, where, share) {
  const all = sql(`SELECT ${column} FROM usage_records WHERE customer_id = ${a.id} AND ${column} IS NOT NULL
    AND ${where} ORDER BY ${column}`).map(([ms]) => Number(ms));
  return all[Math.max(0, Math.ceil(all.length * share) - 1)];
}
const ms = (text) => {
  const [, n, unit] = text.match(/^<?([\d.]+) (ms|s)$/);
  return Number(n) * (unit === 's' ? 1000 : 1);
};

async function readCard(card) {
  const facts = Object.fromEntries(await Promise.all((await card.locator('.facts > div').all())
    .map(async (row) => [await row.locator('dt').textContent(), await row.locator('dd').textContent()])));
  return {
    cost: pico(await card.locator('.figures data').getAttribute('value')),
    requests: number(await card.locator('.figures dd').nth(1).textContent()),
    facts,
  };
}

for (const javaScriptEnabled of [true, false]) {
  await test(`its numbers are the rows', ${javaScriptEnabled ? 'with' : 'without'} JavaScript (D10, D12, D19)`, async () => {
    const page = await open({ javaScriptEnabled });
    await signIn(page, a.owner);
    await page.goto(a.page);
    const asOf = Date.parse(await page.locator('#live-as-of time').getAttribute('datetime'));
    assert.ok(Math.abs(asOf - Date.now()) < 60e3);

    const spent = fromRows(`request_timestamp >= '${month(asOf)}'`).cost;
    assert.equal(pico(await page.locator('#month-spent data').getAttribute('value')), spent);

    // The forecast as the page itself says it.
    const last = fromRows(`request_timestamp >= '${day(asOf, 7)}' AND request_timestamp < '${day(asOf, 0)}'`).cost;
    const end = new Date(asOf);
    const left = BigInt(Math.floor((Date.UTC(end.getUTCFullYear(), end.getUTCMonth() + 1, 1) - asOf) / 3600e3));
    const exact = spent + (last * left) / 168n;
    const shown = pico(await page.locator('#forecast data').getAttribute('value'));
    assert.ok(shown <= exact && exact - shown < exact / 100n, `${shown} ${exact}`);

    for (const [i, back] of [0, 6, 29].entries()) {
      const where = `request_timestamp >= '${day(asOf, back)}'`;
      const rows = fromRows(where);
      const card = await readCard(page.locator('.range').nth(i));
      assert.equal(card.cost, rows.cost);
      assert.equal(card.requests, rows.requests);
      assert.equal(number(card.facts.in), rows.tokIn);
      assert.equal(number(card.facts.out), rows.tokOut);
      assert.equal(number(card.facts.Tokens), rows.tokIn + rows.tokOut);
      assert.equal(number(card.facts['failed requests']), rows.failed);
      assert.equal(card.facts['Error rate'], rows.requests && rows.failed * 1000 < rows.requests && rows.failed
        ? '<0.1 %' : `${(Math.floor((rows.failed * 1000) / rows.requests) / 10).toFixed(1)} %`);
      const [[refused]] = sql(`SELECT COALESCE(SUM(refusals), 0) FROM usage_refusals WHERE customer_id = ${a.id}
        AND reason = 'rate_limit_exceeded' AND hour >= '${day(asOf, back)}'`);
      assert.equal(card.facts['Refused with 429'], refused);
      assert.ok(Number(refused) >= 2);
      // Their buckets' edges lie a factor of 1.5 apart, as the page says.
      if (rows.requests < 20) continue;
      for (const [label, column, share] of [['Duration p50', 'latency_ms', 0.5], ['Duration p95', 'latency_ms', 0.95],
        ['First token p50', 'time_to_first_token_ms', 0.5], ['First token p95', 'time_to_first_token_ms', 0.95]]) {
        const ratio = ms(card.facts[label]) / percentile(column, where, share);
        assert.ok(ratio > 1 / 1.52 && ratio < 1.52, `${label}: ${card.facts[label]}, ${ratio}`);
      }
    }

    // D5, D6: chart = table = cards.
    const whole = await readCard(page.locator('.range').nth(2));
    await page.getByText('The same as a table').click();
    const days = page.locator('#days tbody tr');
    assert.equal(await days.count(), 30);
    for (const [i, row] of (await days.all()).entries()) {
      const rows = fromRows(`request_timestamp >= '${day(asOf, i)}' AND request_timestamp < '${day(asOf, i - 1)}'`);
      assert.equal(number(await row.locator('td').first().textContent()), rows.requests);
      assert.equal(pico(await row.locator('data').getAttribute('value')), rows.cost);
    }
    assert.equal(number(await page.locator('#days tfoot td').first().textContent()), whole.requests);
    const bars = await page.getByRole('img', { name: /Requests per day/ }).locator('.chart-day > title').allTextContents();
    assert.equal(bars.reduce((n, t) => n + number(t.match(/: ([\d,]+) request/)[1]), 0), whole.requests);

    // D16: the newest rows.
    const seen = await Promise.all((await page.locator('#recent tbody a').all()).map((link) => link.getAttribute('href')));
    assert.deepEqual(seen.map((href) => href.split('/').pop()), sql(`SELECT
      LOWER(INSERT(INSERT(INSERT(INSERT(HEX(request_id), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'))
      FROM usage_records WHERE customer_id = ${a.id} ORDER BY request_timestamp DESC, usage_id DESC LIMIT 8`).flat());
    await page.locator('#recent tbody a').first().click();
    await page.getByRole('heading', { name: 'How the cost came to be' }).waitFor();
    await close(page);
  });
}

await test('budget and prepaid balance are the database\'s; a key that ends soon is named', async () => {
  const page = await open();
  await signIn(page, a.owner);
  await page.goto(a.page);
  assert.ok(await page.getByText('No budget bounds all usage together.').isVisible());
  assert.ok((await page.locator('#keys').textContent()).includes(nasty));
  assert.equal(await page.locator('#keys > div').count(), 1);

  assert.equal((await api('PATCH', `/customers/${a.id}`, { budget: { amount_usd: '100', period: 'month', kind: 'soft' } })).status, 200);
  await page.reload();
  const [[left]] = sql(`SELECT b.amount_usd - p.spent_usd FROM budgets b JOIN budget_periods p USING (budget_id)
    WHERE b.scope = 'customer' AND b.scope_id = ${a.id} ORDER BY p.period_start DESC LIMIT 1`);
  assert.equal(pico(await page.locator('#budget-left data').getAttribute('value')), pico(left));
  assert.ok(await page.locator('.gauge .meter').first().isVisible());

  const paid = await newCustomer('Prepaid');
  await made(`/customers/${paid.id}/credits`, { amount_usd: '7.5', reference: 'r1' });
  assert.equal((await api('PATCH', `/customers/${paid.id}`, { billing: 'prepaid' })).status, 200);
  await book([{ user_id: paid.user, model_id: Number(modelId), token_in_count: 12345, token_out_count: 678 }]);
  const theirs = await open();
  await signIn(theirs, person('billing', paid.id, stamp));
  assert.equal(theirs.url(), paid.page);
  const [[balance]] = sql(`SELECT -balance_usd FROM ledger_accounts WHERE customer_id = ${paid.id} AND kind = 'receivable'`);
  assert.equal(pico(await theirs.locator('#balance data').getAttribute('value')), pico(balance));
  // One event of today is nothing to go by.
  assert.equal(await theirs.locator('#forecast').textContent(), '–');
  assert.ok(await theirs.getByText('Too little to go by yet').isVisible());
  await close(theirs);
  await close(page);
});

// ---- first steps ----

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  await test(`a first key, a first request, its cost, ${how} JavaScript (D11)`, async () => {
    const b = await newCustomer(`First ${how}`);
    const viewer = await open({ javaScriptEnabled });
    await signIn(viewer, person('viewer', b.id, stamp));
    assert.ok(await viewer.getByText('An owner or a developer of this customer can make one.').first().isVisible());
    assert.equal(await viewer.getByRole('link', { name: /[Kk]ey$/ }).count(), 0);
    await close(viewer);

    const page = await open({ javaScriptEnabled });
    await signIn(page, person('owner', b.id, stamp));
    await page.getByRole('link', { name: 'Make your first key' }).click();
    await page.getByLabel('Name', { exact: true }).fill('First');
    await page.getByRole('button', { name: 'Create key' }).click();
    const secret = await page.locator('#secret').textContent();
    await page.goto(b.page);
    const example = await page.locator('#example').textContent();
    assert.ok(example.startsWith(`curl ${url}/v1/chat/completions`), example);
    assert.ok(await page.getByRole('heading', { name: 'No requests in the last 30 days' }).isVisible());

    if (javaScriptEnabled) await page.evaluate('window.isSame = true');
    assert.equal((await ask(secret)).status, 200);
    const cost = page.locator('.range').first().locator('data.money');
    if (javaScriptEnabled) {
      // By itself, and it is the same page still.
      await cost.waitFor({ timeout: 20e3 });
      assert.equal(await page.evaluate('window.isSame'), true);
    } else {
      await until('the page shows it', async () => {
        await page.reload();
        return await cost.count() > 0;
      });
    }
    assert.equal(pico(await cost.getAttribute('value')), pico(sql(
      `SELECT SUM(cost_in_usd) FROM usage_records WHERE customer_id = ${b.id}`)[0][0]));
    assert.notEqual(pico(await cost.getAttribute('value')), 0n);
    await close(page);
  });
}

// ---- while it is open ----

// By the page's own clock, which stands still between what it is told.
await test('what is booked shows 2 s later at most (D12)', async () => {
  const page = await open();
  await page.clock.install();
  await signIn(page, a.owner);
  await page.clock.pauseAt(new Date(Date.now() + 3600e3));
  await page.goto(a.page);
  let polls = 0;
  page.on('request', (rq) => { polls += rq.headers()['if-none-match'] ? 1 : 0; });
  await page.clock.runFor(1999);
  await page.evaluate('0');
  assert.equal(polls, 0);
  await page.clock.runFor(1);
  await page.locator('#live-state', { hasText: /^Live$/ }).waitFor();
  assert.equal(polls, 1);

  const requests = page.locator('.range').first().locator('.figures dd').nth(1);
  const before = number(await requests.textContent());
  const answer = await ask(a.key.key);
  assert.equal(answer.status, 200);
  await until('it is booked', () => sql(`SELECT COUNT(*) FROM usage_records
    WHERE request_id = UNHEX('${answer.headers.get('x-request-id').replaceAll('-', '')}')`)[0][0] === '1');
  await page.clock.runFor(2000);
  await until('the page shows it', async () => number(await requests.textContent()) === before + 1);
  assert.equal(polls, 2);
  await close(page);
});

// A host that told so many seconds ago that something waited, or nothing.
const lateHost = (seconds, waits) => sql(`REPLACE INTO hosts (host, pepper_id, pepper_check, seal_check, unflushed, unflushed_since, seen_at)
  VALUES ('late.example', 1, REPEAT('\\0', 16), REPEAT('\\0', 16), ${waits ? 3 : 0},
  ${waits ? `NOW(6) - INTERVAL ${seconds + waits} SECOND` : 'NULL'}, NOW(6) - INTERVAL ${seconds} SECOND)`);
const killedWorker = () => sql(`INSERT INTO workers (series, host, pid, version, started_at, seen_at)
  VALUES (REPEAT('late', 4), 'late.example', 1, '1', NOW(6), NOW(6))`);
const noLateHost = () => ['hosts', 'workers'].forEach((table) => sql(`DELETE FROM ${table} WHERE host = 'late.example'`));
for (const javaScriptEnabled of [true, false]) {
  await test(`what a host could not write yet is said to be missing, ${javaScriptEnabled ? 'with' : 'without'} JavaScript (D11, D12)`, async () => {
    const page = await open({ javaScriptEnabled, bypassCSP: true });
    await signIn(page, a.owner);
    const said = page.getByText('may be missing here');
    const places = ['', '/usage', '/requests', '/billing'].map((path) => a.page + path);
    try {
      // On its way; gone, having left, or for longer than anybody waits.
      for (const [seconds, waits] of [[0, 20], [300, 0], [90000, 3600]]) {
        lateHost(seconds, waits);
        for (const place of places) {
          await page.goto(place);
          assert.equal(await said.count(), 0, `${place} ${seconds}`);
        }
      }
      // Silent, and killed.
      lateHost(300, 0);
      killedWorker();
      await page.goto(a.page);
      await said.waitFor();
      noLateHost();
      lateHost(0, 300);
      for (const place of places) {
        const answer = await page.goto(place);
        await said.waitFor();
        const since = Date.parse(await said.locator('time').getAttribute('datetime'));
        assert.ok(Math.abs(Date.now() - 300e3 - since) < 120e3 && since % 60e3 === 0, place);
        await assertValid(await answer.text(), place);
        if (javaScriptEnabled) await assertAccessible(page, place);
      }
      for (const past of ['/usage?range=custom&from=2026-01-01&to=2026-02-01', '/requests?range=custom&from=2026-01-01&to=2026-02-01',
        '/billing?month=2026-01']) {
        await page.goto(a.page + past);
        assert.equal(await said.count(), 0, past);
      }
      // Live, it goes and comes, and the page stays.
      await page.goto(a.page);
      if (javaScriptEnabled) await page.evaluate(() => { document.querySelector('main').isSame = true; });
      for (const change of [noLateHost, () => lateHost(0, 300)]) {
        change();
        const state = change === noLateHost ? 'detached' : 'visible';
        if (javaScriptEnabled) await said.waitFor({ state });
        else await page.reload();
        assert.equal(await said.count(), change === noLateHost ? 0 : 1);
      }
      if (javaScriptEnabled) assert.equal(await page.evaluate(() => document.querySelector('main').isSame), true);
    } finally {
      noLateHost();
    }
    await close(page);
  });
}

await test('new usage shows by itself, text by text; nothing is sent twice (D12)', async () => {
  const page = await open();
  await signIn(page, a.owner);
  await page.goto(a.page);
  const polls = [];
  page.on('response', async (answer) => {
    if (answer.request().headers()['if-none-match']) polls.push(answer.status());
  });
  await page.getByText('The same as a table').click();
  await page.evaluate('window.isSame = true');
  await page.locator('#live-state', { hasText: /^Live$/ }).waitFor();
  // Seldom another: a page of the next hour has another forecast.
  assert.ok(polls.includes(304), `${polls}`);

  const requests = page.locator('.range').first().locator('.figures dd').nth(1);
  const before = number(await requests.textContent());
  const newest = page.locator('#recent tbody a').first();
  const newestBefore = await newest.getAttribute('href');
  const answer = await ask(a.key.key);
  assert.equal(answer.status, 200);
  await page.waitForFunction((n) => Number(document.querySelectorAll('.range')[0]
    .querySelectorAll('.figures dd')[1].textContent.replace(/,/g, '')) === n, before + 1);
  assert.ok((await newest.getAttribute('href')).endsWith(answer.headers.get('x-request-id')));
  assert.notEqual(await newest.getAttribute('href'), newestBefore);
  assert.ok(polls.includes(200));
  // Neither loaded anew nor folded.
  assert.equal(await page.evaluate('window.isSame'), true);
  assert.ok(await page.locator('#days').isVisible());
  assert.equal(await page.locator('[aria-live], [role=status], [role=alert]').count(), 0);
  assert.equal(await page.evaluate('document.getAnimations().length'), 0);

  // A refusal is news, too.
  const limits = page.locator('.range').first().locator('.facts .warn');
  const refused = number(await limits.textContent());
  assert.equal((await ask(limited.key)).status, 429);
  await page.waitForFunction((n) => Number(document.querySelector('.range .facts .warn').textContent.replace(/,/g, '')) > n, refused);

  // What the keyboard is in stays, and comes when it has left.
  await page.locator('#recent tbody a').first().focus();
  const focused = await newest.getAttribute('href');
  assert.equal((await ask(a.key.key)).status, 200);
  await page.waitForFunction((n) => Number(document.querySelectorAll('.range')[0]
    .querySelectorAll('.figures dd')[1].textContent.replace(/,/g, '')) === n, before + 2);
  assert.equal(await newest.getAttribute('href'), focused);
  await page.evaluate('document.activeElement.blur()');
  await page.waitForFunction((href) => document.querySelector('#recent tbody a').getAttribute('href') !== href, focused);
  await close(page);
});

await test('a page that nobody sees asks for nothing; one whose session is over stops', async () => {
  const seen = await open();
  await signIn(seen, a.owner);
  const context = seen.context();
  const hidden = await context.newPage();
  await hidden.addInitScript(() => Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' }));
  let asked = 0;
  let shown = 0;
  hidden.on('request', (r) => { asked += r.headers()['if-none-match'] ? 1 : 0; });
  await hidden.goto(a.page);
  seen.on('request', (r) => { shown += r.headers()['if-none-match'] ? 1 : 0; });
  await seen.goto(a.page);
  // The one that is seen was opened later and is the clock here.
  await until('two questions', () => shown >= 2, 30e3);
  assert.equal(asked, 0);
  await hidden.close();

  sql(`DELETE s FROM sessions s JOIN users u USING (user_id) WHERE u.email = '${a.owner.email}'`);
  await seen.getByText('Not live: reload the page').waitFor();
  assert.match(seen.url(), new RegExp(`/dashboard/${a.id}$`));
  await close(seen);
});

await test('after an error it asks later and later, and says so', async () => {
  const page = await open();
  await signIn(page, a.owner);
  let isDown = true;
  const at = [];
  await page.goto(a.page);
  await page.route(a.page, (route) => {
    at.push(Date.now());
    return isDown ? route.fulfill({ status: 503, body: '' }) : route.continue();
  });
  await page.getByText('Not live: trying again').waitFor();
  await until('three questions', () => at.length >= 3, 60e3);
  // Twice as long each time; timers never come early.
  assert.ok(at[2] - at[1] >= 2 * 2000 * 2 - 50, `${at}`);
  isDown = false;
  await page.locator('#live-state', { hasText: /^Live$/ }).waitFor({ timeout: 60e3 });
  page.complaints = page.complaints.filter((text) => !/status of 503/.test(text));
  await close(page);
});

// ---- every state of it ----

const none = await newCustomer(nasty);
none.owner = person('owner', none.id, stamp);
for (const colorScheme of ['light', 'dark']) {
  await test(`full and empty are valid and axe finds nothing, ${colorScheme} (D2, D13, D20, S23)`, async () => {
    for (const who of [a, none]) {
      const page = await open({ colorScheme, bypassCSP: true });
      await signIn(page, who.owner);
      const answer = await page.goto(who.page);
      await assertValid(await answer.text(), who.page);
      const folded = page.locator('details:not([open]) > summary');
      while (await folded.count()) await folded.first().click();
      await assertAccessible(page, who.page);
      assert.equal(await page.evaluate('window.hit'), undefined);
      await close(page);
    }
  });
}

await test('320 px wide: no scrolling sideways, targets of 24 px (D4)', async () => {
  for (const who of [a, none]) {
    const page = await open({ viewport: { width: 320, height: 640 } });
    await signIn(page, who.owner);
    await page.goto(who.page);
    await assertNarrow(page, who.page);
    await close(page);
  }
});

await browser.close();
done();
