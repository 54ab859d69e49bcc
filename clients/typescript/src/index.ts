export * as api from './generated/sdk.gen.js';
export type * from './generated/types.gen.js';
export { DigestMismatch, MergeNotSucceeded, OdemError, ProblemError, Unreachable } from './errors.js';
export { createHasher, fromBlob, type Hasher, type Progress, type Source } from './files.js';
export { type Retries } from './http.js';
export { Odem, type Blobbish, type MergeOptions, type Notes, type Options, type WatchOptions } from './odem.js';
