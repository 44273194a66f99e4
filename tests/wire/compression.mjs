// SPDX-License-Identifier: MIT
// Compressed answers are the same as the others, but shorter; only those come
// whose length may tell what is in them. Events of a stream go out one by one.
import http from 'node:http';
import { gunzipSync } from 'node:zlib';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  base, env, json, management, modelsInForce, newKey, tollgate,
} from './lib.mjs';

const unique = `${process.pid}`;
const operator = { 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };

// An answer, its body as it came.
const ask = (method, path, headers, body) => new Promise((resolve, reject) => {
  const rq = http.request({ agent: false, host: base.hostname, port: base.port, method, path,
    headers: { 'Accept-Encoding': 'gzip, deflate, br', ...headers } }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part));
    answer.on('error', reject);
    answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
  });
  rq.on('error', reject);
  rq.end(body);
});
const plain = { 'Accept-Encoding': 'identity' };

// Enough of them for a list that is worth it.
for (let i = 0; i < 12; i++) await newKey({ name: `a name of many ${unique} ${i}` });

for (const [what, path, headers] of [
  ['the API reference', '/docs', {}],
  ['its description', '/docs/openapi.yaml', {}],
  ['the style sheet', '/static/tollgate.css', {}],
  ['a list', '/api/keys?limit=12', operator],
]) {
  await test(`${what} is compressed, and the same`, async () => {
    const whole = await ask('GET', path, { ...headers, ...plain });
    assert.equal(whole.status, 200);
    assert.equal(whole.headers['content-encoding'], undefined);
    const small = await ask('GET', path, headers);
    assert.equal(small.status, 200);
    assert.equal(small.headers['content-encoding'], 'gzip');
    assert.match(small.headers.vary ?? '', /accept-encoding/i);
    assert.ok(small.body.length < whole.body.length / 2, `${small.body.length} of ${whole.body.length}`);
    assert.ok(gunzipSync(small.body).equals(whole.body));
    assert.equal(small.headers['content-type'], whole.headers['content-type']);
  });
}

// A session, as a browser has it.
const page = await ask('GET', '/login', plain);
const formCookie = page.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
const signedIn = await ask('POST', '/login', { ...plain, Cookie: formCookie, Origin: base.origin,
  'Content-Type': 'application/x-www-form-urlencoded' }, new URLSearchParams({
  csrf: /name="csrf" value="([^"]*)"/.exec(page.body)[1], email: env.TOLLGATE_DASHBOARD_EMAIL,
  password: env.TOLLGATE_DASHBOARD_PASSWORD }).toString());
assert.equal(signedIn.status, 303);
const session = { Cookie: signedIn.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ') };
const mine = `/dashboard/${env.TOLLGATE_CUSTOMER_ID}`;

for (const site of ['same-origin', 'none']) {
  await test(`a page that is asked for from ${site}: compressed, and the same`, async () => {
    const whole = await ask('GET', `${mine}/members`, { ...session, ...plain, 'Sec-Fetch-Site': site });
    assert.equal(whole.status, 200);
    assert.equal(whole.headers['content-encoding'], undefined);
    const small = await ask('GET', `${mine}/members`, { ...session, 'Sec-Fetch-Site': site });
    assert.equal(small.headers['content-encoding'], 'gzip');
    assert.ok(small.body.length < whole.body.length / 2, `${small.body.length} of ${whole.body.length}`);
    // When it was made stands on it, to the second.
    const page = (body) => body.toString().replace(/<time[^>]*>[^<]*<\/time>/g, '<time>');
    assert.equal(page(gunzipSync(small.body)), page(whole.body));
  });
}

await test('the overview, compressed: its tag is known again', async () => {
  const first = await ask('GET', mine, { ...session, 'Sec-Fetch-Site': 'none' });
  assert.equal(first.headers['content-encoding'], 'gzip');
  const again = await ask('GET', mine, { ...session, 'Sec-Fetch-Site': 'same-origin', 'If-None-Match': first.headers.etag });
  assert.equal(again.status, 304);
});

const { key, id } = await newKey({ scopes: ['infer', 'keys:read'] });
const auth = { ...json, Authorization: `Bearer ${key}` };
for (const [what, method, path, headers, body] of [
  ['the sign-in page, with its form token', 'GET', '/login', {}],
  ['a page that another site asks for', 'GET', `${mine}/members`, { ...session, 'Sec-Fetch-Site': 'cross-site' }],
  ['a page of another host\'s link', 'GET', `${mine}/members`, { ...session, 'Sec-Fetch-Site': 'same-site' }],
  ['a page for a browser that does not say who asked', 'GET', `${mine}/members`, session],
  ['the settings', 'GET', '/settings', { ...session, 'Sec-Fetch-Site': 'same-origin' }],
  ['a new key', 'POST', '/api/keys', { ...json, ...operator }, JSON.stringify({
    customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: 'x'.repeat(200), allowed_models: Array(400).fill(1) })],
  ['a key\'s new secret', 'POST', `/api/keys/${id}/rotate`, { ...json, ...operator }, '{"grace_seconds":3600}'],
  ['what has an ETag', 'GET', `/api/keys/${id}`, operator],
  ['an answer of a model', 'POST', '/generate', auth, JSON.stringify({ text: 'x '.repeat(100), model_id: 1, max_length: 300 })],
  ['a long list as it is read', 'GET', '/api/usage?format=csv', operator],
]) {
  await test(`${what}: not compressed`, async () => {
    const answer = await ask(method, path, headers, body);
    assert.ok(answer.status < 300, `${answer.status} ${answer.body}`);
    assert.equal(answer.headers['content-encoding'], undefined);
  });
}

await test('a stream: its events are not kept back for compression', async () => {
  const name = `paced.${unique}`;
  tollgate('provider', 'add', '--name', `gz${unique}`, '--kind', 'openai',
    '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`);
  // The second event comes long after this test has given up. With its price
  // in one, so that whoever knows the model serves it.
  await management('/api/models', { name, provider: `gz${unique}`, upstream_name: 'sim-pace:3:600000',
    prices: { input: 1, output: 2 } });
  await modelsInForce({ Authorization: `Bearer ${key}` }, [name]);
  await new Promise((resolve, reject) => {
    const rq = http.request({ agent: false, host: base.hostname, port: base.port, method: 'POST',
      path: '/v1/chat/completions', headers: { ...auth, 'Accept-Encoding': 'gzip' } }, (answer) => {
      try {
        assert.equal(answer.statusCode, 200);
        assert.equal(answer.headers['content-encoding'], undefined);
      } catch (e) {
        reject(e);
      }
      answer.once('data', (part) => {
        rq.destroy();
        if (/^data: /.test(part.toString())) resolve();
        else reject(new Error(part.toString()));
      });
      answer.on('error', () => {});
    });
    rq.on('error', reject);
    rq.end(JSON.stringify({ model: name, stream: true, messages: [{ role: 'user', content: 'x' }] }));
  });
});

done();
