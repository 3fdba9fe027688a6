/** What a machine must be told to become part of the cluster. */
export interface JoiningWords {
  /** Where the members of the store say that they answer. */
  readonly etcdServers: readonly string[];
  readonly etcdKeyPrefix: string;
  readonly agentTtlMs: number;
  /** Paths that each machine has; null: no such file is needed. */
  readonly etcdCaFile: string | null;
  readonly etcdCertFile: string | null;
  readonly etcdKeyFile: string | null;
}

/** The API's door to that. Throws FleetError while the store is away. */
export interface Joining {
  read(signal: AbortSignal): Promise<JoiningWords>;
}
