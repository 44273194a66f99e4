// SPDX-License-Identifier: MIT
// Codes by time (RFC 6238) of a secret in base32 (RFC 4648), by themselves and
// not by what the worker uses.
import { createHmac } from 'node:crypto';

export const step = () => Math.floor(Date.now() / 30000);

export function code(base32, ofStep = step()) {
  const bits = [...base32.replaceAll(' ', '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(ofStep));
  const digest = createHmac('sha1', key).update(counter).digest();
  return String((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}
