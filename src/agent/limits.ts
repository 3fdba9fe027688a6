/** Every bound of the agent; see the tests for what each protects. */
export const agentLimits = {
  /** One D-Bus call, without the job it may start. A reload with 1000 units takes a second. */
  busCallMsMax: 30_000,
  /** Connect, say hello and subscribe. */
  busConnectMsMax: 10_000,
  /** dbus-daemon refuses the 129th call that waits for an answer. */
  busPendingCountMax: 100,
  /** Names in one ListUnitsByNames call. */
  listNamesCountMax: 250,
  /** Files in one LinkUnitFiles call. */
  linkFilesCountMax: 250,
  /** Jobs of one kind under way; more are no faster. */
  jobFastCountMax: 16,
  /** A job older than this is slow and gives its fast slot back. */
  jobFastMsMax: 2_000,
  /** Slow start jobs. systemd dies of 512 match rules, and each job may cost it one. */
  startSlowCountMax: 256,
  /** Slow stop jobs; with all other jobs still below 512. */
  stopSlowCountMax: 128,
  /** Between two round trips on an idle connection. */
  pingMs: 10_000,
  /** How long after a pass news are gathered, when there are some already. */
  gatherMs: 5,
  /** A failed start or a refused step is tried again after this, doubling … */
  retryFirstMs: 1_000,
  /** … up to this. */
  retryMsMax: 60_000,
  /** A lost connection or store is tried again after this, doubling … */
  reconnectFirstMs: 100,
  /** … up to this for systemd … */
  reconnectMsMax: 5_000,
  /** … and up to this for reports: whoever waits for a unit waits for them. */
  reportRetryMsMax: 1_000,
  /** Files read or written at the same time. */
  filesCountMax: 32,
  /** Time that passed while the machine was suspended; less is how its two clocks are read. */
  suspendMsMin: 100,
  /** Failures about which systemd is asked at the same time. */
  wordsCountMax: 8,
  /** Words of systemd kept in a report. */
  problemLengthMax: 300,
} as const satisfies Readonly<Record<string, number>>;
