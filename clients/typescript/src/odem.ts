/** The client: one service, as methods. */

import { DigestMismatch, MergeNotSucceeded, OdemError, ProblemError, Unreachable } from './errors.js';
import { messages } from './events.js';
import { createHasher, digestOf, fromBlob, PIECE, type Hasher, type Progress, type Source } from './files.js';
import { createClient, createConfig, type Client } from './generated/client/index.js';
import * as api from './generated/sdk.gen.js';
import type {
  AliasView,
  LineageEvent,
  LineageSpec,
  LineageView,
  MergeEvent,
  MergeRequest,
  MergeView,
  VersionView,
} from './generated/types.gen.js';
import { mayHelp, pause, reason, RETRIES, retrying, sleep, type Fetch, type Retries } from './http.js';

export interface Options {
  url: string;
  /** API key, where the service asks for one. */
  key?: string;
  retries?: Partial<Retries>;
  fetch?: typeof fetch;
  /** Another sha256 than the one in JavaScript. */
  createHasher?: () => Hasher;
  /** Where uploads under way are noted, so that a later page or process goes on with them: localStorage, or a folder. */
  notes?: Notes;
}

export interface Notes {
  getItem(name: string): string | null | Promise<string | null>;
  setItem(name: string, value: string): void | Promise<void>;
  removeItem(name: string): void | Promise<void>;
}

/** A file, or the digest (`sha256:...`) of a stored blob. */
export type Blobbish = Source | Blob | string;

export interface MergeOptions extends Omit<MergeRequest, 'task' | 'checkpoint' | 'calibration'> {
  /** The task's document, or just its name. */
  task: MergeRequest['task'] | string;
  calibration?: Blobbish;
  progress?: Progress;
}

export interface WatchOptions {
  lastEventId?: string;
  signal?: AbortSignal;
}

const TUS = { 'Tus-Resumable': '1.0.0' };
const ENDED = new Set(['succeeded', 'rejected', 'failed', 'cancelled']);

export class Odem {
  /** For the generated functions (`api`), which cover every route. */
  readonly client: Client;
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #retries: Retries;
  readonly #fetch: Fetch;
  readonly #hasher: () => Hasher;
  readonly #notes: Notes;

  constructor(options: Options) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#headers = options.key ? { Authorization: `Bearer ${options.key}` } : {};
    this.#retries = { ...RETRIES, ...options.retries };
    this.#fetch = retrying(options.fetch ?? fetch, this.#retries);
    this.#hasher = options.createHasher ?? createHasher;
    this.#notes = options.notes ?? new InMemory();
    const fetcher = (request: Request): Promise<Response> => this.#fetch(request);
    this.client = createClient(
      createConfig({ baseUrl: this.#url, headers: this.#headers, fetch: fetcher as typeof fetch, throwOnError: true }),
    );
  }

  // Blobs

  /** Upload a safetensors file unless the service has it; returns its digest. Interrupted uploads resume. */
  async upload(file: Source | Blob, progress?: Progress): Promise<string> {
    const source = file instanceof Blob ? fromBlob(file) : file;
    const digest = await digestOf(source, this.#hasher(), progress);
    if (await this.has(digest)) return digest;
    const name = `odem ${this.#url} ${digest}`;
    let location = await this.#notes.getItem(name);
    let offset = location === null ? 0 : await this.#offset(location);
    for (let attempt = 0; offset === null || offset < source.size; ) {
      const before: number = offset ?? 0;
      try {
        if (location === null || offset === null) {
          location = await this.#begin(digest, source.size);
          await this.#notes.setItem(name, location);
          offset = 0;
        }
        offset = await this.#send(location, source, offset, progress);
      } catch (error) {
        const moved = error instanceof ProblemError && [404, 409, 423].includes(error.status);
        const wait = mayHelp(error) || moved ? pause(this.#retries, ++attempt) : null;
        if (wait === null) throw error;
        await sleep(wait);
        offset = location === null ? null : await this.#offset(location);
        if ((offset ?? 0) > before) attempt = 0;
      }
    }
    await this.#notes.removeItem(name);
    if (!(await this.has(digest))) throw new DigestMismatch(`The file changed during the upload: it is no longer ${digest}.`);
    return digest;
  }

  /** Whether the service has a blob. */
  async has(digest: string): Promise<boolean> {
    return (await this.#head(`/blobs/${digest}`)) !== null;
  }

  async #begin(digest: string, size: number): Promise<string> {
    const metadata = `sha256 ${btoa(digest.slice('sha256:'.length))}`;
    const headers = { ...TUS, 'Upload-Length': String(size), 'Upload-Metadata': metadata };
    const location = (await this.#ask('/uploads', { method: 'POST', headers })).headers.get('Location');
    if (location === null) throw new OdemError('The service created an upload without a Location header.');
    return location;
  }

  /** Send one piece; gives the new offset. In pieces, since browsers cannot stream a request's body. */
  async #send(location: string, source: Source, offset: number, progress?: Progress): Promise<number> {
    progress?.('sending', offset, source.size);
    const end = Math.min(offset + PIECE, source.size);
    const headers = { ...TUS, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' };
    await this.#ask(location, { method: 'PATCH', headers, body: await source.read(offset, end) }, 1);
    progress?.('sending', end, source.size);
    return end;
  }

  async #offset(location: string): Promise<number | null> {
    const said = (await this.#head(location, TUS))?.headers.get('Upload-Offset') ?? null;
    return said === null ? null : Number(said);
  }

  // Lineages

  /** Create a lineage from a base: a file, which is sent, or a digest. */
  async createLineage(spec: Omit<LineageSpec, 'base'> & { base: Blobbish }, progress?: Progress): Promise<LineageView> {
    const body = { ...spec, base: await this.#digest(spec.base, progress) };
    return (await api.createLineage({ client: this.client, body, throwOnError: true })).data;
  }

  async lineage(name = 'default'): Promise<LineageView> {
    return (await api.getLineage({ client: this.client, path: { name }, throwOnError: true })).data;
  }

  async *lineages(): AsyncGenerator<LineageView> {
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = (await api.listLineages({ client: this.client, query: { cursor }, throwOnError: true })).data;
      yield* page.lineages;
      cursor = page.next ?? undefined;
    }
  }

  /** Create or move an alias; the version is a number, `latest` or another alias. */
  async setAlias(lineage: string, alias: string, version: string): Promise<AliasView> {
    const options = { client: this.client, path: { name: lineage, alias }, body: { version }, throwOnError: true } as const;
    return (await api.putAlias(options)).data;
  }

  /** Make a new version that repeats an older one. */
  async rollback(lineage: string, version: string): Promise<VersionView> {
    const options = { client: this.client, path: { name: lineage }, body: { version }, throwOnError: true } as const;
    return (await api.rollBack(options)).data;
  }

  // Merges

  /** Queue a merge that takes a task out of a lineage's head exactly; its checkpoint must have this digest, if given. */
  async removeTask(lineage: string, task: string, checkpoint?: string): Promise<MergeView> {
    const options = {
      client: this.client,
      path: { name: lineage, task },
      body: { checkpoint: checkpoint ?? null },
      throwOnError: true,
    } as const;
    return (await api.removeTask(options)).data;
  }

  /** Queue a merge that computes a lineage's head anew from its state by another recipe, or method. */
  async recompute(lineage: string, recipe: string | Record<string, unknown>): Promise<MergeView> {
    const body = { recipe: typeof recipe === 'string' ? { method: recipe } : recipe };
    const options = { client: this.client, path: { name: lineage }, body, throwOnError: true } as const;
    return (await api.recomputeHead(options)).data;
  }

  /** Queue a merge that adds all tasks of another lineage's version to a lineage's head exactly. */
  async join(lineage: string, other: string, version = 'latest'): Promise<MergeView> {
    const body = { lineage: other, version };
    const options = { client: this.client, path: { name: lineage }, body, throwOnError: true } as const;
    return (await api.joinLineage(options)).data;
  }

  /** Send a fine-tuned checkpoint to be merged into a lineage's head; gives the merge as it is queued. */
  async merge(checkpoint: Blobbish, options: MergeOptions): Promise<MergeView> {
    const { task, calibration, progress, ...more } = options;
    const body: MergeRequest = {
      ...more,
      task: typeof task === 'string' ? { name: task } : task,
      checkpoint: await this.#digest(checkpoint, progress),
      ...(calibration === undefined ? {} : { calibration: await this.#digest(calibration, progress) }),
    };
    return (await api.createMerge({ client: this.client, body, throwOnError: true })).data;
  }

  async getMerge(id: string): Promise<MergeView> {
    return (await api.getMerge({ client: this.client, path: { merge_id: id }, throwOnError: true })).data;
  }

  /** A lineage's merges, newest first, without their reports. */
  async *merges(lineage = 'default'): AsyncGenerator<MergeView> {
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = (await api.listMerges({ client: this.client, query: { lineage, cursor }, throwOnError: true })).data;
      yield* page.merges;
      cursor = page.next ?? undefined;
    }
  }

  async cancel(id: string): Promise<MergeView> {
    return (await api.cancelMerge({ client: this.client, path: { merge_id: id }, throwOnError: true })).data;
  }

  /** A merge's events: its present state, each change, its progress; ends after the state that is final. */
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<MergeEvent> {
    return this.#events<MergeEvent>(`/merges/${id}/events`, options, (event) => event.type === 'state' && ENDED.has(event.state));
  }

  /** A lineage's events, without an end. */
  watchLineage(name = 'default', options: WatchOptions = {}): AsyncGenerator<LineageEvent> {
    return this.#events<LineageEvent>(`/lineages/${name}/events`, options, () => false);
  }

  /** Wait until a merge has ended; gives it with its report. Throws MergeNotSucceeded when it made no version. */
  async wait(id: string, options: { onEvent?: (event: MergeEvent) => void; signal?: AbortSignal } = {}): Promise<MergeView> {
    const { onEvent, signal } = options;
    try {
      for await (const event of this.watch(id, signal ? { signal } : {})) onEvent?.(event);
    } catch (error) {
      if (!mayHelp(error)) throw error; // otherwise: too many watchers, or a proxy that blocks event streams
    }
    for (let wait = 200; ; wait = Math.min(wait * 1.5, 10_000)) {
      const merge = await this.getMerge(id);
      if (merge.state === 'succeeded') return merge;
      if (ENDED.has(merge.state)) throw new MergeNotSucceeded(merge);
      await sleep(wait, signal);
    }
  }

  async *#events<E>(path: string, options: WatchOptions, ends: (event: E) => boolean): AsyncGenerator<E> {
    let last = options.lastEventId;
    for (let attempt = 1; ; ) {
      const headers: Record<string, string> = { Accept: 'text/event-stream', ...(last === undefined ? {} : { 'Last-Event-ID': last }) };
      const response = await this.#ask(path, { headers, ...(options.signal ? { signal: options.signal } : {}) });
      if (response.status === 204 || response.body === null) return;
      try {
        for await (const message of messages(response.body)) {
          last = message.id ?? last;
          attempt = 1;
          const event = JSON.parse(message.data) as E;
          yield event;
          if (ends(event)) return;
        }
      } catch (failure) {
        options.signal?.throwIfAborted();
        const wait = pause(this.#retries, attempt++);
        if (wait === null) throw new Unreachable(`The event stream was interrupted: ${reason(failure)}`, { cause: failure });
        await sleep(wait, options.signal);
      }
    }
  }

  // Versions

  /** A version's record: `name@3`, `name@latest`, `name@alias`; without `name@`, of the lineage `default`. */
  async version(reference = 'latest'): Promise<VersionView> {
    return (await api.getVersion({ client: this.client, path: { version: reference }, throwOnError: true })).data;
  }

  /** A lineage's versions, newest first, without their reports. */
  async *versions(lineage = 'default'): AsyncGenerator<VersionView> {
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = (await api.listVersions({ client: this.client, query: { lineage, cursor }, throwOnError: true })).data;
      yield* page.versions;
      cursor = page.next ?? undefined;
    }
  }

  /** A version's open_clip_config.json, or null for a lineage without an architecture. */
  async config(version: VersionView): Promise<unknown> {
    return version.config_url === null ? null : (await this.#ask(version.config_url)).json();
  }

  /**
   * Stream a version's weights from byte `start` on. A broken connection resumes without loss. Given a hasher that has
   * the bytes before `start`, the stream verifies the whole file and throws DigestMismatch at the end.
   */
  async *weights(version: VersionView, start = 0, hasher?: Hasher): AsyncGenerator<Uint8Array> {
    let at = start;
    for (let attempt = 1; at < version.size; ) {
      const before = at;
      try {
        const response = await this.#ask(version.weights_url, at > 0 ? { headers: { Range: `bytes=${at}-` } } : {});
        let skip = response.status === 206 ? 0 : at;
        for await (const piece of response.body ?? []) {
          const fresh = piece.subarray(Math.min(skip, piece.length));
          skip -= piece.length - fresh.length;
          at += fresh.length;
          hasher?.update(fresh);
          if (fresh.length > 0) yield fresh;
        }
        if (at < version.size) throw new Unreachable(`${version.reference} was interrupted at byte ${at} of ${version.size}.`);
      } catch (failure) {
        if (failure instanceof ProblemError) throw failure;
        attempt = at > before ? 1 : attempt + 1;
        const wait = pause(this.#retries, attempt);
        if (wait === null) throw new Unreachable(reason(failure), { cause: failure });
        await sleep(wait);
      }
    }
    if (hasher !== undefined && `sha256:${hasher.hex()}` !== version.weights) {
      throw new DigestMismatch(`The downloaded bytes of ${version.reference} do not match ${version.weights}.`);
    }
  }

  async #digest(blob: Blobbish, progress?: Progress): Promise<string> {
    return typeof blob === 'string' ? blob : this.upload(blob, progress);
  }

  async #head(path: string, headers: Record<string, string> = {}): Promise<Response | null> {
    try {
      return await this.#ask(path, { method: 'HEAD', headers });
    } catch (error) {
      if (error instanceof ProblemError && error.status === 404) return null;
      throw error;
    }
  }

  async #ask(path: string, init: RequestInit = {}, attempts?: number): Promise<Response> {
    const headers = { ...this.#headers, ...(init.headers as Record<string, string> | undefined) };
    const request = new Request(new URL(path, `${this.#url}/`), { ...init, headers });
    if (attempts === undefined) return this.#fetch(request);
    return retrying((again) => fetch(again), { ...this.#retries, attempts })(request);
  }
}

class InMemory implements Notes {
  readonly #items = new Map<string, string>();
  getItem(name: string): string | null {
    return this.#items.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.#items.set(name, value);
  }
  removeItem(name: string): void {
    this.#items.delete(name);
  }
}
