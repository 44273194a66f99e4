// SPDX-License-Identifier: MIT
// The playground: a prompt under a key is that key's request, with its limits,
// its budget and one row; by stream and without script; refused in words.
import fs from 'node:fs';
import http from 'node:http';
import { assert, done, test } from '../sdk/tap.mjs';
import { modelsInForce, sim, sql, until, usageRow } from '../wire/lib.mjs';
import {
  api, assertAccessible, assertNarrow, assertValid, browser, close, env, made, nasty, open,
  person, signIn, tollgate, url,
} from './visit.mjs';

const stamp = Date.now();
const ways = [[true, 'with'], [false, 'without']];

// ---- whom to ask, and as whom ----

const kinds = { openai: 'chat', anthropic: 'message', huggingface: 'generate' };
for (const kind of Object.keys(kinds)) {
  tollgate('provider', 'add', '--name', `${kind}.${stamp}`, '--kind', kind, '--base-url',
    `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', 'sk-x');
}
tollgate('provider', 'add', '--name', `gone.${stamp}`, '--kind', 'openai', '--base-url',
  `unix:${env.TOLLGATE_STACK_DIR}/run/no-such.sock`);
async function newModel(name, upstream, provider = 'openai') {
  return made('/api/models', {
    name: `${name}.${stamp}`, provider: `${provider}.${stamp}`, upstream_name: upstream,
    prices: { input: 0.31, output: 1.23 },
  });
}
const models = {
  echo: await newModel('echo', 'sim-echo'),
  paced: await newModel('paced', 'sim-pace:12:5'),
  stuck: await newModel('stuck', 'sim-pace:3:600000'),
  message: await newModel('message', 'sim-echo', 'anthropic'),
  generate: await newModel('generate', 'sim-fixed', 'huggingface'),
  refusing: await newModel('refusing', 'sim-429'),
  gone: await newModel('gone', 'sim-echo', 'gone'),
};
const a = await made('/customers', { name: `Player ${stamp}`, email: `player-${stamp}@example.org` });
const b = await made('/customers', { name: `Other ${stamp}`, email: `stranger-${stamp}@example.org` });
const owner = person('owner', a.id, stamp);
const developer = person('developer', a.id, stamp);
const viewer = person('viewer', a.id, stamp);
const newKey = (name, more = {}) => made('/api/keys',
  { customer_id: a.id, name, scopes: ['infer'], rate_limit: 100000, ...more });
const mine = `${url}/dashboard/${a.id}`;
const playground = (key) => `${mine}/playground?key_id=${key.id}`;
const key = await newKey(nasty);
await modelsInForce({ Authorization: `Bearer ${key.key}` }, Object.values(models).map((m) => m.name));

const rowsOf = (k) => Number(sql(`SELECT COUNT(*) FROM usage_records WHERE api_key_id = ${k.id}`)[0][0]);
const facts = async (page) => Object.fromEntries(await page.locator('#play-facts > div').evaluateAll(
  (list) => list.map((n) => [n.querySelector('dt').textContent, n.querySelector('dd').textContent])));
const number = (text) => Number(text.replaceAll(',', ''));

async function asking(page, model, prompt, more = {}) {
  await page.getByLabel('Model').selectOption(model.name);
  await page.getByLabel('Prompt', { exact: true }).fill(prompt);
  for (const [label, value] of Object.entries(more)) await page.getByLabel(label).fill(value);
  await page.getByRole('button', { name: 'Ask' }).click();
}
const refusal = async (page) => {
  const says = page.locator('#play-refused');
  await says.waitFor();
  return (await page.locator('#play .field-bad').allTextContents()).join(' ') + await says.textContent();
};

// The row says what the page said.
async function assertBooked(page, k, model) {
  const id = await page.locator('#play-request a').textContent();
  const said = await facts(page);
  const row = await usageRow(id, ['api_key_id', 'customer_id', 'model_requested', 'prompt_tokens',
    'completion_tokens', 'cost_in_usd', 'request_status', 'latency_ms', 'COALESCE(time_to_first_token_ms, -1)']);
  assert.equal(Number(row.api_key_id), k.id);
  assert.equal(Number(row.customer_id), a.id);
  assert.equal(row.model_requested, model.name);
  assert.equal(row.request_status, 'ok');
  assert.equal(number(said['Input tokens']), Number(row.prompt_tokens));
  assert.equal(number(said['Output tokens']), Number(row.completion_tokens));
  assert.ok(Number(row.completion_tokens) > 0);
  assert.equal(Number(said.Cost.replace('$', '')), Number(row.cost_in_usd));
  assert.equal(said['Time to first token'] === '–', row['COALESCE(time_to_first_token_ms, -1)'] === '-1');
  const [[rows]] = sql(`SELECT COUNT(*) FROM usage_records WHERE request_id = UNHEX('${id.replaceAll('-', '')}')`);
  assert.equal(Number(rows), 1);
  return { id, said, row };
}

for (const [javaScriptEnabled, how] of ways) {
  await test(`asks ${how} script: answer, tokens, cost, and the request's page`, async () => {
    const page = await open({ javaScriptEnabled });
    await signIn(page, owner);
    await page.goto(`${mine}/playground`);
    await page.getByLabel('Ask under the API key').selectOption(String(key.id));
    await page.getByRole('button', { name: 'Use this key' }).click();
    const before = rowsOf(key);
    await asking(page, models.echo, 'amber\nbirch  cedar', { 'System prompt': 'be brief', 'Max. tokens': '20' });
    await page.locator('#play-facts > div').first().waitFor();
    assert.match(await page.locator('#play-text').textContent(), /amber\s+birch\s+cedar/);
    const { id, said, row } = await assertBooked(page, key, models.echo);
    assert.equal(rowsOf(key), before + 1);
    if (javaScriptEnabled) assert.notEqual(said['Time to first token'], '–');
    assert.match(said.Duration, /ms|s/);
    await page.locator('#play-request a').click();
    assert.equal(page.url(), `${mine}/requests/${id}`);
    assert.ok((await page.locator('main').textContent()).includes(id));
    assert.ok(Number(row.cost_in_usd) > 0);
    // Who asked: the row has the key's member, the log who was signed in.
    const lines = fs.readFileSync(`${env.TOLLGATE_STACK_DIR}/log/worker.log`, 'utf8').split('\n');
    const line = JSON.parse(lines.find((l) => l.includes('"event":"request"') && l.includes(id)));
    assert.equal(line.user_id, owner.id);
    await close(page);
  });

  await test(`asks every wire format ${how} script, system prompt included`, async () => {
    const page = await open({ javaScriptEnabled });
    await signIn(page, owner);
    for (const name of ['echo', 'message', 'generate']) {
      await page.goto(playground(key));
      await asking(page, models[name], 'amber birch', { 'System prompt': 'a dove', Temperature: '0.5', 'Max. tokens': '9' });
      await page.locator('#play-facts > div').first().waitFor();
      await assertBooked(page, key, models[name]);
      const sent = (await sim('GET', '/__sim/last')).text;
      const body = JSON.parse(sent.slice(sent.indexOf('\r\n\r\n')));
      assert.match(JSON.stringify(body), /a dove/);
      assert.equal((body.parameters ?? body).temperature, 0.5);
      assert.equal(body.stream ?? false, javaScriptEnabled && name !== 'generate');
    }
    await close(page);
  });

  await test(`limits, budget, models and addresses of the key hold ${how} script`, async () => {
    const page = await open({ javaScriptEnabled });
    await signIn(page, owner);
    const limited = await newKey('one a minute', { rate_limits: { 'key.requests.hour': 1 } });
    await page.goto(playground(limited));
    await asking(page, models.echo, 'amber');
    await page.locator('#play-facts > div').first().waitFor();
    await page.goto(playground(limited));
    await asking(page, models.echo, 'amber');
    assert.match(await refusal(page), /limit.*Wait, or have the limit raised/s);
    assert.equal(await page.getByLabel('Prompt', { exact: true }).inputValue(), 'amber');

    const poor = await newKey('poor', { budget: { amount_usd: '0.0000001', period: 'month', kind: 'hard' } });
    await page.goto(playground(poor));
    await asking(page, models.echo, 'amber');
    assert.match(await refusal(page), /budget/);

    const elsewhere = await newKey('elsewhere', { allowed_ips: ['192.0.2.1'] });
    await page.goto(playground(elsewhere));
    await asking(page, models.echo, 'amber');
    assert.match(await refusal(page), /address/);

    const narrow = await newKey('one model', { allowed_models: [models.echo.id] });
    await page.goto(playground(narrow));
    assert.deepEqual(await page.getByLabel('Model').locator('option').allTextContents(), [models.echo.name]);
    await page.getByLabel('Model').locator('option').evaluateAll(
      (list, name) => list.forEach((n) => { n.value = name; }), models.paced.name);
    await page.getByLabel('Prompt', { exact: true }).fill('amber');
    await page.getByRole('button', { name: 'Ask' }).click();
    assert.match(await refusal(page), /may not use that model.*Choose another/s);

    await page.goto(playground(key));
    await asking(page, models.gone, 'amber');
    assert.match(await refusal(page), /could not be reached.*Try again in a moment/s);
    await page.goto(playground(key));
    await asking(page, models.refusing, 'amber');
    assert.match(await refusal(page), /provider refused/);
    await page.goto(playground(key));
    await asking(page, models.echo, 'amber', { 'Max. tokens': 'many' });
    assert.match(javaScriptEnabled ? await refusal(page) : await page.locator('.field-bad').textContent(), /must be a number/);

    for (const k of [poor, elsewhere, narrow]) assert.equal(rowsOf(k), 0);
    await until('the first request is booked', () => rowsOf(limited) === 1);
    page.complaints = page.complaints.filter((c) => !/status of 5/.test(c));
    await close(page);
  });
}

await test('events show as they come, and one that is stopped is settled as for an API client', async () => {
  const page = await open();
  await signIn(page, owner);
  await page.goto(playground(key));
  await asking(page, models.stuck, 'amber');
  await page.waitForFunction(() => document.getElementById('play-text').textContent.length > 0);
  const id = await page.locator('#play-request a').textContent();
  await page.getByRole('button', { name: 'Stop' }).click();
  assert.match(await refusal(page), /Stopped/);
  assert.ok(await page.getByRole('button', { name: 'Ask' }).isVisible());
  const row = await usageRow(id, ['api_key_id', 'request_status', 'completion_tokens', 'cost_in_usd']);
  assert.equal(Number(row.api_key_id), key.id);
  assert.equal(row.request_status, 'client_closed');
  assert.ok(Number(row.completion_tokens) >= 1 && Number(row.cost_in_usd) > 0);
  await close(page);
});

await test('markup of a model, a key and a prompt is text (S23)', async () => {
  for (const [javaScriptEnabled] of ways) {
    const page = await open({ javaScriptEnabled });
    await signIn(page, owner);
    await page.goto(playground(key));
    await asking(page, models.echo, nasty, { 'System prompt': nasty });
    await page.locator('#play-facts > div').first().waitFor();
    assert.match(await page.locator('#play-text').textContent(), /<script>window\.hit=1<\/script>/);
    if (javaScriptEnabled) assert.equal(await page.evaluate('window.hit'), undefined);
    assert.equal(await page.locator('main :is(script, img)').count(), 0);
    await close(page);
  }
});

// ---- who may ----

// A form as it is, without a browser.
async function post(page, path, fields) {
  const cookies = (await page.context().cookies()).map((c) => `${c.name}=${c.value}`).join('; ');
  const at = new URL(url);
  const body = new URLSearchParams(fields).toString();
  return new Promise((resolve, reject) => {
    const rq = http.request({
      agent: false, host: at.hostname, port: at.port, method: 'POST', path, headers: {
        Cookie: cookies, 'Content-Type': 'application/x-www-form-urlencoded', 'Sec-Fetch-Site': 'same-origin',
      },
    }, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    rq.on('error', reject);
    rq.end(body);
  });
}
const csrfOf = (page) => page.locator('input[name=csrf]').first().getAttribute('value');
const form = (csrf, k) => ({ csrf, key_id: k.id, model: models.echo.name, prompt: 'amber' });

await test('who may only look can neither see nor use it; developers use their own keys (S8)', async () => {
  const page = await open();
  await signIn(page, viewer);
  await page.goto(mine);
  assert.equal(await page.getByRole('link', { name: 'Playground' }).count(), 0);
  assert.equal((await page.goto(`${mine}/playground`)).status(), 403);
  await page.goto(mine);
  assert.equal((await post(page, `/dashboard/${a.id}/playground`, form(await csrfOf(page), key))).status, 403);
  await close(page);

  const own = await newKey('own', { user_id: developer.id });
  const dev = await open();
  await signIn(dev, developer);
  await dev.goto(`${mine}/playground`);
  assert.deepEqual(await dev.getByLabel('Ask under the API key').locator('option')
    .evaluateAll((list) => list.map((n) => n.value)), [String(own.id)]);
  assert.equal((await dev.goto(playground(key))).status(), 403);
  await dev.goto(`${mine}/playground`);
  const before = rowsOf(key);
  assert.equal((await post(dev, `/dashboard/${a.id}/playground`, form(await csrfOf(dev), key))).status, 403);
  assert.equal((await post(dev, `/dashboard/${a.id}/playground`, form(await csrfOf(dev), own))).status, 200);
  await until('the own key\'s row', () => rowsOf(own) === 1);
  assert.equal(rowsOf(key), before);
  await close(dev);
});

await test('a key of another customer is not there (S8)', async () => {
  const theirs = await made('/api/keys', { customer_id: b.id, name: 'theirs', scopes: ['infer'] });
  const page = await open();
  await signIn(page, owner);
  assert.equal((await page.goto(playground(theirs))).status(), 404);
  assert.equal((await page.goto(`${url}/dashboard/${b.id}/playground`)).status(), 404);
  await page.goto(`${mine}/playground`);
  const csrf = await csrfOf(page);
  assert.equal((await post(page, `/dashboard/${a.id}/playground`, form(csrf, theirs))).status, 404);
  assert.equal((await post(page, `/dashboard/${b.id}/playground`, form(csrf, theirs))).status, 404);
  assert.equal((await post(page, `/dashboard/${a.id}/playground`, form('x', key))).status, 403);
  assert.equal(rowsOf(theirs), 0);
  await close(page);
});

await test('a key\'s own page leads to it', async () => {
  const page = await open();
  await signIn(page, owner);
  await page.goto(`${mine}/keys/${key.id}`);
  await page.getByRole('link', { name: 'Try it in the playground' }).click();
  assert.equal(page.url(), playground(key));
  assert.equal(await page.getByLabel('Ask under the API key').inputValue(), String(key.id));
  await close(page);
});

await test('a key that is switched off, or may not infer, says so and asks nothing', async () => {
  const page = await open();
  await signIn(page, owner);
  const reader = await newKey('reader', { scopes: ['usage:read'] });
  await page.goto(playground(reader));
  assert.match(await page.locator('.notice').textContent(), /may not send requests/);
  assert.equal(await page.locator('#play').count(), 0);
  const off = await newKey('off');
  await page.goto(playground(off));
  const csrf = await csrfOf(page);
  assert.equal((await api('POST', `/api/keys/${off.id}/toggle`, { is_active: false })).status, 200);
  for (const k of [reader, off]) {
    const answer = await post(page, `/dashboard/${a.id}/playground`, form(csrf, k));
    assert.equal(answer.status, 403);
    assert.equal(rowsOf(k), 0);
  }
  await close(page);
});

// ---- how it looks ----

await test('valid, accessible in light and dark, whole at 320 px (D3, D4)', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open({ colorScheme, bypassCSP: true });
    await signIn(page, owner);
    await assertValid(await (await page.goto(playground(key))).text(), 'playground');
    await assertAccessible(page, `playground, ${colorScheme}`);
    await asking(page, models.paced, 'amber');
    await page.locator('#play-facts > div').first().waitFor();
    await assertAccessible(page, `playground with an answer, ${colorScheme}`);
    await asking(page, models.gone, 'amber');
    await refusal(page);
    await assertAccessible(page, `playground, refused, ${colorScheme}`);
    await page.context().close();
  }
  const page = await open({ viewport: { width: 320, height: 640 }, javaScriptEnabled: true });
  await signIn(page, owner);
  await page.goto(playground(key));
  await assertNarrow(page, 'playground');
  await asking(page, models.echo, 'x'.repeat(200));
  await page.locator('#play-facts > div').first().waitFor();
  await assertNarrow(page, 'playground with an answer');
  await page.context().close();
  const plain = await open({ javaScriptEnabled: false });
  await signIn(plain, owner);
  await plain.goto(playground(key));
  const csrf = await csrfOf(plain);
  for (const model of [models.echo, models.gone]) {
    const { text } = await post(plain, `/dashboard/${a.id}/playground`, { ...form(csrf, key), model: model.name });
    await assertValid(text, `playground, ${model.name}`);
  }
  await plain.context().close();
});

await test('the keyboard alone asks (D3)', async () => {
  const page = await open();
  await signIn(page, owner);
  await page.goto(playground(key));
  await page.getByLabel('Model').focus();
  await page.keyboard.type(models.echo.name);
  for (const text of ['', 'amber', '20', '']) {
    await page.keyboard.press('Tab');
    if (text) {
      await page.keyboard.press('Control+A');
      await page.keyboard.insertText(text);
    }
  }
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('#play-facts > div').first().waitFor();
  await close(page);
});

await test('without a key it says what to do', async () => {
  const c = await made('/customers', { name: 'Empty', email: `empty-${stamp}@example.org` });
  const page = await open();
  await signIn(page, person('owner', c.id, stamp));
  await assertValid(await (await page.goto(`${url}/dashboard/${c.id}/playground`)).text(), 'playground without keys');
  await page.getByRole('link', { name: 'Create an API key' }).click();
  assert.equal(page.url(), `${url}/dashboard/${c.id}/keys/new`);
  await close(page);
});

await browser.close();
done();
