import type { Addresses } from './addresses.ts';
import type { Machine } from './machine.ts';

/** What a plan depends on besides the config. */
export interface Circumstances {
  readonly machine: Machine;
  readonly addresses: Addresses;
  /** The name of the keys in authorized_keys. */
  readonly keyName: string;
  /** Do not wait for units: this runs within the boot that they are part of. */
  readonly isWithinBoot: boolean;
}
