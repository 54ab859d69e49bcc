/** Requests that are sent again when that may help. */

import { OdemError, ProblemError, Unreachable } from './errors.js';

/** How often and how long to wait, in milliseconds. */
export interface Retries {
  /** How often a request is sent at most. */
  attempts: number;
  /** The longest wait before the second attempt; it doubles with each one more. */
  first: number;
  longest: number;
  /** A server that asks for a longer wait is not waited for. */
  patience: number;
}

export const RETRIES: Retries = { attempts: 6, first: 500, longest: 20_000, patience: 120_000 };
const STATUSES = new Set([408, 425, 429, 502, 503, 504]);

/** Milliseconds to wait after the attempt of this number, from 1; null to give up. Source: RFC 9110, section 10.2.3. */
export function pause(retries: Retries, attempt: number, retryAfter: string | null = null): number | null {
  if (attempt >= retries.attempts) return null;
  const asked = milliseconds(retryAfter);
  if (asked !== null) return asked <= retries.patience ? asked + Math.random() * retries.first : null;
  return (0.1 + 0.9 * Math.random()) * Math.min(retries.first * 2 ** (attempt - 1), retries.longest);
}

function milliseconds(retryAfter: string | null): number | null {
  if (retryAfter === null) return null;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const when = Date.parse(retryAfter);
  return Number.isNaN(when) ? null : Math.max(0, when - Date.now());
}

export function sleep(duration: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, duration);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

export type Fetch = (request: Request) => Promise<Response>;

/** A fetch that sends again what may help, names each POST by an Idempotency-Key, and throws for 400 and above. */
export function retrying(fetcher: typeof fetch, retries: Retries): Fetch {
  return async (request) => {
    if (request.method === 'POST' && !request.headers.has('Idempotency-Key')) {
      request.headers.set('Idempotency-Key', crypto.randomUUID());
    }
    for (let attempt = 1; ; attempt++) {
      let error: OdemError;
      let wait: number | null;
      try {
        const response = await fetcher(request.clone());
        if (response.status < 400) return response;
        const busy = response.status === 409 && response.headers.has('Retry-After');
        const after = response.headers.get('Retry-After');
        wait = STATUSES.has(response.status) || busy ? pause(retries, attempt, after) : null;
        error = await ProblemError.of(response);
      } catch (failure) {
        request.signal.throwIfAborted();
        wait = pause(retries, attempt);
        error = new Unreachable(`No response from ${new URL(request.url).origin}: ${reason(failure)}`, { cause: failure });
      }
      if (wait === null) throw error;
      await sleep(wait, request.signal);
    }
  };
}

/** What is behind fetch's "fetch failed". */
export function reason(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  return failure.cause instanceof Error && failure.cause.message ? failure.cause.message : failure.message;
}

/** Whether the same may succeed later. */
export function mayHelp(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof ProblemError && (STATUSES.has(error.status) || error.status === 460));
}
