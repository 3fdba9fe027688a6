import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SharedMap } from '../../src/lib/shared-map.ts';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import type { MachineId, Revision } from '../../src/model/ids.ts';
import { machineCodec, orderCodec, reportCodec } from '../../src/registry/codec.ts';
import { Keys } from '../../src/registry/keys.ts';
import { MemoryStore } from '../../src/registry/memory-store.ts';
import { Mirror } from '../../src/registry/mirror.ts';
import { readWhole } from '../../src/registry/paged-read.ts';
import { PictureBuilder } from '../../src/registry/picture-builder.ts';
import type { Op } from '../../src/registry/store.ts';
import type { ContentHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { ManualClock } from '../builders/manual-clock.ts';
import { anOrder, aReport } from '../contract/ledger-subject.ts';

const never = new AbortController().signal;
const keys = new Keys('/mirror/');

/** A key of any kind, and a value that may not be understood. */
const anOp: fc.Arbitrary<Op> = fc
  .record({
    kind: fc.constantFrom('order', 'report', 'machine', 'metadata', 'text', 'unit', 'other'),
    machine: fc.constantFrom('m1', 'm2'),
    unit: fc.constantFrom('a.service', 'b.service'),
    write: fc.constantFrom('put', 'garbage', 'delete'),
  })
  .map(({ kind, machine, unit, write }) => {
    const [key, value] = entry(kind, machine as MachineId, unit as UnitName);
    if (write === 'delete') return { kind: 'delete', key };
    return { kind: 'put', key, value: write === 'garbage' ? '{' : value, leaseId: null };
  });

const aStep = fc.oneof(
  { weight: 6, arbitrary: fc.array(anOp, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom('break' as const, 'compact' as const) },
);

test('the mirror equals a fresh reading after any writes, breaks and compactions', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { maxLength: 20 }), async (steps) => {
      const clock = new ManualClock();
      const store = new MemoryStore(clock);
      const mirror = new Mirror({ store, keys, clock, ttlMs: 1000, newest: () => null });
      const ending = new AbortController();
      const running = mirror.run(ending.signal);
      await clock.pass(1);
      const handedOut: { readonly picture: ClusterPicture; readonly copy: string }[] = [];
      for (const step of steps) {
        if (step === 'break') store.breakWatches();
        else if (step === 'compact') store.compact(store.revision);
        else await store.txn({ onlyIf: [], writes: distinct(step) }, never);
        if (step !== 'break') await clock.pass(1);
        if (!mirror.isComplete) continue;
        const picture = mirror.picture();
        handedOut.push({ picture, copy: shown(picture) });
      }
      await clock.pass(500);
      expect(contents(mirror.picture())).toEqual(contents(await fresh(store)));
      for (const { picture, copy } of handedOut) expect(shown(picture)).toBe(copy);
      ending.abort();
      await running;
      store.close();
      expect(clock.pendingCount).toBe(0);
    }),
    { numRuns: 60 },
  );
});

function entry(kind: string, machine: MachineId, unit: UnitName): readonly [string, string] {
  const metadata = new Map([['a', 'b']]);
  const bootId = 'b' as never;
  const plain = { id: machine, bootId, address: '1', version: '1', metadata, leaving: false };
  switch (kind) {
    case 'order':
      return [keys.order(machine, unit), orderCodec.encode(anOrder())];
    case 'report':
      return [keys.report(machine, unit), reportCodec.encode(aReport('active'))];
    case 'machine':
      return [keys.machine(machine), machineCodec.encode(plain)];
    case 'metadata':
      return [keys.metadata(machine, 'disk'), JSON.stringify({ format: 1, value: 'ssd' })];
    case 'text':
      return [keys.text(unit as string as ContentHash), 'text'];
    case 'unit':
      return [keys.unit(unit), '{"format":1}'];
    default:
      return [`${keys.prefix}later/${unit}`, 'x'];
  }
}

function distinct(ops: readonly Op[]): readonly Op[] {
  return [...new Map(ops.map((op) => [op.key, op])).values()];
}

async function fresh(store: MemoryStore): Promise<ClusterPicture> {
  const builder = new PictureBuilder(keys);
  const ranges = [{ range: keys.everything, keysOnly: false }];
  const reading = await readWhole(store, { ranges, revision: null }, never);
  builder.fill(reading.items, reading.revision);
  return builder.picture();
}

/** All but the revision: a reading has the store's, a watch that of the last change. */
function contents(picture: ClusterPicture): ClusterPicture {
  const { units, machines, members, placements, orders, reports, removals } = picture;
  return {
    ...picture,
    texts: new Set(picture.texts.keys()),
    ...{ units: new Map(units), machines: new Map(machines), members: new Map(members) },
    placements: new Map(placements),
    ...{ orders: table(orders), reports: table(reports), removals: table(removals) },
    unreadableKeys: new Map(picture.unreadableKeys),
    revision: 0n as Revision,
  };
}

function table<Row, Key, Value>(
  rows: ReadonlyMap<Row, ReadonlyMap<Key, Value>>,
): ReadonlyMap<Row, ReadonlyMap<Key, Value>> {
  return new Map([...rows].map(([row, columns]) => [row, new Map(columns)]));
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    const isList = item instanceof Map || item instanceof SharedMap || item instanceof Set;
    if (isList) return [...item];
    return typeof item === 'bigint' ? String(item) : item;
  });
}
