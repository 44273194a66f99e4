// SPDX-License-Identifier: MIT
// Prices from the API, the command and a list to the last pico-dollar of a
// bill, and back: what is mended or pruned leaves books that agree.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, modelsInForce, newKey, sim, sql, tollgate, until, usageRow,
} from './lib.mjs';

const operator = { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };
const { key } = await newKey();
const auth = { ...json, 'X-API-Key': key };
const list = `${env.TOLLGATE_STACK_DIR}/prices.json`;

// ---- helpers ----

// The command as it is: code and what it says.
function command(...args) {
  const { status, stdout, stderr } = spawnSync(
    `${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`, args, { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

const post = (body) => ask('POST', '/api/prices', operator, JSON.stringify(body));
const prices = async (query = '') => JSON.parse(
  (await ask('GET', `/api/prices${query}`, operator)).text,
).data;

async function makeModel(name, upstream) {
  const answer = await ask('POST', '/api/models', operator, JSON.stringify({
    name, provider: 'lawgent', upstream_name: upstream, context_length: 100000,
  }));
  assert.equal(answer.status, 201, answer.text);
  await modelsInForce(auth, [name]);
  return JSON.parse(answer.text).id;
}

const generate = (model) => ask('POST', '/generate', auth,
  JSON.stringify({ text: 'one two three', model_id: model, max_length: 20 }));

// What a request costs once it is answered; its row.
async function cost(model) {
  const answer = await generate(model);
  assert.equal(answer.status, 200, answer.text);
  return usageRow(answer.headers['x-request-id'],
    ['price_version_id', 'prompt_tokens', 'completion_tokens', 'provider_cost_in_usd', 'cost_in_usd']);
}

// Pico-dollars of a DECIMAL's text.
const pusd = (text) => BigInt(text.replace('.', '').replace(/^(-?)0+(?=\d)/, '$1'));
const reconciled = () => {
  const { status, stdout } = command('reconcile', '--json');
  assert.equal(status, 0, stdout);
  return JSON.parse(stdout);
};
const flushed = () => until('all is flushed', () => reconciled().pending_requests === 0);
const versions = () => Number(sql('SELECT COUNT(*) FROM price_versions')[0][0]);

// ---- by API ----

const model = await makeModel('priced', 'sim-fixed:7');

// Every way to ask a model.
const requestOf = {
  '/generate': (name) => ({ text: 'one', model_id: name, max_length: 20 }),
  '/v1/chat/completions': (name) => ({ model: name, messages: [{ role: 'user', content: 'one' }] }),
  '/v1/completions': (name) => ({ model: name, prompt: 'one' }),
  '/v1/embeddings': (name) => ({ model: name, input: 'one' }),
  '/v1/responses': (name) => ({ model: name, input: 'one' }),
  '/v1/messages': (name) => ({ model: name, max_tokens: 5, messages: [{ role: 'user', content: 'one' }] }),
  '/v1/messages/count_tokens': (name) => ({ model: name, messages: [{ role: 'user', content: 'one' }] }),
};
const asked = async () => Number(JSON.parse((await sim('GET', '/__sim/stats')).text).inference_requests);
// The provider isn't asked, and nothing is booked: neither a cost nor a 0.
const isAnthropics = (path) => path.startsWith('/v1/messages');
async function refusedEverywhere(name, status, code, isAsked = () => true) {
  const rows = () => sql(`SELECT COUNT(*) FROM usage_records WHERE model_requested = '${name}'`)[0][0];
  const before = await asked();
  for (const [path, body] of Object.entries(requestOf).filter(([p]) => isAsked(p))) {
    const streams = !['/generate', '/v1/embeddings', '/v1/messages/count_tokens'].includes(path);
    for (const more of [{}, ...(streams ? [{ stream: true }] : [])]) {
      const answer = await ask('POST', path, auth, JSON.stringify({ ...body(name), ...more }));
      assert.equal(answer.status, status, `${path}: ${answer.text}`);
      assert.equal(JSON.parse(answer.text).error.code, code, path);
    }
  }
  assert.equal(await asked(), before);
  await flushed();
  assert.equal(rows(), '0');
}

await test('B17: an unknown model is refused, whatever is asked', () => (
  refusedEverywhere('never-heard-of', 404, 'model_not_found')));

await test('B17: a model without a price is refused, not free', async () => {
  await refusedEverywhere('priced', 503, 'model_not_priced', (path) => !isAnthropics(path));
  tollgate('provider', 'add', '--name', 'unpriced-claude', '--kind', 'anthropic', '--base-url',
    `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`);
  tollgate('model', 'add', '--name', 'claude', '--provider', 'unpriced-claude', '--default-max-output', '64');
  await modelsInForce(auth, ['claude']);
  await refusedEverywhere('claude', 503, 'model_not_priced', isAnthropics);
  assert.deepEqual(await prices(`?model_id=${model}`), []);
});

await test('B17: a price to come is none yet; one of 0 is said to be 0, and in the row', async () => {
  const name = 'free-some-day';
  const id = await makeModel(name, 'sim-fixed:7');
  tollgate('price', 'set', '--model', name, '--input', '9', '--output', '9', '--from', '2098-01-01');
  await refusedEverywhere(name, 503, 'model_not_priced', (path) => !isAnthropics(path));
  assert.equal((await post({ model_id: id, prices: { input: 0, output: 0 } })).status, 201);
  await until('it is served', async () => (await generate(name)).status === 200);
  const row = await cost(name);
  assert.ok(Number(row.completion_tokens) > 0);
  assert.equal(row.cost_in_usd, '0.000000000000');
});

let first;
await test('POST /api/prices: a version, exact, numbers with exponents too', async () => {
  const answer = await ask('POST', '/api/prices', operator,
    `{"model_id": ${model}, "prices": {"input": 2e0, "cached_input": "0.5", "output": 10,
      "long_input": 4, "request": 1e-6}, "note": "by hand"}`);
  assert.equal(answer.status, 201, answer.text);
  first = JSON.parse(answer.text);
  assert.equal(first.model_id, model);
  assert.equal(first.note, 'by hand');
  assert.equal(first.prices.input, 2);
  assert.equal(first.prices.cached_input, 0.5);
  assert.equal(first.prices.reasoning, 10);
  assert.equal(first.prices.long_cached_input, 4);
  assert.equal(first.prices.long_output, 10);
  assert.equal(first.prices.request, 0.000001);
  const [listed] = await prices(`?model_id=${model}`);
  assert.equal(listed.id, first.id);
  assert.equal(listed.is_in_force, true);
  assert.ok((await prices()).some((p) => p.id === first.id));
  const [[actor, detail]] = sql(`SELECT actor, detail FROM audit_log WHERE action = 'price.set'
    AND object_id = ${first.id}`);
  const { after } = JSON.parse(detail);
  assert.deepEqual([actor, after.model_id, after.effective_from, after.prices.input, after.prices.long_output, after.prices.request],
    ['operator_key', model, first.effective_from, 2, 10, 0.000001]);
});

await test('POST /api/prices: what is wrong is refused and named', async () => {
  const good = { model_id: model, prices: { input: 1, output: 1 } };
  for (const [body, status, param] of [
    [{ ...good, model_id: 4000000 }, 404, 'model_id'],
    [{ ...good, model_id: 'priced' }, 400, 'model_id'],
    [{ prices: good.prices }, 400, 'model_id'],
    [{ model_id: model }, 400, 'prices'],
    [{ ...good, prices: { input: 1 } }, 400, 'output'],
    [{ ...good, prices: { input: -1, output: 1 } }, 400, 'input'],
    [{ ...good, prices: { input: 1e-7, output: 1 } }, 400, 'input'],
    [{ ...good, prices: { input: 1, output: 1, image: 1 } }, 400, 'image'],
    [{ ...good, effective_from: 'soon' }, 400, 'effective_from'],
    [{ ...good, effective_from: first.effective_from, price: 1 }, 400, 'price'],
    [{ ...good, note: 'x'.repeat(256) }, 400, 'note'],
  ]) {
    const answer = await post(body);
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${answer.text}`);
    assert.equal(JSON.parse(answer.text).error.param, param, answer.text);
  }
  assert.equal((await ask('GET', '/api/prices?model_id=4000000', operator)).status, 404);
  assert.equal((await ask('GET', '/api/prices?model=1', operator)).status, 400);
  const from = '2099-01-01T00:00:00Z';
  assert.equal((await post({ ...good, effective_from: from })).status, 201);
  assert.equal((await post({ ...good, effective_from: from })).status, 409);
  assert.equal((await ask('GET', '/api/prices', auth)).status, 403);
  assert.equal((await ask('GET', '/api/prices')).status, 401);
});

// ---- whom a change reaches ----

let before;
await test('B18: a price holds for requests that start after it; rows and books stay', async () => {
  await until('the price is in force', async () => (await generate('priced')).status === 200);
  before = await cost('priced');
  assert.equal(before.price_version_id, String(first.id));
  assert.equal(pusd(before.provider_cost_in_usd), 2000000n * BigInt(before.prompt_tokens)
    + 10000000n * BigInt(before.completion_tokens) + 1000000n);

  const answer = await post({ model_id: model, prices: { input: 20, output: 100 } });
  const { id } = JSON.parse(answer.text);
  const after = await until('the new price is in force', async () => {
    const row = await cost('priced');
    return row.price_version_id === String(id) && row;
  });
  assert.equal(pusd(after.provider_cost_in_usd), 20000000n * BigInt(after.prompt_tokens)
    + 100000000n * BigInt(after.completion_tokens));
  assert.deepEqual(sql(`SELECT COUNT(*), COUNT(DISTINCT cost_in_usd) FROM usage_records
    WHERE price_version_id = ${first.id} AND provider_cost_in_usd = '${before.provider_cost_in_usd}'`)[0][1], '1');
  await flushed();
});

await test('B18: what began before the change ends by the old price; rows and transfers stay to the byte', async () => {
  const slow = 'slow-to-end';
  const id = await makeModel(slow, 'sim-delay:3000+fixed:9');
  const old = JSON.parse((await post({ model_id: id, prices: { input: 3, output: 30 } })).text);
  await until('the price is in force', async () => (await generate(slow)).status === 200);
  await flushed();
  const books = () => [sql(`SELECT * FROM usage_records ORDER BY usage_id`),
    sql(`SELECT * FROM ledger_transfers ORDER BY transfer_id`)];
  const [rows, transfers] = books();
  const under = generate(slow); // under way until after the change
  await until('it is at the provider', async () => (await sim('GET', '/__sim/last')).text.includes('sim-delay:3000'));
  const next = JSON.parse((await post({ model_id: id, prices: { input: 40, output: 400 } })).text);
  const fast = await until('the new price is in force', async () => {
    const row = await cost(slow);
    return row.price_version_id === String(next.id) && row;
  }, 30000);
  const answer = await under;
  const row = await usageRow(answer.headers['x-request-id'],
    ['price_version_id', 'prompt_tokens', 'completion_tokens', 'provider_cost_in_usd']);
  assert.equal(row.price_version_id, String(old.id));
  assert.equal(pusd(row.provider_cost_in_usd), 3000000n * BigInt(row.prompt_tokens)
    + 30000000n * BigInt(row.completion_tokens));
  assert.equal(pusd(fast.provider_cost_in_usd), 40000000n * BigInt(fast.prompt_tokens)
    + 400000000n * BigInt(fast.completion_tokens));
  await flushed();
  const [rowsNow, transfersNow] = books();
  assert.deepEqual(rowsNow.slice(0, rows.length), rows);
  assert.deepEqual(transfersNow.slice(0, transfers.length), transfers);
});

await test('a price to come: nobody pays it yet', async () => {
  tollgate('price', 'set', '--model', 'priced', '--input', '9000', '--output', '9000', '--from', '2098-01-01');
  const all = await prices(`?model_id=${model}`);
  assert.deepEqual(all.map((p) => p.is_in_force), [false, false, true, false]);
  const row = await cost('priced');
  assert.equal(row.price_version_id, String(all[2].id));
});

await test('markup: the customer pays price x markup, rounded half to even once', async () => {
  tollgate('customer', 'set', env.TOLLGATE_CUSTOMER_ID, '--markup', '1.234567');
  const row = await until('the markup is in force', async () => {
    const got = await cost('priced');
    return got.cost_in_usd !== got.provider_cost_in_usd && got;
  });
  const exact = pusd(row.provider_cost_in_usd) * 1234567n;
  const off = pusd(row.cost_in_usd) * 1000000n - exact;
  assert.ok(off >= -500000n && off <= 500000n, String(off));
});

// ---- from a list ----

const entry = {
  litellm_provider: 'openai', mode: 'chat', max_input_tokens: 128000, supports_vision: true,
};
const write = (entries) => writeFileSync(list, JSON.stringify(entries));
const changes = (lines) => lines.filter((l) => ['new', 'changed'].includes(l.state));

const listed = await makeModel('listed', 'gpt-list');
const azure = await makeModel('azure-listed', 'gpt-azure');

await test('price import: shows every change, and what it leaves out; changes nothing', () => {
  const n = versions();
  writeFileSync(list, `{"sample_spec": {"input_cost_per_token": "USD"},
    "gpt-list": {"litellm_provider": "openai", "input_cost_per_token": 1.5e-07,
      "cache_read_input_token_cost": 7.5e-08, "output_cost_per_token": 6E-07,
      "output_cost_per_reasoning_token": 0.0000009, "input_cost_per_request": 1e-3,
      "input_cost_per_token_above_200k_tokens": 3e-07, "search_context_cost_per_query": 0.01},
    "azure/gpt-azure": {"litellm_provider": "azure", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
    "sim-fixed:7": {"litellm_provider": "sim", "input_cost_per_token": 1e-06},
    "gpt-unknown": {"litellm_provider": "openai", "input_cost_per_token": 1, "output_cost_per_token": 1}}`);
  const lines = tollgate('price', 'import', list);
  const of = (name) => lines.filter((l) => l.model === name);
  assert.deepEqual(Object.fromEntries(of('listed').filter((l) => l.state === 'new').map((l) => [l.price, l.new])), {
    input: 1.5e-07, cached_input: 7.5e-08, cache_write: 1.5e-07, audio_input: 1.5e-07,
    output: 6e-07, reasoning: 9e-07, audio_output: 6e-07, image_output: 6e-07,
    long_input: 3e-07, long_cached_input: 3e-07, long_cache_write: 3e-07, long_audio_input: 3e-07,
    request: 0.001,
  });
  assert.ok(of('listed').every((l) => l.old === null));
  assert.match(of('listed')[0].detail, /--long-context-threshold 200000/);
  assert.deepEqual(of('listed').filter((l) => l.state === 'ignored').map((l) => l.price), ['search_context_cost_per_query']);
  assert.equal(of('azure-listed')[0].entry, 'azure/gpt-azure');
  assert.equal(of('priced')[0].state, 'unusable');
  assert.equal(of('priced')[0].detail, 'output_cost_per_token is missing');
  assert.deepEqual(lines.filter((l) => l.state === 'not here').map((l) => l.entry), ['gpt-unknown']);
  assert.ok(lines.some((l) => l.state === 'not in the list'));
  assert.equal(versions(), n);
  const text = command('price', 'import', list).stdout;
  assert.match(text, /Nothing was changed: --yes sets 2 new versions/);
  assert.match(text, /Not here are 1 models of the list: gpt-unknown\./);
});

await test('price import --yes: sets them exactly; again: nothing', async () => {
  const n = versions();
  tollgate('price', 'import', list, '--yes');
  assert.equal(versions(), n + 2);
  assert.deepEqual(sql(`SELECT token_in_usd, token_in_cached_context_usd, token_out_reasoning_usd,
    long_context_token_in_usd, request_usd, note FROM price_versions WHERE model_id = ${listed}`), [
    ['0.000000150000', '0.000000075000', '0.000000900000', '0.000000300000', '0.001000000000',
      'prices.json: gpt-list']]);
  const rows = sql("SELECT actor, detail FROM audit_log WHERE action = 'price.import' ORDER BY audit_id");
  assert.deepEqual(rows.map(([actor]) => actor), ['command', 'command']);
  assert.ok(rows.some(([, detail]) => JSON.parse(detail).after.model_id === listed
    && JSON.parse(detail).after.prices.reasoning === 0.9 && JSON.parse(detail).account));
  const lines = tollgate('price', 'import', list, '--yes');
  assert.equal(versions(), n + 2);
  assert.deepEqual(lines.filter((l) => ['listed', 'azure-listed'].includes(l.model) && l.state !== 'ignored')
    .map((l) => l.state), ['unchanged', 'unchanged']);
  await until('the price is in force', async () => (await generate('listed')).status !== 503);
});

await test('price import: one change is one line and one version, from a time on', async () => {
  const n = versions();
  write({
    'gpt-list': {
      ...entry, input_cost_per_token: 1.5e-7, cache_read_input_token_cost: 7.5e-8, output_cost_per_token: 7e-7,
      output_cost_per_reasoning_token: 9e-7, input_cost_per_request: 1e-3, input_cost_per_token_above_200k_tokens: 3e-7,
      output_cost_per_audio_token: 6e-7, output_cost_per_image_token: 6e-7,
      output_cost_per_token_above_200k_tokens: 6e-7, cache_read_input_token_cost_above_200k_tokens: 3e-7,
    },
  });
  const dry = tollgate('price', 'import', list, '--model', 'listed', '--from', '2097-05-01');
  assert.deepEqual(changes(dry).map((l) => [l.price, l.old, l.new]), [
    ['output', 6e-7, 7e-7],
    ['long_reasoning', 9e-7, 6e-7],
  ]);
  tollgate('price', 'import', list, '--model', 'listed', '--from', '2097-05-01', '--yes');
  assert.equal(versions(), n + 1);
  assert.equal(sql(`SELECT MAX(effective_from) FROM price_versions WHERE model_id = ${listed}`)[0][0].slice(0, 10), '2097-05-01');
});

await test('price import: which entry: by option, by provider, ambiguous', () => {
  write({
    'azure/gpt-azure': { ...entry, litellm_provider: 'azure', input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 },
    'west/gpt-azure': { ...entry, litellm_provider: 'west', input_cost_per_token: 3e-6, output_cost_per_token: 4e-6 },
    other: { ...entry, input_cost_per_token: 5e-6, output_cost_per_token: 6e-6 },
  });
  const of = (...more) => changes(tollgate('price', 'import', list, '--model', 'azure-listed', ...more));
  assert.equal(tollgate('price', 'import', list, '--model', 'azure-listed')[0].state, 'ambiguous');
  assert.equal(of('--list-provider', 'azure').length, 0);
  assert.equal(of('--list-provider', 'west').find((l) => l.price === 'input').new, 3e-6);
  assert.equal(of('--entry', 'other').find((l) => l.price === 'input').new, 5e-6);
  const all = tollgate('price', 'import', list, '--provider', 'lawgent');
  assert.ok(all.some((l) => l.model === 'azure-listed'));
  for (const provider of sql("SELECT name FROM providers WHERE kind = 'local'").flat()) {
    assert.ok(tollgate('price', 'import', list, '--provider', provider).every((l) => l.model !== 'azure-listed'));
  }
});

await test('price import: a threshold that is not the model\'s: refused; a bad list: refused', () => {
  tollgate('model', 'set', 'listed', '--long-context-threshold', '128000');
  write({ 'gpt-list': { ...entry, input_cost_per_token: 1e-6, output_cost_per_token: 1e-6, input_cost_per_token_above_200k_tokens: 1 } });
  const [line] = tollgate('price', 'import', list, '--model', 'listed');
  assert.equal(line.state, 'unusable');
  assert.match(line.detail, /200000 tokens, the model's at 128000/);
  writeFileSync(list, '{"a": {"input_cost_per_token": 01}}');
  assert.equal(command('price', 'import', list).status, 1);
  assert.equal(command('price', 'import', `${list}.none`).status, 1);
  assert.equal(command('price', 'import', list, '--yes', '--dry-run').status, 2);
  assert.equal(command('price', 'import', list, '--entry', 'a').status, 2);
});

// ---- mending ----

const moneyOf = () => sql(`SELECT SUM(balance_usd) FROM ledger_accounts WHERE kind = 'receivable'
  AND customer_id = ${env.TOLLGATE_CUSTOMER_ID}`)[0][0];

await test('usage rerate: shows, books once, and the bill is what it should have been', async () => {
  await flushed();
  const rows = sql(`SELECT HEX(request_id), cost_in_usd FROM usage_records WHERE price_version_id = ${first.id}`);
  const owed = pusd(moneyOf());
  const [[from]] = sql(`SELECT DATE_FORMAT(effective_from + INTERVAL 1000 MICROSECOND, '%Y-%m-%dT%H:%i:%s.%fZ')
    FROM price_versions WHERE price_version_id = ${first.id}`);
  const mended = tollgate('price', 'set', '--model', 'priced', '--input', '1', '--output', '5', '--from', from);
  const range = ['--from', '2020-01-01', '--to', '2100-01-01', '--model', 'priced'];
  const dry = tollgate('usage', 'rerate', ...range);
  assert.equal(dry.length, 1);
  assert.equal(dry[0].changed, rows.length);
  assert.equal(dry[0].applied, false);
  assert.equal(sql('SELECT COUNT(*) FROM usage_adjustments')[0][0], '0');
  const [done1] = tollgate('usage', 'rerate', ...range, '--yes');
  assert.equal(done1.change_usd, dry[0].change_usd);
  assert.notEqual(done1.change_usd, 0);
  const change = pusd(sql('SELECT SUM(change_cost_in_usd) FROM usage_adjustments')[0][0]);
  assert.equal(pusd(moneyOf()), owed + change);
  assert.deepEqual(sql(`SELECT HEX(request_id), cost_in_usd FROM usage_records WHERE price_version_id = ${first.id}`), rows);
  // But for those that were admitted while a worker did not know the next price.
  const wrong = sql(`SELECT u.usage_id FROM usage_adjustments a JOIN usage_records u ON u.usage_id = a.usage_id
    WHERE a.price_version_id = ${mended.id} AND a.provider_cost_in_usd
      <> (u.prompt_tokens + 5 * u.completion_tokens) * 0.000001`);
  assert.deepEqual(wrong, []);
  assert.ok(sql(`SELECT COUNT(*) FROM usage_adjustments WHERE price_version_id = ${mended.id}`)[0][0] > 0);
  assert.equal(tollgate('usage', 'rerate', ...range, '--yes')[0].changed, 0);
  assert.equal(pusd(moneyOf()), owed + change);
  const books = reconciled();
  assert.equal(books.adjustments, rows.length);
  assert.equal(books.clean, true);
});

// ---- pruning ----

// The migration's own way from usage_hourly to the other sums.
const coarser = ['0015_summaries', '0025_callers', '0026_sums', '0029_pentads', '0030_rank_filters']
  .map((name) => readFileSync(new URL(`../../sql/schema/${name}.sql`, import.meta.url), 'utf8')).join('')
  .replaceAll('usage_ranks_new', 'usage_ranks')
  .split(/;\n/).map((s) => s.replace(/^--.*\n/gm, '').trim()).filter((s) => s.startsWith('INSERT')).join(';\n');

await test('usage prune: refused for months that journals may hold, and for what is no month', () => {
  const month = new Date().toISOString().slice(0, 7);
  const refused = command('usage', 'prune', '--before', month.replace(/^\d+/, (y) => Number(y) + 1), '--yes');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /journals/);
  for (const before of ['2026', '2026-13', '2026-01-01', 'May']) {
    assert.equal(command('usage', 'prune', '--before', before).status, 2, before);
  }
  assert.equal(command('usage', 'prune', '--before', '2026-01', '--yes', '--dry-run').status, 2);
});

// A customer's export says what its closings do; more than a page of them.
async function exported() {
  const [[id]] = sql('SELECT customer_id FROM usage_closings GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1');
  const columns = sql('SELECT column_name FROM information_schema.columns ' +
    "WHERE table_schema = DATABASE() AND table_name = 'usage_closings' AND column_name LIKE '%token_%_count'").flat();
  const members = ['month', 'project_id', 'user_id', 'api_key_id', 'model_id', 'provider_id', 'agent_id', 'connector_id',
    'request_status', 'requests', 'unpriced_requests', ...columns];
  const lines = () => command('customer', 'export', id).stdout.trimEnd().split('\n').map(JSON.parse)
    .filter((l) => l.object === 'usage_closing');
  const rows = () => sql(`SELECT ${members.join()}, cost_in_usd FROM usage_closings WHERE customer_id = ${id}
    ORDER BY month, project_id, user_id, api_key_id, model_id, provider_id, agent_id, connector_id, request_status`);
  const same = () => {
    const [is, has] = [lines(), rows()];
    assert.deepEqual(is.map((l) => members.map((m) => String(l[m] ?? 0))), has.map((r) => r.slice(0, -1)));
    assert.deepEqual(is.map((l) => l.cost_in_usd), has.map((r) => Number(r.at(-1))));
    assert.deepEqual(Object.keys(is[0]), ['object', ...members, 'cost_in_usd']);
    return is.length;
  };
  const n = same();
  assert.ok(n > 0 && columns.length === 16);
  const all = sql("SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() " +
    "AND table_name = 'usage_closings' AND column_name NOT IN ('connector_id', 'request_status')").flat().join();
  sql(`INSERT INTO usage_closings (${all}, connector_id, request_status)
    SELECT ${all}, 1000 + seq DIV 2, 1 + seq % 2
    FROM (SELECT * FROM usage_closings WHERE customer_id = ${id} LIMIT 1) one JOIN seq_1_to_601`);
  assert.equal(same(), n + 601);
  sql('DELETE FROM usage_closings WHERE connector_id >= 1000');
  assert.equal(same(), n);
}

await test('usage prune: months become sums; the books agree, the bill stays', async () => {
  await flushed();
  const owed = moneyOf();
  const n = Number(sql('SELECT COUNT(*) FROM usage_records')[0][0]);
  // All that was used, 92 days earlier.
  sql(`UPDATE usage_records SET request_timestamp = request_timestamp - INTERVAL 92 DAY;
    UPDATE usage_adjustments SET request_timestamp = request_timestamp - INTERVAL 92 DAY;
    UPDATE usage_hourly SET hour = hour - INTERVAL 92 DAY;
    DELETE FROM usage_daily; DELETE FROM usage_monthly; DELETE FROM usage_callers; DELETE FROM usage_totals; DELETE FROM usage_sums;
    DELETE FROM usage_ranks;
    ${coarser}`);
  const books = () => JSON.parse(command('reconcile', '--database-only', '--json').stdout);
  assert.equal(books().clean, true);
  const before = new Date(Date.now() - 45 * 86400000).toISOString().slice(0, 7);
  const dry = tollgate('usage', 'prune', '--before', before);
  assert.equal(dry.rows, n);
  assert.equal(dry.applied, false);
  assert.equal(books().usage_rows, n);
  const done1 = tollgate('usage', 'prune', '--before', before, '--yes', '--user', 'root', '--password', '');
  assert.equal(done1.rows, n);
  assert.deepEqual([books().clean, books().usage_rows, books().closed_requests], [true, 0, n]);
  assert.equal(moneyOf(), owed);
  assert.equal(tollgate('usage', 'prune', '--before', before, '--yes', '--user', 'root', '--password', '').rows, 0);
  await exported();
  const closed = command('usage', 'rerate', '--from', '2020-01-01', '--to', '2100-01-01', '--yes');
  assert.equal(closed.status, 1);
  assert.match(closed.stderr, /is closed/);
  const [[pruned]] = sql("SELECT detail FROM audit_log WHERE action = 'usage.prune' LIMIT 1");
  assert.equal(JSON.parse(pruned).before, before);
  // And what comes now is counted as ever.
  await cost('priced');
  await until('it is counted', () => books().usage_rows === 1);
  assert.equal(books().clean, true);
});

// A sanitizer's library wants to be the first to be loaded, as faketime's does.
const isSanitized = ['ASAN_OPTIONS', 'TSAN_OPTIONS'].some((name) => process.env[name]);
// The month that runs, for a command whose clock is three months ahead. Here
// the journals still have each request that was ever made on this stack, and
// the rows of none are left.
if (isSanitized) console.log('# reconcile after a prune: not with a sanitizer');
else await test('usage prune: after it reconcile with all journals is clean', async () => {
  const [[n]] = sql('SELECT COUNT(*) FROM usage_records');
  assert.ok(n > 0);
  assert.equal(command('reconcile').status, 1); // those that were moved back into closed months
  const [[next]] = sql("SELECT DATE_FORMAT(UTC_DATE() + INTERVAL 1 MONTH, '%Y-%m')");
  const later = spawnSync('faketime', ['-f', '+92d', `${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`,
    'usage', 'prune', '--before', next, '--yes', '--user', 'root', '--password', '', '--json'], { encoding: 'utf8' });
  assert.equal(later.status, 0, later.stderr);
  assert.equal(JSON.parse(later.stdout).rows, Number(n));
  const books = reconciled();
  assert.equal(books.clean, true, JSON.stringify(books));
  assert.equal(books.usage_rows, 0);
  assert.ok(books.journaled_requests > 0);
});

done();
