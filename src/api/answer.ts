import type { ErrorBody } from './schema.ts';

/** What a handler answers; `body: null` is an empty one. */
export interface Answer {
  readonly status: number;
  readonly body: object | null;
}

/** A request that is not fulfilled, for a reason the client can act on. */
export interface Refusal {
  readonly status: 400 | 404 | 405 | 409 | 410 | 413 | 414 | 415 | 500 | 503;
  readonly message: string;
  /** The next step, one sentence. */
  readonly hint: string;
}

/** The answer that tells a refusal. */
export function refused({ status, message, hint }: Refusal): Answer {
  const body: ErrorBody = { error: { code: status, message, hint } };
  return { status, body };
}
