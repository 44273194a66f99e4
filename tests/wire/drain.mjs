// SPDX-License-Identifier: MIT
// SIGTERM to every worker while streams are open: each stream is finished
// or, under mod_fcgid, which gives a process 3 s, ended by an error that
// says so; each has its one usage row; the next worker serves. CHECKLIST R14.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { test, done, assert } from '../sdk/tap.mjs';
import {
  ask, base, env, json, modelsInForce, newKey, sql, tollgate, until, usageRow,
} from './lib.mjs';

const isFcgid = env.TOLLGATE_WEB === 'apache-fcgid';
const unique = `${process.pid}`;

function addModel(name, word) {
  tollgate('model', 'add', '--name', `${name}.${unique}`, '--provider', `drain${unique}`,
    '--upstream-name', word);
  tollgate('price', 'set', '--model', `${name}.${unique}`, '--input', '1', '--output', '2');
  return `${name}.${unique}`;
}
tollgate('provider', 'add', '--name', `drain${unique}`, '--kind', 'openai',
  '--base-url', `unix:${env.TOLLGATE_STACK_DIR}/run/sim.sock`);
const short = addModel('short', 'sim-pace:50:20');
const long = addModel('long', 'sim-pace:50:80');
const { key } = await newKey();
const auth = { ...json, Authorization: `Bearer ${key}` };

// Whoever knows this one knows the prices of those before it.
const last = addModel('last', 'sim-fixed');
await modelsInForce(auth, [last]);

const workers = () => execFileSync('pgrep', ['-f',
  `^${env.TOLLGATE_STACK_DIR}/bin/tollgate.fcgi`]).toString().trim().split('\n').map(Number);

// A process that has ended stays as a zombie until mod_fcgid looks for it.
function isAlive(pid) {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

// A stream; `started` is called with its first event.
function stream(model, started) {
  return new Promise((resolve, reject) => {
    const rq = http.request({
      agent: false, host: base.hostname, port: base.port, method: 'POST',
      path: '/v1/chat/completions', headers: auth,
    }, (answer) => {
      let text = '';
      let isFirst = true;
      answer.on('data', (part) => {
        text += part;
        if (isFirst) started();
        isFirst = false;
      });
      const end = () => resolve({
        text, status: answer.statusCode, id: answer.headers['x-request-id'],
      });
      answer.on('end', end);
      answer.on('error', end);
    });
    rq.on('error', reject);
    rq.setTimeout(20000, () => reject(new Error('no end')));
    rq.end(JSON.stringify({
      model, stream: true, messages: [{ role: 'user', content: 'one two three' }],
    }));
  });
}

// Under mod_fcgid the time itself is what is promised: it kills whoever takes
// longer. Elsewhere a worker has until shutdown.drain_ms, and the streams tell.
function assertInTime(took) {
  assert.ok(!isFcgid || took < 2000, `${took} ms`);
}

// Open n streams, tell all workers to end, wait for both.
async function terminate(model, n) {
  let started = 0;
  const streams = Array.from({ length: n }, () => stream(model, () => { started += 1; }));
  await until('streams open', async () => started === n);
  const pids = workers();
  const from = performance.now();
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  const gone = until('workers gone', async () => !pids.some(isAlive), 20000)
    .then(() => performance.now() - from);
  const ended = await Promise.all(streams);
  return { ended, took: await gone };
}

// The rows are written by the workers that come next.
const isServing = () => until('an answer', async () => {
  const { status } = await ask('GET', '/v1/models', auth);
  return status === 200;
}, 20000);
const isDone = ({ text }) => text.endsWith('data: [DONE]\n\n');

async function oneRow({ id }, expected) {
  const row = await usageRow(id, ['request_status', 'completion_tokens']);
  assert.equal(row.request_status, expected);
  assert.ok(Number(row.completion_tokens) > 0, 'what was delivered is charged');
  const [[n]] = sql(`SELECT COUNT(*) FROM usage_records
    WHERE request_id = UNHEX('${id.replaceAll('-', '')}')`);
  assert.equal(n, '1');
}

await test('SIGTERM: streams that end in time: finished, one row each', async () => {
  const { ended, took } = await terminate(short, 6);
  console.log(`# workers ended after ${Math.round(took)} ms`);
  await isServing();
  for (const one of ended) {
    assert.ok(isDone(one), one.text.slice(-200));
    await oneRow(one, 'ok');
  }
  assertInTime(took);
});

await test('SIGTERM: longer streams: finished, or ended with an error in time', async () => {
  const { ended, took } = await terminate(long, 6);
  console.log(`# workers ended after ${Math.round(took)} ms`);
  await isServing();
  for (const one of ended) {
    const isCut = one.text.includes('"code":"shutting_down"');
    assert.ok(isCut ? isFcgid : isDone(one), one.text.slice(-200));
    await oneRow(one, isCut ? 'interrupted' : 'ok');
  }
  // mod_fcgid starts processes one by one, so some were through by then.
  assert.ok(!isFcgid || !ended.every(isDone), 'none was cut');
  assertInTime(took);
});

done();
