/** What Node has and browsers have not: files, folders, and a fast sha256. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { DigestMismatch } from './errors.js';
import { PIECE, type Hasher, type Progress, type Source } from './files.js';
import type { VersionView } from './generated/types.gen.js';
import { Odem, type Notes, type Options } from './odem.js';

export interface Pulled {
  reference: string;
  digest: string;
  weights: string;
  /** Null for a lineage without an architecture. */
  config: string | null;
  /** How many bytes came over the network this time. */
  received: number;
}

/** OpenSSL's sha256. */
export function createHasher(): Hasher {
  const hash = createHash('sha256');
  return { update: (data) => hash.update(data), hex: () => hash.copy().digest('hex') };
}

/** Notes of uploads as small files, so that a new process goes on with them. */
export class FolderNotes implements Notes {
  constructor(readonly folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'odem', 'node')) {}

  #file(name: string): string {
    return join(this.folder, createHash('sha256').update(name).digest('hex').slice(0, 32));
  }

  async getItem(name: string): Promise<string | null> {
    return readFile(this.#file(name), 'utf8').catch(() => null);
  }

  /** A folder that cannot be written costs the going on after a crash, nothing else. */
  async setItem(name: string, value: string): Promise<void> {
    await mkdir(this.folder, { recursive: true })
      .then(() => writeFile(this.#file(name), value))
      .catch(() => undefined);
  }

  async removeItem(name: string): Promise<void> {
    await rm(this.#file(name), { force: true }).catch(() => undefined);
  }
}

/** A client with Node's sha256, which remembers uploads across processes. */
export function connect(options: Options): Odem {
  return new Odem({ createHasher, notes: new FolderNotes(), ...options });
}

/** A file to upload. Close it, or declare it with `await using`. */
export async function openFile(path: string): Promise<Source & AsyncDisposable & { close(): Promise<void> }> {
  const file = await open(path);
  const { size } = await file.stat();
  return {
    size,
    async read(start, end) {
      const bytes = new Uint8Array(end - start);
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
        if (bytesRead === 0) throw new DigestMismatch(`${path} was truncated while it was read.`);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/**
 * Download a version's weights and its open_clip config to a folder. Interrupted downloads resume, also in a new process;
 * existing files are skipped. Files appear atomically. Run one pull at a time for each folder.
 */
export async function pull(odem: Odem, version: string | VersionView, folder: string, progress?: Progress): Promise<Pulled> {
  const view = typeof version === 'string' ? await odem.version(version) : version;
  await mkdir(folder, { recursive: true });
  const document = await odem.config(view);
  let config: string | null = null;
  if (document !== null) {
    config = join(folder, 'open_clip_config.json');
    await writeFile(`${config}.part`, `${JSON.stringify(document, null, 2)}\n`);
    await rename(`${config}.part`, config);
  }
  const weights = join(folder, config === null ? 'model.safetensors' : 'open_clip_model.safetensors');
  const found = { reference: view.reference, digest: view.weights, weights, config };
  if ((await sizeOf(weights)) === view.size && `sha256:${(await hash(weights, progress)).hex()}` === view.weights) {
    return { ...found, received: 0 };
  }
  return { ...found, received: await receive(odem, view, folder, weights, progress) };
}

async function receive(odem: Odem, view: VersionView, folder: string, target: string, progress?: Progress): Promise<number> {
  const part = join(folder, `.${view.weights.slice('sha256:'.length, 'sha256:'.length + 16)}.part`);
  let start = (await sizeOf(part)) ?? 0;
  if (start > view.size) start = 0;
  const file = await open(part, start > 0 ? 'r+' : 'w');
  let at = start;
  try {
    const hasher = start > 0 ? await hash(part, progress) : createHasher();
    for await (const piece of odem.weights(view, start, hasher)) {
      await file.write(piece, 0, piece.length, at);
      at += piece.length;
      progress?.('receiving', at, view.size);
    }
    await file.sync();
  } catch (error) {
    if (error instanceof DigestMismatch) await rm(part);
    throw error;
  } finally {
    await file.close();
  }
  await rename(part, target);
  return at - start;
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then((found) => found.size, () => null);
}

async function hash(path: string, progress?: Progress): Promise<Hasher> {
  const total = (await sizeOf(path)) ?? 0;
  const hasher = createHasher();
  let done = 0;
  for await (const piece of createReadStream(path, { highWaterMark: PIECE })) {
    hasher.update(piece as Uint8Array);
    progress?.('hashing', (done += (piece as Uint8Array).length), total);
  }
  return hasher;
}
