import { dirname, join } from 'node:path';
import { type Installation, readInstallation } from '../unitfile/install.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Disk } from './disk.ts';
import { RecordFolder } from './record-folder.ts';
import { decodeInstalled, type InstalledRecord } from './records.ts';

/**
 * How a unit's `[Install]` section stands: `none` (nothing to do and nothing left of it), `due`
 * (links are to be made or taken back, or systemd was not told yet), `done`.
 */
export type InstallState = 'none' | 'due' | 'done';

/** Stands for the text of a unit whose file is gone, and whose links are. */
const noText = '-' as ContentHash;

/** A unit file as it lies on disk. */
export interface InstallText {
  readonly name: UnitName;
  readonly text: string;
  readonly contentHash: ContentHash;
}

/** Where links are made, as systemd sees it; `seen` is how we open such a path. */
export interface InstallPlaces {
  readonly runtimeDirectory: string;
  readonly unitPath: (name: UnitName) => string;
  readonly seen: (path: string) => string;
}

/**
 * The links of `[Install]` sections among systemd's run-time units: as `systemctl enable --runtime`
 * makes them, for one unit and for nothing else. Which links are ours is written down before they
 * are made. Throws FleetError `disk/failed`.
 */
export class InstallLinks {
  readonly #disk: Disk;
  readonly #places: InstallPlaces;
  readonly #records: RecordFolder<InstalledRecord>;

  constructor(disk: Disk, places: InstallPlaces, recordFolder: string) {
    this.#disk = disk;
    this.#places = places;
    this.#records = new RecordFolder(disk, recordFolder, decodeInstalled);
  }

  /** Units that have links, or had some of which systemd is still to be told. */
  names(): Promise<readonly UnitName[]> {
    return this.#records.names();
  }

  /** `unit: null` when there is no unit file. */
  async state(name: UnitName, unit: InstallText | null): Promise<InstallState> {
    const record = await this.#records.read(name);
    if (record !== null) {
      return record.isDone && record.contentHash === unit?.contentHash ? 'done' : 'due';
    }
    const { pulledInBy, aliases } = readInstallation(unit?.text ?? '', name);
    return pulledInBy.length + aliases.length > 0 ? 'due' : 'none';
  }

  /**
   * Makes the links of this text and removes those of an older one; `isFree` says which aliases
   * may be taken. True when systemd has to be told; then call `told` afterwards.
   */
  async make(unit: InstallText, isFree: (alias: UnitName) => boolean): Promise<boolean> {
    const { name, contentHash, text } = unit;
    const before = await this.#records.read(name);
    const links = linksOf(name, readInstallation(text, name), isFree);
    if ((await this.state(name, unit)) === 'none') return false;
    const old = (before?.links ?? []).filter((link) => !links.includes(link));
    await this.#records.write({ name, contentHash, links: [...old, ...links], isDone: false });
    for (const link of old) await this.#remove(name, link);
    let isNews = old.length > 0 || before?.isDone === false;
    for (const link of links) if (await this.#make(name, link)) isNews = true;
    await this.#records.write({ name, contentHash, links, isDone: !isNews });
    return isNews;
  }

  /** Removes all links of a unit; true when systemd has to be told. */
  async takeBack(name: UnitName): Promise<boolean> {
    const before = await this.#records.read(name);
    if (before === null) return false;
    for (const link of before.links) await this.#remove(name, link);
    if (before.isDone && before.links.length === 0) {
      await this.#records.remove(name);
      return false;
    }
    await this.#records.write({ ...before, contentHash: noText, links: [], isDone: false });
    return true;
  }

  /** systemd has read its unit files since. */
  async told(name: UnitName): Promise<void> {
    const record = await this.#records.read(name);
    if (record === null) return;
    if (record.contentHash === noText) await this.#records.remove(name);
    else await this.#records.write({ ...record, isDone: true });
  }

  /** False when it was there. */
  async #make(name: UnitName, link: string): Promise<boolean> {
    const path = this.#places.seen(this.#path(link));
    const target = this.#target(name, link);
    if ((await this.#disk.target(path)) === target) return false;
    await this.#disk.link(path, target);
    return true;
  }

  /** Only what is still ours; and a folder that it leaves empty. */
  async #remove(name: UnitName, link: string): Promise<void> {
    const path = this.#places.seen(this.#path(link));
    if ((await this.#disk.target(path)) === this.#target(name, link)) await this.#disk.remove(path);
    if (link.includes('/')) await this.#disk.removeFolder(dirname(path));
  }

  #path(link: string): string {
    return join(this.#places.runtimeDirectory, link);
  }

  /** An alias leads to systemd's own link of the unit: elsewhere it would be another unit. */
  #target(name: UnitName, link: string): string {
    const { runtimeDirectory, unitPath } = this.#places;
    return link.includes('/') ? unitPath(name) : join(runtimeDirectory, name);
  }
}

/** Paths below the folder of run-time units: `multi-user.target.wants/web.service`, `www.service`. */
function linksOf(
  name: UnitName,
  { pulledInBy, aliases }: Installation,
  isFree: (alias: UnitName) => boolean,
): readonly string[] {
  return [...pulledInBy.map(({ by, how }) => `${by}.${how}/${name}`), ...aliases.filter(isFree)];
}
