// SPDX-License-Identifier: MIT
// What can be made, its texts, and what none of them may be: blank, with
// control characters, or too long. A refusal names the member, whoever asks,
// and nothing is made.
import { spawnSync } from 'node:child_process';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, env, json, management, sql,
} from './lib.mjs';

const unique = Date.now().toString(36);
const customer = await management('/customers', { name: 'c', email: `c-${unique}@example.com` });
const provider = `up-${unique}`;
await management('/api/providers', { name: provider, kind: 'openai', base_url: 'https://up.example.com/v1' });

const post = (path, body) => ask('POST', path,
  { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY }, JSON.stringify(body));
const run = (args) => spawnSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`, args);

// What is made, and the longest that each of its texts may be; optional ones
// may be left out, and lines may be broken in some.
let serial = 0;
const fresh = (prefix) => `${prefix}-${unique}-${serial++}`;
const labels = ['project', 'agent', 'connector'].map((noun) => ({
  noun, table: `${noun}s`, path: `/api/${noun}s`,
  good: () => ({ customer_id: customer.id, name: fresh(noun) }),
  texts: { name: 200 },
}));
const things = [
  { noun: 'key', table: 'api_keys', path: '/api/keys',
    good: () => ({ customer_id: customer.id, name: fresh('key') }),
    texts: { name: 200 } },
  { noun: 'customer', table: 'customers', path: '/customers',
    good: () => ({ name: 'x', email: `${fresh('e')}@example.com`, company: 'y' }),
    texts: { name: 200, email: 254, company: 200 }, mayBeBlank: ['company'] },
  { noun: 'user', table: 'users', path: '/api/users',
    good: () => ({ customer_id: customer.id, name: 'x', email: `${fresh('u')}@example.com`, role: 'viewer' }),
    texts: { name: 200, email: 254 } },
  ...labels,
  { noun: 'tier', table: 'rate_limit_tiers', path: '/api/tiers',
    good: () => ({ name: fresh('tier') }), texts: { name: 64 } },
  { noun: 'provider', table: 'providers', path: '/api/providers',
    good: () => ({ name: fresh('p'), kind: 'openai', base_url: 'https://p.example.com/v1' }),
    texts: { name: 64, base_url: 1024 } },
  { noun: 'model', table: 'models', path: '/api/models',
    good: () => ({ name: fresh('m'), provider, description: 'two\nlines', upstream_name: 'm' }),
    texts: { name: 128, description: 2000, upstream_name: 128, tokenizer: 64 },
    mayBeBlank: ['description'], mayHaveLines: ['description'] },
];

const bad = {
  'a blank': '   ',
  'a tab': 'a\tb',
  'a line break': 'a\nb',
  'an escape': 'a\u001b[2Jb',
  'a delete': 'a\u007fb',
};

const optionOf = (member) => `--${member === 'customer_id' ? 'customer' : member.replaceAll('_', '-')}`;
const command = (noun, body) => run([noun, 'add', '--json',
  ...Object.entries(body).map(([member, value]) => `${optionOf(member)}=${value}`)]);
const count = (table) => sql(`SELECT COUNT(*) FROM ${table}`)[0][0];

for (const thing of things) {
  const { noun, table, path, good } = thing;

  await test(`${noun}: made by route and by command`, async () => {
    const answer = await post(path, good());
    assert.equal(answer.status, 201, answer.text);
    const made = command(noun, good());
    assert.equal(made.status, 0, made.stderr.toString());
  });
  for (const [member, max] of Object.entries(thing.texts)) {
    const cases = Object.entries({ ...bad, 'too long a text': 'x'.repeat(max + 1) }).filter(([what]) =>
      !(what === 'a blank' && thing.mayBeBlank?.includes(member))
      && !(['a tab', 'a line break'].includes(what) && thing.mayHaveLines?.includes(member)));

    await test(`${noun}: its ${member} is checked by route and by command`, async () => {
      const before = count(table);
      for (const [what, value] of cases) {
        const body = { ...good(), [member]: value };
        const answer = await post(path, body);
        assert.equal(answer.status, 400, `${what}: ${answer.text}`);
        assert.equal(JSON.parse(answer.text).error.param, member, what);
        const made = command(noun, body);
        assert.ok(made.status > 0, `${what}: ${made.stdout}`);
        const why = made.stderr.toString();
        assert.ok(why.includes(member) || why.includes(optionOf(member)), `${what}: ${why}`);
      }
      assert.equal(count(table), before);
    });
  }
}

await test('operator: its name is checked', async () => {
  const before = count('operator_keys');
  for (const [what, value] of Object.entries({ ...bad, 'too long a text': 'x'.repeat(201) })) {
    const made = run(['operator', 'add', `--name=${value}`, '--json']);
    assert.ok(made.status > 0, `${what}: ${made.stdout}`);
    assert.match(made.stderr.toString(), /name/, what);
  }
  assert.equal(count('operator_keys'), before);
});

done();
