/** Limits of everything this folder does with the store. */
export const limits = {
  /** Changes in one transaction; etcd allows 128 compares and 128 operations. */
  batchOpsMax: 120,
  /** Unit texts in one reading: each has up to 64 KiB. */
  batchTextsMax: 64,
  /** Keys in one page of a long reading. */
  pageCountMax: 1000,
  /** etcd has to answer within this, unless the configuration says otherwise. */
  requestTimeoutMs: 1000,
  /** The largest answer that is taken from etcd. */
  answerBytesMax: 16 * 1024 * 1024,
  /** Tries of a guarded write that others raced. */
  writeTriesMax: 5,
  /** Tries to close the leader's chain before the trouble is passed on. */
  chainTriesMax: 3,
  /** Pause between tries, at first and at most; a sixth of the TTL bounds it further. */
  retryFirstMs: 50,
  retryMaxMs: 500,
  /** The longest that one try to renew a lease waits for its answer; a sixth of the TTL is less. */
  renewalMsMax: 5000,
  /** The longest that a candidate waits before it stands for election. */
  standDelayMsMax: 200,
  /** So many candidates, in expectation, do not wait at all. */
  standAtOnceCount: 5,
  /** After an outage of the store, every machine that lives is back within this. */
  returnMsMax: 10_000,
  /** Every daemon that froze has noticed within this that the store is right again. */
  thawMsMax: 10_000,
  /** etcd closes connections that ping more often than every 5 s. */
  pingEveryMs: 5000,
  pingTimeoutMs: 2000,
  /** A timer later than this was held up by ourselves: the answer may be waiting to be read. */
  ownLatenessMsMax: 100,
  /** Leases that are looked at side by side. */
  leaseLooksMax: 100,
  /** How far etcd and we may disagree on how fast time passes while a lease is watched. */
  leaseSlackMs: 250,
} as const satisfies Readonly<Record<string, number>>;
