import type { Revision } from '../model/ids.ts';
import { Follower, type FollowerOptions } from './follower.ts';
import type { StoredItem, WatchEvent } from './store.ts';

/** Our record as it is in the store: when it was created, null when there is none. */
export type RecordSeen = (createRevision: Revision | null, revision: Revision) => void;

/**
 * Follows the one key that says that this machine is alive. An etcd that led, stood still and goes on
 * ends leases that were renewed elsewhere meanwhile (etcd-io/etcd#15247); who only renewed would learn
 * of it a third of a TTL later, when the units already start on other machines.
 */
export function followRecord(
  what: Omit<FollowerOptions, 'ranges' | 'watched'>,
  key: string,
  seen: RecordSeen,
): Follower {
  const watched = { from: key, to: `${key}\0` };
  const ranges = [{ range: watched, keysOnly: true }];
  let createRevision: Revision | null = null;
  const take = (item: StoredItem | undefined): void => {
    createRevision = item?.createRevision ?? null;
  };
  return new Follower(
    { ...what, watched, ranges },
    {
      reset: (items, revision) => {
        take(items[0]);
        seen(createRevision, revision);
      },
      apply: (events: readonly WatchEvent[], revision) => {
        for (const event of events) take(event.kind === 'put' ? event.item : undefined);
        seen(createRevision, revision);
      },
      troubled: () => undefined, // the lease tells of an etcd that is away
    },
  );
}
