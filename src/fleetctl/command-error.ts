/** Why a command was not done, in words for its user. Printed without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** The next step, one sentence. */
  readonly hint: string;
  /** Lines printed as they are before the message, such as `web.service:3:1: …`. */
  readonly details: readonly string[];
  /** 2: the command line is wrong. 1: anything else. */
  readonly status: 1 | 2;
  constructor(
    message: string,
    more: {
      readonly hint: string;
      readonly details?: readonly string[];
      readonly status?: 1 | 2;
    },
  ) {
    super(message);
    this.hint = more.hint;
    this.details = more.details ?? [];
    this.status = more.status ?? 1;
  }
}

/** A mistake on the command line: exit status 2. */
export function usageError(message: string, hint: string): CommandError {
  return new CommandError(message, { hint, status: 2 });
}
