import type { MachineId } from '../model/ids.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import { parseUnitName, type UnitName } from '../unitfile/unit-name.ts';
import { type KeyRange, withPrefix } from './store.ts';

/** What a key is about. `other`: not ours to understand (a newer version's, or a stray one). */
export type KeyMeaning =
  | { readonly kind: 'cluster' | 'leader' | 'seq' | 'brake' | 'resume' | 'other' }
  | { readonly kind: 'machine' | 'member' | 'forgetting'; readonly machine: MachineId }
  | { readonly kind: 'metadata'; readonly machine: MachineId; readonly name: string }
  | { readonly kind: 'unit' | 'placement'; readonly unit: UnitName }
  | { readonly kind: 'text'; readonly contentHash: ContentHash }
  | {
      readonly kind: 'order' | 'report' | 'removal';
      readonly machine: MachineId;
      readonly unit: UnitName;
    };

/** Every key we write, under one prefix. */
export class Keys {
  readonly prefix: string;

  /** `prefix` as configured, e.g. `/_coreos.com/fleet/`; a slash at its end is added. */
  constructor(prefix: string) {
    this.prefix = prefix.endsWith('/') ? prefix : `${prefix}/`;
  }

  get everything(): KeyRange {
    return withPrefix(this.prefix);
  }
  get cluster(): string {
    return `${this.prefix}cluster`;
  }
  get leader(): string {
    return `${this.prefix}engine/leader`;
  }
  get seq(): string {
    return `${this.prefix}engine/seq`;
  }
  /** What became of machines that vanished together. */
  get brake(): string {
    return `${this.prefix}engine/brake`;
  }
  /** Which brake somebody wants to end; written by the API. */
  get resume(): string {
    return `${this.prefix}engine/resume`;
  }
  /** The wish that a machine is forgotten; written by the API. */
  forgetting(machine: MachineId): string {
    return `${this.prefix}forget/${machine}`;
  }
  machine(machine: MachineId): string {
    return `${this.prefix}machines/${machine}`;
  }
  member(machine: MachineId): string {
    return `${this.prefix}members/${machine}`;
  }
  metadata(machine: MachineId, name: string): string {
    return `${this.prefix}metadata/${machine}/${encodeURIComponent(name)}`;
  }
  unit(unit: UnitName): string {
    return `${this.prefix}units/${unit}`;
  }
  placement(unit: UnitName): string {
    return `${this.prefix}placement/${unit}`;
  }
  text(contentHash: ContentHash): string {
    return `${this.prefix}text/${contentHash}`;
  }
  order(machine: MachineId, unit: UnitName): string {
    return `${this.prefix}work/${machine}/${unit}`;
  }
  report(machine: MachineId, unit: UnitName): string {
    return `${this.prefix}state/${machine}/${unit}`;
  }

  /** A wish to have an orphan taken down. */
  removal(machine: MachineId, unit: UnitName): string {
    return `${this.prefix}removals/${machine}/${unit}`;
  }

  /** The last link of a machine's chain of reports; on its lease. */
  chain(machine: MachineId): string {
    return `${this.prefix}chain/${machine}`;
  }

  /** All keys of one collection, e.g. `units`. */
  all(
    collection:
      | 'machines'
      | 'members'
      | 'metadata'
      | 'units'
      | 'placement'
      | 'work'
      | 'text'
      | 'state',
  ): KeyRange {
    return withPrefix(`${this.prefix}${collection}/`);
  }
  metadataOf(machine: MachineId): KeyRange {
    return withPrefix(`${this.prefix}metadata/${machine}/`);
  }
  ordersOf(machine: MachineId): KeyRange {
    return withPrefix(`${this.prefix}work/${machine}/`);
  }
  reportsOf(machine: MachineId): KeyRange {
    return withPrefix(`${this.prefix}state/${machine}/`);
  }

  /** What a key means; total. */
  meaning(key: string): KeyMeaning {
    if (!key.startsWith(this.prefix)) return { kind: 'other' };
    const [collection = '', first = '', second = '', ...rest] = key
      .slice(this.prefix.length)
      .split('/');
    if (rest.length > 0) return { kind: 'other' };
    const read = meanings.get(collection);
    return read?.(first, second) ?? { kind: 'other' };
  }
}

const engineKeys = ['leader', 'seq', 'brake', 'resume'] as const;

type Meaning = (first: string, second: string) => KeyMeaning | null;

const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['cluster', (first) => (first === '' ? { kind: 'cluster' } : null)],
  ['engine', (first) => ({ kind: engineKeys.find((name) => name === first) ?? 'other' })],
  ['forget', (first) => ({ kind: 'forgetting', machine: first as MachineId })],
  ['machines', (first) => ({ kind: 'machine', machine: first as MachineId })],
  ['members', (first) => ({ kind: 'member', machine: first as MachineId })],
  [
    'metadata',
    (first, second) => ({
      kind: 'metadata',
      machine: first as MachineId,
      name: decodeText(second),
    }),
  ],
  ['units', (first) => ofUnit(first, (unit) => ({ kind: 'unit', unit }))],
  ['placement', (first) => ofUnit(first, (unit) => ({ kind: 'placement', unit }))],
  ['text', (first) => ({ kind: 'text', contentHash: first as ContentHash })],
  [
    'work',
    (first, second) =>
      ofUnit(second, (unit) => ({ kind: 'order', machine: first as MachineId, unit })),
  ],
  [
    'removals',
    (first, second) =>
      ofUnit(second, (unit) => ({ kind: 'removal', machine: first as MachineId, unit })),
  ],
  [
    'state',
    (first, second) =>
      ofUnit(second, (unit) => ({ kind: 'report', machine: first as MachineId, unit })),
  ],
]);

function ofUnit(text: string, then: (unit: UnitName) => KeyMeaning): KeyMeaning | null {
  const name = parseUnitName(text);
  return name.ok ? then(name.value) : null;
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // written by another hand: shown as it stands
  }
}
