// SPDX-License-Identifier: MIT
// Signing in, as people do it.
import { appendFileSync, readFileSync, readdirSync } from 'node:fs';
import { assert, done, test } from '../sdk/tap.mjs';
import { code, step } from '../sdk/totp.mjs';
import {
  assertAccessible, assertInert, assertNarrow, assertValid, browser, close, nasty, open, url,
} from '../browser/visit.mjs';
import { Browser, password } from './form_browser.mjs';
import {
  ask, env, json, sql, tollgate, until,
} from './lib.mjs';

const operator = { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY };
const customer = Number(env.TOLLGATE_CUSTOMER_ID);
const mine = `/dashboard/${customer}`;
// Of "secret", as the people's that sign_in.t lets Apache know.
const [, remoteHash] = /^remote@example\.com:(.*)$/m.exec(readFileSync(`${env.TOLLGATE_STACK_DIR}/etc/people`, 'utf8'));
const audits = (action) => tollgate('audit', 'list').filter((a) => a.action === action);

// --- people ------------------------------------------------------------------

async function signedIn(email, secret) {
  const b = new Browser();
  assert.equal(await b.signIn(email, secret), 303, b.says());
  return b;
}

let serial = 0;
// A member with a password, who has not signed in.
async function member(role = 'viewer') {
  serial += 1;
  const email = `member-${serial}-${Date.now()}@example.com`;
  const answer = await ask('POST', '/api/users', operator, JSON.stringify({
    customer_id: customer, name: `Member ${serial}`, email, role,
  }));
  assert.equal(answer.status, 201, answer.text);
  const { id } = JSON.parse(answer.text);
  assert.equal(await new Browser().setPassword(tollgate('user', 'invite', email).link), 303);
  return { id, email };
}

const mailTo = (email) => readdirSync(`${env.TOLLGATE_STACK_DIR}/mail`)
  .filter((f) => f.startsWith('message.'))
  .map((f) => readFileSync(`${env.TOLLGATE_STACK_DIR}/mail/${f}`, 'utf8').split('---\n'))
  .filter(([args]) => args.split('\n').includes(email))
  .map(([args, message]) => ({
    args: args.split('\n'),
    body: Buffer.from(message.slice(message.indexOf('\n\n')), 'base64').toString(),
  }));

const owner = await signedIn(env.TOLLGATE_DASHBOARD_EMAIL, env.TOLLGATE_DASHBOARD_PASSWORD);

// --- links -------------------------------------------------------------------

await test('an owner adds a member: a link, shown once, mailed to that address alone', async () => {
  const email = `invited-${Date.now()}@example.com`;
  await owner.get(`${mine}/members/new`);
  assert.equal(await owner.post(`${mine}/members`, { name: 'Invited', email, role: 'viewer' }), 200, owner.says());
  const link = /id="link">([^<]+)</.exec(owner.html)[1];
  assert.match(link, /^https:\/\/ai\.example\.com\/login\/password\/[0-9a-f]{64}$/);
  assert.equal(owner.answer.headers['cache-control'], 'no-store');

  await until('the letter', () => mailTo(email).length);
  const [letter] = mailTo(email);
  assert.deepEqual(letter.args.filter((a) => a.includes('@')), ['tollgate@example.com', email]);
  assert.ok(letter.body.includes(link));

  // S3: neither the link nor a plain hash of it is in the database.
  const token = link.split('/').pop();
  for (const [row] of sql(`SELECT CONCAT_WS('|', HEX(uid), cause, payload, HEX(link)) FROM notices
    UNION SELECT HEX(link_digest) FROM user_links`)) {
    assert.ok(!row.toLowerCase().includes(token));
    assert.ok(!row.toLowerCase().includes(Buffer.from(token).toString('hex')));
  }

  const b = new Browser();
  const path = new URL(link).pathname;
  assert.equal(await b.get(path), 200);
  assert.equal(await b.get(path), 200, 'looking uses nothing up');
  const set = (secret) => b.post('/login/password', { token, password: secret });
  assert.equal(await set('too short'), 400);
  assert.match(b.says(), /at least 15 characters/);
  assert.equal(await set(email.toUpperCase()), 400);
  assert.match(b.says(), /must not be the e-mail/);
  assert.equal(await set('x'.repeat(4001)), 400);
  assert.equal(await set(password), 303);
  assert.match(b.to, /^\/login\?done=password_set$/);
  await b.get(b.to);
  assert.match(b.html, /Your password is set/);
  assert.equal(await b.get(path), 404, 'once');
  assert.match(b.says(), /was used, or its time is up/);
  await b.get('/login');
  assert.equal(await b.post('/login/password', { token, password }), 404);
  await signedIn(email);
  assert.equal(audits('user.invitation_use').length > 0, true);
});

await test('a link ends with its time, and with another that is used', async () => {
  const { email, id } = await member();
  const links = ['reset', 'reset', 'reset'].map((how) => new URL(tollgate('user', how, email).link).pathname);
  const b = new Browser();
  assert.equal(await b.get(links[0]), 200);
  sql(`UPDATE user_links SET expires_at = NOW(6) - INTERVAL 1 SECOND WHERE user_id = ${id} ORDER BY user_link_id LIMIT 1`);
  assert.equal(await b.get(links[0]), 404);
  assert.equal(await b.get(links[1]), 200);
  assert.equal(await b.post('/login/password', { token: links[1].split('/').pop(), password }), 303);
  assert.equal(await b.get(links[2]), 404);
});

await test('S29: forgotten: one answer for known and unknown, and the known gets a link', async () => {
  const { email } = await member();
  const unknown = email.replace('member', 'nobody');
  const b = await signedIn(email);
  const answers = [];
  for (const address of [email, unknown]) {
    const f = new Browser();
    await f.get('/login/forgot');
    assert.equal(await f.post('/login/forgot', { email: address }), 200);
    answers.push(f.html.replaceAll(address, 'ADDRESS'));
    assert.match(f.html, /If <strong>.*<\/strong> has an account here/);
  }
  assert.equal(answers[0], answers[1]);
  // The invitation came before.
  await until('the letter', () => mailTo(email).some((m) => m.body.includes('another password')));
  const letter = mailTo(email).find((m) => m.body.includes('another password'));
  assert.deepEqual(mailTo(unknown), []);

  const path = new URL(/https:\S+/.exec(letter.body)[0]).pathname;
  const other = 'quite another password';
  const f = new Browser();
  assert.equal(await f.get(path), 200);
  assert.equal(await f.post('/login/password', { token: path.split('/').pop(), password: other }), 303);
  assert.equal(await b.isIn(), false, 'sessions end');
  assert.equal(await new Browser().signIn(email), 401);
  await signedIn(email, other);

  for (const address of [email, unknown]) {
    const g = new Browser();
    let status;
    for (let i = 0; i < 7; i += 1) {
      await g.get('/login/forgot');
      status = await g.post('/login/forgot', { email: address });
      if (status !== 200) break;
    }
    assert.equal(status, 429);
    assert.ok(Number(g.answer.headers['retry-after']) > 0);
  }
  // An operator's letters belong to no customer; the list of all has them.
  sql(`INSERT INTO notices (uid, kind, cause, payload, is_routed)
    VALUES (UNHEX(MD5('an operator')), 'user.reset', 'an operator', '{}', 1)`);
  const notices = await ask('GET', '/api/notices', operator);
  assert.equal(notices.status, 200, notices.text);
  assert.ok(JSON.parse(notices.text).data.some((n) => n.customer_id === null));

  const rows = audits('user.reset').map((a) => a.is_success);
  assert.ok(rows.includes(true) && rows.includes(false), 'S31: both are in the audit log');
});

await test('S29: an account that is guessed at: whoever has a link signs in on a new device, others wait', async () => {
  const { email, id: guessed } = await member();
  const guesser = new Browser('127.0.0.2');
  // What is guessed counts by the minute; it has to be one.
  const oneMinute = () => until('the first half of a minute', () => Date.now() % 60000 < 30000, 35000);
  await oneMinute();
  // A thousand times, each from an address of its own.
  const statuses = {};
  let next = 0;
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (next < 1000) {
      const n = next;
      next += 1;
      const b = new Browser(`127.1.${n >> 8}.${n & 255}`);
      const status = await b.signIn(email, 'guessed, and guessed again');
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  }));
  assert.deepEqual(Object.keys(statuses), ['401', '429']);
  assert.equal(statuses[401] + statuses[429], 1000);
  // Ten a minute are looked at, whoever asks.
  assert.ok(statuses[401] <= 20, `${statuses[401]}`);
  // S31: each of those is in the audit log, and once a minute that the others were refused.
  const failed = sql(`SELECT COALESCE(detail LIKE '%too many attempts%', 0) FROM audit_log WHERE action = 'session.create' AND NOT is_success
    AND object = 'user' AND object_id = ${guessed}`).flat();
  assert.equal(failed.filter((isThrottled) => isThrottled === '0').length, statuses[401]);
  assert.ok([1, 2].includes(failed.length - statuses[401]), `${failed}`);
  const path = new URL(tollgate('user', 'reset', email).link).pathname;
  const other = 'quite another password';
  const b = new Browser('127.0.0.3');
  await b.get(path);
  assert.equal(await b.signIn(email), 429);
  await b.get(path);
  assert.equal(await b.post('/login/password', { token: path.split('/').pop(), password: other }), 303);
  assert.equal(await b.signIn(email, other), 303, b.says());
  assert.equal(await new Browser('127.0.0.4').signIn(email, other), 429);
  // What it got says nothing of other accounts.
  const stranger = await member();
  delete b.cookies.tollgate_session;
  await oneMinute();
  for (let i = 0; i < 11; i += 1) await guesser.signIn(stranger.email, 'guessed, and guessed again');
  assert.equal(await b.signIn(stranger.email), 429);
});

await test('on demand: an owner makes a link for a member of the same customer only', async () => {
  const { id } = await member();
  const ofOwner = { current_password: env.TOLLGATE_DASHBOARD_PASSWORD };
  const link = async (of, form) => {
    await owner.get(`${mine}/members/${id}`);
    return owner.post(`${mine}/members/${of}/link`, form);
  };
  // S30: a session that was left open is not enough.
  assert.equal(await link(id, {}), 400);
  // Said in that form, on the member's page.
  assert.match(owner.html, /id="act-message">Enter your password/);
  assert.match(owner.html, /<h1>Member \d+<\/h1>/);
  const failed = () => audits('session.confirm').filter((row) => row.customer_id === customer);
  const before = failed().length;
  assert.equal(await link(id, { current_password: 'wrong, all wrong' }), 400);
  assert.equal(failed().length, before + 1, 'S31: a wrong password is in the audit log');
  assert.deepEqual([failed()[0].actor, failed()[0].is_success], ['user', false]);
  assert.equal(await link(id, ofOwner), 200);
  assert.equal(failed().length, before + 1);
  assert.match(owner.html, /sets another password/);
  const other = JSON.parse((await ask('POST', '/customers', operator, JSON.stringify({
    name: 'Other', email: `other-${Date.now()}@example.com`,
  }))).text);
  const [[stranger]] = sql(`SELECT user_id FROM users WHERE customer_id = ${other.id}`);
  assert.equal(await link(stranger, ofOwner), 404);
  const another = (role, more) => owner.post(`${mine}/members`, { name: 'Another', role,
    email: `another-${role}-${Date.now()}@example.com`, ...more });
  await owner.get(`${mine}/members/new`);
  assert.notEqual(await another('owner', {}), 200);
  assert.match(owner.html, /Enter your password/, owner.says());
  assert.equal(await another('owner', ofOwner), 200);
  await owner.get(`${mine}/members/new`);
  assert.equal(await another('viewer', {}), 200);
});

await test('a form that asks for the password is throttled, says for how long, and the log that it was (S31)', async () => {
  const { email, id } = await member('owner');
  const b = await signedIn(email);
  const paths = [`${mine}/members/${id}/link`, `${mine}/members/${id}`];
  const seen = [];
  await until('the first half of a minute', () => Date.now() % 60000 < 30000, 35000);
  for (let i = 0; i < 22; i += 1) {
    await b.get(`${mine}/members/${id}`);
    seen.push(await b.post(paths[i % 2], {
      current_password: 'wrong, all wrong',
      ...(i % 2 ? { etag: b.etag(), name: 'Renamed', role: 'viewer', is_active: 'true' } : {}),
    }));
    if (seen.at(-1) === 429) {
      assert.ok(Number(b.answer.headers['retry-after']) > 0, paths[i % 2]);
      assert.match(b.html, i % 2 ? /role="alert">Too many attempts/ : /id="act-message">Too many attempts/);
    }
  }
  const wrong = seen.filter((status) => status === 400).length;
  assert.deepEqual([...new Set(seen)], [400, 429]);
  const failed = audits('session.confirm').filter((row) => row.object_id === id);
  assert.ok(failed.every((row) => !row.is_success));
  const throttled = failed.filter((row) => row.detail?.refused === 'too many attempts');
  assert.equal(failed.length - throttled.length, wrong);
  assert.ok([1, 2].includes(throttled.length), `${throttled.length}`);
});

// --- settings ----------------------------------------------------------------

await test('S25, S30: another password asks for the current one, makes a new id, ends the others', async () => {
  const { email } = await member();
  const b = await signedIn(email);
  const elsewhere = await signedIn(email);
  const before = b.session;
  const change = (current, next) => b.post('/settings/password', { current_password: current, password: next });
  await b.get('/settings');
  assert.equal(await change('not that one at all', 'another good password'), 400);
  assert.match(b.says(), /That is not your password/);
  assert.equal(await elsewhere.isIn(), true);
  assert.equal(await change(password, 'short'), 400);
  assert.equal(await change(password, 'another good password'), 303);
  assert.notEqual(b.session, before);
  assert.equal(await b.isIn(), true);
  assert.equal(await elsewhere.isIn(), false);
  const old = new Browser();
  old.cookies.tollgate_session = before;
  assert.equal(await old.isIn(), false);
  await signedIn(email, 'another good password');
});

await test('sessions are listed, this one marked, and ended one by one or all', async () => {
  const { email } = await member();
  const b = await signedIn(email);
  const [c, d, e] = await Promise.all([0, 1, 2].map(() => signedIn(email)));
  await b.get('/settings', { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' });
  assert.equal(b.html.match(/<tr><th scope="row"/g).length, 4);
  assert.equal(b.html.match(/this one/g).length, 1);
  const ends = [...b.html.matchAll(/action="(\/settings\/sessions\/\d+\/end)"/g)].map((m) => m[1]);
  assert.equal(ends.length, 3);
  assert.equal(await b.post(ends[0], {}), 303);
  assert.equal((await Promise.all([c, d, e].map((s) => s.isIn()))).filter(Boolean).length, 2);
  await b.get('/settings');
  assert.equal(await b.post('/settings/sessions/end', {}), 303);
  assert.deepEqual(await Promise.all([c, d, e].map((s) => s.isIn())), [false, false, false]);
  assert.equal(await b.isIn(), true);

  // Another user's session is not there to be ended.
  const [[id]] = sql(`SELECT session_id FROM sessions ORDER BY session_id DESC LIMIT 1`);
  await owner.get('/settings');
  await owner.post(`/settings/sessions/${id}/end`, {});
  assert.equal(await b.isIn(), true);
});

await test('a time zone is for reading: its name is shown, datetime stays UTC', async () => {
  const { email } = await member();
  const b = await signedIn(email);
  await b.get('/settings');
  for (const bad of ['Nowhere/City', '../../../etc/passwd', '/etc/passwd', 'Europe', 'posixrules/']) {
    assert.equal(await b.post('/settings', { name: 'M', time_zone: bad }), 400, bad);
    assert.match(b.says(), /no such time zone/);
  }
  assert.equal(await b.post('/settings', { name: 'Émilie', time_zone: 'Asia/Kathmandu' }), 303);
  await b.get(b.to);
  assert.match(b.html, /Last seen \(Asia\/Kathmandu\)/);
  const [, iso, text] = /<time datetime="([^"]+Z)">(\d+ \w+ \d+, \d\d:\d\d) \+0545<\/time>/.exec(b.html);
  assert.equal(Date.parse(`${text} UTC`) - Date.parse(`${iso.slice(0, 17)}00Z`), (5 * 60 + 45) * 60000);
  // What is told to the second is so in every zone.
  const [, isoOf, textOf] = /As of <time datetime="([^"]+Z)">(\d+ \w+ \d+, \d\d:\d\d:\d\d) \+0545<\/time>/.exec(b.html);
  assert.equal(Date.parse(`${textOf} UTC`) - Date.parse(`${isoOf.slice(0, 19)}Z`), (5 * 60 + 45) * 60000);
  assert.match(b.html, /value="Émilie"/);
});

await test('S25, S30: another role asks for the password and signs the member out', async () => {
  const { id, email } = await member();
  const b = await signedIn(email);
  const edit = async (more) => {
    await owner.get(`${mine}/members/${id}`);
    return owner.post(`${mine}/members/${id}`, {
      etag: owner.etag(), name: 'M', role: 'developer', is_active: 'true', ...more,
    });
  };
  assert.equal(await edit({}), 400);
  assert.match(owner.html, /Enter your password/);
  assert.equal(await edit({ current_password: 'certainly not that' }), 400);
  assert.equal(await b.isIn(), true);
  assert.equal(await edit({ role: 'viewer' }), 303, 'a name alone needs none');
  assert.equal(await edit({ current_password: env.TOLLGATE_DASHBOARD_PASSWORD }), 303);
  assert.equal(await b.isIn(), false);
});

// --- the second factor -------------------------------------------------------

await test('a second factor: set up, asked for, each code once, recovery codes, off again', async () => {
  const { email, id } = await member();
  const b = await signedIn(email);
  await b.get('/settings/factor');
  assert.equal(await b.post('/settings/factor', { current_password: 'wrong, all wrong' }), 400);
  assert.equal(await b.post('/settings/factor', { current_password: password }), 303);
  await b.get('/settings/factor');
  const secret = /id="secret">([A-Z2-7 ]+)</.exec(b.html)[1];
  assert.match(b.html, /<svg class="qr"/);
  // Begun is not on: signing in asks for nothing yet.
  const elsewhere = await signedIn(email);
  assert.equal(await b.post('/settings/factor/confirm', { code: '12345' }), 400);
  assert.equal(await b.post('/settings/factor/confirm', { code: code(secret, step()) }), 200, b.says());
  const recovery = [...b.html.matchAll(/<code>([a-z2-9]{5}-[a-z2-9]{5})<\/code>/g)].map((m) => m[1]);
  assert.equal(new Set(recovery).size, 10);
  assert.equal(await elsewhere.isIn(), false);
  assert.equal(await b.isIn(), true);
  await b.get('/settings/factor');
  assert.ok(!b.html.includes(secret), 'shown while it is set up only');

  // S3: sealed, and digests.
  const [[sealed]] = sql(`SELECT HEX(secret) FROM second_factors WHERE user_id = ${id}`);
  assert.equal(sealed.length, 2 * (20 + 40));
  assert.equal(sql(`SELECT 1 FROM recovery_codes WHERE user_id = ${id}`).length, 10);

  const c = new Browser();
  const enter = async (text) => {
    c.cookies = {};
    assert.equal(await c.signIn(email), 303);
    assert.match(c.to, /^\/login\/code\?next=/);
    assert.equal(c.session, undefined, 'a password alone opens nothing');
    await c.get(c.to);
    return c.post('/login/code', { code: text, next: mine });
  };
  const used = code(secret, step() + 1);
  assert.equal(await enter(used), 303, c.says());
  assert.equal(c.to, mine);
  assert.equal(await c.isIn(), true);
  assert.equal(await enter(used), 400, 'once');
  assert.match(c.says(), /not right, or was used before/);
  assert.equal(await enter(recovery[0].toUpperCase().replace('-', ' ')), 303);
  assert.equal(await enter(recovery[0]), 400, 'once');
  assert.equal(await new Browser().get('/login/code'), 200);

  // The first factor is signed and bound to the password.
  const d = new Browser();
  await d.signIn(email);
  await d.get('/login/code');
  d.cookies.tollgate_pending = d.cookies.tollgate_pending.replace(/^\d+/, '1');
  assert.equal(await d.post('/login/code', { code: recovery[1] }), 303);
  assert.equal(d.to, '/login');

  await b.get('/settings/factor');
  const off = (secretWord, text) => b.post('/settings/factor/remove', { current_password: secretWord, code: text });
  assert.equal(await off('wrong, all wrong', recovery[2]), 400);
  assert.equal(await off(password, recovery[0]), 400);
  assert.equal(await off(password, recovery[2]), 303);
  await signedIn(email);
  assert.deepEqual(['user.factor_begin', 'user.factor_add', 'user.factor_remove'].map((a) => audits(a)
    .filter((row) => row.object_id === id).map((row) => row.is_success)), [[true], [true], [true, false]]);
});

await test('codes are throttled; the operator can take a factor away', async () => {
  const { email, id } = await member();
  const b = await signedIn(email);
  await b.get('/settings/factor');
  await b.post('/settings/factor', { current_password: password });
  await b.get('/settings/factor');
  const secret = /id="secret">([A-Z2-7 ]+)</.exec(b.html)[1];
  assert.equal(await b.post('/settings/factor/confirm', { code: code(secret, step()) }), 200);
  const c = new Browser();
  await c.signIn(email);
  await c.get('/login/code');
  const seen = [];
  for (let i = 0; i < 21; i += 1) seen.push(await c.post('/login/code', { code: 'nothing-right' }));
  assert.equal(seen[0], 400);
  assert.equal(seen.at(-1), 429);
  assert.ok(Number(c.answer.headers['retry-after']) > 0);

  assert.equal(tollgate('user', 'factor-remove', email).had_factor, true);
  assert.equal(tollgate('user', 'factor-remove', email).had_factor, false);
  assert.equal(await b.isIn(), false);
  await signedIn(email);
  const [row] = audits('user.factor_remove').filter((a) => a.object_id === id);
  assert.equal(row.actor, 'command');
});

// --- who the web server says it is -------------------------------------------

await test('REMOTE_USER: of the web server alone, and for users that there are', async () => {
  const basic = (name) => ({ authorization: `Basic ${Buffer.from(`${name}:secret`).toString('base64')}` });
  const email = 'remote@example.com';
  const b = new Browser();
  assert.equal(await b.get('/login/remote'), 401);
  assert.equal(await b.get('/login/remote', { 'remote-user': email, remote_user: email, 'x-remote-user': email }), 401);
  assert.equal(await b.get('/login/remote', basic(email)), 200);
  assert.ok(b.html.includes(email));
  assert.equal(await b.post('/login/remote', {}, basic(email)), 403, 'nobody is made');
  assert.equal(sql(`SELECT 1 FROM users WHERE email = '${email}'`).length, 0);

  await ask('POST', '/api/users', operator, JSON.stringify({
    customer_id: customer, name: 'Remote', email, role: 'viewer',
  }));
  await b.get('/login/remote', basic(email));
  assert.equal(await b.post('/login/remote', { next: mine }, basic(email)), 303);
  assert.equal(b.to, mine);
  assert.equal(await b.isIn(), true);
  assert.match(b.html, /the web server says who you are/);
  // Nothing confirms this person until there is a password.
  assert.equal(await b.post('/settings/password', { current_password: 'x', password }), 400);
  assert.match(b.says(), /You have no password yet\. Set one by a link/);
  // Elsewhere the web server says nothing, and nobody is anybody.
  assert.equal(await new Browser().get('/settings', basic(email)), 303);
});

await test('REMOTE_USER: a name in another script is nobody here, one that is no UTF-8 a 400', async () => {
  const basic = (name, as) => ({ authorization: `Basic ${Buffer.from(`${name}:secret`, as).toString('base64')}` });
  const b = new Browser();
  assert.equal(await b.get('/login/remote', basic('josé@example.com', 'utf8')), 200);
  assert.ok(b.html.includes('josé@example.com'));
  assert.equal(await b.post('/login/remote', {}, basic('josé@example.com', 'utf8')), 403);
  assert.match(b.html, /There is no account for who you are here/);
  await b.get('/login/remote', basic('nobody@example.com', 'utf8'));
  assert.equal(await b.post('/login/remote', {}, basic('nobody@example.com', 'utf8')), 403);
  assert.match(b.html, /There is no account for who you are here/);
  assert.equal(await b.get('/login/remote', basic('josé@example.com', 'latin1')), 400);
});

await test('REMOTE_USER: its page is valid, accessible in light and dark, fits 320 px; markup in where to go stays text; one press signs in (D2, D4, S23)', async () => {
  const { email } = await member();
  appendFileSync(`${env.TOLLGATE_STACK_DIR}/etc/people`, `${email}:${remoteHash}\n`);
  const at = `${url}/login/remote`;
  const httpCredentials = { username: email, password: 'secret' };
  const checked = await open({ httpCredentials, bypassCSP: true });
  for (const colorScheme of ['light', 'dark']) {
    await checked.emulateMedia({ colorScheme });
    await checked.goto(at);
    assert.ok((await checked.locator('main').textContent()).includes(email));
    await assertAccessible(checked, colorScheme);
  }
  await checked.goto(`${at}?next=${encodeURIComponent(`/${nasty}`)}`);
  assert.equal(await checked.locator('[name=next]').inputValue(), `/${nasty}`);
  await assertInert(checked, at);
  await checked.setViewportSize({ width: 320, height: 640 });
  await checked.goto(at);
  await assertNarrow(checked, at);
  await close(checked);
  const page = await open({ httpCredentials, javaScriptEnabled: false });
  await assertValid(await (await page.goto(at)).text(), 'remote');
  await page.getByRole('button').click();
  await page.waitForURL(/\/dashboard\/\d+$/);
  await close(page);
  await browser.close();
});

// --- sessions and forms, of every route --------------------------------------

const routes = [...readFileSync('src/daemon/routes.def', 'utf8').matchAll(
  /^ROUTE\((\w+),\s+"([^"]+)",\s+\w+,\s+(\w+),\s+(\w+),[^,]+,[^,]+,\s+([^"]+),\s+"/gm)]
  .map(([, method, path, auth, roles, flags]) => ({
    method, path, auth, roles, flags,
  }));
const fill = (path) => path.replace('{customer_id}', customer).replace('{id}', '1').replace(/\{\w+\}/g, '1');

await test('S26: idle and absolute time end a session, by the database\'s clock', async () => {
  const { email, id } = await member();
  const idle = Number(tollgate('config').find((c) => c.name === 'session.idle_s').value);
  const ages = {
    [`last_seen_at = NOW(6) - INTERVAL ${idle - 30} SECOND`]: true,
    [`last_seen_at = NOW(6) - INTERVAL ${idle + 1} SECOND`]: false,
    'expires_at = NOW(6) + INTERVAL 30 SECOND': true,
    'expires_at = NOW(6) - INTERVAL 1 SECOND': false,
  };
  for (const [age, lives] of Object.entries(ages)) {
    const b = await signedIn(email);
    sql(`UPDATE sessions SET ${age} WHERE user_id = ${id}`);
    assert.equal(await b.isIn(), lives, age);
    sql(`DELETE FROM sessions WHERE user_id = ${id}`);
  }
});

await test('S27: every form without a token, with a wrong one, another session\'s, from another site', async () => {
  const forms = routes.filter((r) => r.method === 'POST' && r.flags.includes('HTML'));
  assert.ok(forms.length > 20);
  assert.deepEqual(forms.filter((r) => !r.flags.includes('CSRF')), []);
  const stranger = await signedIn((await member('owner')).email);
  await stranger.get('/settings');
  const theirs = stranger.token();
  const root = new Browser();
  const address = `operator-${Date.now()}@example.com`;
  tollgate('user', 'add', '--email', address, '--role', 'operator', '--password', password);
  await root.signIn(address);
  for (const { path, auth, roles } of forms) {
    const b = auth === 'PUBLIC' ? new Browser() : roles === 'OPERATORS' ? root : owner;
    await b.get(auth === 'PUBLIC' ? '/login' : '/settings');
    const right = b.token();
    assert.match(right, /^[0-9a-f]{64}$/);
    // The web server asks first here: it is told.
    const more = path === '/login/remote'
      ? { authorization: `Basic ${Buffer.from('nobody@example.com:secret').toString('base64')}` } : {};
    const to = fill(path);
    for (const csrf of ['', `${right.slice(1)}${right[0] === '0' ? '1' : '0'}`, theirs]) {
      assert.equal(await b.go('POST', to, csrf ? { csrf } : { x: '1' }, more), 403, `${path} ${csrf}`);
    }
    for (const site of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }]) {
      assert.equal(await b.go('POST', to, { csrf: right }, { ...more, ...site }), 403, `${path} ${JSON.stringify(site)}`);
    }
  }
  assert.equal(await owner.isIn(), true, 'nobody was signed out by it');
});

await test('S25: signing out ends the session on the server', async () => {
  const { email } = await member();
  const b = await signedIn(email);
  const kept = b.session;
  await b.get('/settings');
  assert.equal(await b.post('/logout', {}), 303);
  assert.equal(b.session, undefined);
  const c = new Browser();
  c.cookies.tollgate_session = kept;
  assert.equal(await c.isIn(), false);
});
done();
