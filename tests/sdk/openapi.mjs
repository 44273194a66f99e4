// SPDX-License-Identifier: MIT
// The API's description is true: the same routes as the program lists, and
// each example is answered as it says.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test, done, assert } from './tap.mjs';

const require = createRequire(import.meta.url);
const { parse } = require('yaml');
const env = process.env;
const source = readFileSync(new URL('../../doc/openapi.yaml', import.meta.url), 'utf8');
const api = parse(source, { merge: true, maxAliasCount: -1 });

// Members behind "#/a/b", followed until there is no $ref any more.
function resolve(node) {
  let at = node;
  while (at?.$ref) {
    at = at.$ref.slice(2).split('/').reduce((o, name) => o[name], api);
  }
  return at;
}

const operations = Object.entries(api.paths).flatMap(([path, methods]) => (
  Object.entries(methods).filter(([method]) => method !== 'parameters')
    .map(([method, operation]) => ({
      method: method.toUpperCase(), path, operation,
    }))));

await test('openapi: routes: the program\'s, without the pages', () => {
  const listed = execFileSync(
    `${env.TOLLGATE_BUILD_DIR}/src/daemon/tollgate.fcgi`, ['--routes'],
  ).toString().trim().split('\n').map((line) => line.split(/\s+/));
  const programs = listed
    .filter(([method]) => /^[A-Z]+$/.test(method))
    .filter((row) => !row.some((cell) => /^h[a-z-]{3}$/.test(cell)))
    .map(([method, path]) => `${method} ${path}`).sort();
  const described = operations.map((o) => `${o.method} ${o.path}`).sort();
  assert.deepEqual(described, programs);
});

await test('openapi: operations: named after their handlers', () => {
  for (const { path, operation } of operations) {
    assert.match(operation.operationId, /^api_[a-z_]+$/, path);
  }
});

await test('openapi: limits: those of the program\'s table', () => {
  const table = readFileSync(new URL('../../src/base/limit_metrics.def', import.meta.url), 'utf8');
  const names = [...table.matchAll(/"(\w+\.\w+\.\w+)"/g)].map((m) => m[1]).concat('key.concurrent', 'sliding');
  assert.equal(names.length, 32);
  for (const schema of ['RateLimits', 'RateLimitsChange']) {
    assert.deepEqual(Object.keys(api.components.schemas[schema].properties), names);
  }
});

for (const { method, path, operation } of operations) {
  const body = resolve(operation.requestBody);
  const example = body?.content['application/json'].example;
  if (!example) continue;
  await test(`openapi: ${method} ${path}: the example is answered as described`, async () => {
    const sent = { ...example };
    const unique = `${process.pid}-${path.replace(/\W/g, '')}`;
    if (sent.email) sent.email = `example-${unique}@company.com`;
    if (sent.name) sent.name = `example-${unique}`;
    const management = operation.tags.includes('management');
    const answer = await fetch(env.TOLLGATE_URL + path.replace('{id}', env.TOLLGATE_CUSTOMER_ID), {
      method,
      headers: {
        Connection: 'close', // a command that runs may outlive one that is kept
        'Content-Type': 'application/json',
        'X-API-Key': management ? env.TOLLGATE_OPERATOR_KEY : env.TOLLGATE_API_KEY,
      },
      body: JSON.stringify(sent),
    });
    const text = await answer.text();
    assert.ok(answer.status < 300, `${answer.status}: ${text}`);
    const described = resolve(operation.responses[answer.status]);
    assert.ok(described, `status ${answer.status} is not described`);
    const schema = resolve(described.content['application/json'].schema);
    const got = JSON.parse(text);
    for (const name of schema.required ?? []) {
      assert.ok(name in got, `${name} is missing in ${text}`);
      const type = [schema.properties[name].type].flat();
      const real = got[name] === null ? 'null'
        : Array.isArray(got[name]) ? 'array'
          : Number.isInteger(got[name]) && type.includes('integer') ? 'integer'
            : typeof got[name];
      if (type[0]) assert.ok(type.includes(real), `${name}: ${real}`);
    }
  });
}

done();
