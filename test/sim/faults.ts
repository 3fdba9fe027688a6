import { FleetError } from '../../src/lib/error.ts';
import type { MemoryStore } from '../../src/registry/memory-store.ts';
import type { ManualClock } from '../builders/manual-clock.ts';
import type { Computer } from './computer.ts';
import type { DecoyKind, StoreAddress } from './decoy.ts';
import type { Garbage } from './garbage.ts';
import type { Random } from './random.ts';
import type { SimProcess } from './sim-process.ts';
import type { Trace } from './trace.ts';

/** What faults happen to. */
export interface FaultParts {
  readonly clock: ManualClock;
  readonly store: MemoryStore;
  /** The process of the store: frozen, no lease of it ends. */
  readonly etcd: SimProcess;
  readonly computers: readonly Computer[];
  /** Where the store is looked for. */
  readonly address: StoreAddress;
  readonly garbage: Garbage;
  readonly ttlMs: number;
  readonly trace: Trace;
  readonly random: Random;
}

type Fault = (parts: FaultParts, on: Computer) => void;

/** Every kind of fault, by name. */
const faults: Readonly<Record<string, Fault>> = {
  powerCut: (parts, on) => {
    on.cutPower();
    parts.clock.after(lasts(parts), () => on.powerOn());
  },
  powerOff: (parts, on) => {
    on.shutDown();
    parts.clock.after(25_000 + lasts(parts), () => on.powerOn());
  },
  crash: (_parts, on) => on.crashFleetd(),
  restart: (_parts, on) => on.restartFleetd(),
  freeze: (parts, on) => {
    const frozen = on.process;
    on.freezeFleetd();
    parts.clock.after(lasts(parts), () => {
      if (on.process === frozen) on.thawFleetd();
    });
  },
  partition: (parts, on) => {
    on.road.set(parts.random.pick(['refused', 'stalled']));
    parts.clock.after(lasts(parts), () => on.road.set('open'));
  },
  lossyRoad: (parts, on) => {
    on.road.lossShare = 0.3;
    on.road.delayMsMax = parts.random.pick([20, 200, 600]);
    parts.clock.after(lasts(parts), () => calmRoad(on));
  },
  slowMachine: (parts, on) => {
    on.slowness = 50;
    on.systemd.delayMsMax = 500;
    parts.clock.after(lasts(parts), () => quicken(on));
  },
  busLost: (_parts, on) => on.systemd.disconnectAll(),
  systemdStuck: (parts, on) => {
    on.systemd.mood = parts.random.pick(['stuck', 'away']);
    if (on.systemd.mood === 'away') on.systemd.disconnectAll();
    parts.clock.after(lasts(parts), () => {
      on.systemd.mood = 'well';
    });
  },
  reload: (_parts, on) => on.systemd.reload(),
  diskFull: (parts, on) => {
    on.isDiskFull = true;
    parts.clock.after(lasts(parts), () => {
      on.isDiskFull = false;
    });
  },
  storeOutage: (parts) => {
    beginOutage(parts);
    parts.clock.after(lasts(parts), () => endOutage(parts));
  },
  /** Somebody, or a former leader of etcd, revokes a lease that is well kept alive. */
  leaseRevoked: ({ store }, on) => {
    const leaseId = on.fleetd?.registry.lease.id ?? null;
    if (leaseId !== null) void store.revokeLease(leaseId, new AbortController().signal);
  },
  storeLeader: ({ store, computers }) => {
    store.changeLeader();
    for (const { road } of computers) road.breakWatches();
  },
  storeBackup: ({ address }) => address.save(),
  storeRestored: (parts) => swapStore(parts, 'restored'),
  storeEmptied: (parts) => swapStore(parts, 'empty'),
  storeOfOthers: (parts) => swapStore(parts, 'another'),
  undecodable: (parts) => {
    void parts.garbage.spoil(parts.random);
    parts.clock.after(lasts(parts), () => void parts.garbage.correct());
  },
  compaction: ({ store }) => store.compact(store.revision),
  watchBreak: (_parts, on) => on.road.breakWatches(),
  mostVanish: (parts) => {
    const { random, computers, clock } = parts;
    const count = Math.floor(computers.length / 2) + 1;
    const first = random.between(0, computers.length - 1);
    const victims = [...computers.slice(first), ...computers.slice(0, first)].slice(0, count);
    const isPower = random.chance(0.3);
    for (const victim of victims) {
      if (isPower) victim.cutPower();
      else victim.road.set('stalled');
      clock.after(lasts(parts) + random.between(0, 2_000), () => {
        if (isPower) victim.powerOn();
        else victim.road.set('open');
      });
    }
    if (random.chance(0.3)) clock.after(lasts(parts), () => resume(parts));
  },
};

/** The kinds of faults there are. */
export const faultNames: readonly string[] = Object.keys(faults);

/** Lets something go wrong. */
export function strike(parts: FaultParts, name: string): void {
  const on = parts.random.pick(parts.computers);
  parts.trace.say('FAULT', `${name} ${on.id.slice(0, 4)}`);
  faults[name]?.(parts, on);
}

/** Ends every fault but for what has no power. */
export function endFaults(parts: FaultParts): void {
  endSwap(parts);
  endOutage(parts);
  void parts.garbage.correct();
  for (const computer of parts.computers) {
    computer.road.set('open');
    calmRoad(computer);
    quicken(computer);
    computer.systemd.mood = 'well';
    computer.isDiskFull = false;
    if (computer.process?.isFrozen) computer.thawFleetd();
  }
}

function lasts({ random, ttlMs }: FaultParts): number {
  const isLong = random.chance(0.4);
  return isLong ? random.between(ttlMs, 8 * ttlMs) : random.between(100, ttlMs);
}

function beginOutage({ etcd, computers, random }: FaultParts): void {
  etcd.freeze();
  for (const { road } of computers) road.set(random.pick(['refused', 'stalled']));
}

/**
 * Another store answers at the address of ours for a while, under running daemons; ours stands
 * still, as a stopped etcd does. A machine that never was a member could take an empty one for new.
 */
function swapStore(parts: FaultParts, kind: DecoyKind): void {
  const { address, etcd, computers } = parts;
  if (address.isDecoy || etcd.isFrozen || !computers.every(({ isMember }) => isMember)) return;
  if (!address.begin(kind)) return;
  etcd.freeze();
  for (const { road } of computers) road.breakWatches();
  parts.clock.after(lasts(parts), () => endSwap(parts));
}

function endSwap({ address, etcd, store, computers }: FaultParts): void {
  if (!address.isDecoy) return;
  address.end();
  store.changeLeader();
  etcd.thaw();
  for (const { road } of computers) road.breakWatches();
}

/** The first thing a new leader of etcd does is to give every lease its full time. */
function endOutage({ address, etcd, store, computers }: FaultParts): void {
  if (!etcd.isFrozen || address.isDecoy) return;
  store.changeLeader();
  etcd.thaw();
  for (const { road } of computers) road.set('open');
}

/** Somebody types `fleetctl resume` somewhere; a store that is away is told so. */
function resume({ computers, random, trace }: FaultParts): void {
  const running = computers.flatMap(({ fleetd }) => (fleetd === null ? [] : [fleetd]));
  if (running.length === 0) return;
  const { roster } = random.pick(running).registry;
  roster.endBrake(new AbortController().signal).then(
    (outcome) => trace.say('user', `resume: ${outcome}`),
    (error: unknown) => {
      if (!(error instanceof FleetError)) throw error;
      trace.say('user', `resume: ${error.trouble.code}`);
    },
  );
}

function calmRoad({ road }: Computer): void {
  road.lossShare = 0;
  road.delayMsMax = 3;
}

function quicken(computer: Computer): void {
  computer.slowness = 1;
  computer.systemd.delayMsMax = 2;
}
