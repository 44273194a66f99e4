// SPDX-License-Identifier: MIT
// What the wire tests in JavaScript share: requests as they are, the
// operator's command, the database, the simulator.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';

export const env = process.env;
export const base = new URL(env.TOLLGATE_URL);
export const json = { 'Content-Type': 'application/json' };

// One request over `options`; the whole answer. Never follows or retries.
function request(options, body) {
  return new Promise((resolve, reject) => {
    const rq = http.request({ agent: false, ...options }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => resolve({
        status: answer.statusCode,
        headers: answer.headers,
        text: Buffer.concat(parts).toString(),
      }));
    });
    rq.on('error', reject);
    rq.end(body);
  });
}

// From another address of this machine, if one is given (127.0.0.2, …).
export function ask(method, path, headers = {}, body = undefined, localAddress = undefined) {
  return request({
    host: base.hostname, port: base.port, method, path, headers, localAddress,
  }, body);
}

export function sim(method, path) {
  return request({
    socketPath: `${env.TOLLGATE_STACK_DIR}/run/sim.sock`, method, path,
  });
}

export function tollgate(...args) {
  const out = execFileSync(`${env.TOLLGATE_BUILD_DIR}/src/admin/tollgate`,
    [...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  return JSON.parse(out.toString());
}

// Rows of a query as arrays of texts.
export function sql(query) {
  const out = execFileSync('mariadb', ['--no-defaults', '-u', 'root', '-S', env.TOLLGATE_DB_SOCKET, '-N', '-B',
    env.TOLLGATE_DB_NAME, '-e', query]).toString();
  return out.split('\n').filter(Boolean).map((line) => line.split('\t'));
}

// Statements the database executed while `run` did: [connection, text] of each
// whose text matches `pattern`. By the server's log, as its counters don't tell
// a request's statements from the flusher's and the duties'.
export async function statementsDuring(run, pattern) {
  sql(`SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON`);
  try {
    await run();
  } finally {
    sql('SET GLOBAL general_log = OFF');
  }
  return sql(`SELECT thread_id, argument FROM mysql.general_log
    WHERE command_type = 'Execute' AND argument REGEXP '${pattern}'`);
}

// Ask again until `check` returns something true; fails after `ms`.
export async function until(what, check, ms = 10000) {
  const end = performance.now() + ms;
  for (;;) {
    const got = await check();
    if (got) return got;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((wake) => { setTimeout(wake, 20); });
  }
}

// What memcached says to a command, up to a line `end`.
export const memcached = (command, end) => new Promise((resolve, reject) => {
  const socket = net.connect(env.TOLLGATE_MEMCACHED_SOCKET);
  let text = '';
  socket.on('data', (part) => {
    text += part;
    if (text.endsWith(`${end}\r\n`)) socket.end();
  });
  socket.on('close', () => resolve(text));
  socket.on('error', reject);
  socket.write(`${command}\r\n`);
});
export const memcachedCount = async (name) => Number(
  new RegExp(`STAT ${name} (\\d+)`).exec(await memcached('stats', 'END'))[1]);

// Until every worker knows these models, as they are now with their prices. A
// worker reads the whole catalogue at one moment, on its own, within a second:
// one that knows a model but was too early for its price refuses it. So the
// last model that is waited for is one that is made here, after all the rest.
// Questions at the same time go to different workers.
export async function modelsInForce(auth, names) {
  const last = `last.${process.pid}.${performance.now().toFixed(3)}`;
  const [[provider]] = sql(`SELECT name FROM providers WHERE model_id IS NULL AND archived_at IS NULL LIMIT 1`);
  tollgate('model', 'add', '--name', last, '--provider', provider);
  const { key } = await newKey();
  const areKnown = async (headers, wanted) => {
    const lists = await Promise.all(Array.from({ length: 16 },
      () => ask('GET', '/v1/models', headers)));
    return lists.every(({ text }) => {
      const ids = JSON.parse(text).data.map((m) => m.id);
      return wanted.every((name) => ids.includes(name));
    });
  };
  await until('models in force', async () => (
    await areKnown({ 'X-API-Key': key }, [last]) && areKnown(auth, names)));
  tollgate('model', 'archive', last);
}

export async function management(path, body) {
  const answer = await ask('POST', path,
    { ...json, 'X-API-Key': env.TOLLGATE_OPERATOR_KEY }, JSON.stringify(body));
  if (answer.status >= 300) throw new Error(`${path}: ${answer.text}`);
  return JSON.parse(answer.text);
}

export const newKey = (members = {}) => management('/api/keys', {
  customer_id: Number(env.TOLLGATE_CUSTOMER_ID),
  name: 'wire test',
  rate_limit: 100000,
  ...members,
});

// The usage row of a request, once the flusher has written it.
export const usageRow = (requestId, columns) => until(
  `usage row of ${requestId}`,
  () => sql(`SELECT ${columns.join(',')} FROM usage_records
    WHERE request_id = UNHEX('${requestId.replaceAll('-', '')}')`)[0],
).then((row) => Object.fromEntries(columns.map((c, i) => [c, row[i]])));

// What a key's budget has spent and what its rows cost, once it has n of them.
export async function spentAndCost(keyId, n) {
  const [[cost]] = await until(`${n} rows of key ${keyId}`, () => {
    const found = sql(`SELECT SUM(cost_in_usd), COUNT(*) FROM usage_records WHERE api_key_id = ${keyId}`);
    return Number(found[0][1]) >= n && found;
  });
  const [[rows]] = sql(`SELECT COUNT(*) FROM usage_records WHERE api_key_id = ${keyId}`);
  const [[spent]] = sql(`SELECT p.spent_usd FROM budgets b JOIN budget_periods p USING (budget_id)
    WHERE b.api_key_id = ${keyId}`);
  return { spent, cost, rows: Number(rows) };
}
