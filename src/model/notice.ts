/**
 * What a notice is about: one kind for each condition of the cluster that a person must know of.
 *
 * - `brake`: most machines vanished at once, so the leader moves nothing for a while.
 * - `store-went-back`: the store is older than what this machine has seen of it.
 * - `store-not-ours`: the store is that of another cluster, or empty.
 * - `store-too-new`: the cluster needs a newer fleetd than this one.
 * - `undecodable`: something stored is not understood, and left as it is.
 * - `store-space`: the store is full, or nearly so.
 * - `orphans`: units run that the store knows nothing of.
 */
export const noticeKinds = [
  'brake',
  'store-went-back',
  'store-not-ours',
  'store-too-new',
  'undecodable',
  'store-space',
  'orphans',
] as const;

/** See `noticeKinds`. */
export type NoticeKind = (typeof noticeKinds)[number];

/** A condition of the whole cluster that a person must know of, for as long as it lasts. */
export interface Notice {
  readonly kind: NoticeKind;
  /** What is the matter, one line. */
  readonly text: string;
  /** The next step, one line. */
  readonly hint: string;
}

/** Who knows every notice of this machine and of the store, at the time of asking. */
export interface Notices {
  /**
   * Never rejects: what cannot be found out by now is left out, what is known is told. What is only
   * asked for is not asked for kinds in `except`.
   */
  read(signal: AbortSignal, except?: ReadonlySet<string>): Promise<readonly Notice[]>;
}
