/** A promise of docs/INVARIANTS.md was found broken: our bug. The process ends, systemd restarts it. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Ends the process's work when `condition` is false. `id` is a number of docs/INVARIANTS.md. */
export function invariant(condition: boolean, id: string, story: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant ${id} broken: ${story}`);
}

/** For switches: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable case: ${JSON.stringify(value)}`);
}
