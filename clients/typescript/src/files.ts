/** Bytes to send, and their sha256. Nothing here holds a whole file. */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** A readable file. `read` returns the bytes from `start` up to, not including, `end`. */
export interface Source {
  readonly size: number;
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  close?(): Promise<void>;
}

/** A sha256 that grows. */
export interface Hasher {
  update(data: Uint8Array): unknown;
  /** 64 hexadecimal digits. */
  hex(): string;
}

/** Phase (`hashing`, `sending` or `receiving`), processed bytes, total bytes. */
export type Progress = (phase: 'hashing' | 'sending' | 'receiving', done: number, total: number) => void;

export const PIECE = 4 << 20;

/** SHA-256 in JavaScript, for browsers, whose own digest takes whole files only. Node's is in `odem-client/node`. */
export function createHasher(): Hasher {
  const hash = sha256.create();
  return { update: (data) => hash.update(data), hex: () => bytesToHex(hash.clone().digest()) };
}

/** A browser's File or any Blob as a source. */
export function fromBlob(blob: Blob): Source {
  return {
    size: blob.size,
    read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
  };
}

/** A source's digest, as blobs are named. */
export async function digestOf(source: Source, hasher: Hasher, progress?: Progress): Promise<string> {
  for (let at = 0; at < source.size; at += PIECE) {
    const end = Math.min(at + PIECE, source.size);
    hasher.update(await source.read(at, end));
    progress?.('hashing', end, source.size);
  }
  return `sha256:${hasher.hex()}`;
}
