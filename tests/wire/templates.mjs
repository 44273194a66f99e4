// SPDX-License-Identifier: MIT
// What somebody sees who changes a template while workers run.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { assert, done, test } from '../sdk/tap.mjs';
import { Browser } from './form_browser.mjs';
import { ask, env, tollgate } from './lib.mjs';

const folder = `${env.TOLLGATE_STACK_DIR}/share/templates`;
const logs = () => readdirSync(`${env.TOLLGATE_STACK_DIR}/log`)
  .map((name) => readFileSync(`${env.TOLLGATE_STACK_DIR}/log/${name}`, 'utf8')).join('');

// Of each worker: there are fewer of them than requests.
async function loginPages() {
  const all = await Promise.all(Array.from({ length: 16 }, () => ask('GET', '/login')));
  return { statuses: [...new Set(all.map((a) => a.status))], texts: all.map((a) => a.text) };
}

await test('templates.reload: a change shows with the next page, a mistake is a 500 that the log explains', async () => {
  const file = `${folder}/login.html`;
  const good = readFileSync(file, 'utf8');
  assert.deepEqual((await loginPages()).statuses, [200]);

  writeFileSync(file, `${good}<p>Written meanwhile</p>\n`);
  const changed = await loginPages();
  assert.deepEqual(changed.statuses, [200]);
  assert.ok(changed.texts.every((text) => text.includes('<p>Written meanwhile</p>')));

  for (const wrong of ['{{nobody_sets_this}}', '{{{raw_tag}}}', '{{#never_closed}}']) {
    const before = logs().length;
    writeFileSync(file, `${good}${wrong}\n`);
    const broken = await loginPages();
    const name = /\w+/.exec(wrong)[0];
    assert.deepEqual(broken.statuses, [500], wrong);
    assert.ok(broken.texts.every((text) => !text.includes(name)));
    const explained = logs().slice(before).split('\n').filter((line) => line.includes('"login"') || line.includes('login.html'));
    assert.ok(explained.length > 0, logs().slice(before));
  }

  writeFileSync(file, good);
  const again = await loginPages();
  assert.deepEqual(again.statuses, [200]);
  assert.ok(again.texts.every((text) => !text.includes('Written meanwhile')));
});

await test('templates.reload: pages of somebody who has nothing yet, and of what means nothing, set all that they declare', async () => {
  const customer = env.TOLLGATE_CUSTOMER_ID;
  const { email, password } = tollgate('user', 'add', '--email', `reload-${Date.now()}@example.com`, '--role', 'operator');
  const b = new Browser();
  assert.equal(await b.signIn(email, password), 303);
  for (const mine of [`/dashboard/${customer}`, '/admin']) {
    for (const [path, status] of [['usage', 200], ['usage?range=30d&group_by=key', 200], ['usage?project=nothing', 400],
      ['usage?user=nothing&metric=latency_p50&granularity=hour', 400]]) {
      assert.equal(await b.get(`${mine}/${path}`), status, `${mine}/${path}`);
    }
  }
  for (const path of ['', '/requests', '/requests?project=nothing', '/keys', '/keys?user=nothing', '/limits', '/members', '/billing', '/audit']) {
    assert.equal(await b.get(`/dashboard/${customer}${path}`), path.includes('nothing') ? 400 : 200, path);
  }
});

done();
