/**
 * The catalogue of operating troubles: everything that can go wrong outside our own code.
 * Each code is stable; scripts and runbooks may match on it.
 */
export const troubleCodes = {
  'registry/unavailable': 'etcd does not answer, or has no leader',
  'registry/unknown-outcome': 'a write was sent and its answer was lost: it may have happened',
  'registry/lease-lost': 'etcd says that the lease of this machine is gone',
  'registry/not-ours': 'the store belongs to another cluster, or was emptied',
  'registry/full': 'etcd has no space left and takes no more writes',
  'registry/conflict': 'others kept changing the same record',
  'registry/compacted':
    'the revision asked for is no longer kept by etcd: read again from the newest',
  'registry/undecodable': 'a stored value is not understood',
  'registry/refused': 'etcd refused the request: too large, no permission',
  'systemd/unavailable': 'the system bus or systemd itself does not answer',
  'systemd/timeout': 'systemd did not finish in time',
  'systemd/refused': 'systemd refused the call, in its own words',
  'disk/failed': 'a file could not be written or read',
  'config/invalid': 'the configuration cannot be used',
  'api/unreachable': 'no fleetd answers at the endpoint',
  'api/refused': 'fleetd refused the request',
  'lab/unsuitable': 'this computer lacks what the lab needs',
  'lab/failed': 'a step of the lab failed',
} as const;

/** A code of the catalogue. */
export type TroubleCode = keyof typeof troubleCodes;

/** What is known about a trouble besides its message. */
export interface Trouble {
  readonly code: TroubleCode;
  /** `soon`: the same call may work in a moment; `never`: something must change first. */
  readonly retry: 'soon' | 'never';
  /** The next step for the reader, one sentence. */
  readonly hint: string;
  readonly cause?: unknown;
}

/** Something outside our code failed. Loops log it once, back off and go on. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
  readonly trouble: Trouble;
  constructor(message: string, trouble: Trouble) {
    super(message, { cause: trouble.cause });
    this.trouble = trouble;
  }
}

/** The words of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
