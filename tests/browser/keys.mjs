// SPDX-License-Identifier: MIT
// API keys by pages: what the API can do with them a form can, with and
// without JavaScript; then the pages of limits, budgets and models.
import { assert, done, test } from '../sdk/tap.mjs';
import { modelsInForce, sql } from '../wire/lib.mjs';
import {
  api, assertAccessible, assertNarrow, assertValid, browser, close, env, made,
  mine, nasty, once, open, person, signIn, tollgate, url,
} from './visit.mjs';

const stamp = Date.now();
const customerId = Number(env.TOLLGATE_CUSTOMER_ID);
const limitNames = ['key_model', 'key', 'customer', 'model', 'address'].flatMap((s) =>
  ['requests', 'tokens'].flatMap((u) => ['minute', 'hour', 'day'].map((w) => `${s}.${u}.${w}`)));

const project = await made('/api/projects', { customer_id: customerId, name: `Site ${stamp}` });
const catalogue = (await api('GET', '/v1/models', undefined, env.TOLLGATE_API_KEY)).body.data;
const model = catalogue.find((m) => m.id === 'lawgent-thinking');

const self = (key) => api('GET', '/v1/key', undefined, key);
const keysNamed = async (name) => (await api('GET',
  `/api/keys?customer_id=${customerId}&name=${encodeURIComponent(name)}`)).body.data;
const field = (page, name) => page.locator(`[name="${name}"]`);
const idOf = (page) => Number(page.url().match(/keys\/(\d+)/)[1]);

async function make(page, name, fill = async () => {}) {
  await page.goto(`${mine}/keys`);
  await page.getByRole('link', { name: 'New API key' }).click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await fill(page);
  await page.getByRole('button', { name: 'Create key' }).click();
  return (await page.locator('#secret').count()) ? page.locator('#secret').textContent() : '';
}

await test('the example is one that the key may ask; its page leads to its usage and requests', async () => {
  const page = await open();
  await signIn(page);
  await make(page, `Reads ${stamp}`, async () => {
    await page.getByLabel('send requests to models').uncheck();
    await page.getByLabel('read usage').check();
  });
  assert.equal(await page.locator('#example').count(), 0);
  await page.getByRole('link', { name: /open the key/ }).click();
  const id = idOf(page);
  for (const [name, path] of [['usage', 'usage'], ['requests', 'requests']]) {
    assert.equal(await page.locator('#main').getByRole('link', { name, exact: true }).getAttribute('href'),
      new URL(`${mine}/${path}?api_key_id=${id}`).pathname + `?api_key_id=${id}`);
  }

  // One that only answers Anthropic's requests is no example.
  const claude = `claude.${stamp}`;
  tollgate('provider', 'add', '--name', claude, '--kind', 'anthropic', '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`);
  const { id: modelId } = tollgate('model', 'add', '--name', claude, '--provider', claude, '--default-max-output', '64');
  tollgate('price', 'set', '--model', claude, '--input', '1', '--output', '1');
  await modelsInForce({ 'X-API-Key': env.TOLLGATE_API_KEY }, []);
  await make(page, `Claude's ${stamp}`, () => page.locator(`[name=allowed_models][value="${modelId}"]`).check());
  assert.match(await page.locator('#example').textContent(), /"model": "MODEL"/);
  await close(page);
  tollgate('model', 'archive', claude);
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  await test(`a key is made, used, rotated, switched and revoked ${how} JavaScript (D1)`, async () => {
    const page = await open({ javaScriptEnabled, permissions: ['clipboard-read', 'clipboard-write'] });
    const name = `Task ${how} ${stamp}`;
    await signIn(page);

    const secret = await make(page, name);
    assert.match(secret, /^tg_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}$/);
    assert.ok((await page.locator('#example').textContent()).includes(`Bearer ${secret}`));
    assert.equal((await self(secret)).body.name, name);
    assert.equal(await page.getByRole('button', { name: 'Copy' }).count() > 0, javaScriptEnabled);
    if (javaScriptEnabled) {
      await page.getByRole('button', { name: 'Copy' }).first().click();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
    }
    // S33: not in the address, nor in what the browser sends along.
    assert.ok(!page.url().includes(secret.slice(3)));

    await page.getByRole('link', { name: /open the key/ }).click();
    const { id } = (await keysNamed(name))[0];
    assert.equal(idOf(page), id);
    assert.ok(!(await page.content()).includes(secret.slice(14)));

    await page.getByRole('button', { name: 'Switch this key off' }).click();
    await page.getByText('The key is switched off').waitFor();
    assert.equal((await self(secret)).status, 401);
    await page.getByRole('button', { name: 'Switch this key on' }).click();
    await page.getByText('The key is switched on').waitFor();
    assert.equal((await self(secret)).status, 200);

    await page.getByText('Give this key a new secret…').click();
    await page.getByRole('button', { name: 'Make a new secret' }).click();
    const second = await page.locator('#secret').textContent();
    assert.notEqual(second, secret);
    assert.equal((await self(secret)).body.id, id);
    assert.equal((await self(second)).body.id, id);
    await page.reload();
    await page.getByText('This form was sent before').waitFor();
    assert.equal((await self(second)).status, 200);

    await page.getByRole('link', { name: 'Open the key' }).click();
    await page.getByText('Give this key a new secret…').click();
    await page.getByLabel('stays valid for').selectOption('0');
    await page.getByRole('button', { name: 'Make a new secret' }).click();
    const third = await page.locator('#secret').textContent();
    assert.equal((await self(second)).status, 401);
    await page.getByRole('link', { name: /open the key/ }).click();

    // D17: who made it; a second step, and a form's token.
    const maker = page.locator('dl.facts div', { has: page.getByText('Made by', { exact: true }) }).locator('dd');
    assert.equal(await maker.textContent(), env.TOLLGATE_DASHBOARD_EMAIL);
    assert.ok(!(await page.getByRole('button', { name: 'Revoke this key' }).isVisible()));
    await page.getByText('Revoke this key…').click();
    await page.getByRole('button', { name: 'Revoke this key' }).click();
    await page.getByText('The key is revoked').waitFor();
    assert.equal((await self(third)).status, 401);
    assert.equal((await keysNamed(name))[0].state, 'revoked');
    assert.equal(await page.getByRole('button', { name: 'Save' }).count(), 0);

    const audit = (await api('GET', `/api/audit?customer_id=${customerId}&object_id=${id}&limit=100`)).body.data
      .filter((a) => a.object === 'api_key').map((a) => a.action);
    assert.deepEqual(audit.sort(), ['key.add', 'key.revoke', 'key.rotate', 'key.rotate', 'key.toggle', 'key.toggle']);
    await close(page);
  });
}

await test('every option of the API is in the form', async () => {
  const page = await open();
  const name = `All options ${stamp}`;
  await signIn(page);
  const secret = await make(page, name, async () => {
    await field(page, 'project_id').selectOption(String(project.id));
    await field(page, 'expires_at').fill('2031-05-06T07:08');
    await page.getByLabel('read usage').check();
    await page.getByLabel(model.id, { exact: true }).check();
    await field(page, 'allowed_ips').fill('127.0.0.1\n2001:db8::/32\n');
    await page.getByLabel('Heed the header').check();
    await field(page, 'budget/amount_usd').fill('12.5');
    await field(page, 'budget/period').selectOption('week');
    await field(page, 'budget/kind').selectOption('soft');
    await field(page, 'budget/notify_at_percent').fill('40, 90');
    for (const fold of await page.locator('details.fold').all()) await fold.locator('summary').click();
    for (const [i, n] of limitNames.entries())
      await field(page, `rate_limits/${n}`).fill(String(n === 'key_model.requests.minute' ? 7 : 100 + i));
    await field(page, 'rate_limits/key.concurrent').fill('3');
    await field(page, 'rate_limits/sliding').selectOption('1');
  });
  assert.equal((await self(secret)).status, 200);
  const [key] = await keysNamed(name);
  assert.equal(key.project_id, project.id);
  assert.equal(key.expires_at, '2031-05-06T07:08:00Z');
  assert.deepEqual(key.scopes, ['infer', 'usage:read']);
  assert.deepEqual(key.allowed_models, [model.model_id]);
  assert.deepEqual(key.allowed_ips, ['127.0.0.1', '2001:db8::/32']);
  assert.equal(key.idempotency, true);
  assert.equal(key.budget.amount_usd, 12.5);
  assert.equal(key.budget.period, 'week');
  assert.equal(key.budget.kind, 'soft');
  assert.deepEqual(key.budget.notify_at_percent, [40, 90]);
  assert.deepEqual(key.rate_limits, {
    ...Object.fromEntries(limitNames.map((n, i) => [n, n === 'key_model.requests.minute' ? 7 : 100 + i])),
    'key.concurrent': 3,
    sliding: 1,
  });

  // The page shows them all, and saving it as it is changes nothing.
  await page.goto(`${mine}/keys/${key.id}`);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The key is saved').waitFor();
  // Its use may be written down meanwhile.
  const saved = (await keysNamed(name))[0];
  assert.deepEqual({ ...saved, last_used_at: key.last_used_at }, key);
  // A limit in force, and who sets it.
  const row = page.locator('.limits tr').filter({ hasText: 'Requests a minute, each model apart' });
  assert.deepEqual(await row.locator('td').allTextContents(), ['7', 'this key']);

  // What is taken away: each its own way of being nothing.
  await field(page, 'project_id').selectOption('');
  await field(page, 'expires_at').fill('');
  await page.getByLabel(model.id, { exact: true }).uncheck();
  await field(page, 'allowed_ips').fill('');
  await field(page, 'budget/amount_usd').fill('');
  await field(page, 'rate_limits/key.tokens.day').fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The key is saved').waitFor();
  const [after] = await keysNamed(name);
  assert.equal(after.project_id, null);
  assert.equal(after.expires_at, null);
  assert.equal(after.allowed_models, null);
  assert.equal(after.allowed_ips, null);
  assert.equal(after.budget, null);
  assert.ok(!('key.tokens.day' in after.rate_limits));
  assert.equal(after.rate_limits['key.tokens.hour'], key.rate_limits['key.tokens.hour']);
  await close(page);
});

await test('a form makes one key, however often it is sent', async () => {
  const page = await open();
  const name = `Once ${stamp}`;
  await signIn(page);
  const secret = await make(page, name);
  await page.reload();
  await page.getByText('This form was sent before').waitFor();
  assert.ok(!(await page.content()).includes(secret));
  assert.equal((await keysNamed(name)).length, 1);

  // Twice at once.
  await page.goto(`${mine}/keys/new`);
  const form = {
    csrf: await page.locator('main form input[name=csrf]').first().inputValue(),
    etag: await field(page, 'etag').inputValue(),
    name: `Twice ${stamp}`,
    scopes: 'infer',
  };
  const answers = await Promise.all([1, 2, 3, 4].map(() => page.request.post(`${mine}/keys`, { form })));
  assert.deepEqual(answers.map((a) => a.status()), [200, 200, 200, 200]);
  const texts = await Promise.all(answers.map((a) => a.text()));
  assert.equal(texts.filter((t) => t.includes('id="secret"')).length, 1);
  for (const text of texts) await assertValid(text, 'secret');
  assert.equal((await keysNamed(form.name)).length, 1);
  // Without what tells forms apart nothing is made.
  const bare = await page.request.post(`${mine}/keys`, { form: { ...form, etag: '', name: `Bare ${stamp}` } });
  assert.equal(bare.status(), 400);
  assert.equal((await keysNamed(`Bare ${stamp}`)).length, 0);
  await close(page);
});

await test('what is wrong stands beside its field, and what was typed stays', async () => {
  const page = await open();
  const name = `Wrong ${stamp}`;
  await signIn(page);
  const wrong = async (member, value, says) => {
    await field(page, member).fill(value);
    await page.getByRole('button', { name: /^(Create key|Save)$/ }).click();
    const input = field(page, member);
    assert.equal(await input.getAttribute('aria-invalid'), 'true');
    assert.match(await page.locator(`#${(await input.getAttribute('aria-describedby')).split(' ')[0]}`).textContent(), says);
    assert.ok(await input.isVisible());
    assert.equal(await field(page, 'name').inputValue(), name);
    await field(page, member).fill('');
  };
  await page.goto(`${mine}/keys/new`);
  await field(page, 'name').fill(name);
  await wrong('expires_at', '2001-01-01T00:00', /future/);
  await wrong('allowed_ips', 'here', /no address/);
  await wrong('budget/amount_usd', 'much', /number/);
  await page.getByText('Limits of the key, all models together').click();
  await wrong('rate_limits/key.requests.minute', '99999999999999', /key.requests.minute/);
  // D17 and the rule of operators' limits.
  await page.getByText('Limits of the key, each model apart').click();
  await wrong('rate_limits/key_model.requests.minute', '100000', /at most/);
  assert.equal((await keysNamed(name)).length, 0);
  await close(page);
});

await test('two who change a key at once: the second sees what the first did', async () => {
  const { id } = await made('/api/keys', { customer_id: customerId, name: `Shared ${stamp}` });
  const page = await open();
  await signIn(page);
  await page.goto(`${mine}/keys/${id}`);
  assert.equal((await api('PATCH', `/api/keys/${id}`, { name: `Renamed ${stamp}` })).status, 200);
  await field(page, 'name').fill('Mine');
  await page.getByRole('button', { name: 'Save' }).click();
  assert.ok(await page.getByRole('alert').isVisible());
  assert.equal(await field(page, 'name').inputValue(), `Renamed ${stamp}`);
  await close(page);
});

await test('the list: filters in the address, pages, spend and last use (D7, D17)', async () => {
  const other = await made('/customers', { name: `Many ${stamp}`, email: `many-${stamp}@example.org` });
  const owner = person('owner', other.id, stamp);
  const its = `${url}/dashboard/${other.id}`;
  const site = await made('/api/projects', { customer_id: other.id, name: 'Site' });
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, owner);
  await page.goto(`${its}/keys`);
  await page.getByText('No API key yet').waitFor();

  const keys = [];
  for (let i = 0; i < 27; i += 1)
    keys.push(await made('/api/keys', { customer_id: other.id, name: `Key ${i}`, ...(i % 9 === 0 && { project_id: site.id }) }));
  const used = await api('POST', '/v1/chat/completions',
    { model: model.id, max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }, keys[3].key);
  assert.equal(used.status, 200);

  const names = () => page.locator('#keys tbody th a').allTextContents();
  await page.goto(`${its}/keys`);
  const first = await names();
  assert.equal(first.length, 25);
  await page.getByRole('link', { name: 'More keys' }).click();
  assert.deepEqual([...first, ...await names()], keys.map((k) => k.name));
  assert.equal(await page.getByRole('link', { name: 'More keys' }).count(), 0);

  await page.goto(`${its}/keys`);
  await page.locator('.filters summary').click();
  await page.getByLabel('Project').selectOption('Site');
  await page.getByRole('button', { name: 'Apply' }).click();
  assert.match(page.url(), new RegExp(`project_id=${site.id}`));
  assert.deepEqual(await names(), ['Key 0', 'Key 9', 'Key 18']);
  assert.equal(await page.getByLabel('Project').inputValue(), String(site.id));
  await page.getByLabel('Whole name').fill('Key 9');
  await page.getByRole('button', { name: 'Apply' }).click();
  assert.deepEqual(await names(), ['Key 9']);
  await page.goBack();
  assert.equal((await names()).length, 3);

  await api('POST', `/api/keys/${keys[5].id}/toggle`, { is_active: false });
  await page.goto(`${its}/keys?state=inactive`);
  assert.deepEqual(await names(), ['Key 5']);
  await page.goto(`${its}/keys?prefix=${keys[7].key.slice(0, 12)}`);
  assert.deepEqual(await names(), ['Key 7']);
  await page.goto(`${its}/keys?created_to=2001-01-01`);
  await page.getByText('No key is like that').waitFor();
  for (const bad of ['state=odd', 'prefix=%2F', 'created_from=yesterday', 'project_id=x', 'after=-1', 'nobody=1'])
    assert.equal((await page.goto(`${its}/keys?${bad}`)).status(), 400, bad);

  // The flusher has booked it when the API says so; the page says the same.
  let spend;
  for (let i = 0; i < 100 && !(spend > 0); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    spend = (await self(keys[3].key)).body.spend.month_usd;
  }
  assert.ok(spend > 0);
  await page.goto(`${its}/keys?last_used_from=2020-01-01`);
  assert.deepEqual(await names(), ['Key 3']);
  assert.equal(Number(await page.locator('#keys data.money').getAttribute('value')), spend);
  await page.getByRole('link', { name: 'Key 3' }).click();
  assert.equal(Number(await page.locator('#month data').getAttribute('value')), spend);
  await close(page);
});

await test('roles: who looks can\'t change, a developer has its own keys (S7, S27)', async () => {
  const viewer = person('viewer', customerId, stamp);
  const developer = person('developer', customerId, stamp);
  const { id } = await made('/api/keys', { customer_id: customerId, name: `Owner's ${stamp}` });

  const looks = await open();
  await signIn(looks, viewer);
  await looks.goto(`${mine}/keys`);
  assert.equal(await looks.getByRole('link', { name: 'New API key' }).count(), 0);
  assert.equal((await looks.goto(`${mine}/keys/new`)).status(), 403);
  assert.equal((await looks.goto(`${mine}/keys/${id}`)).status(), 200);
  assert.equal(await looks.locator('main form').count(), 0);
  const csrf = await looks.locator('input[name=csrf]').first().inputValue();
  for (const verb of ['', '/toggle', '/rotate', '/revoke'])
    assert.equal((await looks.request.post(`${mine}/keys/${id}${verb}`, { form: { csrf, wanted: 'off' } })).status(), 403, verb);
  await close(looks);

  const page = await open();
  await signIn(page, developer);
  const secret = await make(page, `Developer's ${stamp}`);
  assert.equal((await self(secret)).body.role, 'developer');
  await make(page, `Too much ${stamp}`, () => page.getByLabel('manage everything').check());
  await page.getByText('Your role doesn\'t allow that').waitFor();
  assert.equal((await keysNamed(`Too much ${stamp}`)).length, 0);
  await page.goto(`${mine}/keys/${id}`);
  assert.equal(await page.getByRole('button', { name: 'Save' }).count(), 0);
  const token = await page.locator('input[name=csrf]').first().inputValue();
  const [row] = (await api('GET', `/api/keys?name=${encodeURIComponent(`Owner's ${stamp}`)}`)).body.data;
  const etag = (await fetch(`${url}/api/keys/${id}`, { headers: { ...once, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY } })).headers.get('etag');
  const stolen = await page.request.post(`${mine}/keys/${id}/rotate`, { form: { csrf: token, etag, grace_seconds: '0' } });
  assert.equal(stolen.status(), 403);
  assert.doesNotMatch(await stolen.text(), /id="secret"/);
  assert.equal((await keysNamed(`Owner's ${stamp}`))[0].public_id, row.public_id);
  const raised = await page.request.post(`${mine}/keys/${id}`, { form: { csrf: token, etag, name: 'taken over', scopes: 'infer', user_id: String(row.user_id) } });
  assert.equal(raised.status(), 403);
  // No tier but by an operator, in whatever form.
  const made1 = await page.request.post(`${mine}/keys`, { form: { csrf: token, etag: 'ab'.repeat(16), name: 'tier', rate_limit_tier: 'premium' } });
  assert.equal(made1.status(), 400);
  const forged = await page.request.post(`${mine}/keys/${id}/revoke`, { form: { csrf: '0'.repeat(64) } });
  assert.equal(forged.status(), 403);
  await close(page);
});

await test('another customer\'s keys, limits and models are a 404 (S8)', async () => {
  const other = await made('/customers', { name: nasty, email: `other-keys-${stamp}@example.org` });
  const { id } = await made('/api/keys', { customer_id: other.id, name: nasty });
  const page = await open();
  await signIn(page);
  for (const path of ['keys', 'keys/new', `keys/${id}`, 'limits', 'models'])
    assert.equal((await page.goto(`${url}/dashboard/${other.id}/${path}`)).status(), 404, path);
  assert.equal((await page.goto(`${mine}/keys/${id}`)).status(), 404);
  const csrf = await page.locator('input[name=csrf]').first().inputValue();
  for (const verb of ['', '/toggle', '/rotate', '/revoke'])
    assert.equal((await page.request.post(`${mine}/keys/${id}${verb}`,
      { form: { csrf, wanted: 'off', etag: '"x"', ...(verb ? {} : { name: 'x' }) } })).status(), 404, verb);
  assert.equal((await api('GET', `/api/keys/${id}`)).body.state, 'active');
  await close(page);

  const stranger = person('owner', other.id, stamp);
  const its = `${url}/dashboard/${other.id}`;
  const view = await open();
  await signIn(view, stranger);
  await made('/api/projects', { customer_id: other.id, name: nasty, budget: { amount_usd: 3 } });
  for (const path of ['keys', 'keys/new', `keys/${id}`, 'limits', 'models']) {
    const answer = await view.goto(`${its}/${path}`);
    assert.equal(answer.headers()['cache-control'], 'no-store');
    assert.equal(await view.evaluate('window.hit'), undefined);
    await assertValid(await answer.text(), path);
  }
  assert.equal(await view.locator('main script, main img').count(), 0);
  await close(view);
});

await test('an operator gives tiers and the customer\'s budget', async () => {
  const operator = person('operator', 0, stamp);
  const other = await made('/customers', { name: `Bounded ${stamp}`, email: `bounded-${stamp}@example.org` });
  const its = `${url}/dashboard/${other.id}`;
  const { id } = await made('/api/keys', { customer_id: other.id, name: 'one' });
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, operator);
  await page.goto(`${its}/keys/${id}`);
  await field(page, 'rate_limit_tier').selectOption('premium');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The key is saved').waitFor();
  assert.equal((await api('GET', `/api/keys/${id}`)).body.rate_limit_tier, 'premium');
  assert.ok(await page.locator('.limits td').filter({ hasText: 'its tier premium' }).count() > 0);

  await page.goto(`${its}/limits`);
  await page.getByRole('link', { name: 'Edit budget' }).click();
  await field(page, 'budget/amount_usd').fill('50');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The budget is saved').waitFor();
  assert.equal((await api('GET', `/customers/${other.id}`)).body.budget.amount_usd, 50);
  await close(page);

  const owner = person('owner', other.id, stamp);
  const view = await open();
  await signIn(view, owner);
  await view.goto(`${its}/limits`);
  assert.equal(await view.getByRole('link', { name: 'Edit budget' }).count(), 0);
  assert.equal((await view.goto(`${its}/budget`)).status(), 403);
  await close(view);
});

await test('limits and budgets: spent, remaining, resets, refusals as the API says', async () => {
  const other = await made('/customers', { name: `Spender ${stamp}`, email: `spender-${stamp}@example.org` });
  const owner = person('owner', other.id, stamp);
  const its = `${url}/dashboard/${other.id}`;
  const site = await made('/api/projects', { customer_id: other.id, name: 'Shop', budget: { amount_usd: 2, period: 'day' } });
  const key = await made('/api/keys', { customer_id: other.id, name: 'till', project_id: site.id, rate_limits: { 'key.requests.day': 2 } });
  const ask = () => api('POST', '/v1/chat/completions',
    { model: model.id, max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }, key.key);
  assert.deepEqual([(await ask()).status, (await ask()).status], [200, 200]);
  assert.equal((await ask()).status, 429);
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, owner);
  // Both are booked within seconds: usage, and then what was refused.
  for (let i = 0; i < 100; i += 1) {
    await page.goto(`${its}/limits`);
    if (await page.locator('#refusals').count()) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual(await page.locator('#refusals dd').allTextContents(), ['1', '1']);
  const { budget } = (await api('GET', `/api/projects/${site.id}`)).body;
  assert.ok(budget.spent_usd > 0);
  const shown = page.locator('.budgets li').filter({ hasText: 'Shop' });
  const money = await shown.locator('data.money').evaluateAll((v) => v.map((n) => Number(n.value)));
  assert.deepEqual(money, [2, budget.spent_usd, budget.remaining_usd]);
  assert.equal(await shown.locator('time').getAttribute('datetime'), budget.resets_at);
  assert.match(await shown.getByRole('img').getAttribute('aria-label'), /% spent/);
  await page.getByText('2 requests a day, all models together').waitFor();

  await page.getByRole('link', { name: 'Edit the budget of Shop' }).click();
  await field(page, 'budget/amount_usd').fill('4');
  await page.getByRole('button', { name: 'Save' }).click();
  assert.equal((await api('GET', `/api/projects/${site.id}`)).body.budget.amount_usd, 4);
  await page.goto(`${its}/keys/${key.id}`);
  await field(page, 'budget/amount_usd').fill('1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The key is saved').waitFor();
  await page.goto(`${its}/limits`);
  assert.match(await page.locator('.budgets li').filter({ hasText: 'till' }).textContent(), /\$1\.00/);
  await close(page);
});

await test('beyond the first of very many projects and members: by name or number, budgets by pages', async () => {
  const many = await made('/customers', { name: `Many ${stamp}`, email: `lots-${stamp}@example.org` });
  const its = `${url}/dashboard/${many.id}`;
  sql(`INSERT INTO projects (customer_id, name) SELECT ${many.id}, CONCAT('p', seq) FROM seq_1_to_200;
    INSERT INTO users (customer_id, name, email, role) SELECT ${many.id}, CONCAT('u', seq), CONCAT('u', seq, '-${stamp}@example.org'), 'viewer' FROM seq_1_to_200`);
  const last = await made('/api/projects', { customer_id: many.id, name: 'the last', budget: { amount_usd: 3 } });
  const developer = person('developer', many.id, stamp);
  const owner = person('owner', many.id, stamp);
  const made1 = async (name) => sql(`SELECT user_id, COALESCE(project_id, 0), api_key_id FROM api_keys WHERE customer_id = ${many.id} AND name = '${name}'`);

  const hers = await open({ javaScriptEnabled: false });
  await signIn(hers, developer);
  await hers.goto(`${its}/keys/new`);
  assert.deepEqual(await field(hers, 'user_id').locator('option').evaluateAll((all) => all.map((n) => n.value)), [String(developer.id)]);
  assert.equal(await field(hers, 'user').count(), 0);
  assert.equal(await field(hers, 'project_id').locator('option').count(), 201);
  await field(hers, 'name').fill('hers');
  await field(hers, 'project').fill('nothing');
  await hers.getByRole('button', { name: 'Create key' }).click();
  assert.equal(await hers.locator('#f-project-message').textContent(), 'There is none of this name or number here.');
  assert.deepEqual(await made1('hers'), []);
  await field(hers, 'project').fill('the last');
  await hers.getByRole('button', { name: 'Create key' }).click();
  await hers.locator('#secret').waitFor();
  assert.deepEqual((await made1('hers'))[0].slice(0, 2), [String(developer.id), String(last.id)]);
  await close(hers);

  const page = await open({ javaScriptEnabled: false });
  await signIn(page, owner);
  await page.goto(`${its}/keys/new`);
  await field(page, 'name').fill('for her');
  await page.getByLabel('Or another member').fill(developer.email);
  await page.getByRole('button', { name: 'Create key' }).click();
  const [[whose, ofProject, id]] = await made1('for her');
  assert.deepEqual([whose, ofProject], [String(developer.id), '0']);
  // A key's own page offers what the key has, by its name, and keeps it.
  await page.goto(`${its}/keys/${id}`);
  assert.equal(await field(page, 'user_id').inputValue(), String(developer.id));
  const [[name]] = sql(`SELECT name FROM users WHERE user_id = ${developer.id}`);
  assert.equal(await field(page, 'user_id').locator('option:checked').textContent(), name);
  await field(page, 'project').fill(`#${last.id}`);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The key is saved').waitFor();
  assert.deepEqual((await made1('for her'))[0].slice(0, 2), [String(developer.id), String(last.id)]);

  // The filter, by either.
  await made('/api/keys', { customer_id: many.id, name: 'another' });
  for (const query of ['project=the+last', `user=${developer.email}`, `project_id=${last.id}`]) {
    await page.goto(`${its}/keys?${query}`);
    assert.deepEqual((await page.locator('#keys tbody th a').allTextContents()).sort(), ['for her', 'hers'], query);
    assert.equal(await page.locator('#keys').getByText('the last').count(), 2);
    const chosen = query.startsWith('user') ? ['user_id', developer.id] : ['project_id', last.id];
    assert.equal(await field(page, chosen[0]).inputValue(), String(chosen[1]));
  }
  const answer = await page.goto(`${its}/keys?user=nobody`);
  assert.equal(answer.status(), 400);
  assert.equal(await page.locator('.field-bad').textContent(), 'There is none of this name, e-mail or number here.');
  assert.equal(await page.getByLabel('Or another member').inputValue(), 'nobody');
  assert.equal(await page.locator('#keys').count(), 0);
  await assertValid(await answer.text(), 'keys?user=nobody');

  await page.goto(`${its}/limits`);
  let seen = 0;
  for (;;) {
    seen += await page.getByRole('link', { name: /^Edit the budget of/ }).count();
    const more = page.getByRole('link', { name: 'More projects' });
    if (!await more.count()) break;
    await page.goto(new URL(await more.getAttribute('href'), url).href);
  }
  assert.equal(seen, 201);
  await page.getByRole('link', { name: 'Edit the budget of the last' }).waitFor();
  await page.getByRole('link', { name: 'First projects' }).click();
  await page.getByRole('link', { name: 'Edit the budget of p1', exact: true }).waitFor();
  await close(page);
});

await test('models: prices in force times the markup, free ones said to be free', async () => {
  const other = await made('/customers', { name: `Buyer ${stamp}`, email: `buyer-${stamp}@example.org` });
  assert.equal((await api('PATCH', `/customers/${other.id}`, { markup: 1.1 })).status, 200);
  const owner = person('owner', other.id, stamp);
  const page = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
  await signIn(page, owner);
  await page.goto(`${url}/dashboard/${other.id}/models`);
  // Of other suites' models there may be more than a page.
  const names = [];
  const places = new Map();
  for (;;) {
    for (const name of await page.locator('.model h2').allTextContents()) {
      names.push(name);
      places.set(name, page.url());
    }
    const more = page.getByRole('link', { name: 'More models' });
    if (!await more.count()) break;
    await page.goto(url + await more.getAttribute('href'));
  }
  assert.equal(new Set(names).size, names.length);
  for (const m of catalogue) assert.ok(places.has(m.id), m.id);
  await page.goto(places.get(model.id));
  const [price] = (await api('GET', `/api/prices?model_id=${model.model_id}&limit=1`)).body.data;
  const card = page.locator('.model').filter({ has: page.locator('h2', { hasText: model.id }) });
  const row = (what) => card.locator('tbody tr').filter({ has: page.getByRole('rowheader', { name: what, exact: true }) })
    .locator('td').first().textContent();
  const million = async (what, usd) => assert.equal(Math.round(Number((await row(what)).replace(/[$,]/g, '')) * 1e9), Math.round(usd * 1.1e9), what);
  await million('Input', price.prices.input);
  await million('Output', price.prices.output);
  await million('Input from the cache', price.prices.cached_input);
  const free = page.locator('.model').filter({ has: page.locator('h2', { hasText: 'gpt2-mini' }) });
  await page.goto(places.get('gpt2-mini'));
  await free.getByText('Free').waitFor();
  assert.equal(await free.locator('table').count(), 0);
  await page.goto(places.get(model.id));
  await card.getByRole('button', { name: /Copy/ }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), model.id);
  // By plain HTTP browsers have no clipboard for pages: what was copied is marked.
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.goto(places.get(model.id));
  await card.getByRole('button', { name: /Copy/ }).click();
  await card.getByText('Copied', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => getSelection().toString().trim()), model.id);
  await close(page);
});

await test('models: found by a part of their names, here and on the operator\'s page', async () => {
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, person('operator', 0, stamp));
  const [[customer]] = sql('SELECT MIN(customer_id) FROM customers WHERE is_active AND archived_at IS NULL');
  const part = model.id.slice(1).toUpperCase();
  const known = sql("SELECT name FROM models WHERE archived_at IS NULL").flat()
    .filter((name) => name.toUpperCase().includes(part));
  for (const [at, names] of [[`${url}/dashboard/${customer}/models`, '.model h2'], [`${url}/admin/models`, '#health th[scope=row] a']]) {
    await page.goto(at);
    await page.getByLabel('Model\'s name').fill(part);
    await page.getByRole('button', { name: 'Find' }).click();
    await page.waitForURL((to) => to.searchParams.get('find') === part);
    const found = await page.locator(names).allTextContents();
    assert.ok(found.includes(model.id), found.join());
    assert.deepEqual(found.filter((name) => !known.includes(name)), []);
    await page.getByLabel('Model\'s name').fill('<no such model>');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.locator('main q').getByText('<no such model>', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Show all' }).click();
    await page.locator(names).first().waitFor();
  }
  await close(page);
});

await test('models: how many keys may use each, and which', async () => {
  const theirs = await made('/customers', { name: `Few keys ${stamp}`, email: `few-${stamp}@example.org` });
  const page = await open({ javaScriptEnabled: false });
  await signIn(page, person('viewer', theirs.id, stamp));
  const [first] = catalogue.filter((m) => m.id !== model.id);
  const [[id]] = sql(`SELECT model_id FROM models WHERE name = '${model.id}' AND archived_at IS NULL`);
  const [[otherId]] = sql(`SELECT model_id FROM models WHERE name = '${first.id}' AND archived_at IS NULL`);
  const says = async () => {
    await page.goto(`${url}/dashboard/${theirs.id}/models?after=${id - 1}`);
    return page.locator('.model').first().locator('.model-keys').innerText();
  };
  const newKey = (name, more) => made('/api/keys', { customer_id: theirs.id, name, scopes: ['infer'], ...more });
  assert.equal(await says(), 'No active key may use it');
  const all = await newKey('all');
  assert.equal(await says(), 'The one active key may use it');
  await newKey('this', { allowed_models: [Number(id)] });
  assert.equal(await says(), 'All 2 active keys may use it');
  await newKey('another', { allowed_models: [Number(otherId)] });
  assert.equal(await says(), '2 of 3 active keys may use it');
  await page.getByRole('link', { name: '2 of 3 active keys may use it' }).first().click();
  assert.match(page.url(), new RegExp(`state=active&model_id=${id}$`));
  const names = () => page.locator('#keys tbody th a').allInnerTexts();
  assert.deepEqual(await names(), ['all', 'this']);
  assert.equal(await page.getByLabel('May use the model').inputValue(), id);
  await api('DELETE', `/api/keys/${all.id}`);
  assert.equal(await says(), '1 of 2 active keys may use it');
  await newKey('reads only', { scopes: ['usage:read'] });
  assert.equal(await says(), '1 of 3 active keys may use it');
  await page.getByRole('link', { name: '1 of 3 active keys may use it' }).first().click();
  assert.deepEqual(await names(), ['this']);
  await close(page);
});

const unfold = (page) => page.locator('main details').evaluateAll((all) => all.forEach((d) => { d.open = true; }));
const secretPage = async (page) => { await make(page, `Seen ${Math.random()}`); };
for (const colorScheme of ['light', 'dark']) {
  await test(`axe finds nothing, ${colorScheme} (D2, D13)`, async () => {
    const page = await open({ colorScheme, bypassCSP: true });
    await signIn(page);
    const [key] = await keysNamed(`All options ${stamp}`);
    const [revoked] = await keysNamed(`Task with ${stamp}`);
    for (const path of ['keys', 'keys?state=expired', 'keys/new', `keys/${key.id}`, `keys/${revoked.id}`, 'limits', 'models']) {
      await page.goto(`${mine}/${path}`);
      await unfold(page);
      await assertAccessible(page, path);
    }
    await secretPage(page);
    await assertAccessible(page, 'secret');
    await page.reload();
    await assertAccessible(page, 'made before');
    await page.context().close();
  });
}

await test('320 px wide: no scrolling sideways, targets of 24 px; valid HTML (D4, D20)', async () => {
  const page = await open({ viewport: { width: 320, height: 640 } });
  await signIn(page);
  const [key] = await keysNamed(`All options ${stamp}`);
  for (const path of ['keys', 'keys?state=expired', 'keys/new', `keys/${key.id}`, 'limits', 'models']) {
    const answer = await page.goto(`${mine}/${path}`);
    await assertValid(await answer.text(), path);
    await unfold(page);
    await assertNarrow(page, path);
  }
  await secretPage(page);
  await assertNarrow(page, 'secret');
  await close(page);
});

await test('the keyboard alone makes a key (D3)', async () => {
  const page = await open();
  await signIn(page);
  await page.goto(`${mine}/keys/new`);
  await page.locator('#f-name').focus();
  await page.keyboard.type(`Typed ${stamp}`);
  await page.keyboard.press('Enter');
  await page.locator('#secret').waitFor();
  assert.equal((await keysNamed(`Typed ${stamp}`)).length, 1);
  await close(page);
});

await browser.close();
done();
