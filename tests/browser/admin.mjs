// SPDX-License-Identifier: MIT
// What operators look at and change below /admin: models and how they fare,
// prices and lists of them, everybody's usage, a test of a provider, what runs.
// CHECKLIST D11, D12; S23, S24, S27, S30, S31, S33.
import { done, test, assert } from '../sdk/tap.mjs';
import { modelsInForce, sql, until } from '../wire/lib.mjs';
import {
  api, assertAccessible, assertInert, assertNarrow, assertValid, browser, close, env, made, modelRow, nasty, nastyWord, open,
  person, signIn, tollgate, url,
} from './visit.mjs';

const stamp = Date.now();
const admin = `${url}/admin`;
const secret = `sk-hidden-${stamp}`;
const iso = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

// ---- what there is to be seen ----

const provider = `admin.${stamp}`;
tollgate('provider', 'add', '--name', provider, '--kind', 'openai', '--base-url',
  `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`, '--api-key', secret);
const [[providerId]] = sql(`SELECT provider_id FROM providers WHERE name = '${provider}'`);
function newModel(name, upstream) {
  tollgate('model', 'add', '--name', name, '--provider', provider, '--upstream-name', upstream);
  return Number(sql(`SELECT model_id FROM models WHERE name = '${name}'`)[0][0]);
}
const good = { name: `good.${stamp}`, id: newModel(`good.${stamp}`, 'sim-fixed') };
const bad = { name: `bad.${stamp}`, id: newModel(`bad.${stamp}`, 'sim-500') };
const priceless = { name: `priceless.${stamp}`, id: newModel(`priceless.${stamp}`, 'sim-fixed') };
for (const { id } of [good, bad]) {
  await made('/api/prices', {
    model_id: id, effective_from: iso(stamp - 86400e3),
    prices: { input: 3, output: 7 },
  });
}
const customer = await made('/customers', { name: `Payer ${stamp}`, email: `payer-${stamp}@example.org` });
const other = await made('/customers', { name: `${nasty}${stamp}`, email: `nasty-${stamp}@example.org` });
const key = await made('/api/keys', { customer_id: customer.id, name: 'one' });
const theirs = await made('/api/keys', { customer_id: other.id, name: 'two' });
const chat = (model, of) => api('POST', '/v1/chat/completions',
  { model: model.name, max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }, of.key);
await modelsInForce({ 'X-API-Key': key.key }, [good.name, bad.name]);
assert.equal((await chat(good, key)).status, 200);
assert.ok((await chat(bad, key)).status >= 500);
for (let i = 0; i < 3; i += 1) assert.equal((await chat(good, theirs)).status, 200);
await until('usage is booked', () => Number(sql(`SELECT SUM(requests) FROM usage_totals
  WHERE customer_id = 0 AND period = 'day' AND model_id IN (${good.id}, ${bad.id})`)[0][0]) === 5);

const operator = person('operator', 0, stamp);
const noScript = await open({ javaScriptEnabled: false });
await signIn(noScript, operator);
const row = (page, name) => page.locator('tr').filter({ hasText: name });
const field = (page, name) => page.locator(`[name="${name}"]`);
const send = (page, name) => page.getByRole('button', { name }).click();

// ---- models ----

await test('models tell how they fare, as the rows say', async () => {
  const of = (id) => sql(`SELECT COUNT(*), SUM(request_status NOT IN ('ok', 'client_closed')),
    DATE_FORMAT(MAX(request_timestamp), '%Y-%m-%dT%H:%i') FROM usage_records WHERE model_id = ${id}`)[0];
  const [, noFailure, lastGood] = of(good.id);
  const [nBad, nFailed, lastBad] = of(bad.id);
  assert.equal(noFailure, '0');
  assert.equal(nBad, nFailed);
  const well = await modelRow(noScript, good.name);
  assert.match(await well.innerText(), /Served/);
  assert.match(await well.innerText(), /0% in 24 h\s+0% in 7 days/);
  assert.match(await well.innerText(), /\$3\.00 in\s+\$7\.00 out/);
  assert.ok((await well.locator('time').getAttribute('datetime')).startsWith(lastGood));
  const failing = await modelRow(noScript, bad.name);
  assert.match(await failing.innerText(), /100\.00% in 24 h\s+100\.00% in 7 days/);
  assert.ok((await failing.locator('time').getAttribute('datetime')).startsWith(lastBad));
  const [[code]] = sql(`SELECT error_code FROM usage_records WHERE model_id = ${bad.id} ORDER BY request_timestamp DESC LIMIT 1`);
  assert.equal(await failing.locator('code').innerText(), code);
  assert.match(await (await modelRow(noScript, priceless.name)).innerText(), /No price/);
});

await test('lists of customers and prices: times as programs read them, too', async () => {
  await noScript.goto(`${admin}/customers?find=payer-${stamp}`);
  const since = row(noScript, `Payer ${stamp}`).locator('time');
  const [[day]] = sql(`SELECT DATE(created_at) FROM customers WHERE customer_id = ${customer.id}`);
  assert.equal(await since.getAttribute('datetime'), day);
  await noScript.goto(`${admin}/prices?find=${good.name}`);
  assert.equal(await row(noScript, good.name).locator('time').getAttribute('datetime'), iso(stamp - 86400e3));
  assert.match(await (await modelRow(noScript, good.name)).innerText(), /context not stated/);
  assert.equal((await api('PATCH', `/api/models/${good.id}`, { context_length: 4096 })).status, 200);
  assert.match(await (await modelRow(noScript, good.name)).innerText(), /context of 4,096 tokens/);
});

await test('a local model says whether its server runs', async () => {
  await noScript.goto(`${admin}/models`);
  const [[name]] = sql('SELECT m.name FROM models m JOIN deployments d USING (model_id) '
    + 'WHERE d.model_path IS NOT NULL AND m.archived_at IS NULL LIMIT 1');
  assert.match(await row(noScript, name).innerText(), /Served|No answer|Down/);
  await until('its server answers', async () => {
    await noScript.goto(`${admin}/models`);
    return /Served/.test(await row(noScript, name).innerText());
  });
});

await test('a form makes, changes and archives a model as the API does', async () => {
  const name = `formed.${stamp}`;
  await noScript.goto(`${admin}/models/new`);
  await field(noScript, 'name').fill(name);
  await send(noScript, 'Create');
  await noScript.getByText('Say where the model is served').waitFor();
  await field(noScript, 'provider').selectOption(provider);
  await field(noScript, 'description').fill('Of\ntwo lines');
  await field(noScript, 'context_length').fill('much');
  await send(noScript, 'Create');
  await noScript.getByText('Context must be a number').waitFor();
  await field(noScript, 'context_length').fill('4096');
  await send(noScript, 'Create');
  await noScript.getByText('The model is made').waitFor();
  const [[id]] = sql(`SELECT model_id FROM models WHERE name = '${name}'`);
  const its = `${admin}/models/${id}`;
  let { body } = await api('GET', `/api/models/${id}`);
  assert.deepEqual([body.context_length, body.description, body.provider, body.is_enabled],
    [4096, 'Of\ntwo lines', provider, true]);

  await (await modelRow(noScript, name)).getByRole('link', { name, exact: true }).click();
  assert.equal(await field(noScript, 'description').inputValue(), 'Of\ntwo lines');
  await api('PATCH', `/api/models/${id}`, { max_output: 100 });
  await field(noScript, 'max_output').fill('200');
  await send(noScript, 'Save');
  assert.equal(await field(noScript, 'max_output').inputValue(), '100');
  await noScript.getByText('Unless a request says').click();
  await field(noScript, 'default_temperature').fill('0.5');
  await noScript.getByText('Members of requests').first().click();
  await field(noScript, 'allowed_members').fill('service_tier\ntools');
  await send(noScript, 'Save');
  await noScript.getByText('The model is saved').waitFor();
  ({ body } = await api('GET', `/api/models/${id}`));
  assert.deepEqual([body.default_temperature, body.allowed_members, body.max_output],
    [0.5, ['service_tier', 'tools'], 100]);

  await noScript.goto(its);
  await noScript.getByText('Archive this model…').click();
  await send(noScript, 'Archive this model');
  await noScript.getByText('The model is archived').waitFor();
  assert.notEqual((await api('GET', `/api/models/${id}`)).body.archived_at, null);
  assert.equal((await noScript.goto(its)).status(), 404);
  const actions = sql(`SELECT action FROM audit_log WHERE object = 'model' AND object_id = ${id}
    AND actor_id = ${operator.id} ORDER BY audit_id`).flat();
  assert.deepEqual(actions, ['model.add', 'model.set', 'model.archive']);
});

// ---- prices ----

await test('versions of prices: shown with from and to, and a new one by form', async () => {
  await noScript.goto(`${admin}/prices/${good.id}`);
  await noScript.getByRole('link', { name: 'New prices' }).click();
  // What follows from the others anyhow is left open.
  assert.equal(await field(noScript, 'prices/input').inputValue(), '3');
  assert.equal(await field(noScript, 'prices/cached_input').inputValue(), '');
  assert.equal(await field(noScript, 'prices/long_input').inputValue(), '');
  await field(noScript, 'prices/input').fill('x');
  await send(noScript, 'Create');
  await noScript.getByText('Input must be a number').waitFor();
  await field(noScript, 'prices/input').fill('4.125');
  await noScript.getByText('USD a million tokens, of long contexts').click();
  await field(noScript, 'prices/long_output').fill('0.0000001');
  await send(noScript, 'Create');
  await noScript.getByText("'long_output' may have at most 6 decimals").waitFor();
  await field(noScript, 'prices/long_output').fill('');
  await field(noScript, 'prices/output').fill('8');
  await field(noScript, 'note').fill(nasty);
  await send(noScript, 'Create');
  await noScript.getByText('The new prices are set').waitFor();
  const cards = noScript.locator('section.card');
  assert.equal(await cards.count(), 2);
  assert.match(await cards.nth(0).innerText(), /In force/);
  assert.match(await cards.nth(0).innerText(), /Input from the cache\s+\$4\.125\s+\$4\.125/);
  const from = await cards.nth(0).locator('h2 time').getAttribute('datetime');
  assert.equal(await cards.nth(1).locator('.quiet time').first().getAttribute('datetime'), from);
  assert.match(await cards.nth(1).innerText(), /Over/);
  const { body } = await api('GET', `/api/prices?model_id=${good.id}`);
  assert.deepEqual([body.data[0].prices.input, body.data[0].note, body.data[0].is_in_force], [4.125, nasty, true]);
});

const list = (output) => JSON.stringify({
  sample_spec: { mode: 'chat' },
  [priceless.name]: { litellm_provider: 'openai', mode: 'chat', input_cost_per_token: 1e-6, output_cost_per_token: output },
  'nobody-has-this': { litellm_provider: 'openai', input_cost_per_token: 1, output_cost_per_token: 1 },
}, null, 1);
const versions = async () => (await api('GET', `/api/prices?model_id=${priceless.id}`)).body.data;

async function compare(page, text) {
  await page.goto(`${admin}/prices/import`);
  await field(page, 'list').fill(text);
  await field(page, 'provider_id').selectOption(providerId);
  await field(page, 'source').fill('the test');
  const answer = page.waitForResponse((r) => r.request().method() === 'POST');
  await send(page, 'Compare');
  return (await answer).text();
}

await test('what a list and a credit call things stays text (S23)', async () => {
  const page = await open();
  await signIn(page, operator);
  await api('PATCH', `/api/models/${priceless.id}`, { upstream_name: nasty });
  await compare(page, JSON.stringify({
    [nasty]: { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6, [`${nasty}_cost_per_token`]: 1 },
    [`absent ${nasty}`]: { input_cost_per_token: 1, output_cost_per_token: 1 },
  }));
  const text = await page.locator('main').innerText();
  assert.ok(text.split(nasty).length - 1 >= 3, text);
  await made(`/customers/${customer.id}/credits`, { amount_usd: 1, reference: nastyWord });
  await page.goto(`${url}/dashboard/${customer.id}/billing`);
  assert.ok((await page.locator('#ledger').innerText()).includes(nastyWord));
  await assertInert(page, 'credits');
  await close(page);
});

await test('a price list is compared, then just that is applied', async () => {
  // Its entry is found by its name at the provider.
  await api('PATCH', `/api/models/${priceless.id}`, { upstream_name: priceless.name });
  await compare(noScript, '{"a":');
  await noScript.getByText('That is no JSON object').waitFor();
  assert.equal(await field(noScript, 'list').inputValue(), '{"a":');
  await compare(noScript, list(0.000002));
  const change = noScript.getByRole('region', { name: `Change of ${priceless.name}` });
  assert.match(await change.innerText(), /It has no price yet/);
  assert.match(await noScript.locator('main').innerText(), /New versions of prices: 1, from now on\./);
  await noScript.goto(`${admin}/prices/import`);
  await field(noScript, 'list').fill(list(0.000002));
  await field(noScript, 'provider_id').selectOption(providerId);
  await field(noScript, 'effective_from').fill('2030-01-02T03:04');
  await send(noScript, 'Compare');
  assert.equal(await noScript.locator('form time').getAttribute('datetime'), '2030-01-02T03:04:00Z');
  assert.match(await noScript.locator('form p').first().innerText(), /1, from 2 Jan 2030, 03:04 \(UTC\) on\./);
  await compare(noScript, list(0.000002));
  assert.match(await change.innerText(), /Output\s+–\s+\$2\.00/);
  assert.match(await noScript.locator('.notes').innerText(), /nobody-has-this/);
  assert.deepEqual(await versions(), []);

  // Nothing but what was shown: neither another list nor another price before.
  const html = await noScript.content();
  assert.ok(!html.includes(secret));
  const form = Object.fromEntries(await Promise.all(['csrf', 'etag', 'provider_id', 'effective_from', 'source']
    .map(async (name) => [name, await noScript.locator(`main [name="${name}"]`).first().inputValue()])));
  const apply = (more) => noScript.request.post(`${admin}/prices/import/apply`,
    { form: { ...form, list: list(0.000002), ...more }, maxRedirects: 0 });
  assert.equal((await apply({ list: list(0.000001) })).status(), 409);
  assert.equal((await apply({ etag: '0'.repeat(64) })).status(), 409);
  assert.equal((await apply({ etag: '' })).status(), 409);
  assert.deepEqual(await versions(), []);

  await send(noScript, 'Set them');
  await noScript.getByText('The prices of the list are set').waitFor();
  const [set, ...more] = await versions();
  assert.deepEqual([set.prices.input, set.prices.output, more.length], [1, 2, 0]);
  assert.match(set.note, /the test/);
  // Once more it is not what was shown, for that price holds now.
  assert.equal((await apply({})).status(), 409);
  assert.equal((await versions()).length, 1);
  await compare(noScript, list(0.000002));
  await noScript.getByText('Nothing to change').waitFor();
});

// ---- the same as a file ----

const fileOf = (text, name = 'prices é "1".json') => ({ name, mimeType: 'application/json', buffer: Buffer.from(text) });

async function compareFile(page, text) {
  await page.goto(`${admin}/prices/import`);
  await page.getByLabel('The list, as a file').setInputFiles(fileOf(text));
  await field(page, 'provider_id').selectOption(providerId);
  await send(page, 'Compare');
}

await test('a price list is chosen as a file, compared as a pasted one, applied', async () => {
  for (const page of [noScript, await open()]) {
    if (page !== noScript) await signIn(page, operator);
    await compareFile(page, '{"a":');
    await page.getByText('That is no JSON object').waitFor();
    assert.equal(await field(page, 'list').inputValue(), '');
    const was = (await versions()).length;
    const output = was * 0.000004;
    const text = `\ufeff${list(output).replaceAll('\n', '\r\n')}`;
    await compareFile(page, text);
    const change = page.getByRole('region', { name: `Change of ${priceless.name}` });
    assert.ok((await change.innerText()).includes(`$${output * 1e6}.00`));
    assert.equal((await versions()).length, was);
    await send(page, 'Set them');
    await page.getByText('The prices of the list are set').waitFor();
    const all = await versions();
    assert.equal(all.length, was + 1);
    const set = all.find((v) => v.prices.output === output * 1e6);
    assert.match(set.note, /list in a file/);
    await compareFile(page, text);
    await page.getByText('Nothing to change').waitFor();
    if (page !== noScript) await close(page);
  }
});

await test('S27: a form in parts needs the token and our page, and is only for a list', async () => {
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, operator);
  await page.goto(`${admin}/prices/import`);
  const csrf = await page.locator('main [name=csrf]').inputValue();
  const wrong = `${csrf.slice(1)}${csrf[0] === '0' ? '1' : '0'}`;
  const post = async (path, multipart, headers = {}) => {
    const answer = await page.request.post(`${admin}/${path}`, { multipart, headers });
    return { status: answer.status(), text: await answer.text() };
  };
  const file = fileOf(list(0.000009));
  for (const path of ['prices/import', 'prices/import/apply']) {
    assert.equal((await post(path, { file })).status, 403);
    assert.equal((await post(path, { csrf: wrong, file })).status, 403);
    assert.equal((await post(path, { csrf, file }, { Origin: 'https://elsewhere.example' })).status, 403);
    assert.equal((await post(path, { csrf, file }, { 'Sec-Fetch-Site': 'cross-site' })).status, 403);
  }
  assert.equal((await post('prices/import', { csrf, file })).status, 200);
  assert.equal((await post('prices/import/apply', { csrf, file })).status, 409);
  assert.equal((await post('customers', { csrf, name: 'x', email: 'x@example.org' })).status, 415);
  // As a page, in words.
  const says = async (more, words) => {
    const { status, text } = await post('prices/import', { csrf, ...more });
    assert.equal(status, 400);
    assert.match(text, words);
  };
  await says({}, /Choose a file that is not empty, or paste/);
  await says({ file: fileOf('') }, /Choose a file that is not empty, or paste/);
  await says({ file, list: '{}' }, /not both/);
  await says({ file: fileOf('x'.repeat(2 * 1024 * 1024 + 1)) }, /larger than 2 MiB/);
  await says({ file: { ...file, buffer: Buffer.from([0x7b, 0xff]) } }, /not UTF-8/);
  await says({ file, other: '1' }, /no field &quot;other&quot;/);
  await close(page);
});

await test('a price list of more than 2 MiB is refused', async () => {
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, operator);
  await page.goto(`${admin}/prices/import`);
  const csrf = await page.locator('main [name=csrf]').inputValue();
  const large = await page.request.post(`${admin}/prices/import`,
    { form: { csrf, list: 'x'.repeat(2 * 1024 * 1024 + 1) } });
  assert.equal(large.status(), 400);
  assert.match(await large.text(), /larger than 2 MiB/);
  await close(page);
});

// ---- a provider's address ----

await test('a provider\'s stored credential does not go to another address', async () => {
  const { id } = await made('/api/providers', { name: `moves.${stamp}`, kind: 'openai', base_url: 'https://one.example.com/v1', api_key: 'sk-moves' });
  const address = () => sql(`SELECT base_url FROM providers WHERE provider_id = ${id}`)[0][0];
  const change = async (values) => {
    await noScript.goto(`${admin}/providers/${id}`);
    for (const [name, value] of Object.entries(values)) await field(noScript, name).fill(value);
    await send(noScript, 'Save');
  };
  await change({ base_url: 'https://two.example.com/v1' });
  await noScript.getByText('Enter its API key for the new address').waitFor();
  assert.equal(await field(noScript, 'base_url').inputValue(), 'https://two.example.com/v1');
  assert.equal(address(), 'https://one.example.com/v1');
  await change({ base_url: 'https://two.example.com/v1', api_key: 'sk-anew' });
  assert.equal(address(), 'https://two.example.com/v1');
  await change({ drain_s: '5' });
  assert.equal(sql(`SELECT drain_s FROM providers WHERE provider_id = ${id}`)[0][0], '5');
});

// ---- a provider's test ----

await test('a provider is asked for the password, and no secret is shown', async () => {
  await noScript.goto(`${admin}/providers/${providerId}`);
  await noScript.getByRole('link', { name: 'Test it' }).click();
  const before = sql("SELECT COUNT(*) FROM audit_log WHERE action = 'provider.test'")[0][0];
  await field(noScript, 'model_id').selectOption({ label: good.name });
  await field(noScript, 'current_password').fill('not the right password');
  await send(noScript, 'Ask');
  assert.equal(await noScript.locator('#result').count(), 0);
  assert.equal(await noScript.getByRole('alert').count(), 1);
  assert.equal(sql("SELECT COUNT(*) FROM audit_log WHERE action = 'provider.test'")[0][0], before);
  assert.deepEqual(sql(`SELECT actor, object, object_id, is_success FROM audit_log WHERE action = 'session.confirm'
    AND actor_id = ${operator.id}`), [['user', 'user', String(operator.id), '0']]);

  await field(noScript, 'model_id').selectOption({ label: good.name });
  await field(noScript, 'current_password').fill(operator.password);
  await send(noScript, 'Ask');
  const result = await noScript.locator('#result').innerText();
  assert.match(result, /It answers/);
  assert.match(result, /HTTP status\s+200/);
  assert.match(result, /Cost by our price\s+\$0\.0/);
  assert.match(result, /It begins: ./);
  assert.ok(!(await noScript.content()).includes(secret));

  await field(noScript, 'model_id').selectOption({ label: bad.name });
  await field(noScript, 'current_password').fill(operator.password);
  await send(noScript, 'Ask');
  assert.match(await noScript.locator('#result').innerText(), /HTTP status\s+500/);
  const rows = sql(`SELECT is_success, detail FROM audit_log WHERE action = 'provider.test'
    AND object_id = ${providerId} AND actor_id = ${operator.id} ORDER BY audit_id`);
  assert.deepEqual(rows.map(([ok]) => ok), ['1', '0']);
  assert.ok(!JSON.stringify(rows).includes(secret));
  // The command asks the same.
  const command = tollgate('provider', 'test', provider, '--model', good.name);
  assert.equal([command].flat()[0].status, 200);
});

await test('wrong passwords at a provider\'s test are throttled as at sign-in', async () => {
  const unlucky = person('operator', 0, `${stamp}-2`);
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, unlucky);
  await page.goto(`${admin}/providers/${providerId}/test`);
  const form = {
    csrf: await page.locator('main [name=csrf]').inputValue(), model_id: good.id, current_password: 'wrong wrong wrong',
  };
  const statuses = [];
  // Ten a minute; where checking takes that long, sixty an hour.
  for (let i = 0; i < 61; i += 1) {
    const answer = await page.request.post(`${admin}/providers/${providerId}/test`, { form });
    statuses.push(answer.status());
    if (answer.status() === 429) break;
  }
  assert.equal(statuses.at(-1), 429, statuses.join());
  await close(page);
});

// ---- usage ----

// By this suite's provider alone: of all customers only the busiest have rows.
await test('everybody\'s usage by customer: page, file and API agree', async () => {
  await noScript.goto(`${admin}/usage?range=24h&group_by=customer&metric=requests&provider_id=${providerId}`);
  const shown = await row(noScript.locator('#groups'), customer.name).locator('data').evaluateAll((n) => n.map((x) => x.value));
  const [[n]] = sql(`SELECT COUNT(*) FROM usage_records WHERE customer_id = ${customer.id}`);
  assert.ok(shown.includes(n), `${shown} lack ${n}`);
  assert.equal(await noScript.locator('#groups').getByText(`${nasty}${stamp}`).count(), 1);
  const csv = await (await noScript.request.get(new URL(await noScript.getByRole('link', { name: 'Download CSV' })
    .getAttribute('href'), url).href)).text();
  const lines = csv.trim().split(/\r?\n/).filter((line) => line.includes(`Payer ${stamp}`));
  assert.equal(lines.length > 0, true);
  // The filter leads to one customer, whose requests have a page.
  await noScript.locator('#groups').getByRole('link', { name: customer.name }).click();
  assert.match(noScript.url(), new RegExp(`customer_id=${customer.id}`));
  assert.equal(await noScript.locator('#groups tbody tr').count(), 1);
  await noScript.getByRole('link', { name: 'Requests', exact: true }).click();
  assert.match(noScript.url(), new RegExp(`/dashboard/${customer.id}/requests`));
  assert.equal(await noScript.locator('h1').innerText(), 'Requests');
  await noScript.goto(`${admin}/usage?group_by=provider&customer_id=${customer.id}&provider_id=${providerId}`);
  assert.equal(await noScript.locator('#groups tbody tr').count(), 1);
  // Of a customer's own page it is no parameter.
  assert.equal((await noScript.goto(`${url}/dashboard/${customer.id}/usage?customer_id=${other.id}`)).status(), 400);
});

// ---- the system ----

await test('the system: workers, hosts, books and records set aside', async () => {
  tollgate('reconcile', '--database-only');
  await noScript.goto(`${admin}/system`);
  const pids = sql('SELECT pid FROM workers').flat();
  assert.ok(pids.length > 0);
  const table = await noScript.locator('#workers').innerText();
  for (const pid of pids) assert.ok(table.includes(pid), `${pid} in ${table}`);
  assert.equal(await noScript.locator('#workers .state-on').count(), pids.length);
  const [[host]] = sql('SELECT host FROM hosts LIMIT 1');
  assert.match(await noScript.locator('#hosts').innerText(), new RegExp(host));
  const [[clean, rows]] = sql('SELECT is_clean, usage_rows FROM reconcile_results ORDER BY finished_at DESC LIMIT 1');
  const books = await noScript.locator('#books tbody').innerText();
  assert.match(books, clean === '1' ? /Agree/ : /Differ/);
  assert.ok(books.replaceAll(',', '').includes(rows));
  assert.match(books, /not compared/);

  sql("INSERT INTO usage_rejected (series, off, error, record) VALUES (REPEAT('s', 16), 1, '<b>why</b>', 'x')");
  sql("UPDATE workers SET seen_at = NOW(6) - INTERVAL 1 HOUR LIMIT 1");
  try {
    await noScript.goto(`${admin}/system`);
    await noScript.getByText('Something needs you').waitFor();
    assert.match(await noScript.locator('#rejected').innerText(), /<b>why<\/b>/);
    assert.match(await noScript.locator('#findings li').filter({ hasText: 'Records set aside' }).innerText(), /Look[^]*1 records/);
    assert.match(await noScript.locator('#findings li').filter({ hasText: 'Workers' }).innerText(), /Look/);
    assert.match(await noScript.locator('#workers').innerText(), /Silent/);
  } finally {
    sql("DELETE FROM usage_rejected WHERE error = '<b>why</b>'");
  }
});

// ---- who may ----

const pages = ['models', 'models/new', `models/${good.id}`, 'prices', 'prices/import', `prices/${good.id}`,
  `prices/${priceless.id}`, `prices/${good.id}/new`, `providers/${providerId}`, `providers/${providerId}/test`,
  'usage', 'usage?group_by=customer&range=12m', 'usage?from=2001-01-01&to=2001-01-02', 'system'];
const posts = ['models', `models/${good.id}`, `models/${good.id}/archive`, 'prices/import', 'prices/import/apply',
  `prices/${good.id}`, `providers/${providerId}/test`];

await test('nobody else sees or does any of it; no form without its token', async () => {
  const owner = person('owner', customer.id, stamp);
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, owner);
  const token = await page.locator('[name=csrf]').first().inputValue();
  for (const path of pages) assert.equal((await page.request.get(`${admin}/${path}`)).status(), 403, path);
  for (const path of posts) {
    assert.equal((await page.request.post(`${admin}/${path}`, { form: { csrf: token } })).status(), 403, path);
  }
  const its = sql(`SELECT COUNT(*) FROM price_versions WHERE model_id = ${good.id}`)[0][0];
  for (const path of posts) {
    for (const form of [{}, { csrf: token }]) {
      assert.equal((await noScript.request.post(`${admin}/${path}`, { form, maxRedirects: 0 })).status(), 403, path);
    }
  }
  assert.equal(sql(`SELECT COUNT(*) FROM price_versions WHERE model_id = ${good.id}`)[0][0], its);
  assert.equal((await api('GET', `/api/models/${good.id}`)).body.archived_at, null);
  await close(page);
});

// ---- how it looks ----

await test('every page is valid, narrow, accessible, light and dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open({ colorScheme, bypassCSP: true });
    await signIn(page, operator);
    // And where an operator comes to after signing in.
    for (const path of [...pages, '../dashboard']) {
      const answer = await page.goto(`${admin}/${path}`);
      assert.equal(answer.status(), 200, path);
      assert.match(answer.headers()['content-security-policy'], /default-src 'none'/);
      assert.equal(answer.headers()['cache-control'], 'no-store');
      await page.setViewportSize({ width: 1280, height: 900 });
      await assertAccessible(page, `${path} ${colorScheme}`);
      await page.setViewportSize({ width: 320, height: 640 });
      await assertNarrow(page, path);
      await assertValid(await answer.text(), path);
      await assertInert(page, path);
    }
    const html = await compare(page, list(0.000009));
    await page.getByText('Set these prices').waitFor();
    await assertAccessible(page, `plan ${colorScheme}`);
    await assertNarrow(page, 'plan');
    await assertValid(html, 'plan');
    await close(page);
  }
});

await close(noScript);
await browser.close();
done();
