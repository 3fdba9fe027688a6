import type { ReportRow } from '../model/catalog.ts';
import type { Machine } from '../model/machine.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { machineCodec, reportCodec, unitCodec } from './codec.ts';
import type { Keys } from './keys.ts';
import { unreadableMachine } from './machine-view.ts';
import type { StoredItem } from './store.ts';

/** A unit that is stored and not destroyed. */
export interface StoredUnit {
  readonly name: UnitName;
  readonly record: UnitRecord;
}

/** Reads a key of `units/`; null when it is destroyed or not understood. */
export function unitIn(keys: Keys): (item: StoredItem) => StoredUnit | null {
  return (item) => {
    const meaning = keys.meaning(item.key);
    const record = unitCodec.decode(item.value);
    if (meaning.kind !== 'unit' || !record.ok || record.value.gone) return null;
    return { name: meaning.unit, record: record.value };
  };
}

/** Reads a key of `state/`; null when it only confirms that a unit is gone. */
export function reportIn(keys: Keys): (item: StoredItem) => ReportRow | null {
  return (item) => {
    const meaning = keys.meaning(item.key);
    const report = reportCodec.decode(item.value);
    if (meaning.kind !== 'report' || !report.ok || report.value.current === 'gone') return null;
    return { unit: meaning.unit, machine: meaning.machine, report: report.value };
  };
}

/** Reads a key of `machines/`; one that is not understood is there all the same. */
export function machineIn(keys: Keys): (item: StoredItem) => Machine | null {
  return (item) => {
    const meaning = keys.meaning(item.key);
    if (meaning.kind !== 'machine') return null;
    const machine = machineCodec.decode(item.value);
    return machine.ok ? machine.value : unreadableMachine(meaning.machine);
  };
}
