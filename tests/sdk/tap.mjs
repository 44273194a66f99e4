// SPDX-License-Identifier: MIT
// TAP for tests in JavaScript: test(name, fn) in order, then done().
import assert from 'node:assert/strict';

let count = 0;
let failed = 0;

export async function test(name, fn) {
  count += 1;
  try {
    await fn();
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${count} - ${name}`);
    for (const line of String(error.stack ?? error).split('\n')) {
      console.log(`#   ${line}`);
    }
  }
}

export function done() {
  console.log(`1..${count}`);
  process.exit(failed ? 1 : 0);
}

export { assert };
