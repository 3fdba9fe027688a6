import { FleetError } from '../lib/error.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { DiskUnit, UnitFiles } from './files.ts';
import { Gate } from './gate.ts';
import { agentLimits } from './limits.ts';
import { type ActualUnit, type Observation, observe } from './observe.ts';
import type { Systemd, UnitChange } from './systemd.ts';

/**
 * What is known of units during one connection to systemd: looked at once, then kept up to date by
 * systemd's signals. Belongs to that connection, and goes with it.
 */
export class MachineView {
  readonly #systemd: Systemd;
  readonly #files: UnitFiles;
  readonly #known = new Map<UnitName, Observation>();
  /** Names to be looked at; all others are known. */
  readonly #stale = new Set<UnitName>();
  /** Names whose files are to be read again. */
  readonly #staleFiles = new Set<UnitName>();
  /** Signals that came while a look was under way, newer than what it finds. */
  readonly #unreadable = new Map<UnitName, string>();
  readonly #looking = new Map<UnitName, UnitChange>();

  constructor(systemd: Systemd, files: UnitFiles) {
    this.#systemd = systemd;
    this.#files = files;
  }

  /** These names count from now on, and no others. */
  keepOnly(names: ReadonlySet<UnitName>): void {
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    for (const name of this.#stale) if (!names.has(name)) this.#stale.delete(name);
    for (const name of names) if (!this.#known.has(name)) this.#stale.add(name);
  }

  /** What is known of a unit is no longer sure. */
  doubt(name: UnitName): void {
    if (this.#known.has(name) || this.#looking.has(name)) this.#stale.add(name);
  }

  /** A unit's files changed; what systemd says of it comes by signals. */
  doubtFiles(name: UnitName): void {
    this.#staleFiles.add(name);
  }

  /** Nothing is sure any more. */
  doubtAll(): void {
    for (const name of this.#known.keys()) this.#stale.add(name);
    for (const name of this.#looking.keys()) this.#stale.add(name);
  }

  /** Takes a signal; false when the unit is none that counts. */
  take(name: UnitName, change: UnitChange): boolean {
    const before = this.#known.get(name);
    if (this.#looking.has(name)) {
      this.#looking.set(name, { ...this.#looking.get(name), ...change });
    }
    if (before === undefined) return this.#stale.has(name);
    this.#known.set(name, { ...before, status: { ...before.status, ...change } });
    return true;
  }

  /** The InvocationID of a unit as last heard; empty when there is none. */
  invocationId(name: UnitName): string {
    return this.#known.get(name)?.status.invocationId ?? '';
  }

  /** Looks at everything that is not sure. Throws FleetError. */
  async refresh(): Promise<void> {
    const staleFiles = [...this.#staleFiles].filter((name) => !this.#stale.has(name));
    this.#staleFiles.clear();
    await this.look([...this.#stale]);
    const disks = await this.#readAll(staleFiles);
    for (const [name, disk] of disks) {
      const before = this.#known.get(name);
      if (disk === null) this.#known.delete(name);
      else if (before !== undefined) this.#known.set(name, { ...before, disk });
    }
  }

  /** Looks at these units now, whatever is known of them. Throws FleetError. */
  async look(names: readonly UnitName[]): Promise<void> {
    if (names.length === 0) return;
    for (const name of names) {
      this.#looking.set(name, {});
      this.#stale.delete(name); // doubts from now on count for the next look
    }
    try {
      const disks = await this.#readAll(names);
      const statuses = await this.#systemd.list(names);
      for (const name of names) {
        const disk = disks.get(name);
        const status = statuses.get(name);
        this.#known.delete(name);
        if (disk === undefined || disk === null || status === undefined) continue;
        const change = this.#looking.get(name) ?? {};
        this.#known.set(name, { disk, status: { ...status, ...change } });
      }
    } catch (error) {
      for (const name of names) this.#stale.add(name);
      throw error;
    } finally {
      for (const name of names) this.#looking.delete(name);
    }
  }

  async #readAll(names: readonly UnitName[]): Promise<ReadonlyMap<UnitName, DiskUnit | null>> {
    const gate = new Gate(agentLimits.filesCountMax);
    const read = async (name: UnitName): Promise<[UnitName, DiskUnit | null]> => [
      name,
      await gate.run(() => this.#read(name)),
    ];
    return new Map(await Promise.all(names.map(read)));
  }

  /** null when it cannot be read now: nothing is known of this unit, and nothing done to it. */
  async #read(name: UnitName): Promise<DiskUnit | null> {
    try {
      const disk = await this.#files.read(name);
      this.#unreadable.delete(name);
      return disk;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      this.#unreadable.set(name, error.message);
      return null;
    }
  }

  /** Units whose files could not be read at the last look, and why. */
  get unreadable(): ReadonlyMap<UnitName, string> {
    return this.#unreadable;
  }

  /** One unit as it stands; undefined when it was not looked at. */
  actual(name: UnitName, busy: ActualUnit['busy']): ActualUnit | undefined {
    const observation = this.#known.get(name);
    if (observation === undefined) return undefined;
    const isOurPath = this.#files.isOurPath(observation.status.fragmentPath, name);
    return observe(name, observation, { isOurPath, busy });
  }

  /** Units whose files here say `OnPartition=stop`. */
  guardedNames(): readonly UnitName[] {
    return [...this.#known]
      .filter(([, { disk }]) => disk.loaded?.isGuarded === true)
      .map(([name]) => name);
  }

  /** All units that were looked at. */
  names(): readonly UnitName[] {
    return [...this.#known.keys()];
  }
}
