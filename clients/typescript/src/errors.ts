/** What goes wrong. A ProblemError carries the service's problem document (RFC 9457). */

import type { MergeView, Problem } from './generated/index.js';

export class OdemError extends Error {
  override name = 'OdemError';
}

/** An error response: `problem` is the problem document, `type` a stable name such as `tensor-mismatch`. */
export class ProblemError extends OdemError {
  override name = 'ProblemError';
  readonly status: number;
  readonly type: string;

  constructor(
    readonly problem: Problem,
    readonly requestId: string | null,
  ) {
    super(problem.detail || problem.title);
    this.status = problem.status;
    this.type = problem.type.split('/').at(-1) ?? problem.type;
  }

  static async of(response: Response): Promise<ProblemError> {
    const text = await response.text();
    let problem: Problem = { type: 'about:blank', title: response.statusText, status: response.status, detail: text.slice(0, 200) };
    try {
      const said: unknown = JSON.parse(text);
      if (typeof said === 'object' && said !== null && 'type' in said) problem = { ...problem, ...(said as Partial<Problem>) };
    } catch {
      // Not a problem document: the response of a proxy, or an empty one.
    }
    return new ProblemError(problem, response.headers.get('X-Request-Id'));
  }
}

/** No response arrived, or it was interrupted. */
export class Unreachable extends OdemError {
  override name = 'Unreachable';
}

/** Bytes are not those that were named. */
export class DigestMismatch extends OdemError {
  override name = 'DigestMismatch';
}

/** A merge ended otherwise than with a version: rejected by its gate, failed, or cancelled. */
export class MergeNotSucceeded extends OdemError {
  override name = 'MergeNotSucceeded';

  constructor(readonly merge: MergeView) {
    super(`The merge ${merge.id} was ${merge.state}${merge.problem ? `: ${merge.problem.detail}` : ''}`);
  }
}
