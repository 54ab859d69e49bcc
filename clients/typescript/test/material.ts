/** Weights to send, and the service to send them to. */

import { writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

export const url = process.env.ODEM_URL ?? 'http://localhost:8000';

export function folder(): string {
  return mkdtempSync(join(tmpdir(), 'odem-'));
}

/** A safetensors file of one tensor of so many bytes; without the value 0xff no float is infinite or no number. */
export function weights(path: string, size: number): string {
  const header = Buffer.from(JSON.stringify({ weight: { dtype: 'U8', shape: [size], data_offsets: [0, size] } }).padEnd(96));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([length, header, randomBytes(size)]));
  return path;
}

/** The same of float32 numbers below 1. */
export function floats(path: string, count: number): string {
  const shape = { weight: { dtype: 'F32', shape: [count], data_offsets: [0, count * 4] } };
  const header = Buffer.from(JSON.stringify(shape).padEnd(96));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const numbers = Buffer.from(Float32Array.from({ length: count }, () => Math.random()).buffer);
  writeFileSync(path, Buffer.concat([length, header, numbers]));
  return path;
}

export function name(): string {
  return `ts-${randomBytes(4).toString('hex')}`;
}
