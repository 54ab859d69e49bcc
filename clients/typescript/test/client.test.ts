/** The client against a real service: ODEM_URL says where. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { createHasher, DigestMismatch, MergeNotSucceeded, Odem, ProblemError, Unreachable } from '../src/index.js';
import { connect, openFile, pull } from '../src/node.js';
import { floats, folder, name, url, weights } from './material.js';

const FAST = { attempts: 3, first: 10 };
const SIZE = Number(process.env.ODEM_TEST_MEGABYTES ?? 24) * 1_000_000;
const program = fileURLToPath(new URL('transfer.js', import.meta.url));
const notes = folder();

interface Told {
  result: unknown;
  first: Record<string, number>;
  memory: number;
}

function run(...args: string[]): { signal: string | null; told: Told | null } {
  const done = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: notes } });
  if (done.signal === null) assert.equal(done.status, 0, done.stderr);
  return { signal: done.signal, told: done.signal === null ? (JSON.parse(done.stdout) as Told) : null };
}

function digest(path: string): string {
  return `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
}

test('a merge is sent, watched with typed events, waited for and pulled', async () => {
  const odem = connect({ url });
  const here = folder();
  const lineage = name();
  await using base = await openFile(floats(join(here, 'base'), 5000));
  await using tuned = await openFile(floats(join(here, 'tuned'), 5000));
  await odem.createLineage({ name: lineage, base, recipe: { method: 'average' } });
  const merge = await odem.merge(tuned, { task: 'first', lineage, labels: { run: '7' } });
  const states: string[] = [];
  const done = await odem.wait(merge.id, {
    onEvent: (event) => {
      if (event.type === 'state') states.push(event.state);
      if (event.type === 'version') states.push(event.version);
    },
  });
  assert.equal(done.version, `${lineage}@1`);
  // Whoever comes after its end is told the final state alone.
  assert.deepEqual(states.slice(-2), states.length > 1 ? [`${lineage}@1`, 'succeeded'] : ['succeeded']);
  const pulled = await pull(odem, `${lineage}@1`, join(here, 'out'));
  assert.equal(digest(pulled.weights), pulled.digest);
  assert.equal((await pull(odem, `${lineage}@1`, join(here, 'out'))).received, 0);
  assert.equal((await odem.setAlias(lineage, 'production', '1')).version, `${lineage}@1`);
  assert.equal((await odem.rollback(lineage, '0')).reference, `${lineage}@2`);
  const numbers: number[] = [];
  for await (const version of odem.versions(lineage)) numbers.push(version.number);
  assert.deepEqual(numbers, [2, 1, 0]);
  const merges: string[] = [];
  for await (const item of odem.merges(lineage)) merges.push(item.id);
  assert.deepEqual(merges, [merge.id]);
});

test('a merge that fails is told with its problem', async () => {
  const odem = connect({ url });
  const here = folder();
  const lineage = name();
  await using base = await openFile(floats(join(here, 'base'), 100));
  const path = floats(join(here, 'bad'), 100);
  const bytes = readFileSync(path);
  bytes.writeFloatLE(NaN, bytes.length - 4);
  writeFileSync(path, bytes);
  await using bad = await openFile(path);
  await odem.createLineage({ name: lineage, base, recipe: { method: 'average' } });
  const merge = await odem.merge(bad, { task: 'first', lineage });
  await assert.rejects(odem.wait(merge.id), (error) => error instanceof MergeNotSucceeded && error.merge.state === 'failed');
});

test('a process killed in mid upload and in mid download goes on from there, in little memory', () => {
  const here = folder();
  const file = weights(join(here, 'large'), SIZE);
  assert.equal(run('upload', file, '', 'sending').signal, 'SIGKILL');
  const sent = run('upload', file, '', '').told;
  assert.equal(sent?.result, digest(file));
  assert.ok((sent?.first['sending'] ?? 0) > SIZE * 0.4);
  assert.ok((sent?.memory ?? 999) < 200, `${sent?.memory} MB`);
  assert.deepEqual(Object.keys(run('upload', file, '', '').told?.first ?? {}), ['hashing']);
});

test('a download killed half-way goes on in a new process', async () => {
  const here = folder();
  const odem = connect({ url });
  const lineage = name();
  await using base = await openFile(floats(join(here, 'base'), SIZE / 4));
  const made = await odem.createLineage({ name: lineage, base, recipe: { method: 'average' } });
  const out = join(here, 'out');
  assert.equal(run('pull', `${lineage}@0`, out, 'receiving').signal, 'SIGKILL');
  const got = run('pull', `${lineage}@0`, out, '').told;
  assert.ok(Number(got?.result) > 0 && Number(got?.result) < SIZE * 0.6);
  assert.ok((got?.memory ?? 999) < 200, `${got?.memory} MB`);
  assert.deepEqual(readdirSync(out), ['model.safetensors']);
  assert.equal(digest(join(out, 'model.safetensors')), made.base);
});

test('a browser has what it needs: blobs and a sha256 in JavaScript', async () => {
  const file = floats(join(folder(), 'small'), 3_000_000);
  const odem = new Odem({ url });
  const phases = new Set<string>();
  const sent = await odem.upload(new Blob([readFileSync(file)]), (phase) => phases.add(phase));
  assert.equal(sent, digest(file));
  assert.deepEqual([...phases], ['hashing', 'sending']);
  const lineage = name();
  await odem.createLineage({ name: lineage, base: sent, recipe: { method: 'average' } });
  let received = 0;
  for await (const piece of odem.weights(await odem.version(`${lineage}@0`), 0, createHasher())) received += piece.length;
  assert.equal(received, statSync(file).size);
});

test('what the service refuses is thrown with its problem', async () => {
  const odem = connect({ url, retries: FAST });
  const refused = (status: number, type: string) => (error: unknown) =>
    error instanceof ProblemError && error.status === status && error.type === type && error.requestId !== null;
  await assert.rejects(odem.version('nothing@1'), refused(404, 'version-not-found'));
  await assert.rejects(odem.merge(`sha256:${'0'.repeat(64)}`, { task: 'x', lineage: 'nothing' }), refused(404, 'lineage-not-found'));
  await assert.rejects(odem.upload(new Blob(['no safetensors, but some words'.repeat(9)])), refused(422, 'not-safetensors'));
  await assert.rejects(connect({ url: 'http://127.0.0.1:1', retries: FAST }).version(), Unreachable);
});

test('damaged bytes are not taken for a version', async () => {
  const here = folder();
  const odem = connect({ url });
  const lineage = name();
  await using base = await openFile(floats(join(here, 'base'), 5000));
  const made = await odem.createLineage({ name: lineage, base, recipe: { method: 'average' } });
  writeFileSync(join(here, `.${made.base.slice(7, 23)}.part`), 'damaged');
  await assert.rejects(pull(odem, `${lineage}@0`, here), DigestMismatch);
  assert.equal((await pull(odem, `${lineage}@0`, here)).digest, made.base);
});

test('a busy service is asked again under the same key', async () => {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'] as string | undefined);
    request.resume();
    response.writeHead(keys.length < 3 ? 503 : 404, { 'Retry-After': '0' }).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const odem = new Odem({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, retries: FAST });
  await assert.rejects(odem.rollback('default', '1'), ProblemError);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.ok(keys[0]);
  server.closeAllConnections();
  server.close();
});
