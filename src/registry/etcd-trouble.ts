import { FleetError, messageOf, type Trouble } from '../lib/error.ts';

/** Whether a request could have changed the store. */
export type Effect = 'read' | 'write';

interface Row {
  readonly match: RegExp;
  readonly code: Trouble['code'];
  readonly retry: Trouble['retry'];
  readonly hint: string;
}

const notReached = 'Check that etcd runs and that etcd_servers names its client addresses.';

/** What to type when etcd takes no more writes. */
export const spaceHint =
  'etcd is full: `etcdctl compact REVISION`, `etcdctl defrag --cluster`, `etcdctl alarm disarm`.';

/**
 * The border: what etcd and gRPC say, and what it is called above. All of these are certain not to
 * have changed anything; whatever is not listed is unknown for a write and unavailable for a read.
 */
const table: readonly Row[] = [
  {
    match: /requested lease not found/,
    code: 'registry/lease-lost',
    retry: 'soon',
    hint: 'The machine joins again by itself with a new lease.',
  },
  {
    match: /database space exceeded/,
    code: 'registry/full',
    retry: 'soon',
    hint: spaceHint,
  },
  {
    match: /permission denied|authentication|invalid auth|user name|PERMISSION_DENIED/i,
    code: 'registry/refused',
    retry: 'never',
    hint: 'Check etcd_username, etcd_password and the rights of that user on etcd_key_prefix.',
  },
  {
    match: /too many operations|request is too large|duplicate key|INVALID_ARGUMENT/,
    code: 'registry/refused',
    retry: 'never',
    hint: 'The request does not fit the limits of etcd; this is a fault of fleetd.',
  },
  { match: /too many requests/, code: 'registry/unavailable', retry: 'soon', hint: notReached },
  { match: /etcdserver: no leader/, code: 'registry/unavailable', retry: 'soon', hint: notReached },
  {
    match: /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|No connection established/,
    code: 'registry/unavailable',
    retry: 'soon',
    hint: notReached,
  },
  {
    match: /Name resolution failed|before call started|client was already closed/,
    code: 'registry/unavailable',
    retry: 'soon',
    hint: notReached,
  },
  { match: /^aborted before/, code: 'registry/unavailable', retry: 'soon', hint: notReached },
];

/** Turns anything that a request to etcd threw into a FleetError. */
export function etcdTrouble(thrown: unknown, effect: Effect, endpoint: string): FleetError {
  if (thrown instanceof FleetError) return thrown;
  const said = messageOf(thrown);
  const row = table.find((candidate) => candidate.match.test(said));
  if (row !== undefined) {
    return new FleetError(`etcd at ${endpoint}: ${plainWords(said)}`, {
      code: row.code,
      retry: row.retry,
      hint: row.hint,
      cause: thrown,
    });
  }
  return effect === 'write'
    ? new FleetError(`etcd at ${endpoint} did not confirm a write: ${plainWords(said)}`, {
        code: 'registry/unknown-outcome',
        retry: 'soon',
        hint: 'It may have happened: look, then try again.',
        cause: thrown,
      })
    : new FleetError(`etcd at ${endpoint} did not answer: ${plainWords(said)}`, {
        code: 'registry/unavailable',
        retry: 'soon',
        hint: notReached,
        cause: thrown,
      });
}

/** What gRPC says without its wrapping: `14 UNAVAILABLE: No connection established. Last error: …`. */
function plainWords(said: string): string {
  return said
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace(/^No connection established\. Last error: (Error: )?/, '')
    .replace(/^Deadline exceeded after ([\d.]+)s.*/s, 'nothing came for $1 s')
    .replace(/\.? Resolution note: *$/, '')
    .trim();
}

/** Which readings of a revision etcd refuses for good; null for any other trouble. */
export function revisionRefusal(thrown: unknown): 'compacted' | 'future' | null {
  const said = messageOf(thrown);
  if (/revision has been compacted/.test(said)) return 'compacted';
  return /is a future revision/.test(said) ? 'future' : null;
}

/** What a failed call says about its connection. */
export function connectionVerdict(thrown: unknown): 'broken' | 'late' | 'fine' {
  const said = messageOf(thrown);
  if (/DEADLINE_EXCEEDED|^no answer within/.test(said)) return 'late';
  if (/too many requests|revision|requested lease|space exceeded|denied|INVALID|auth/i.test(said)) {
    return 'fine';
  }
  return /UNAVAILABLE|INTERNAL|CANCELLED|UNKNOWN|closed|no leader|stopped/.test(said)
    ? 'broken'
    : 'fine';
}
