import { randomInt, randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import type { UnitIdentity } from '../model/ids.ts';
import type { Machine } from '../model/machine.ts';
import { StoreAgentLedger } from './agent-ledger.ts';
import { StoreCatalog } from './catalog.ts';
import { ClusterClaim } from './cluster-record.ts';
import { formatNow } from './codec.ts';
import { StoreElection } from './election.ts';
import type { EtcdAccess } from './etcd-connection.ts';
import { EtcdStore } from './etcd-store.ts';
import { GatedStore } from './gated-store.ts';
import type { KeeperThread } from './keeper-thread.ts';
import { Keys } from './keys.ts';
import { MachineLease } from './lease.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { Registration } from './registration.ts';
import { StoreRoster } from './roster.ts';
import type { Compare, Store } from './store.ts';
import { StoreFill } from './store-fill.ts';
import { StoreGate } from './store-gate.ts';
import { StoreKeeper } from './store-keeper.ts';

/** What the registry of one daemon is made of. */
export interface RegistryOptions {
  readonly store: Store;
  /** `etcd_key_prefix`. */
  readonly keyPrefix: string;
  /** `agent_ttl`. */
  readonly ttlMs: number;
  /** What this machine says of itself. */
  readonly self: Machine;
  readonly clock: Clock;
  /** Who renews the lease; left out: the store, in this loop. */
  readonly keeper?: LeaseKeeper;
  /** Asked when this machine's lease was lost; left out: it joins again. */
  readonly mayReturn?: () => Promise<boolean>;
  /** Random identities of units; tests give their own. */
  readonly newIdentity?: () => UnitIdentity;
  /** The size at which etcd takes no more writes; 2 GiB unless given. */
  readonly quotaBytes?: number;
  /** The newest format that is understood; tests of upgrades give another. */
  readonly formatMax?: number;
}

/**
 * Everything a daemon needs of the store. The order of its life: `cluster.settle`, then
 * `registration.join`, then `registration.keep`, `ledger.run` and `election.lead` side by side; at
 * its end `lease.stop` (a restart) or `lease.release` (the machine leaves), and `close`.
 */
export interface Registry {
  /** The bare store, without the gate that everything else goes through. */
  readonly store: Store;
  readonly keys: Keys;
  readonly gate: StoreGate;
  readonly fill: StoreFill;
  readonly cluster: ClusterClaim;
  readonly lease: MachineLease;
  readonly keeper: LeaseKeeper;
  readonly registration: Registration;
  readonly election: StoreElection;
  readonly ledger: StoreAgentLedger;
  readonly catalog: StoreCatalog;
  readonly roster: StoreRoster;
  /** Closes every connection. Ends no lease. */
  close(): void;
}

/** The registry on a real etcd. Connects when it is first asked for something. */
export function connectRegistry(
  options: Omit<RegistryOptions, 'store' | 'keeper'>,
  access: EtcdAccess,
  thread: KeeperThread | null = null,
): Registry {
  if (thread === null) {
    const firstMember = randomInt(access.endpoints.length);
    return openRegistry({ ...options, store: new EtcdStore(access, options.clock, firstMember) });
  }
  const store = new EtcdStore(access, options.clock, thread.firstMember, thread.counter);
  // One member for all: the watches of a member that renews nothing are not to be trusted either.
  store.onMember((endpoint) => thread.useMember(endpoint));
  thread.onFailure((endpoint, sentAtMs) => store.doubt(endpoint, sentAtMs));
  return openRegistry({ ...options, store, keeper: thread });
}

/** The registry on any store. */
export function openRegistry(options: RegistryOptions): Registry {
  const { clock, ttlMs, formatMax = formatNow } = options;
  const self: Machine = { ...options.self, formatMax };
  const keys = new Keys(options.keyPrefix);
  const gate = new StoreGate(clock);
  const fill = new StoreFill(options.quotaBytes);
  const cluster = new ClusterClaim({ store: options.store, keys, gate, formatMax });
  const store = new GatedStore(options.store, { gate, fill, probeKey: keys.cluster });
  const storeGuard = () => cluster.guard();
  const keeper = options.keeper ?? new StoreKeeper(store, clock);
  const lease = new MachineLease({ store, clock, keeper, ttlMs, gate });
  const { mayReturn = async () => true } = options;
  const registration = new Registration({
    ...{ store, keys, clock, lease, storeGuard, self, gate, mayReturn },
  });
  const newIdentity = options.newIdentity ?? ((): UnitIdentity => randomUUID() as UnitIdentity);
  const parts = { store, keys, clock, lease, registration, gate };
  return {
    store: options.store,
    keys,
    gate,
    fill,
    cluster,
    lease,
    keeper,
    registration,
    election: new StoreElection(parts),
    ledger: new StoreAgentLedger(parts),
    catalog: new StoreCatalog({ store, keys, storeGuard: joinedGuard(cluster), newIdentity }),
    roster: new StoreRoster({ store, keys, clock, storeGuard: joinedGuard(cluster) }),
    close: () => {
      keeper.close();
      store.close();
    },
  };
}

/**
 * What writes of the API compare. Without a cluster there is nothing to compare: a key that is written
 * then makes an empty store look like somebody else's, and no daemon may create the cluster any more.
 */
function joinedGuard(cluster: ClusterClaim): () => readonly Compare[] {
  return () => {
    const guard = cluster.guard();
    if (guard.length > 0) return guard;
    throw new FleetError('this fleetd has not joined its cluster yet', {
      code: 'registry/unavailable',
      retry: 'soon',
      hint: 'Try again in a moment; its journal says what it waits for.',
    });
  };
}
