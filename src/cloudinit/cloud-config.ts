import type { Place } from './problem.ts';
import type { SectionName } from './section-keys.ts';

/** A cloud-config, decoded: whatever it says is well-formed and stands where it was found. */
export interface CloudConfig {
  readonly hostname: Located | null;
  /** `manage_etc_hosts: localhost`. */
  readonly managesHosts: boolean;
  /** Of the user `core`. */
  readonly sshAuthorizedKeys: readonly Located[];
  readonly users: readonly ConfigUser[];
  readonly files: readonly ConfigFile[];
  readonly units: readonly ConfigUnit[];
  readonly sections: Readonly<Record<SectionName, readonly Setting[]>>;
}

/** A text and where it stands. */
export interface Located extends Place {
  readonly text: string;
}

/** One key of a section of `coreos:`. */
export interface Setting extends Place {
  readonly key: string;
  /** As it is written. */
  readonly value: string;
}

/** An entry of `write_files`. */
export interface ConfigFile extends Place {
  /** Absolute and without `..`. */
  readonly path: string;
  /** Decoded. */
  readonly content: Buffer;
  readonly mode: number;
  readonly owner: Located | null;
}

/** What can be done with a unit once all files are written. */
export type UnitCommand =
  | 'start'
  | 'stop'
  | 'restart'
  | 'reload'
  | 'try-restart'
  | 'reload-or-restart'
  | 'reload-or-try-restart';

/** An entry of `coreos.units`. */
export interface ConfigUnit extends Place {
  readonly name: string;
  /** A file of systemd-networkd: `.network`, `.netdev`, `.link`. */
  readonly isNetwork: boolean;
  readonly isRuntime: boolean;
  readonly isEnabled: boolean;
  readonly isMasked: boolean;
  /** null: the unit is there already. */
  readonly content: string | null;
  readonly command: UnitCommand | null;
  readonly dropIns: readonly DropIn[];
}

/** A file that adds to a unit. */
export interface DropIn extends Place {
  readonly name: string;
  readonly content: string;
}

/** An entry of `users`. */
export interface ConfigUser extends Place {
  readonly name: string;
  readonly passwordHash: string | null;
  readonly comment: string | null;
  readonly home: Located | null;
  readonly shell: Located | null;
  readonly primaryGroup: Located | null;
  readonly groups: readonly Located[];
  readonly sshAuthorizedKeys: readonly Located[];
  readonly isSystem: boolean;
  readonly hasNoHome: boolean;
  readonly hasNoGroup: boolean;
  readonly isNotLogged: boolean;
}
