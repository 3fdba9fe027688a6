import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FleetError, messageOf } from '../lib/error.ts';

/**
 * A small record on disk: the lease in /run/fleet, the cluster id in /var/lib/fleet. A file that
 * cannot be understood counts as none and is replaced whole at the next write.
 */
export class DiskRecord<T> {
  readonly #path: string;
  readonly #decode: (value: unknown) => T | null;

  constructor(path: string, decode: (value: unknown) => T | null) {
    this.#path = path;
    this.#decode = decode;
  }

  /** null when there is none. Throws FleetError `disk/failed` when it cannot be read at all. */
  read(): T | null {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw diskTrouble(`cannot read ${this.#path}`, error);
    }
    try {
      return this.#decode(JSON.parse(text));
    } catch (error) {
      if (error instanceof SyntaxError) return null;
      throw error;
    }
  }

  /** Replaces the record in one step. Throws FleetError `disk/failed`. */
  write(value: T): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      const fresh = `${this.#path}.new`;
      writeFileSync(fresh, `${JSON.stringify(value)}\n`, { flush: true });
      renameSync(fresh, this.#path);
    } catch (error) {
      throw diskTrouble(`cannot write ${this.#path}`, error);
    }
  }
}

function diskTrouble(what: string, cause: unknown): FleetError {
  return new FleetError(`${what}: ${messageOf(cause)}`, {
    code: 'disk/failed',
    retry: 'soon',
    hint: 'check free space and permissions of that folder',
    cause,
  });
}
