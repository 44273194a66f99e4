// SPDX-License-Identifier: MIT
// Every page and every form there is, as the table of routes says, with ids of
// somebody's things in their places.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { sql } from '../wire/lib.mjs';
import { env, url } from './visit.mjs';

// {method, path, auth, isPage, hasCsrf, roles}
export const routes = execFileSync(`${env.TOLLGATE_BUILD_DIR}/src/daemon/tollgate.fcgi`, ['--routes']).toString()
  .split('\n').filter(Boolean).map((line) => {
    const [method, path, auth, , flags, roles] = line.split(/\s+/);
    return { method, path, auth, isPage: flags.includes('h'), hasCsrf: flags.includes('c'), roles };
  }).filter((route) => route.isPage);

// The path with a customer's id and, by the word before {id}, ids of things.
export const address = (path, customerId, things) => path
  .replace('{customer_id}', customerId)
  .replace('{request_id}', things.requests)
  .replace('{token}', 'x'.repeat(43))
  .replace(/([a-z]+)\/\{id\}/, (_, of) => {
    if (things[of] === undefined) throw new Error(`nobody told this test of an id for ${path}`);
    return `${of}/${things[of]}`;
  });

export const requestOf = (customerId) => sql(`SELECT LOWER(INSERT(INSERT(INSERT(INSERT(HEX(request_id), 21, 0, '-'), 17, 0, '-'),
  13, 0, '-'), 9, 0, '-')) FROM usage_records WHERE customer_id = ${customerId} LIMIT 1`)[0][0];

// A form that is sent as it is, with a window's cookies and no browser's help.
export async function send(context, method, path, fields, headers = {}) {
  const cookies = (await context.cookies()).map((c) => `${c.name}=${c.value}`).join('; ');
  const at = new URL(url);
  return new Promise((resolve, reject) => {
    const rq = http.request({
      agent: false, host: at.hostname, port: at.port, method, path, headers: {
        Cookie: cookies, 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'text/html', ...headers,
      },
    }, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => resolve({ status: answer.statusCode, text, headers: answer.headers }));
    });
    rq.on('error', reject);
    rq.end(method === 'GET' ? undefined : new URLSearchParams(fields).toString());
  });
}
export const tokenOf = (html) => /name="csrf" value="([^"]*)"/.exec(html)[1];
