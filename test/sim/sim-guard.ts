import { deadlineUnit, guardDropInFile, isolatedUnit } from '../../src/agent/guard-units.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import type { MemoryDisk } from './memory-disk.ts';

const marker = '/run/fleet/isolated';
const runtimeFolder = '/run/systemd/system';

/** What PID 1 does about fleet-deadline.service and fleet-isolated.service, by their texts. */
export class SimGuard {
  readonly #disk: MemoryDisk;
  readonly #clock: Clock;
  readonly #stopAll: () => void;
  #cancel: (() => void) | null = null;

  /** `stopAll` stops every unit whose drop-in asks for it. */
  constructor(disk: MemoryDisk, clock: Clock, stopAll: () => void) {
    this.#disk = disk;
    this.#clock = clock;
    this.#stopAll = stopAll;
  }

  isOwn(name: UnitName): boolean {
    return name === deadlineUnit || name === isolatedUnit;
  }

  /** RestartUnit of one of the two. */
  restart(name: UnitName): void {
    if (name === isolatedUnit) {
      this.#isolate();
      return;
    }
    const text = this.#disk.text(`${runtimeFolder}/${deadlineUnit}`) ?? '';
    const ms = /^RuntimeMaxSec=(\d+)ms$/m.exec(text)?.[1];
    if (ms === undefined) return;
    this.#cancel?.();
    this.#cancel = this.#clock.after(Number(ms), () => this.#isolate());
  }

  /** StopUnit of one of the two. */
  stop(name: UnitName): void {
    if (name === deadlineUnit) this.vanish();
  }

  /** Whether a start of this unit is held back by its condition. */
  holdsBack(name: UnitName): boolean {
    return this.isGuarded(name) && this.#disk.text(marker) !== null;
  }

  isGuarded(name: UnitName): boolean {
    return this.#disk.text(`${runtimeFolder}/${name}.d/${guardDropInFile}`) !== null;
  }

  /** The power is cut. */
  vanish(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #isolate(): void {
    this.vanish();
    this.#disk.writeText(marker, '');
    this.#stopAll();
  }
}
