import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import { parseUnitName, type UnitName } from '../unitfile/unit-name.ts';
import type { Disk } from './disk.ts';
import { machineDisk } from './disk-file.ts';
import { guardDropInFile } from './guard-units.ts';
import { InstallLinks, type InstallState, type InstallText } from './install-links.ts';
import { RecordFolder } from './record-folder.ts';
import { decodeLoaded, decodeReceipt, type LoadedRecord, type Receipt } from './records.ts';

/** Where the agent keeps its files; all of them go with a reboot, as the units do. */
export interface AgentPaths {
  /** Put before every path we open, but not before those systemd is told: '' but in tests. */
  readonly root: string;
  /** `units_directory`, e.g. `/run/fleet/units`. */
  readonly unitsDirectory: string;
  /** Receipts and records, e.g. `/run/fleet`. */
  readonly stateDirectory: string;
  /** Where systemd links run-time units, `/run/systemd/system`. */
  readonly runtimeDirectory: string;
}

/** What lies on disk of one unit. */
export interface DiskUnit {
  /** Of the unit file; null when there is none. */
  readonly contentHash: ContentHash | null;
  /** What stands at its name among systemd's run-time units. */
  readonly link: 'ours' | 'none' | 'foreign';
  readonly loaded: LoadedRecord | null;
  readonly receipt: Receipt | null;
  /** Of the unit file's `[Install]` section, or of one that is gone. */
  readonly install: InstallState;
}

/**
 * Makes systemd stop each of our units before the step that leaves the cluster at shutdown.
 * `restart fleet` touches neither, since nothing requires anything.
 */
const dropInText = '[Unit]\nAfter=fleet-leave.service\n';
const dropInFile = '10-fleet.conf';
/** A file name may have 255 bytes: longer names get no drop-in, and only leave less gracefully. */
const fileNameLengthMax = 255;

/** Unit files and what is kept beside them. Throws FleetError `disk/failed`. */
export class UnitFiles {
  readonly #root: string;
  readonly #unitsDirectory: string;
  readonly #runtimeDirectory: string;
  readonly #disk: Disk;
  readonly #loaded: RecordFolder<LoadedRecord>;
  readonly #receipts: RecordFolder<Receipt>;
  readonly #installs: InstallLinks;

  constructor(paths: AgentPaths, disk: Disk = machineDisk) {
    // Without a slash at their end: paths are put together for every unit at every pass.
    this.#root = paths.root === '' ? '' : resolve(paths.root);
    this.#unitsDirectory = resolve(paths.unitsDirectory);
    this.#runtimeDirectory = resolve(paths.runtimeDirectory);
    this.#disk = disk;
    const state = join(paths.root, paths.stateDirectory);
    this.#loaded = new RecordFolder(disk, join(state, 'loaded'), decodeLoaded);
    this.#receipts = new RecordFolder(disk, join(state, 'receipts'), decodeReceipt);
    const places = {
      runtimeDirectory: paths.runtimeDirectory,
      unitPath: (name: UnitName) => this.path(name),
      seen: (path: string) => this.#seen(path),
    };
    this.#installs = new InstallLinks(disk, places, join(state, 'installs'));
  }

  /** The path of a unit's file, as systemd sees it. */
  path(name: UnitName): string {
    return `${this.#unitsDirectory}/${name}`;
  }

  /** Whether systemd's FragmentPath is where our file of that name is found. */
  isOurPath(fragmentPath: string, name: UnitName): boolean {
    return fragmentPath === this.path(name) || fragmentPath === this.#linkPath(name);
  }

  /** All units of which anything is on disk. */
  async names(): Promise<ReadonlySet<UnitName>> {
    const [files, ...recorded] = await Promise.all([
      this.#disk.names(this.#seen(this.#unitsDirectory)),
      this.#loaded.names(),
      this.#receipts.names(),
      this.#installs.names(),
    ]);
    const named = files.flatMap((file) => {
      const parsed = parseUnitName(file);
      return parsed.ok ? [parsed.value] : [];
    });
    return new Set([...named, ...recorded.flat()]);
  }

  /** What is on disk of one unit. */
  async read(name: UnitName): Promise<DiskUnit> {
    const [bytes, link, loaded, receipt] = await Promise.all([
      this.#disk.read(this.#seen(this.path(name))),
      this.#readLink(name),
      this.#loaded.read(name),
      this.#receipts.read(name),
    ]);
    const unit = bytes === null ? null : installText(name, bytes);
    const install = await this.#installs.state(name, unit);
    return { contentHash: unit?.contentHash ?? null, link, loaded, receipt, install };
  }

  /** The text of a unit file; null when there is none. */
  async readText(name: UnitName): Promise<string | null> {
    const bytes = await this.#disk.read(this.#seen(this.path(name)));
    return bytes === null ? null : bytes.toString();
  }

  /** Writes a unit's file with its drop-in and its record. Not known to systemd until linked. */
  async write(text: string, record: LoadedRecord): Promise<void> {
    await this.#disk.write(this.#seen(this.path(record.name)), text);
    await this.writeRecord(record);
  }

  /** Says whose text the file on disk is, once its drop-in is there: nobody looks for that alone. */
  async writeRecord(record: LoadedRecord): Promise<void> {
    if (`${record.name}.d`.length <= fileNameLengthMax) await this.#writeDropIn(record.name);
    await this.#loaded.write(record);
  }

  async writeReceipt(receipt: Receipt): Promise<void> {
    await this.#receipts.write(receipt);
  }

  async removeReceipt(name: UnitName): Promise<void> {
    await this.#receipts.remove(name);
  }

  /**
   * Makes the links of the `[Install]` section of a unit's file; see `InstallLinks.make`. True when
   * systemd has to read its unit files again; then call `installed`.
   */
  async install(name: UnitName, isFree: (alias: UnitName) => boolean): Promise<boolean> {
    const bytes = await this.#disk.read(this.#seen(this.path(name)));
    if (bytes === null) return await this.#installs.takeBack(name);
    return await this.#installs.make(installText(name, bytes), isFree);
  }

  /** systemd has read its unit files since `install`. */
  async installed(name: UnitName): Promise<void> {
    await this.#installs.told(name);
  }

  /**
   * Removes all we ever wrote of a unit; what others put beside it stays. Links of its `[Install]`
   * section leave a note until systemd was told, see `install`.
   */
  async remove(name: UnitName): Promise<void> {
    await this.#installs.takeBack(name);
    if ((await this.#readLink(name)) === 'ours') await this.#remove(this.#linkPath(name));
    await this.#remove(this.path(name));
    await this.#removeDropIn(name);
    await this.#receipts.remove(name);
    await this.#loaded.remove(name);
  }

  async #writeDropIn(name: UnitName): Promise<void> {
    const path = this.#seen(join(this.#dropInFolder(name), dropInFile));
    const before = await this.#disk.read(path);
    // Writing it again would make systemd think that the unit changed.
    if (before?.toString() !== dropInText) await this.#disk.write(path, dropInText);
  }

  async #removeDropIn(name: UnitName): Promise<void> {
    const folder = this.#dropInFolder(name);
    if (`${name}.d`.length > fileNameLengthMax) return;
    await this.#disk.names(this.#seen(folder)); // what is half-written goes
    await this.#remove(join(folder, guardDropInFile));
    await this.#remove(join(folder, dropInFile));
    await this.#disk.removeFolder(this.#seen(folder));
  }

  async #readLink(name: UnitName): Promise<DiskUnit['link']> {
    const target = await this.#disk.target(this.#seen(this.#linkPath(name)));
    if (target === null) return 'none';
    return target === this.path(name) ? 'ours' : 'foreign';
  }

  async #remove(path: string): Promise<void> {
    await this.#disk.remove(this.#seen(path));
  }

  #linkPath(name: UnitName): string {
    return `${this.#runtimeDirectory}/${name}`;
  }

  #dropInFolder(name: UnitName): string {
    return `${this.#linkPath(name)}.d`;
  }

  #seen(path: string): string {
    return `${this.#root}${path}`;
  }
}

function installText(name: UnitName, bytes: Buffer): InstallText {
  return { name, text: bytes.toString(), contentHash: hashOf(bytes) };
}

function hashOf(bytes: Buffer): ContentHash {
  return createHash('sha256').update(bytes).digest('hex') as ContentHash;
}
