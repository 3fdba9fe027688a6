import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BootId, MachineId } from '../../../src/model/ids.ts';
import type { Machine } from '../../../src/model/machine.ts';
import {
  clusterCodec,
  leaderCodec,
  machineCodec,
  memberCodec,
  orderCodec,
  placementCodec,
  reportCodec,
  unitCodec,
} from '../../../src/registry/codec.ts';
import { anOrder, aReport } from '../../contract/ledger-subject.ts';

const codecs = [
  unitCodec,
  orderCodec,
  reportCodec,
  placementCodec,
  machineCodec,
  memberCodec,
  clusterCodec,
  leaderCodec,
];

const machine: Machine = {
  id: 'a'.repeat(32) as MachineId,
  bootId: 'b' as BootId,
  address: '10.0.0.1',
  version: '1',
  metadata: new Map([
    ['disk', 'ssd'],
    ['__proto__', 'odd'],
  ]),
  leaving: false,
};

test('decoding never throws, whatever the text is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      for (const codec of codecs) {
        const result = codec.decode(text);
        if (!result.ok) expect(result.error).not.toBe('');
      }
    }),
  );
});

test('what is encoded is decoded to the same', () => {
  const order = { ...anOrder('retire'), reason: 'ünïcode \u0000 "quotes"' };
  expect(orderCodec.decode(orderCodec.encode(order))).toEqual({ ok: true, value: order });
  const report = aReport('active');
  expect(reportCodec.decode(reportCodec.encode(report))).toEqual({ ok: true, value: report });
  expect(machineCodec.decode(machineCodec.encode(machine))).toEqual({ ok: true, value: machine });
});

test('a field that is missing or of the wrong kind is named', () => {
  const text = JSON.stringify({ format: 1, clusterId: 'x', formatNeeded: 'one', epoch: 1 });
  expect(clusterCodec.decode(text)).toEqual({
    ok: false,
    error: 'record.formatNeeded is not a count',
  });
});

test('a newer format is not guessed at', () => {
  const newer = JSON.stringify({ ...JSON.parse(reportCodec.encode(aReport('active'))), format: 2 });
  expect(reportCodec.decode(newer)).toMatchObject({ ok: false });
});

test('unknown fields are ignored when read and kept when written over', () => {
  const plain = clusterCodec.encode({ clusterId: 'x', formatNeeded: 1, epoch: 1 });
  const richer = JSON.stringify({ ...JSON.parse(plain), motto: 'later' });
  expect(clusterCodec.decode(richer)).toMatchObject({ ok: true });
  const over = clusterCodec.encode({ clusterId: 'x', formatNeeded: 1, epoch: 2 }, richer);
  expect(JSON.parse(over)).toEqual({
    format: 1,
    clusterId: 'x',
    formatNeeded: 1,
    epoch: 2,
    motto: 'later',
  });
});

test('a known field that is taken away stays away, whatever else is kept', () => {
  const guard = { deadlineMs: 2_400, stopTimeoutMs: 1_000 };
  const held = orderCodec.encode({ ...anOrder('gone'), guard, finished: true });
  const richer = JSON.stringify({ ...JSON.parse(held), motto: 'later' });
  const freed = JSON.parse(orderCodec.encode(anOrder('gone'), richer));
  expect(freed).toMatchObject({ motto: 'later' });
  expect(freed).not.toHaveProperty('guard');
  expect(freed).not.toHaveProperty('finished');
});

test('unknown fields inside a field are kept as well, and seen', () => {
  const guard = { deadlineMs: 2_400, stopTimeoutMs: 1_000 };
  const order = { ...anOrder('launch'), guard };
  const richer = JSON.stringify({ ...order, format: 1, guard: { ...guard, byWhom: 'later' } });
  expect(orderCodec.read(richer).hasMore).toBe(true);
  expect(orderCodec.read(orderCodec.encode(order)).hasMore).toBe(false);
  const shorter = { ...order, guard: { ...guard, deadlineMs: 800 } };
  expect(JSON.parse(orderCodec.encode(shorter, richer)).guard).toEqual({
    ...{ deadlineMs: 800, stopTimeoutMs: 1_000, byWhom: 'later' },
  });
});
