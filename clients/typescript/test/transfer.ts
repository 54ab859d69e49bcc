/** A program to be killed: `transfer.js upload FILE` or `transfer.js pull VERSION FOLDER`, killed half-way through a phase. */

import { connect, openFile, pull } from '../src/node.js';
import { url } from './material.js';

const [what, which, folder, until] = process.argv.slice(2) as [string, string, string, string];
const first: Record<string, number> = {};
const told = (phase: string, done: number, total: number): void => {
  first[phase] ??= done;
  if (phase === until && done > total / 2) process.kill(process.pid, 'SIGKILL');
};
const odem = connect({ url });
let result: unknown;
if (what === 'upload') {
  const file = await openFile(which);
  result = await odem.upload(file, told);
  await file.close();
} else {
  result = (await pull(odem, which, folder, told)).received;
}
console.log(JSON.stringify({ result, first, memory: process.resourceUsage().maxRSS / 1024 }));
