/** An expected answer that may be a refusal. Operating troubles throw `FleetError` instead. */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** The good answer. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** The refusal. */
export function fail<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/** The value of a success; null of a failure. */
export function valueOrNull<T, E>(result: Result<T, E>): T | null {
  return result.ok ? result.value : null;
}
