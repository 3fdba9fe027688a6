import type { MachineBody } from '../api/schema.ts';

/** Digits of a hash in tables. */
const hashLengthShort = 7;

/** Machines as tables and messages name them. */
export class MachineNames {
  readonly #addresses: ReadonlyMap<string, string>;

  constructor(machines: readonly MachineBody[]) {
    this.#addresses = new Map(machines.map(({ id, primaryIP }) => [id, primaryIP]));
  }

  has(id: string): boolean {
    return this.#addresses.has(id);
  }

  /** `1111abcd.../10.0.0.1`; without the address while it is not known. */
  full(id: string, isFull = false): string {
    const shown = isFull ? id : shortMachine(id);
    const address = this.#addresses.get(id) ?? '';
    return address === '' ? shown : `${shown}/${address}`;
  }
}

/** `1111abcd...` */
export function shortMachine(id: string): string {
  return `${id.slice(0, 8)}...`;
}

/** Seven digits of a hash, or all of them. */
export function hashText(hash: string, isFull: boolean): string {
  if (hash === '') return '-';
  return isFull ? hash : hash.slice(0, hashLengthShort);
}
