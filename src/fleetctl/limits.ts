/** What fleetctl allows itself. */
export const limits = {
  /** Requests at once, when a command names many units. */
  requestCountMax: 16,
  /** Up to so many units are asked for one by one, more of them a hundred in a request. */
  singleReadCountMax: 8,
  /** The pause between two looks at units that are awaited: at first, and at most. */
  lookFirstMs: 50,
  lookMaxMs: 500,
  /** `--block-attempts N` means N times this, as in fleet. */
  blockAttemptMs: 500,
  /** How long bad news must last before it is told: the leader may still be deciding. */
  graceMs: 500,
  /** How long `start --wait` sees a unit active before it believes it: some die at once. */
  steadyMs: 300,
  /** Progress is shown only for what takes longer. */
  progressAfterMs: 1000,
  /** An answer of fleetd; a page of a thousand units stays far below. */
  answerBytesMax: 256 * 1024 * 1024,
  /** Times a listing is begun again because the store moved on under it. */
  walkTriesMax: 3,
  /** Connecting by ssh, where somebody may have to type a passphrase. */
  sshPromptMsMax: 120_000,
  sshTimeoutMsMax: 3_600_000,
  /** What is kept of the words of ssh, and dropped of a talkative shell. */
  sshWordsLengthMax: 16_384,
  /** The leader forgets a machine within this, if there is one. */
  forgetMsMax: 10_000,
  /** Units that wait for the brake, told one by one. */
  brakedUnitsMax: 20,
  /** After a listing is printed, how long its notices may still be on their way. */
  noticesMs: 1000,
  /** A shell waits so long at most for names of the cluster. */
  completionMs: 1000,
  requestTimeoutMsMax: 3_600_000,
  waitMsMax: 24 * 3_600_000,
} as const satisfies Readonly<Record<string, number>>;
