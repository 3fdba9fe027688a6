import type { DiskUnit } from '../../src/agent/files.ts';
import type { ActualUnit } from '../../src/agent/observe.ts';
import type { PlanInput } from '../../src/agent/plan.ts';
import { loadedRecord } from '../../src/agent/records.ts';
import type { MachinePlan, Task } from '../../src/agent/task.ts';
import { unreachable } from '../../src/lib/invariant.ts';
import type { OrderBook } from '../../src/model/ledger.ts';
import type { ContentHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { anAbsentUnit, aPlanInput, aReceipt } from './agent.ts';

interface PaperUnit {
  disk: DiskUnit;
  /** The text of its process; null when none runs. */
  running: ContentHash | null;
  /** The text systemd holds in memory, which it does while the unit runs. */
  held: ContentHash | null;
}

const nothingOnDisk: DiskUnit = {
  contentHash: null,
  link: 'none',
  loaded: null,
  receipt: null,
  install: 'none',
};

/** A machine that does every task at once and well, by the rules of systemd's memory. */
export class PaperMachine {
  readonly #units = new Map<UnitName, PaperUnit>();

  /** What a plan would be made from now. */
  input(book: OrderBook): PlanInput {
    const names = new Set([...this.#units.keys(), ...book.orders.keys()]);
    return aPlanInput(
      [...names].map((name) => this.#actual(name)),
      [...book.orders],
    );
  }

  carryOut(plan: MachinePlan): void {
    for (const { tasks } of plan.units) for (const task of tasks) this.#do(task);
  }

  /** The text of the unit's process; null when none runs. */
  runningText(name: UnitName): ContentHash | null {
    return this.#units.get(name)?.running ?? null;
  }

  /** Whose text is on disk; null when there is none. */
  identityOf(name: UnitName): string | null {
    return this.#units.get(name)?.disk.loaded?.identity ?? null;
  }

  /** Whether anything of the unit is left. */
  holds(name: UnitName): boolean {
    const unit = this.#unit(name);
    return unit.running !== null || unit.held !== null || unit.disk.contentHash !== null;
  }

  #actual(name: UnitName): ActualUnit {
    const { disk, running, held } = this.#unit(name);
    const isLoaded = held !== null || (disk.link === 'ours' && disk.contentHash !== null);
    return anAbsentUnit(name, {
      disk,
      status: {
        ...(isLoaded ? { load: 'loaded', fragmentPath: `/run/systemd/system/${name}` } : {}),
        ...(running === null ? {} : { active: 'active', sub: 'running' }),
        needReload: held !== null && held !== disk.contentHash,
      },
    });
  }

  #do(task: Task): void {
    const unit = this.#unit(task.unit);
    const change = (disk: Partial<DiskUnit>): void => {
      unit.disk = { ...unit.disk, ...disk };
    };
    switch (task.kind) {
      case 'reset':
      case 'guard':
        break;
      case 'forget':
        change({ receipt: null });
        break;
      case 'remove':
        change(nothingOnDisk);
        break;
      case 'write':
        change({ contentHash: task.order.contentHash });
        change({ loaded: loadedRecord(task.unit, task.order) });
        break;
      case 'record':
        change({ loaded: loadedRecord(task.unit, task.order) });
        break;
      case 'receipt':
        change({ receipt: aReceipt(task.unit, task.order) });
        break;
      case 'link':
        change({ link: 'ours' });
        break;
      case 'install':
        break; // none of its texts has an [Install] section
      case 'reload':
        unit.held = unit.running === null ? null : unit.disk.contentHash;
        break;
      case 'stop':
        unit.running = null;
        unit.held = null;
        break;
      case 'start':
        unit.running ??= unit.held ?? unit.disk.contentHash;
        unit.held = unit.running;
        change({ receipt: aReceipt(task.unit, task.order) });
        break;
      default:
        unreachable(task);
    }
  }

  #unit(name: UnitName): PaperUnit {
    const known = this.#units.get(name);
    if (known !== undefined) return known;
    const unit: PaperUnit = { disk: nothingOnDisk, running: null, held: null };
    this.#units.set(name, unit);
    return unit;
  }
}
