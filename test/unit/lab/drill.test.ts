import { describe, expect, it } from 'vitest';
import { castFor, expectationOn } from '../../../src/lab/drill/cast.ts';
import { runningIn } from '../../../src/lab/drill/look.ts';
import { eventsIn, type StoreEvent } from '../../../src/lab/drill/store-watch.ts';
import { type Loss, marksOf, secondsText } from '../../../src/lab/drill/timeline.ts';
import {
  type Expectation,
  faultsIn,
  type Running,
  restartedBetween,
} from '../../../src/lab/drill/verdict.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('what etcdctl says', () => {
  it('is read as changes of keys below the prefix', () => {
    const line = JSON.stringify({
      Header: {},
      Events: [
        { kv: { key: base64('/_coreos.com/fleet/a'), value: base64('1') } },
        { type: 1, kv: { key: base64('/_coreos.com/fleet/b') } },
        { kv: { key: base64('/other'), value: base64('2') } },
      ],
    });
    expect(eventsIn(line, 5)).toEqual([
      { atMs: 5, key: 'a', value: '1' },
      { atMs: 5, key: 'b', value: null },
    ]);
  });

  it('may be no JSON at all', () => {
    expect(eventsIn('{"level":"warn"', 5)).toEqual([]);
    expect(eventsIn('{"level":"warn"}', 5)).toEqual([]);
  });
});

describe('the timeline', () => {
  const loss: Loss = {
    atMs: 1_000,
    machineId: 'dead',
    movers: ['a.service'],
    wasLeader: true,
    how: 'kill',
  };
  const events: readonly StoreEvent[] = [
    { atMs: 900, key: 'engine/leader', value: '{"machine":"dead"}' },
    { atMs: 900, key: 'state/live/a.service', value: '{"active":"active"}' },
    { atMs: 4_000, key: 'machines/dead', value: null },
    { atMs: 4_100, key: 'engine/leader', value: '{"machine":"live"}' },
    { atMs: 4_150, key: 'placement/a.service', value: '{"machine":"dead"}' },
    { atMs: 4_200, key: 'placement/a.service', value: '{"machine":"live"}' },
    { atMs: 4_300, key: 'state/live/a.service', value: '{"active":"activating"}' },
    { atMs: 4_400, key: 'state/live/a.service', value: '{"active":"active"}' },
  ];

  it('counts from the loss and ignores what came before it', () => {
    expect(marksOf(loss, events)).toEqual([
      { what: 'lease expired', afterMs: 3_000 },
      { what: 'new leader', afterMs: 3_100 },
      { what: 'a.service placed', afterMs: 3_200 },
      { what: 'a.service active', afterMs: 3_400 },
    ]);
  });

  it('leaves out what has not happened', () => {
    expect(marksOf(loss, events.slice(0, 3)).map(({ what }) => what)).toEqual(['lease expired']);
  });

  it('of a shutdown begins with the stop on the machine that leaves', () => {
    const stop = { atMs: 1_100, key: 'state/dead/a.service', value: '{"active":"inactive"}' };
    expect(marksOf({ ...loss, how: 'poweroff' }, [stop, ...events]).slice(0, 2)).toEqual([
      { what: 'a.service stopped', afterMs: 100 },
      { what: 'lease given back', afterMs: 3_000 },
    ]);
  });

  it('writes times in seconds', () => {
    expect(secondsText(3_214.6)).toBe('3.21 s');
  });
});

describe('the verdict', () => {
  const expected: Expectation = {
    single: ['a', 'b', 'side'],
    global: ['g'],
    waiting: ['w'],
    apart: [['a', 'b', 'w']],
    together: [['a', 'side']],
  };
  const at = (unit: string, machine: string, invocationId = `${unit}${machine}`): Running => ({
    unit,
    machine,
    invocationId,
  });
  const good = [at('a', 'm1'), at('b', 'm2'), at('side', 'm1'), at('g', 'm1'), at('g', 'm2')];

  it('finds nothing wrong with a cluster that is as it should be', () => {
    expect(faultsIn(good, ['m1', 'm2'], expected)).toEqual([]);
  });

  it.each([
    ['a unit that runs twice', [...good, at('b', 'm3')], 'b runs 2 times (m2, m3)'],
    [
      'a unit that runs nowhere',
      good.filter(({ unit }) => unit !== 'b'),
      'b runs 0 times (nowhere)',
    ],
    ['a waiting unit that runs', [...good, at('w', 'm3')], 'w runs 1 times (m3)'],
    [
      'a global unit missing on a machine',
      good.filter(({ unit, machine }) => !(unit === 'g' && machine === 'm2')),
      'global g does not run on m2',
    ],
    [
      'two that conflict on one machine',
      [at('a', 'm1'), at('b', 'm1'), at('side', 'm1'), at('g', 'm1'), at('g', 'm2')],
      'a and b conflict and share m1',
    ],
    [
      'a sidekick away from its host',
      [at('a', 'm1'), at('b', 'm2'), at('side', 'm2'), at('g', 'm1'), at('g', 'm2')],
      'a is on m1, side on m2',
    ],
  ])('names %s', (_title, running, fault) => {
    expect(faultsIn(running, ['m1', 'm2'], expected)).toEqual([fault]);
  });

  it('tells a restart and a stop from going on', () => {
    const after = [at('a', 'm1'), at('b', 'm2', 'another')];
    expect(restartedBetween([at('a', 'm1'), at('b', 'm2'), at('c', 'm2')], after)).toEqual([
      'b on m2 was restarted',
      'c on m2 stopped',
    ]);
  });
});

describe('what a drill expects', () => {
  const cast = castFor(3, 1);
  const on = (unit: string, machine: string): Running => ({ unit, machine, invocationId: '1' });
  const before = [
    on('web@1.service', 'm1'),
    on('announce@1.service', 'm1'),
    on('web@2.service', 'm2'),
    on('web@3.service', 'm3'),
  ];

  it('is that a web server waits when every machine left has one, its sidekick with it', () => {
    const expected = expectationOn(['m2', 'm3'], before, cast);
    expect(expected.waiting).toEqual(['web@1.service', 'announce@1.service']);
    expect(expected.single).toEqual([
      'web@2.service',
      'web@3.service',
      'ledger.service',
      'worker@1.service',
    ]);
  });

  it('is that it moves when a machine without one is left', () => {
    expect(expectationOn(['m2', 'm3', 'm4'], before, cast).waiting).toEqual([]);
  });

  it('is that all run when all machines are there', () => {
    expect(expectationOn(['m1', 'm2', 'm3'], [], cast).waiting).toEqual([]);
  });
});

it('reads which units run from what systemctl shows', () => {
  const shown = [
    'Id=a.service\nActiveState=active\nInvocationID=11',
    'Id=b.service\nActiveState=inactive\nInvocationID=',
  ].join('\n\n');
  expect(runningIn(`${shown}\n`, 'm1')).toEqual([
    { unit: 'a.service', machine: 'm1', invocationId: '11' },
  ]);
});
