// SPDX-License-Identifier: MIT
// What people have from before the pepper rotated: `before` prints a person with
// recovery codes and another one's open link, as JSON; `during`, which reads it,
// prints how a link, a code and a code that was used are answered.
import { readFileSync } from 'node:fs';
import { code } from '../sdk/totp.mjs';
import { Browser, password } from './form_browser.mjs';
import { env, tollgate } from './lib.mjs';

const add = (email) => {
  tollgate('user', 'add', '--customer', env.TOLLGATE_CUSTOMER_ID, '--email', email, '--role', 'viewer',
    '--password', password);
  return email;
};

async function before() {
  const email = add('factor@example.com');
  const b = new Browser();
  await b.signIn(email);
  await b.get('/settings/factor');
  await b.post('/settings/factor', { current_password: password });
  await b.get('/settings/factor');
  await b.post('/settings/factor/confirm', { code: code(/id="secret">([A-Z2-7 ]+)</.exec(b.html)[1]) });
  return {
    email,
    recovery: [...b.html.matchAll(/<code>([a-z2-9]{5}-[a-z2-9]{5})<\/code>/g)].map((m) => m[1]),
    link: tollgate('user', 'invite', add('link@example.com')).link,
  };
}

async function enter(email, text) {
  const b = new Browser();
  await b.signIn(email);
  await b.get('/login/code');
  return b.post('/login/code', { code: text });
}

async function during({ email, recovery, link }) {
  return [await new Browser().setPassword(link), await enter(email, recovery[0]), await enter(email, recovery[0])].join(' ');
}

console.log(process.argv[2] === 'before' ? JSON.stringify(await before())
  : await during(JSON.parse(readFileSync(0, 'utf8'))));
