// SPDX-License-Identifier: MIT
// Many requests are under way while a key is taken away; what was sent after
// the answer must be refused, whichever worker gets it.
import http from 'node:http';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, json, newKey, tollgate, until,
} from './lib.mjs';

const operator = { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };

const prompt = JSON.stringify({
  model: 'lawgent-thinking', max_tokens: 2, messages: [{ role: 'user', content: 'a' }],
});

// Asks without a pause on n connections until stop() is called, half of them
// for answers of a model.
function hammer(key, n) {
  const seen = [];
  let isStopped = false;
  const loop = async (isInference) => {
    while (!isStopped) {
      const sentAt = performance.now();
      const { status } = isInference
        ? await ask('POST', '/v1/chat/completions', { ...json, 'X-API-Key': key }, prompt)
        : await ask('GET', '/v1/models', { 'X-API-Key': key });
      seen.push({ sentAt, status, isInference });
    }
  };
  const loops = Array.from({ length: n }, (_, i) => loop(i % 2 === 0));
  return {
    seen,
    stop: async () => {
      isStopped = true;
      await Promise.all(loops);
    },
  };
}

async function takeAway(key, how) {
  const load = hammer(key, 12);
  await until('requests that pass', () => load.seen.length > 200
    && load.seen.some((s) => s.isInference && s.status === 200));
  await how();
  const answeredAt = performance.now();
  const before = load.seen.length;
  await until('more requests', () => load.seen.length > before + 200);
  await load.stop();
  const late = load.seen.filter((s) => s.sentAt > answeredAt);
  assert.ok(late.length > 100, `${late.length} late requests`);
  assert.ok(late.some((s) => s.isInference));
  assert.deepEqual([...new Set(late.map((s) => s.status))], [401]);
  assert.ok(load.seen.some((s) => s.status === 200));
  assert.deepEqual([...new Set(load.seen.map((s) => s.status))].sort(), [200, 401]);
}

await test('toggle under load: after its answer: every request is refused', async () => {
  const { key, id } = await newKey();
  await takeAway(key, async () => {
    const answer = await ask('POST', `/api/keys/${id}/toggle`, operator, '');
    assert.equal(answer.text, `{"id":${id},"is_active":false}`);
  });
});

await test('tollgate key revoke under load: once it returns: refused', async () => {
  const { key, id } = await newKey();
  await takeAway(key, () => tollgate('key', 'revoke', String(id)));
});

// Every other way, as the API has them: what was sent after the answer is
// refused on this host, whoever was asked before it (S5).
const call = async (method, path, body = undefined) => {
  const text = body === undefined ? '' : JSON.stringify(body);
  const answer = await ask(method, path, operator, text);
  assert.ok(answer.status < 300, `${path}: ${answer.text}`);
  return JSON.parse(answer.text);
};
const unique = `${process.pid}-${Date.now()}`;
let serial = 0;
// A key of a customer, a user and a project of its own.
async function keyOfItsOwn() {
  serial += 1;
  const customer = await call('POST', '/customers', { name: 'c', email: `revoked-${serial}-${unique}@example.com` });
  const user = await call('POST', '/api/users', {
    customer_id: customer.id, name: 'u', role: 'developer', email: `revoked-u-${serial}-${unique}@example.com`,
  });
  const project = await call('POST', '/api/projects', { customer_id: customer.id, name: 'p' });
  const key = await newKey({ customer_id: customer.id, user_id: user.id, project_id: project.id });
  return { customer: customer.id, user: user.id, project: project.id, ...key };
}
const ways = {
  'key revoked': (k) => call('DELETE', `/api/keys/${k.id}`),
  'key switched off by PATCH': (k) => call('PATCH', `/api/keys/${k.id}`, { is_active: false }),
  'many revoked by id': (k) => call('POST', '/api/keys/revoke', { ids: [k.id] }),
  'many revoked by project': (k) => call('POST', '/api/keys/revoke', { project_id: k.project }),
  'many revoked by user': (k) => call('POST', '/api/keys/revoke', { user_id: k.user }),
  'many revoked by customer': (k) => call('POST', '/api/keys/revoke', { customer_id: k.customer }),
  'rotated without grace': (k) => call('POST', `/api/keys/${k.id}/rotate`, {}),
  'rotated a second time': async (k) => {
    await call('POST', `/api/keys/${k.id}/rotate`, { grace_seconds: 600 });
    await call('POST', `/api/keys/${k.id}/rotate`, { grace_seconds: 600 });
  },
  'customer suspended': (k) => call('PATCH', `/customers/${k.customer}`, { state: 'suspended' }),
  'customer closed': (k) => call('DELETE', `/customers/${k.customer}`),
  'user switched off': (k) => call('PATCH', `/api/users/${k.user}`, { is_active: false }),
  'user archived': (k) => call('DELETE', `/api/users/${k.user}`),
  'project archived': (k) => call('DELETE', `/api/projects/${k.project}`),
  'tollgate key revoke-all': (k) => tollgate('key', 'revoke-all', '--project', String(k.project)),
  'tollgate customer suspend': (k) => tollgate('customer', 'suspend', String(k.customer)),
};
for (const [way, how] of Object.entries(ways)) {
  await test(`${way}, under load: after its answer: every request is refused (S5)`, async () => {
    const k = await keyOfItsOwn();
    await takeAway(k.key, () => how(k));
  });
}

await test('rotated with grace: the old secret is refused from its end on, the new one is not (S5)', async () => {
  const k = await keyOfItsOwn();
  const rotated = await call('POST', `/api/keys/${k.id}/rotate`, { grace_seconds: 2 });
  const ends = Date.parse((await call('GET', `/api/keys/${k.id}`)).previous_expires_at);
  assert.ok(ends > 0);
  const load = hammer(k.key, 8);
  // Shown to the second: a second later none may pass any more.
  const late = () => load.seen.filter((s) => s.sentAt + performance.timeOrigin > ends + 1000);
  await until('requests after its end', () => late().length > 100, 30000);
  await load.stop();
  assert.deepEqual([...new Set(late().map((s) => s.status))], [401]);
  assert.ok(load.seen.some((s) => s.status === 200));
  assert.equal((await ask('GET', '/v1/models', { 'X-API-Key': rotated.key })).status, 200);
});

await test('revoked key: toggle: 409, and it stays refused', async () => {
  const { key, id } = await newKey();
  tollgate('key', 'revoke', String(id));
  const answer = await ask('POST', `/api/keys/${id}/toggle`, operator, '{"is_active":true}');
  assert.equal(answer.status, 409, answer.text);
  assert.equal((await ask('GET', '/v1/models', { 'X-API-Key': key })).status, 401);
});

await test('expired key: toggle: 409; creation with a past time: 400', async () => {
  const soon = new Date(Date.now() + 1500).toISOString().replace(/\.\d+Z/, 'Z');
  const { key, id } = await newKey({ expires_at: soon });
  await until('its expiry', async () => (
    await ask('GET', '/v1/models', { 'X-API-Key': key })).status === 401);
  assert.equal((await ask('POST', `/api/keys/${id}/toggle`, operator, '')).status, 409);
  const past = await ask('POST', '/api/keys', operator, JSON.stringify({
    customer_id: Number(env.TOLLGATE_CUSTOMER_ID), name: 'past', expires_at: '2020-01-01',
  }));
  assert.equal(past.status, 400);
  assert.equal(JSON.parse(past.text).error.param, 'expires_at');
});

await test('revoke while a body arrives: refused, nothing is sent upstream', async () => {
  const { key, id } = await newKey();
  const body = '{"text":"a","model_id":1}';
  const answer = await new Promise((resolve, reject) => {
    const rq = http.request({
      host: base.hostname, port: base.port, method: 'POST', path: '/generate', agent: false,
      headers: { ...json, 'X-API-Key': key, 'Content-Length': body.length },
    }, (got) => {
      got.resume();
      got.on('end', () => resolve(got.statusCode));
    });
    rq.on('error', reject);
    rq.write(body.slice(0, 5));
    // Let the head reach a worker, where the web server passes it on early.
    ask('GET', '/v1/models', { 'X-API-Key': key })
      .then(() => { tollgate('key', 'revoke', String(id)); rq.end(body.slice(5)); })
      .catch(reject);
  });
  assert.equal(answer, 401);
});

done();
