import type { Metric } from '../lib/metric.ts';
import type { LeaderSession } from '../model/ledger.ts';
import type { Notice } from '../model/notice.ts';
import type { FreezeWord } from '../model/store-standing.ts';
import { spaceHint } from '../registry/etcd-trouble.ts';
import type { StoreFill } from '../registry/store-fill.ts';
import type { StoreGate } from '../registry/store-gate.ts';
import { gauge } from './engine-counts.ts';

/** What the signs of the store are read from. */
export interface StoreSignSources {
  readonly gate: StoreGate;
  readonly fill: StoreFill;
  /** null while this machine does not lead. */
  readonly session: () => LeaderSession | null;
}

const freezeWords: readonly FreezeWord[] = ['store-not-ours', 'store-went-back', 'store-too-new'];

const limits = {
  /** Keys that a notice names; the log names them all. */
  keysNamedMax: 3,
} as const;

/** What people must know of the store, as this machine sees it. */
export function storeNotices({ gate, fill, session }: StoreSignSources): readonly Notice[] {
  const { standing } = gate;
  const notices: Notice[] = [];
  if (standing.kind === 'frozen') {
    const { why, reason } = standing;
    const text = `${why}: ${reason}; units keep running, nothing is changed`;
    notices.push({ kind: why, text, hint: freezeHints[why] });
  }
  if (fill.state === 'full') {
    const text = 'the store is full: units keep running, nothing can be changed';
    notices.push({ kind: 'store-space', text, hint: spaceHint });
  } else if (fill.state === 'filling') {
    const text = `the store is ${fill.percent} % full`;
    notices.push({ kind: 'store-space', text, hint: spaceHint.replace('etcd is full', 'Type') });
  }
  const keys = [...(session()?.picture().unreadableKeys?.keys() ?? [])].sort();
  if (keys.length > 0) {
    const named = keys.slice(0, limits.keysNamedMax).join(', ');
    const others = keys.length - limits.keysNamedMax;
    const text = `not understood, and left as it is: ${named}${others > 0 ? ` and ${others} more` : ''}`;
    notices.push({ kind: 'undecodable', text, hint: undecodableHint });
  }
  return notices;
}

const undecodableHint =
  'A newer fleetd may have written it: upgrade this one, or correct the key with etcdctl.';

const adoptHint =
  'Bring the right store back; or, after a restore, type `fleetctl adopt-store`. See restore-etcd.md.';

const freezeHints: Readonly<Record<FreezeWord, string>> = {
  'store-not-ours': adoptHint,
  'store-went-back': adoptHint,
  'store-too-new': 'Upgrade fleetd on this machine.',
};

/** The same as numbers. */
export function storeMetrics({ gate, fill }: StoreSignSources): readonly Metric[] {
  const { standing } = gate;
  return [
    {
      name: 'fleet_store_frozen',
      help: 'Whether this machine changes nothing, since the store is not the right one.',
      type: 'gauge',
      samples: freezeWords.map((why) => ({
        labels: { why },
        value: standing.kind === 'frozen' && standing.why === why ? 1 : 0,
      })),
    },
    gauge(
      'fleet_store_revision',
      'The highest revision of etcd that was seen.',
      Number(gate.known?.revision ?? 0n),
    ),
    gauge('fleet_store_full', 'Whether etcd takes no more writes.', fill.state === 'full' ? 1 : 0),
    ...(fill.sizeBytes === null
      ? []
      : [
          gauge('fleet_store_size_bytes', 'Size of the store, seen by the leader.', fill.sizeBytes),
        ]),
    gauge('fleet_store_quota_bytes', 'Where etcd stops, as configured.', fill.quotaBytes),
  ];
}
