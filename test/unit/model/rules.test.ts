import { expect, test } from 'vitest';
import { inConflict, peerOf } from '../../../src/model/conflict.ts';
import { hasFinished, isConfirmedGone, isUp } from '../../../src/model/copy.ts';
import type { Machine } from '../../../src/model/machine.ts';
import type { StateReport } from '../../../src/model/report.ts';
import {
  type Applicant,
  placingRules,
  stayingRules,
  type TargetPlace,
  whyNot,
} from '../../../src/model/rules.ts';
import type { UnitRecord } from '../../../src/model/unit.ts';
import { matchesGlob } from '../../../src/unitfile/glob.ts';
import type { Requirements } from '../../../src/unitfile/requirements.ts';
import {
  aMachine,
  anOrder,
  aReport,
  aUnit,
  machineId,
  named,
  requirements,
  type UnitOptions,
} from '../../builders/cluster.ts';

const web = named('web@1');
const [m1, m2] = [machineId(1), machineId(2)];

function applicant(some: Partial<Requirements>, rest: Partial<Applicant> = {}): Applicant {
  const wanted = requirements(some);
  return {
    peer: peerOf(web, wanted),
    requirements: wanted,
    refusals: [],
    placeOf: () => ({ kind: 'nowhere', why: 'waits for db.service, which is not placed' }),
    whyBarred: () => null,
    matches: matchesGlob,
    ...rest,
  };
}

interface Case {
  readonly title: string;
  readonly asks?: Partial<Requirements>;
  readonly rest?: Partial<Applicant>;
  readonly machine?: Partial<Machine>;
  readonly neighbours?: readonly ReturnType<typeof peerOf>[];
  readonly why: string | null;
}

const ssd = { metadata: new Map([['disk', 'ssd']]) };
const on = (machine: typeof m1) => (): TargetPlace => ({ kind: 'on', machine });

const cases: readonly Case[] = [
  { title: 'a unit without wishes', why: null },
  { title: 'a full machine id', asks: { machineId: m1 }, why: null },
  { title: 'its first eight characters', asks: { machineId: '11111111' }, why: null },
  {
    title: 'any shorter start',
    asks: { machineId: '1111111' },
    why: 'must run on machine 1111111',
  },
  {
    title: 'another machine id',
    asks: { machineId: '22222222' },
    why: 'must run on machine 22222222',
  },
  {
    title: 'a metadata value that is there',
    asks: { metadata: [{ key: 'disk', values: ['hdd', 'ssd'] }] },
    machine: ssd,
    why: null,
  },
  {
    title: 'a metadata value that is another',
    asks: { metadata: [{ key: 'disk', values: ['hdd', 'tape'] }] },
    machine: ssd,
    why: 'metadata disk=hdd|tape is missing',
  },
  {
    title: 'two keys of which one is missing',
    asks: {
      metadata: [
        { key: 'disk', values: ['ssd'] },
        { key: 'zone', values: ['a'] },
      ],
    },
    machine: ssd,
    why: 'metadata zone=a is missing',
  },
  {
    title: 'a neighbour that it avoids',
    asks: { conflicts: ['db.*'] },
    neighbours: [peerOf(named('db'), null)],
    why: 'conflicts with db.service',
  },
  {
    title: 'a neighbour that avoids it',
    neighbours: [peerOf(named('db'), requirements({ conflicts: ['web@*'] }))],
    why: 'conflicts with db.service',
  },
  {
    title: 'a neighbour that it replaces',
    asks: { replaces: ['db.service'] },
    neighbours: [peerOf(named('db'), null)],
    why: 'conflicts with db.service',
  },
  {
    title: 'itself, though its own glob matches it',
    asks: { conflicts: ['web@*.service'] },
    neighbours: [peerOf(web, null)],
    why: null,
  },
  {
    title: 'a target on this machine',
    asks: { machineOf: [named('db')] },
    rest: { placeOf: on(m1) },
    why: null,
  },
  {
    title: 'a target on another machine',
    asks: { machineOf: [named('db')] },
    rest: { placeOf: on(m2) },
    why: 'db.service runs on 22222222',
  },
  {
    title: 'a target that is nowhere',
    asks: { machineOf: [named('db')] },
    why: 'waits for db.service, which is not placed',
  },
  {
    title: 'a machine that refused it',
    rest: { refusals: [{ machine: m1, why: 'name taken' }] },
    why: 'refused: name taken',
  },
  {
    title: 'a machine that only another refused for',
    rest: { refusals: [{ machine: m2, why: 'name taken' }] },
    why: null,
  },
  {
    title: 'a machine that leaves',
    machine: { leaving: true },
    why: 'the machine is shutting down',
  },
];

test.each(cases)('placing: $title → $why', ({ asks = {}, rest = {}, machine, neighbours, why }) => {
  const site = { machine: aMachine(m1, {}, machine), peers: neighbours ?? [] };
  expect(whyNot(placingRules, applicant(asks, rest), site)).toBe(why);
});

test('a unit may stay on a machine that leaves, while it may not be placed there', () => {
  const site = { machine: aMachine(m1, {}, { leaving: true }), peers: [] };
  expect(whyNot(stayingRules, applicant({}), site)).toBeNull();
});

test('conflicts hold both ways', () => {
  const avoiding = peerOf(web, requirements({ conflicts: ['db.service'] }));
  const plain = peerOf(named('db'), null);
  expect(inConflict(avoiding, plain, matchesGlob)).toBe(true);
  expect(inConflict(plain, avoiding, matchesGlob)).toBe(true);
  expect(inConflict(plain, peerOf(named('other'), null), matchesGlob)).toBe(false);
});

interface UpCase {
  readonly title: string;
  readonly unit?: UnitOptions;
  readonly report: Partial<StateReport> | null;
  readonly isUp: boolean;
}

const another = aUnit(web, { version: 2 }).identity;
const upCases: readonly UpCase[] = [
  { title: 'nothing reported', report: null, isUp: false },
  { title: 'launched and active', report: {}, isUp: true },
  { title: 'launched and still activating', report: { active: 'activating' }, isUp: false },
  { title: 'launched and failed', report: { active: 'failed' }, isUp: false },
  { title: 'a oneshot that ended', report: { active: 'inactive' }, isUp: true },
  { title: 'only loaded though wanted launched', report: { current: 'loaded' }, isUp: false },
  { title: 'wanted loaded and loaded', unit: { desired: 'loaded' }, report: {}, isUp: true },
  { title: 'refused', report: { current: 'refused' }, isUp: false },
  { title: 'another identity', report: { identity: another }, isUp: false },
];

test.each(upCases)('a copy is up ($isUp): $title', ({ unit, report, isUp: expected }) => {
  const record = aUnit(web, unit);
  expect(isUp(record, report === null ? undefined : aReport(record, report))).toBe(expected);
});

test('only a oneshot that was launched and is inactive has finished', () => {
  const oneshot = aUnit(web, { oneshot: true });
  const finished = (record: UnitRecord, some: Partial<StateReport>): boolean =>
    hasFinished(record, aReport(record, some));
  expect(finished(oneshot, { active: 'inactive' })).toBe(true);
  expect(finished(oneshot, { active: 'failed' })).toBe(false);
  expect(finished(oneshot, { active: 'inactive', current: 'loaded' })).toBe(false);
  expect(finished(oneshot, { active: 'inactive', identity: another })).toBe(false);
  expect(finished(aUnit(web), { active: 'inactive' })).toBe(false);
});

test('gone is confirmed only for a gone order, by a gone report of the same identity', () => {
  const record = aUnit(web);
  const gone = anOrder(record, { want: 'gone' });
  expect(isConfirmedGone(gone, aReport(record, { current: 'gone' }))).toBe(true);
  expect(isConfirmedGone(gone, aReport(record))).toBe(false);
  expect(isConfirmedGone(gone, undefined)).toBe(false);
  expect(isConfirmedGone(anOrder(record), aReport(record, { current: 'gone' }))).toBe(false);
  const other = aReport(record, { current: 'gone', identity: another });
  expect(isConfirmedGone(gone, other)).toBe(false);
});
