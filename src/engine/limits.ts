/** Limits of the leader. */
export const limits = {
  /** How long an old copy waits for its new one before it is stopped all the same. */
  handOverMaxMs: 5 * 60_000,
  /** Comparisons and tries in one plan to make room for units that fit nowhere. */
  repairStepsMax: 100_000,
  /** Fewer machines have no brake: with two or three, one is a large part of all. */
  brakeMachinesMin: 4,
  /** A machine that vanished within this still counts as one of the cluster. */
  brakeSeenMs: 60 * 60_000,
  /** A machine that vanishes has this share of a TTL to return: it sees that its record is gone. */
  returnTtlShare: 0.1,
  /** Several that vanish together have this one: what ended their leases may hold them up, too. */
  returnTogetherTtlShare: 0.3,
  /** No longer than this: to join again takes some requests to etcd, whatever the TTL is. */
  returnMsMax: 1_000,
  /** Units whose seats are thought over together. */
  repairUnitsMax: 200,
  /** A stored list of objections, as JSON. */
  objectionsBytesMax: 1024,
  /** Objections alone are written anew for at most this many units … */
  refreshCountMax: 100,
  /** … in any stretch of this length … */
  refreshWindowMs: 5_000,
  /** … and for one unit not before this, when only the count of machines has changed. */
  refreshUnitMs: 30_000,
  /** One objection's words. */
  objectionWhyCharsMax: 160,
  /** Machines named in one objection. */
  objectionMachinesMax: 3,
  /** Changes in one transaction; what belongs together must fit. */
  batchChangesMax: 100,
  /** How long after a pass the leader waits for more changes, when there are some already. */
  gatherMs: 5,
  /** A plan that takes longer lets others have their turn. */
  planTurnMs: 5,
  /** Pause after a trouble: doubles from the first to the maximum. */
  retryFirstMs: 100,
  retryMaxMs: 5_000,
  /** Plans in a row without a rest; more is a fight or a bug, and is slowed down. */
  replansMax: 20,
} as const satisfies Readonly<Record<string, number>>;
