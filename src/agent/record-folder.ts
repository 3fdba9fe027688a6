import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Disk } from './disk.ts';

/** A file name may have 255 bytes, and a unit name has that many without `.json`. */
const stemLengthMax = 200;

/** One small JSON file for each unit. Throws FleetError `disk/failed`. */
export class RecordFolder<T extends { readonly name: UnitName }> {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #decode: (text: string) => T | null;

  constructor(disk: Disk, folder: string, decode: (text: string) => T | null) {
    this.#disk = disk;
    this.#folder = folder;
    this.#decode = decode;
  }

  /** The record of a unit; null when there is none, or none that is understood. */
  async read(name: UnitName): Promise<T | null> {
    return await this.#readFile(this.#path(name), name);
  }

  async write(record: T): Promise<void> {
    await this.#disk.write(this.#path(record.name), `${JSON.stringify(record)}\n`);
  }

  async remove(name: UnitName): Promise<void> {
    await this.#disk.remove(this.#path(name));
  }

  /** The units that have a record. */
  async names(): Promise<readonly UnitName[]> {
    const files = await this.#disk.names(this.#folder);
    const records = await Promise.all(
      files.map((file) => this.#readFile(join(this.#folder, file))),
    );
    return records.flatMap((record) => (record === null ? [] : [record.name]));
  }

  #path(name: UnitName): string {
    const isShort = name.length <= stemLengthMax;
    const stem = isShort ? name : `~${createHash('sha256').update(name).digest('hex')}`;
    return join(this.#folder, `${stem}.json`);
  }

  async #readFile(path: string, name?: UnitName): Promise<T | null> {
    const bytes = await this.#disk.read(path);
    const record = bytes === null ? null : this.#decode(bytes.toString());
    return name === undefined || record?.name === name ? record : null;
  }
}
