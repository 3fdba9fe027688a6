import type { DiskUnit } from '../../src/agent/files.ts';
import { type ActualUnit, observe } from '../../src/agent/observe.ts';
import type { PlanInput } from '../../src/agent/plan.ts';
import type { Receipt } from '../../src/agent/records.ts';
import type { UnitStatus } from '../../src/agent/systemd.ts';
import type { BootId, Revision, UnitIdentity } from '../../src/model/ids.ts';
import type { OrderBook } from '../../src/model/ledger.ts';
import type { Order, Want } from '../../src/model/order.ts';
import type { ContentHash, UnitHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';

export const thisBoot = 'boot-1' as BootId;
export const web = 'web.service' as UnitName;
export const db = 'db.service' as UnitName;

/** An order for one text of one identity, `launch` unless said otherwise. */
export function anOrder(want: Want = 'launch', changes: Partial<Order> = {}): Order {
  return {
    identity: 'one' as UnitIdentity,
    unitHash: 'hash-a' as UnitHash,
    contentHash: 'text-a' as ContentHash,
    want,
    restartCount: 0,
    after: [],
    reason: `ordered ${want}`,
    ...changes,
  };
}

/** The order after `destroy` and a new `submit` with another text. */
export function anotherOrder(want: Want = 'launch'): Order {
  return anOrder(want, {
    identity: 'two' as UnitIdentity,
    unitHash: 'hash-b' as UnitHash,
    contentHash: 'text-b' as ContentHash,
  });
}

export function aBook(orders: readonly (readonly [UnitName, Order])[]): OrderBook {
  const revision = 7n as Revision;
  const revisions = new Map(orders.map(([unit]) => [unit, revision]));
  return { revision, orders: new Map(orders), revisions, unreadable: new Set() };
}

/** The receipt of a start in this boot. */
export function aReceipt(name: UnitName, order: Order): Receipt {
  const { identity, unitHash, restartCount } = order;
  return { name, identity, unitHash, restartCount, bootId: thisBoot, invocationId: 'cafe' };
}

interface UnitChanges {
  readonly disk?: Partial<DiskUnit>;
  readonly status?: Partial<UnitStatus>;
  readonly busy?: ActualUnit['busy'];
}

/** A unit of which the machine knows nothing. */
export function anAbsentUnit(name: UnitName, changes: UnitChanges = {}): ActualUnit {
  const disk: DiskUnit = {
    contentHash: null,
    link: 'none',
    loaded: null,
    receipt: null,
    install: 'none',
  };
  const status: UnitStatus = {
    load: 'not-found',
    active: 'inactive',
    sub: 'dead',
    fragmentPath: '',
    needReload: false,
    invocationId: '',
    hasJob: false,
    loadError: '',
  };
  const observation = {
    disk: { ...disk, ...changes.disk },
    status: { ...status, ...changes.status },
  };
  const isOurPath = observation.status.fragmentPath === `/run/systemd/system/${name}`;
  return observe(name, observation, { isOurPath, busy: changes.busy ?? null });
}

/** A unit whose file is there and known to systemd, and which was never started. */
export function aLoadedUnit(
  name: UnitName,
  order: Order = anOrder(),
  changes: UnitChanges = {},
): ActualUnit {
  const { identity, unitHash, contentHash } = order;
  const loaded = { name, identity, unitHash, contentHash };
  return anAbsentUnit(name, {
    disk: { contentHash, link: 'ours', loaded, ...changes.disk },
    status: { load: 'loaded', fragmentPath: `/run/systemd/system/${name}`, ...changes.status },
    busy: changes.busy ?? null,
  });
}

/** A unit that was started by this order and runs. */
export function aRunningUnit(
  name: UnitName,
  order: Order = anOrder(),
  changes: UnitChanges = {},
): ActualUnit {
  return aLoadedUnit(name, order, {
    disk: { receipt: aReceipt(name, order), ...changes.disk },
    status: { active: 'active', sub: 'running', invocationId: 'cafe', ...changes.status },
    busy: changes.busy ?? null,
  });
}

/** A plan's input about these units and orders, in this boot, with nothing gone wrong before. */
export function aPlanInput(
  actual: readonly ActualUnit[],
  orders: readonly (readonly [UnitName, Order])[],
  changes: Partial<PlanInput> = {},
): PlanInput {
  return {
    book: aBook(orders),
    actual: new Map(actual.map((unit) => [unit.name, unit])),
    retries: new Map(),
    bootId: thisBoot,
    isLeaving: false,
    whyNoStart: null,
    whyNoGuarded: null,
    nowMs: 0,
    ...changes,
  };
}
