import { expect, it } from 'vitest';
import { planCluster } from '../../../src/engine/plan.ts';
import { unreadableLog } from '../../../src/engine/unreadable-log.ts';
import type { Decision } from '../../../src/model/change.ts';
import type { ClusterPicture } from '../../../src/model/cluster-picture.ts';
import type { Revision } from '../../../src/model/ids.ts';
import {
  type Codec,
  machineCodec,
  memberCodec,
  orderCodec,
  placementCodec,
  reportCodec,
  unitCodec,
} from '../../../src/registry/codec.ts';
import { decisionTxn } from '../../../src/registry/decision-ops.ts';
import { Keys } from '../../../src/registry/keys.ts';
import { PictureBuilder } from '../../../src/registry/picture-builder.ts';
import type { StoredItem } from '../../../src/registry/store.ts';
import { CapturedLog } from '../../builders/captured-log.ts';
import {
  aMachine,
  anOrder,
  aPlacement,
  aReport,
  aUnit,
  machineId,
  named,
} from '../../builders/cluster.ts';

const keys = new Keys('/f/');
const [here, there] = [machineId(1), machineId(2)];
const web = named('web');
const unit = aUnit(web, { metadata: [{ key: 'disk', values: ['ssd'] }] });
const nowMs = 1_000_000;

function encoded<T>(codec: Codec<T>, value: T, more: object = {}): string {
  return codec.encode(value, JSON.stringify(more));
}

function tight(text: string): string {
  return text.replaceAll(' of ', '-of-');
}

/** A settled cluster: web runs here, since that machine was given an ssd at run time. */
function stored(): Map<string, string> {
  const members = [here, there].map((id): [string, string] => {
    const { bootId, address, version } = aMachine(id);
    const member = { id, bootId, address, version, firstSeenMs: 0, leaving: false };
    return [keys.member(id), memberCodec.encode({ ...member, vanishedMs: null })];
  });
  const texts = [
    [keys.machine(here), machineCodec.encode(aMachine(here))],
    [keys.machine(there), machineCodec.encode(aMachine(there))],
    ...members,
    [keys.metadata(here, 'disk'), '{"format":1,"value":"ssd"}'],
    [keys.unit(web), unitCodec.encode(unit)],
    [keys.text(unit.contentHash), 'text'],
    [keys.placement(web), encoded(placementCodec, aPlacement(unit, here), { later: 1 })],
    [keys.order(here, web), encoded(orderCodec, anOrder(unit), { later: 2 })],
    [keys.report(here, web), reportCodec.encode(aReport(unit))],
  ] as const;
  // Hashes and boot ids of the builders read well, and are too loose for a store.
  return new Map(texts.map(([key, value]) => [tight(key), tight(value)]));
}

function builderOf(texts: ReadonlyMap<string, string>): PictureBuilder {
  const builder = new PictureBuilder(keys);
  const revision = 7n as Revision;
  const items = [...texts].map(([key, value]): StoredItem => {
    return { key, value, createRevision: revision, modRevision: revision, leaseId: null };
  });
  builder.fill(items, revision);
  return builder;
}

function decided(picture: ClusterPicture): readonly Decision[] {
  return planCluster(picture, nowMs, nowMs).decisions;
}

it('has nothing to decide about a settled cluster', () => {
  expect(decided(builderOf(stored()).picture())).toEqual([]);
});

it.each([...stored().keys()].filter((key) => !key.includes('/text/')))(
  'changes nothing of what %s is about while that is not understood, and names it',
  (key) => {
    for (const value of ['{"half":', '', '[]', '{"format":99}']) {
      const picture = builderOf(stored().set(key, value)).picture();
      expect([...(picture.unreadableKeys?.keys() ?? [])]).toEqual([key]);
      const touched = decided(picture).flatMap(({ changes }) => changes);
      // A machine that is not understood takes nothing new, which its member record tells.
      const isMachine = key === keys.machine(here) || key === keys.machine(there);
      expect(touched.filter(({ kind }) => !isMachine || kind !== 'member')).toEqual([]);
    }
  },
);

it.each(['{"half":', '', '{"format":99,"askedMs":1}'])(
  'forgets no machine because of a wish that is not understood: %s',
  (wish) => {
    const texts = stored();
    texts.delete(keys.machine(here));
    const member = memberCodec.decode(texts.get(keys.member(here)) ?? '');
    if (!member.ok) throw new Error(member.error);
    const away = memberCodec.encode({ ...member.value, vanishedMs: nowMs - 60_000 });
    const wished = texts.set(keys.member(here), away).set(keys.forgetting(here), wish);
    const picture = builderOf(wished).picture();
    expect([...(picture.unreadableKeys?.keys() ?? [])]).toEqual([keys.forgetting(here)]);
    const kinds = decided(picture).flatMap(({ changes }) => changes.map(({ kind }) => kind));
    expect(kinds).not.toContain('forget-member');
    expect(kinds).not.toContain('withdraw');
    expect(kinds).not.toContain('forget-wish');
    const understood = builderOf(wished.set(keys.forgetting(here), '{"format":1,"askedMs":1}'));
    expect(JSON.stringify(decided(understood.picture()))).toContain('forget-member');
  },
);

it('places nothing by metadata that is not understood', () => {
  const texts = stored().set(keys.metadata(here, 'disk'), '{"half":');
  texts.delete(keys.placement(web));
  texts.delete(keys.order(here, web));
  texts.delete(keys.report(here, web));
  const [placing] = decided(builderOf(texts).picture());
  expect(placing?.changes).toMatchObject([{ kind: 'place', placement: { machine: null } }]);
  expect(JSON.stringify(placing)).toContain('metadata disk is stored and not understood');
});

it('a leader that writes a record over keeps the fields of a newer version', () => {
  const builder = builderOf(stored());
  const picture = builder.picture();
  const context = {
    keys,
    picture,
    modRevisionOf: (key: string) => builder.modRevisionOf(key),
    richText: (key: string) => builder.richText(key),
  };
  const write = (order: ReturnType<typeof anOrder>): string => {
    const change = { kind: 'order', machine: here, unit: web, order } as const;
    const txn = decisionTxn([{ subject: web, reason: 'test', changes: [change] }], context);
    const [put] = txn?.writes ?? [];
    return put?.kind === 'put' ? put.value : '';
  };
  expect(JSON.parse(write(anOrder(unit, { want: 'stop' })))).toMatchObject({
    later: 2,
    want: 'stop',
  });
  const successor = aUnit(web, { version: 2 });
  expect(JSON.parse(write(anOrder(successor)))).not.toHaveProperty('later');
});

it('says each key that is not understood once, and when it is again', () => {
  const log = new CapturedLog();
  const say = unreadableLog(log);
  const key = keys.member(here);
  const spoiled = builderOf(stored().set(key, '[]')).picture();
  say(spoiled);
  say(spoiled);
  say(builderOf(stored().set(key, '[]')).picture());
  say(builderOf(stored()).picture());
  expect(log.lines.map(({ message, fields }) => [message, fields])).toEqual([
    ['stored value is not understood, leaving it as it is', expect.objectContaining({ key })],
    ['stored value is understood again', { key }],
  ]);
});
