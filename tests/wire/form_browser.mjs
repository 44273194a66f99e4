// SPDX-License-Identifier: MIT
// A browser without a window: cookies and forms, as a person's would be.
import { ask, base } from './lib.mjs';

// Everybody's, unless they say another.
export const password = 'a horse, a battery, a staple';

export class Browser {
  cookies = {};

  html = '';

  // Of its own, as an address has a limit, too.
  constructor(address = undefined) { this.address = address; }

  async go(method, path, form = undefined, more = {}) {
    const headers = {
      cookie: Object.entries(this.cookies).map(([k, v]) => `${k}=${v}`).join('; '), ...more,
    };
    let body;
    if (form) {
      body = new URLSearchParams(form).toString();
      headers['content-type'] = 'application/x-www-form-urlencoded';
    }
    const answer = await ask(method, path, headers, body, this.address);
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) this.cookies[name] = value; else delete this.cookies[name];
    }
    this.answer = answer;
    this.html = answer.text;
    this.to = answer.headers.location;
    return answer.status;
  }

  get(path, more) { return this.go('GET', path, undefined, more); }

  // The token of the page that is shown, unless the form says another.
  post(path, form, more) {
    return this.go('POST', path, { csrf: this.token(), ...form }, more);
  }

  token() { return /name="csrf" value="([0-9a-f]+)"/.exec(this.html)?.[1] ?? ''; }

  // Of the thing that the page's form is about.
  etag() { return /name="etag" value="([^"]*)"/.exec(this.html)[1].replaceAll('&quot;', '"'); }

  says() { return /role="alert"[^>]*>([^<]*)/.exec(this.html)?.[1]; }

  get session() { return this.cookies.tollgate_session; }

  async signIn(email, secret = password) {
    await this.get('/login');
    return this.post('/login', { email, password: secret });
  }

  // By a link of an invitation or for another password.
  async setPassword(link) {
    const path = new URL(link, base).pathname;
    const status = await this.get(path);
    return status === 200 ? this.post('/login/password', { token: path.split('/').pop(), password }) : status;
  }

  async isIn() { return await this.get('/settings') === 200; }
}
