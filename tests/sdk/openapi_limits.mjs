// SPDX-License-Identifier: MIT
// Bodies and parameters beyond all bounds, for each operation that the
// description has: a 4xx in its shape, which tells nothing of the inside.
// CHECKLIST S1, S32, S35.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test, done, assert } from './tap.mjs';

const require = createRequire(import.meta.url);
const { parse } = require('yaml');
const env = process.env;
const source = readFileSync(new URL('../../doc/openapi.yaml', import.meta.url), 'utf8');
const api = parse(source, { merge: true, maxAliasCount: -1 });

function resolve(node) {
  let at = node;
  while (at?.$ref) at = at.$ref.slice(2).split('/').reduce((o, name) => o[name], api);
  return at;
}

const operations = Object.entries(api.paths).flatMap(([path, methods]) => (
  Object.entries(methods).filter(([method]) => method !== 'parameters')
    .map(([method, operation]) => ({
      method: method.toUpperCase(),
      path: path.replace(/\{[a-z_]+\}/g, '999999999'),
      name: `${method.toUpperCase()} ${path}`,
      key: operation.tags.includes('inference') ? env.TOLLGATE_API_KEY : env.TOLLGATE_OPERATOR_KEY,
      parameters: [...methods.parameters ?? [], ...operation.parameters ?? []].map(resolve),
      schema: resolve(resolve(operation.requestBody)?.content['application/json'].schema),
    }))));

async function ask({ method, key }, path, body) {
  const answer = await fetch(env.TOLLGATE_URL + path, {
    method,
    headers: { 'X-API-Key': key, ...body === undefined ? {} : { 'Content-Type': 'application/json' } },
    body,
  });
  return { status: answer.status, ours: answer.headers.has('x-request-id'), text: await answer.text() };
}

function assertRefused(answer, what, isAnyFine = false) {
  const shown = `${what}: ${answer.status} ${answer.text.slice(0, 200)}`;
  assert.ok(answer.status < 500, shown);
  assert.ok(isAnyFine || answer.status >= 400, shown);
  assert.doesNotMatch(answer.text, /SELECT|INSERT|SQL|maria|errno|collation|\.c:\d|\/var\//i, shown);
  if (answer.ours && answer.status >= 400) assert.ok(JSON.parse(answer.text).error.message, shown);
}

for (const operation of operations.filter((o) => o.schema)) {
  await test(`${operation.name}: bodies beyond all bounds`, async () => {
    const { path, schema } = operation;
    assertRefused(await ask(operation, path, '['.repeat(10000) + ']'.repeat(10000)), 'depth 10,000');
    assertRefused(await ask(operation, path, '{"a":'.repeat(10000) + '1' + '}'.repeat(10000)), 'objects');
    const one = resolve(schema.oneOf?.[0] ?? schema);
    for (const [name, member] of Object.entries(one.properties)) {
      const kinds = [resolve(member).type].flat();
      const values = kinds.some((kind) => kind === 'integer' || kind === 'number')
        ? ['1e400', '-1e400', '1e-400', '99999999999999999999999', '-1', '"\\u0000"']
        : ['1e400', '"\\u0000"', '"\\ud800"', JSON.stringify('x'.repeat(10000))];
      for (const value of values) {
        // Half a surrogate pair may be read as U+FFFD.
        assertRefused(await ask(operation, path, `{"${name}":${value}}`),
          `${name}: ${value.slice(0, 40)}`, value.includes('ud800'));
      }
      // A text may be kept as it is.
      for (const value of ["' OR '1'='1", "\\' OR SLEEP(9)-- -", '%\'; DROP TABLE users; #'])
        assertRefused(await ask(operation, path, JSON.stringify({ [name]: value })), `${name}: ${value}`, true);
    }
  });
}

for (const operation of operations.filter((o) => o.parameters.some((p) => p.in === 'query'))) {
  await test(`${operation.name}: parameters beyond all bounds`, async () => {
    for (const { name } of operation.parameters.filter((p) => p.in === 'query')) {
      for (const value of ['1e400', '-1', '99999999999999999999999', '%00', '%C3%BC%F0%9D%84%87',
        '%ff', '%27%20OR%201%3D1--', '%25%25%25%5F', 'x'.repeat(4000)]) {
        const answer = await ask(operation, `${operation.path}?${name}=${value}`);
        assertRefused(answer, `${name}=${value.slice(0, 40)}`, true);
      }
    }
  });
}

for (const path of ['/generate', '/api/keys']) {
  await test(`POST ${path}: a text of 50 MiB: 413`, async () => {
    const operation = operations.find((o) => o.name === `POST ${path}`);
    const member = path === '/generate' ? 'text' : 'name';
    const body = JSON.stringify({ [member]: 'x'.repeat(50 * 1024 * 1024) });
    // The answer may come while it is still being sent.
    const status = await ask(operation, path, body).then((a) => a.status, (e) => {
      assert.match(String(e.cause?.code), /EPIPE|ECONNRESET|UND_ERR_SOCKET/);
      return 413;
    });
    assert.equal(status, 413);
  });
}

// Sanitizers keep memory of their own.
if (!/sanitize/.test(readFileSync(`${env.TOLLGATE_BUILD_DIR}/config.log`, 'utf8').match(/^ {2}\$ .*/m)[0])) {
  await test('after all that: no worker held more than a few bodies at once (S35)', () => {
    const program = `${env.TOLLGATE_STACK_DIR}/bin/tollgate.fcgi`;
    const peaks = readdirSync('/proc').filter((pid) => {
      try { return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/exe`).startsWith(program); } catch { return false; }
    }).map((pid) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024);
    console.log(`# peaks of the workers: ${peaks.map((mib) => mib.toFixed(0)).join(', ')} MiB`);
    assert.ok(peaks.length > 0);
    for (const mib of peaks) assert.ok(mib < 256, `${mib} MiB`);
  });
}
done();
