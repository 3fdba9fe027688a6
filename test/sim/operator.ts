import { FleetError } from '../../src/lib/error.ts';
import type { Catalog } from '../../src/model/catalog.ts';
import type { MachineId } from '../../src/model/ids.ts';
import { readKeys } from '../../src/registry/paged-read.ts';
import type { Compare, Op, Store } from '../../src/registry/store.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import type { Random } from './random.ts';
import type { Tastes } from './user.ts';
import type { Witness } from './witness.ts';

/** What somebody does who looks after the whole cluster, and not only after units. */
export type Deed =
  | { readonly kind: 'restart'; readonly unit: UnitName }
  | { readonly kind: 'metadata'; readonly machine: MachineId; readonly value: string | null }
  /** Deletes all that the store knows of a unit, with a tool of etcd's own. */
  | { readonly kind: 'lose'; readonly unit: UnitName; readonly keys: readonly string[] }
  | { readonly kind: 'removeOrphan'; readonly unit: UnitName; readonly machine: MachineId };

const never = new AbortController().signal;

/** Draws a deed; null when there is nothing to do it to. */
export function drawDeed(
  random: Random,
  witness: Witness,
  { tastes, machines }: { readonly tastes: Tastes; readonly machines: readonly MachineId[] },
): Deed | null {
  const draw = random.share();
  if (draw < 0.4) return { kind: 'restart', unit: random.pick(tastes.unitNames) };
  if (draw < 0.6) {
    const value = random.pick(['a', 'b', null]);
    return { kind: 'metadata', machine: random.pick(machines), value };
  }
  if (draw < 0.8) return drawLoss(random, witness);
  const orphans = orphansIn(witness);
  return orphans.length === 0 ? null : { kind: 'removeOrphan', ...random.pick(orphans) };
}

/** Units that run without an order, as their machines report them. */
export function orphansIn(
  witness: Witness,
): readonly { readonly unit: UnitName; readonly machine: MachineId }[] {
  const { reports, orders } = witness.picture();
  return [...reports].flatMap(([machine, own]) =>
    [...own]
      .filter(([unit, report]) => report.orphan && !orders.get(machine)?.has(unit))
      .map(([unit]) => ({ unit, machine })),
  );
}

/** A unit whose orders all keep it up: what is on its way out is left to go. */
function drawLoss(random: Random, witness: Witness): Deed | null {
  const { units, orders } = witness.picture();
  const settled = [...units.keys()].filter((unit) => {
    const own = [...orders.values()].flatMap((of) => of.get(unit) ?? []);
    return own.length > 0 && own.every(({ want }) => want === 'launch' || want === 'load');
  });
  if (settled.length === 0) return null;
  const unit = random.pick(settled.sort());
  const { keys } = witness;
  const ordered = [...orders].filter(([, of]) => of.has(unit)).map(([id]) => keys.order(id, unit));
  const placement = witness.picture().placements.has(unit) ? [keys.placement(unit)] : [];
  return { kind: 'lose', unit, keys: [keys.unit(unit), ...placement, ...ordered.sort()] };
}

/** Does it; the outcome in a word, or the code of the trouble that was in the way. */
export async function doDeed(
  parts: {
    readonly catalog: Catalog;
    readonly store: Store;
    readonly pardon: (keys: readonly string[]) => void;
  },
  deed: Deed,
): Promise<string> {
  const { catalog, store } = parts;
  try {
    switch (deed.kind) {
      case 'restart':
        return await catalog.restart(deed.unit, never);
      case 'metadata': {
        const { machine, value } = deed;
        await catalog.changeMetadata([{ machine, key: 'zone', value }], never);
        return 'changed';
      }
      case 'removeOrphan':
        return (await catalog.removeOrphan(deed, never)).kind;
      case 'lose': {
        const { items } = await readKeys(store, { keys: deed.keys, revision: null }, never);
        const onlyIf = items.flatMap((item): Compare[] =>
          item === null ? [] : [{ kind: 'modified', key: item.key, at: item.modRevision }],
        );
        if (onlyIf.length < deed.keys.length) return 'changed meanwhile';
        const writes = deed.keys.map((key): Op => ({ kind: 'delete', key }));
        parts.pardon(deed.keys);
        return (await store.txn({ onlyIf, writes }, never)).succeeded ? 'lost' : 'missed';
      }
    }
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return error.trouble.code;
  }
}

/** The deed in words. */
export function deedWords(deed: Deed): string {
  if (deed.kind === 'restart' || deed.kind === 'lose') return `${deed.kind} ${deed.unit}`;
  const where = deed.machine.slice(0, 4);
  return deed.kind === 'metadata'
    ? `metadata zone=${deed.value ?? ''} of ${where}`
    : `remove orphan ${deed.unit} on ${where}`;
}
