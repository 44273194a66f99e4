// SPDX-License-Identifier: MIT
// Markup where operators, providers and addresses may bring some: in names of
// models and tiers, a provider's error code and words, what is looked for, and
// forms that are refused. It is shown as it was given and makes no element
// (S23); browser/matrix has what customers name.
import fs from 'node:fs';
import http from 'node:http';
import { assert, done, test } from '../sdk/tap.mjs';
import { modelsInForce, sql, until } from '../wire/lib.mjs';
import { everything, use } from './customer.mjs';
import {
  api, assertInert, browser, close, env, fillAndSend, made, modelRow, nasty, nastyWord, open, person, signIn, url,
} from './visit.mjs';

const stamp = Date.now();

// ---- a provider that answers in markup ----

const socket = `${env.TOLLGATE_STACK_DIR}/run/markup${stamp}.sock`;
const answers = {
  fails: { status: 500, body: { error: { message: nasty, type: nastyWord, code: nastyWord } } },
  speaks: { status: 200, body: { choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: nasty } }],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } } },
};
const server = http.createServer((rq, answer) => {
  const parts = [];
  rq.on('data', (part) => parts.push(part));
  rq.on('end', () => {
    const { status, body } = answers[JSON.parse(Buffer.concat(parts)).model];
    answer.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  });
});
await new Promise((ready) => { server.listen(socket, ready); });
fs.chmodSync(socket, 0o777);

const provider = await made('/api/providers', { name: `markup.${stamp}`, kind: 'openai', base_url: `unix:${socket}`, api_key: 'sk-x' });
const model = await made('/api/models', { name: `${nasty}${stamp}`, provider: provider.name, upstream_name: 'speaks', prices: { input: 1, output: 2 } });
const failing = await made('/api/models', { name: `fails.${stamp}`, provider: provider.name, upstream_name: 'fails', prices: { input: 1, output: 2 } });
// A name of 64 bytes at most.
const tier = await made('/api/tiers', { name: `<img src=x onerror="window.hit=1">&amp;${stamp}`, rate_limits: { 'key.requests.minute': 77 } });

const customer = await everything('markup', model, stamp);
await use(customer, failing, [{}]); // so that drawings tell models apart
const key = await made('/api/keys', { customer_id: customer.id, name: 'Tiered', rate_limit_tier: tier.name });
await modelsInForce({ 'X-API-Key': key.key }, [model.name, failing.name]);

// Where markup would be more than text: no policy forbids it.
const operator = await open({ bypassCSP: true });
const operatorWho = person('operator', 0, stamp);
await signIn(operator, operatorWho);
const owner = await open({ bypassCSP: true });
await signIn(owner, person('owner', customer.id, stamp));

// `text` is in one of the elements `where`, the page is what it would be anyway.
async function assertShown(page, where, text) {
  const shown = await page.locator(where).evaluateAll((all) => all.map((n) => n.getAttribute('aria-label') ?? n.textContent));
  assert.ok(shown.some((t) => t.includes(text)), `${where}: ${shown.join('\n')}`);
  await assertInert(page, page.url());
}

// ---- names ----

const mine = `/dashboard/${customer.id}`;
const called = (path) => path.replace(customer.things.requests, 'ID').replace(/\d+/g, 'N');
for (const [who, path, ...where] of [
  [owner, `${mine}/models?find=${stamp}`, 'h2 code', 'button[data-copy]', '.scroll'],
  [owner, `${mine}/requests`, '#requests td.name', 'select[name=model_id] option'],
  [owner, `${mine}/requests/${customer.things.requests}`, '#facts dd'],
  [owner, `${mine}/usage?group_by=model`, '#groups th', '#periods th', '.legend'],
  [owner, `${mine}/keys`, 'select[name=model_id] option'],
  [owner, `${mine}/keys/new`, 'label[for^=f-allowed_models]'],
  [owner, `${mine}/playground?key_id=${key.id}`, '#play select[name=model] option'],
  [owner, mine, 'main'],
  [operator, `/admin/models/${model.id}`, 'h1'],
  [operator, `/admin/prices?find=${stamp}`, 'tbody a'],
  [operator, `/admin/prices/${model.id}`, 'h1'],
  [operator, `/admin/prices/${model.id}/new`, 'main'],
  [operator, `/admin/providers/${provider.id}/test`, 'select[name=model_id] option'],
  [operator, `/admin/usage?group_by=model&customer_id=${customer.id}`, '#groups th'],
]) {
  await test(`${called(path)}: markup in a model's name stays text (S23)`, async () => {
    await who.goto(url + path);
    for (const at of where) await assertShown(who, at, model.name);
  });
}

await test('/admin/models: markup in a model\'s name stays text (S23)', async () => {
  await modelRow(operator, model.name);
  await assertShown(operator, '#health th a', model.name);
});

for (const [path, where, shown] of [
  ['/admin/tiers', 'tbody a', tier.name],
  [`/admin/tiers/${tier.id}`, 'h1', tier.name],
  [`${mine}/keys/${key.id}`, '#limits-head ~ * td', `its tier ${tier.name}`],
  [`${mine}/keys/${key.id}`, 'select[name=rate_limit_tier] option', tier.name],
  [`${mine}/keys/new`, 'select[name=rate_limit_tier] option', tier.name],
]) {
  await test(`${called(path)}, ${where}: markup in a tier's name stays text (S23)`, async () => {
    await operator.goto(url + path);
    await assertShown(operator, where, shown);
  });
}

// ---- what providers say ----

await test('a provider\'s error code full of markup stays text: on the request\'s page, in the models\' list (S23)', async () => {
  const { status } = await api('POST', '/v1/chat/completions', { model: failing.name, messages: [{ role: 'user', content: 'x' }] }, key.key);
  assert.ok(status >= 500, `${status}`);
  const [[id]] = await until('the row', () => {
    const rows = sql(`SELECT LOWER(HEX(request_id)) FROM usage_records
      WHERE model_id = ${failing.id} AND api_key_id = ${key.id}`);
    return rows.length && rows;
  });
  await owner.goto(`${url}${mine}/requests/${id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`);
  await assertShown(owner, '#facts dd', nastyWord);
  const row = await modelRow(operator, failing.name);
  assert.equal(await row.locator('code').textContent(), nastyWord);
  await assertInert(operator, 'models');
});

for (const [what, its, where, shown] of [
  ['error code', failing, '#result code', nastyWord],
  ['words', model, '#result q', nasty],
]) {
  await test(`a provider's ${what} full of markup, in the answer of its test: stays text (S23)`, async () => {
    await operator.goto(`${url}/admin/providers/${provider.id}/test`);
    await operator.locator('[name=model_id]').selectOption(String(its.id));
    await operator.locator('[name=current_password]').fill(operatorWho.password);
    await operator.getByRole('button', { name: 'Ask' }).click();
    await operator.locator('#result').waitFor();
    await assertShown(operator, where, shown);
  });
}

// ---- what is asked for ----

// `where` says what of the answer repeats it, if more than the field does.
const of = encodeURIComponent;
for (const [path, field, text, where] of [
  ['/admin/customers', 'find', `nobody ${nasty}`, 'main q'],
  ['/admin/prices', 'find', `nothing ${nasty}`, 'main q'],
  ['/admin/audit', 'action', `">${nastyWord}`],
  ['/admin/audit', 'object', `">${nastyWord}`],
  [`${mine}/audit`, 'action', `">${nastyWord}`],
  [`${mine}/audit`, 'object', `">${nastyWord}`],
  [`${mine}/keys`, 'name', nasty],
]) {
  await test(`${called(path)}?${field}=: markup that is looked for stays text (S23)`, async () => {
    const answer = await operator.goto(`${url}${path}?${field}=${of(text)}`);
    assert.equal(answer.status(), 200);
    assert.equal(await operator.locator(`main [name="${field}"]`).inputValue(), text);
    await assertInert(operator, path);
    if (where) await assertShown(operator, where, text);
  });
}

await test('a parameter whose name is markup is refused in text (S23)', async () => {
  const answer = await operator.goto(`${url}/admin/customers?${of(nastyWord)}=1`);
  assert.equal(answer.status(), 400);
  await assertShown(operator, '.door p', nastyWord);
});

await test('an e-mail address and an address to go to, full of markup, at a refused sign-in: stay text (S23)', async () => {
  const page = await open({ bypassCSP: true });
  const shows = async () => {
    assert.equal(await page.locator('[name=next]').inputValue(), `/${nasty}`);
    await assertInert(page, page.url());
  };
  await page.goto(`${url}/login/code?next=${of(`/${nasty}`)}`);
  await shows();
  await page.goto(`${url}/login?next=${of(`/${nasty}`)}`);
  await shows();
  await fillAndSend(page, 'Sign in', { email: nasty, password: nasty });
  await page.getByRole('alert').waitFor();
  assert.equal(await page.locator('[name=email]').inputValue(), nasty);
  await shows();
  await close(page);
});

// ---- forms that are refused ----

for (const [who, path, button, fields] of [
  [operator, '/admin/customers/new', 'Create', { name: nasty, email: nasty, company: nasty }],
  [operator, '/admin/tiers/new', 'Create', { name: nasty }],
  [operator, '/admin/models/new', 'Create', { name: nasty, description: nasty, upstream_name: nasty, context_length: nasty }],
  [operator, '/admin/providers/new', 'Create', { name: nasty, base_url: nasty }],
  [operator, `/admin/prices/${model.id}/new`, 'Create', { note: nasty, 'prices/input': nasty }],
  [operator, '/admin/prices/import', 'Compare', { list: nasty, source: nasty }],
  [owner, `${mine}/keys/new`, 'Create key', { name: nasty, allowed_ips: nasty, 'budget/amount_usd': nasty }],
  [owner, `${mine}/keys/${key.id}`, 'Save', { name: nasty, allowed_ips: nasty }],
  [owner, `${mine}/members/new`, 'Create', { name: nasty, email: nasty }],
  [owner, `${mine}/projects/new`, 'Create', { name: nasty, 'budget/amount_usd': nasty }],
  [owner, `${mine}/playground?key_id=${key.id}`, 'Ask', { prompt: nasty, temperature: nasty }],
]) {
  await test(`${called(path)}: markup in a form that is refused stays text (S23)`, async () => {
    await who.goto(url + path);
    await fillAndSend(who, button, fields);
    await who.locator('[role=alert], .field-bad').filter({ visible: true }).first().waitFor();
    for (const [name, text] of Object.entries(fields)) {
      assert.equal(await who.locator(`main [name="${name}"]`).inputValue(), text, name);
    }
    await assertInert(who, path);
  });
}

// Lists of other suites go on without it.
for (const { id } of [model, failing]) assert.equal((await api('DELETE', `/api/models/${id}`)).status, 200);
await test('no page complained, or asked elsewhere', async () => {
  for (const page of [operator, owner]) await close(page);
});
server.close();
await browser.close();
done();
