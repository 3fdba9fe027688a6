import { orphanText } from '../../src/agent/orphan-text.ts';
import { decodeLoaded, decodeReceipt, type Receipt } from '../../src/agent/records.ts';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import { inConflict, orphanPeer } from '../../src/model/conflict.ts';
import type { UnitIdentity } from '../../src/model/ids.ts';
import type { Order, Want } from '../../src/model/order.ts';
import type { Store, WatchEvent } from '../../src/registry/store.ts';
import { matchesGlob } from '../../src/unitfile/glob.ts';
import { contentHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import type { ManualClock } from '../builders/manual-clock.ts';
import type { Computer, ComputerWitness, LandedWrite } from './computer.ts';
import type { FleetdEnd } from './fleetd.ts';
import type { SimProcess } from './sim-process.ts';
import type { Violations } from './trace.ts';
import type { Witness } from './witness.ts';

const limits = {
  /** A step that was planned by an older order may be asked for this much later. */
  staleMs: 35_000,
  /** What a leader plans from may be this old, when it does not reach the store. */
  pictureMs: 30_000,
  /** A machine that came back a moment ago may be missing in the leader's picture. */
  presentMs: 5_000,
} as const;

const placed: readonly Want[] = ['load', 'launch', 'stop'];

/** What checks look at. */
export interface ChecksParts {
  readonly clock: ManualClock;
  readonly witness: Witness;
  readonly violations: Violations;
  readonly computers: () => readonly Computer[];
  /** The store of the cluster; whatever else answers is not to be written. */
  readonly store: Store;
}

/** The safety promises of docs/INVARIANTS.md, held against everything that happens. */
export class Checks implements ComputerWitness {
  readonly #parts: ChecksParts;
  /** Whose transaction won the last election. */
  #leader: SimProcess | null = null;
  /** The orders as they were one revision ago. */
  #before: ClusterPicture['orders'];
  #placedBefore: ClusterPicture['placements'] = new Map();
  /** Machine, unit and identity of every `gone` that was carried out and not taken back yet. */
  readonly #confirmed = new Set<string>();
  readonly #pardoned = new Set<string>();
  /** Units whose records were deleted past every rule. */
  readonly #lost = new Set<UnitName>();
  /** Submissions that run on every machine, whatever runs elsewhere. */
  readonly #globals = new Set<UnitIdentity>();
  /** Machine and unit: what was lost there was away, too, before anybody decided anew. */
  readonly #unheard = new Set<string>();
  /** Machine and unit: when a job of an agent last started it. */
  readonly #beganMs = new Map<string, number>();
  readonly #landedNumbers = new Map<unknown, number>();

  constructor(parts: ChecksParts) {
    this.#parts = parts;
    this.#before = parts.witness.picture().orders;
    parts.witness.onRevision((events) => this.#revision(events));
  }

  /** Invariants 3, 4 and 5: whatever an agent does to a unit, an order of its own says so. */
  asked(on: Computer, kind: 'start' | 'stop', unit: UnitName): void {
    const order = this.#book(on)?.get(unit);
    const receipt = this.#receipt(on, unit);
    if (kind === 'start') {
      this.#afterOthers(on, unit, order);
      this.#besideOthers(on, unit);
      const isDone = order !== undefined && receipt !== null && isFor(receipt, order, on.bootId);
      if (isDone)
        this.#break('4', `${on.id} starts ${unit} again, its receipt says it was started`);
      if (order?.finished === true) {
        this.#break('4', `${on.id} starts ${unit} again, its order says that it has finished`);
      }
      return;
    }
    const isStop = (want: Want): boolean => want === 'gone' || want === 'stop';
    const isRestart = (to: Order): boolean => (receipt?.restartCount ?? 0) < to.restartCount;
    if (order !== undefined && (isStop(order.want) || isRestart(order))) return;
    const { standing } = on.fleetd?.registry.gate ?? {};
    // What was under way goes on: the daemon sees nothing new, or the record was lost meanwhile.
    const isBlind = standing?.kind !== 'ours' || this.#lost.has(unit);
    if (this.#recent(on, unit).some((to) => isStop(to.want) || (isBlind && isRestart(to)))) return;
    this.#break('3', `${on.id} stops ${unit}, its order says ${order?.want ?? 'nothing'}`);
  }

  /**
   * Invariant 6: a unit that stops when it is cut off runs on one machine at a time. Whoever deletes
   * its records by hand takes away what the hold of an absent machine is known by.
   */
  #onlyCopy(on: Computer, unit: UnitName, text: string): void {
    const isSingle = (its: string | undefined): boolean =>
      its !== undefined && /^OnPartition=stop$/m.test(its);
    if (!isSingle(text)) return;
    for (const other of this.#parts.computers()) {
      if (other === on || !isSingle(other.systemd.running().get(unit))) continue;
      if (this.#unheard.has(`${other.id} ${unit}`)) continue;
      this.#break('6', `${unit} begins on ${on.id} while it runs on ${other.id}`);
    }
  }

  /** Invariant 12: what the order waits for is gone from systemd, as every order of late said. */
  #afterOthers(on: Computer, unit: UnitName, order: Order | undefined): void {
    if (order?.want !== 'launch') return;
    const known = [order, ...this.#recent(on, unit)].filter(({ want }) => want === 'launch');
    const present = on.systemd.running();
    for (const other of order.after) {
      if (!present.has(other) || !known.every(({ after }) => after.includes(other))) continue;
      this.#break('12', `${on.id} starts ${unit} while ${other} is there, which it waits for`);
    }
  }

  /**
   * Invariant 12: by the texts on the machine, whatever the leader knew. What began a moment ago an
   * agent may not have seen when it asked.
   */
  #besideOthers(on: Computer, unit: UnitName): void {
    const untilMs = this.#parts.clock.nowMs() - limits.staleMs;
    const text = on.systemd.fileText(unit) ?? '';
    for (const [other, otherText] of on.systemd.running()) {
      if ((this.#beganMs.get(`${on.id} ${other}`) ?? untilMs) >= untilMs) continue;
      if (!textsConflict([unit, text], [other, otherText])) continue;
      this.#break('12', `${on.id} starts ${unit} beside ${other}, which conflicts by its text`);
    }
  }

  /** Somebody deletes these keys with a tool of etcd's own, past every rule. */
  pardon(keys: readonly string[]): void {
    for (const key of keys) {
      this.#pardoned.add(key);
      const meaning = this.#parts.witness.keys.meaning(key);
      if (meaning.kind === 'unit') this.#lost.add(meaning.unit);
    }
  }

  /** Invariants 8 and 12: the ordered text and no other, and nothing that conflicts beside it. */
  began(on: Computer, unit: UnitName, text: string, by: 'job' | 'systemd'): void {
    this.#onlyCopy(on, unit, text);
    if (by === 'systemd') return;
    this.#beganMs.set(`${on.id} ${unit}`, this.#parts.clock.nowMs());
    const hash = contentHash(text);
    const order = this.#book(on)?.get(unit);
    const allowed = [...(order === undefined ? [] : [order]), ...this.#recent(on, unit)];
    const isOrdered = allowed.some((one) => one.want === 'launch' && one.contentHash === hash);
    if (!isOrdered) this.#break('8', `${on.id} runs ${unit} from a text that is not ordered`);
    for (const [other, otherText] of on.systemd.running()) {
      if (this.#areOld(on, unit, other) && textsConflict([unit, text], [other, otherText])) {
        this.#break('12', `${on.id} starts ${unit} while ${other} runs there, which conflicts`);
      }
    }
  }

  /** Invariant 2: only the leader writes decisions, and in the order it made them. */
  landed(on: Computer, by: SimProcess, { request, number, store }: LandedWrite): void {
    const { keys } = this.#parts.witness;
    const { writes } = request;
    if (store !== this.#parts.store) {
      const [first] = writes;
      this.#break('3', `${on.id} writes ${first?.key} into a store that is not its own`);
      return;
    }
    // To stand for election is no decision: one that lands late is found on its own lease, and ended.
    const isElection = writes.some(({ key, kind }) => key === keys.leader && kind === 'put');
    for (const write of writes) {
      const { key, kind } = write;
      const isOfMachine = ['machine', 'report'].includes(keys.meaning(key).kind);
      if (isOfMachine && write.kind === 'put' && write.leaseId === null) {
        this.#break('lease', `${on.id} writes ${key}, which would outlive it`);
      }
      const isSeq = key === keys.seq;
      if (key === keys.leader) this.#leader = kind === 'put' ? by : null;
      if (isSeq && this.#leader !== by) this.#break('2', `${on.id} writes and does not lead`);
      if (isElection || (!isSeq && key !== keys.chain(on.id))) continue;
      const who = isSeq ? by : on;
      if (number < (this.#landedNumbers.get(who) ?? 0)) {
        this.#break('2', `a transaction of ${on.id} landed after one that it made later`);
      }
      this.#landedNumbers.set(who, number);
    }
  }

  daemonEnded(on: Computer, end: FleetdEnd): void {
    if (end.kind === 'refused') this.#break('identity', `${on.id} is refused as its own double`);
    if (end.kind === 'failed') this.#break('bug', `fleetd of ${on.id} ended: ${end.problem}`);
  }

  #revision(events: readonly WatchEvent[]): void {
    const { witness } = this.#parts;
    const picture = witness.picture();
    const written = new Set<string>(
      events.map((event) => (event.kind === 'put' ? event.item.key : event.key)),
    );
    for (const key of witness.outside) written.delete(key);
    for (const { id } of this.#lost.size === 0 ? [] : this.#parts.computers()) {
      if (picture.machines.has(id)) continue;
      for (const unit of this.#lost) this.#unheard.add(`${id} ${unit}`);
    }
    const isDecision = [...written].some(
      (key) =>
        !this.#pardoned.delete(key) &&
        ['order', 'placement', 'member'].includes(witness.keys.meaning(key).kind),
    );
    if (isDecision && !written.has(witness.keys.seq)) this.#break('2', 'written outside the chain');
    const units = new Set<UnitName>();
    for (const key of written) {
      const meaning = witness.keys.meaning(key);
      if (meaning.kind === 'placement') units.add(meaning.unit);
      if (meaning.kind === 'unit') {
        const record = picture.units.get(meaning.unit);
        if (record?.requirements.global === true) this.#globals.add(record.identity);
      }
      if (meaning.kind === 'report') {
        const report = picture.reports.get(meaning.machine)?.get(meaning.unit);
        const what = `${meaning.machine} ${meaning.unit} ${report?.identity}`;
        if (report?.current === 'gone') this.#confirmed.add(what);
      }
      if (meaning.kind !== 'order') continue;
      units.add(meaning.unit);
      const machine = this.#parts.computers().find(({ id }) => id === meaning.machine);
      if (machine !== undefined) this.#orderChanged(picture, machine, meaning.unit);
    }
    for (const unit of units) this.#onePlace(picture, unit);
    this.#brakeHolds(picture);
    this.#before = picture.orders;
    this.#placedBefore = picture.placements;
  }

  /** Invariant 1: what is ordered to be somewhere is ordered where it is placed. */
  #onePlace(picture: ClusterPicture, unit: UnitName): void {
    const record = picture.units.get(unit);
    if (record === undefined || record.requirements.global) return;
    if (picture.unreadable.has(unit)) return;
    const placement = picture.placements.get(unit);
    for (const [machine, orders] of picture.orders) {
      const order = orders.get(unit);
      if (order?.identity !== record.identity || !placed.includes(order.want)) continue;
      if (placement?.machine === machine && placement.identity === record.identity) continue;
      const where = `${unit} is ordered to ${order.want} on ${machine}`;
      this.#break('1', `${where}, it is placed on ${placement?.machine ?? 'none'}`);
    }
  }

  /** Invariant 13: what waits for the brake moves only once its machine was let go. */
  #brakeHolds(picture: ClusterPicture): void {
    for (const machine of picture.brake?.waiting ?? []) {
      for (const [unit, order] of this.#before.get(machine) ?? []) {
        const was = this.#placedBefore.get(unit);
        const record = picture.units.get(unit);
        const isSame = record?.identity === was?.identity && order.identity === was?.identity;
        const isWanted = record?.gone === false && record.desired !== 'inactive';
        if (was?.machine !== machine || order.want === 'gone' || !isSame || !isWanted) continue;
        const now = picture.placements.get(unit)?.machine;
        // A placement that somebody has spoiled is no decision of a leader.
        if (now === machine || picture.unreadable.has(unit)) continue;
        this.#break('13', `${unit} moves from ${machine} to ${now}, which waits for the brake`);
      }
    }
  }

  /** Invariant 8: `gone` is final, and a successor waits for it. */
  #orderChanged(picture: ClusterPicture, on: Computer, unit: UnitName): void {
    const before = this.#before.get(on.id)?.get(unit);
    const order = picture.orders.get(on.id)?.get(unit);
    if (before?.want === 'gone' && order?.want !== 'gone') {
      const isConfirmed = this.#confirmed.delete(`${on.id} ${unit} ${before.identity}`);
      if (!isConfirmed) this.#break('8', `gone of ${unit} on ${on.id} was not confirmed`);
    }
    const record = picture.units.get(unit);
    const isNew = order !== undefined && order.identity !== before?.identity;
    if (!isNew || order.want === 'gone' || record === undefined) return;
    // By what it was ordered for: another submission may have come while the order was on its way.
    if (this.#globals.has(order.identity)) return;
    for (const computer of this.#parts.computers()) {
      const held = this.#before.get(computer.id)?.get(unit);
      const identity = this.#runningIdentity(computer, unit);
      // Without an order about it, it is an orphan, which only an operator takes down.
      if (held?.identity !== identity) continue;
      if (identity === null || identity === order.identity || !this.#isPresent(computer)) continue;
      this.#break('8', `${unit} is ordered on ${on.id} while ${computer.id} runs an older one`);
    }
  }

  #isPresent({ id }: Computer): boolean {
    const fromMs = this.#parts.witness.presentFromMs(id);
    return fromMs !== null && this.#parts.clock.nowMs() - fromMs > limits.presentMs;
  }

  /** Whose text runs, as its agent remembers it. */
  #runningIdentity(on: Computer, unit: UnitName): UnitIdentity | null {
    if (!on.systemd.running().has(unit)) return null;
    const text = on.disk.text(`/run/fleet/loaded/${unit}.json`);
    return (text === null ? null : decodeLoaded(text)?.identity) ?? null;
  }

  /** Both were stored well before the order, so that whoever made it knew of both. */
  #areOld(on: Computer, unit: UnitName, other: UnitName): boolean {
    const { witness } = this.#parts;
    const fromMs = witness.ordersOf(on.id, unit).at(-1)?.fromMs ?? 0;
    return [unit, other].every((name) => {
      const recordMs = witness.recordFromMs(name);
      return recordMs !== null && recordMs < fromMs - limits.pictureMs;
    });
  }

  /** Orders that held at some time of the last while, the agent's view being as old as that. */
  #recent(on: Computer, unit: UnitName): readonly Order[] {
    const sinceMs = this.#parts.clock.nowMs() - limits.staleMs;
    const versions = this.#parts.witness.ordersOf(on.id, unit);
    return versions.flatMap(({ value }, index) => {
      const untilMs = versions[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
      return value !== null && untilMs >= sinceMs ? [value] : [];
    });
  }

  #book(on: Computer): ReadonlyMap<UnitName, Order> | undefined {
    return on.fleetd?.registry.ledger.orderBook()?.orders;
  }

  #receipt(on: Computer, unit: UnitName): Receipt | null {
    const text = on.disk.text(`/run/fleet/receipts/${unit}.json`);
    return text === null ? null : decodeReceipt(text);
  }

  #break(promise: string, story: string): void {
    this.#parts.violations.add(promise, story);
  }
}

function isFor(receipt: Receipt, order: Order, bootId: string): boolean {
  return (
    receipt.bootId === bootId &&
    receipt.identity === order.identity &&
    receipt.unitHash === order.unitHash &&
    receipt.restartCount >= order.restartCount
  );
}

/** By what runs: an orphan runs another text than the one that is stored under its name. */
function textsConflict(...copies: readonly (readonly [UnitName, string])[]): boolean {
  const [one, two] = copies.map(([name, text]) => orphanPeer(name, orphanText(name, text).avoids));
  return one !== undefined && two !== undefined && inConflict(one, two, matchesGlob);
}
