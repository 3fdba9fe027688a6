import type { UnitName } from './unit-name.ts';

/** What `[X-Fleet]` asks of a machine, specifiers already replaced, lists sorted and without repeats. */
export interface Requirements {
  /** A full machine id or its first eight characters; null when any machine will do. */
  readonly machineId: string | null;
  /** Units on whose machine this one must run. */
  readonly machineOf: readonly UnitName[];
  /** One entry a key, sorted by key; any of its values will do, every key must match. */
  readonly metadata: readonly { readonly key: string; readonly values: readonly string[] }[];
  /** Globs of unit names that must not share a machine with this unit. */
  readonly conflicts: readonly string[];
  /** Globs of unit names whose place this unit takes. */
  readonly replaces: readonly string[];
  /** Runs on every machine that fits. */
  readonly global: boolean;
}
