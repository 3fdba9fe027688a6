import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../../src/fleetctl/command.ts';
import { Screen } from '../../../src/fleetctl/screen.ts';
import type { Verdict } from '../../../src/fleetctl/verdict.ts';
import { waitForUnits } from '../../../src/fleetctl/wait.ts';
import { FleetError } from '../../../src/lib/error.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { aHere, noSshSettings, Sink } from '../../builders/fleetctl-session.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const a = 'a.service' as UnitName;
const b = 'b.service' as UnitName;
const reached: Verdict = { kind: 'reached', text: 'there' };
const underway: Verdict = { kind: 'underway', text: 'on its way' };
const failed: Verdict = { kind: 'failed', lines: ['no way'] };

interface Trial {
  readonly clock: ManualClock;
  readonly out: Sink;
  readonly err: Sink;
  readonly looksAtMs: readonly number[];
  readonly end: Promise<readonly UnitName[]>;
}

function noClient(): never {
  throw new Error('no client here');
}

/** Waits for units whose verdicts depend on the time. */
function wait(
  names: readonly UnitName[],
  verdictAt: (name: UnitName, ms: number) => Verdict,
  limitMs = 60_000,
): Trial {
  const clock = new ManualClock();
  const [out, err] = [new Sink(), new Sink(true)];
  const looksAtMs: number[] = [];
  const context: Context = {
    clock,
    screen: new Screen(out, err),
    here: aHere(),
    ssh: noSshSettings,
    client: noClient,
    clientWith: noClient,
    trace: () => undefined,
    definitions: { commands: [], globalFlags: [] },
  };
  const end = waitForUnits(context, {
    names,
    goal: 'launched',
    limitMs,
    async look(pending) {
      looksAtMs.push(clock.nowMs());
      return new Map(pending.map((name) => [name, verdictAt(name, clock.nowMs())]));
    },
  });
  return { clock, out, err, looksAtMs, end };
}

describe('waiting', () => {
  it('for nothing is over at once', async () => {
    expect(await wait([], () => underway).end).toEqual([]);
  });

  it('looks after 50 ms, then less and less often, at least twice a second', async () => {
    const trial = wait([a], (_name, ms) => (ms > 3000 ? reached : underway));
    await trial.clock.pass(5000);
    expect(await trial.end).toEqual([]);
    const pauses = trial.looksAtMs.slice(1).map((ms, index) => ms - (trial.looksAtMs[index] ?? 0));
    expect(pauses[0]).toBe(50);
    expect(Math.max(...pauses)).toBe(500);
    expect(pauses).toEqual(pauses.toSorted((one, other) => one - other));
  });

  it('believes what may end at once only after it has lasted', async () => {
    const active: Verdict = { kind: 'reached', text: 'active', mustLast: true };
    const dying = wait([a], (_name, ms) => (ms < 100 ? active : failed));
    await dying.clock.pass(2000);
    expect(await dying.end).toEqual([a]);
    expect(dying.out.text).toBe('');
    const steady = wait([a], () => active);
    await steady.clock.pass(2000);
    expect(await steady.end).toEqual([]);
    expect(steady.clock.nowMs()).toBeGreaterThanOrEqual(300);
    let lookCount = 0;
    const flap = (): Verdict => {
      lookCount += 1;
      return lookCount % 2 === 0 ? active : underway;
    };
    const flapping = wait([a], flap, 1500);
    await flapping.clock.pass(2000);
    expect(await flapping.end).toEqual([a]);
  });

  it('tells each unit when it gets there, in the order of arrival', async () => {
    const trial = wait([a, b], (name, ms) => {
      const text = `${name} there`;
      return ms > (name === a ? 900 : 100) ? { kind: 'reached', text } : underway;
    });
    await trial.clock.pass(500);
    expect(trial.out.text).toBe('b.service there\n');
    await trial.clock.pass(2000);
    expect(trial.out.text).toBe('b.service there\na.service there\n');
    expect(await trial.end).toEqual([]);
  });

  it('tells bad news only when they lasted half a second', async () => {
    const trial = wait([a], (_name, ms) => (ms < 400 ? failed : reached));
    await trial.clock.pass(2000);
    expect(await trial.end).toEqual([]);
    expect(trial.err.text).toBe('');
  });

  it('tells lasting bad news once, while others are still waited for', async () => {
    const trial = wait([a, b], (name, ms) =>
      name === a ? failed : ms > 5000 ? reached : underway,
    );
    await trial.clock.pass(1500);
    expect(stripVTControlCharacters(trial.err.text)).toContain('fleetctl: no way\n');
    await trial.clock.pass(9000);
    expect(await trial.end).toEqual([a]);
    expect(trial.err.text.split('no way')).toHaveLength(2);
  });

  it('takes a unit that failed and got there after all for one that got there', async () => {
    const trial = wait([a, b], (name, ms) =>
      name === a ? (ms < 2000 ? failed : reached) : ms > 5000 ? reached : underway,
    );
    await trial.clock.pass(9000);
    expect(await trial.end).toEqual([]);
    expect(trial.out.text).toBe('there\nthere\n');
  });

  it('ends when time is up, with what is known of each unit', async () => {
    const trial = wait([a, b], (name) => (name === b ? reached : underway), 7000);
    await trial.clock.pass(6999);
    expect(trial.err.text).not.toContain('fleetctl:');
    await trial.clock.pass(1);
    expect(await trial.end).toEqual([a]);
    expect(trial.err.text).toContain('a.service is not launched after 7 s: on its way');
  });

  it('shows progress on a terminal after a second, and takes it away', async () => {
    const trial = wait([a, b], (name, ms) => (name === b || ms > 3000 ? reached : underway));
    await trial.clock.pass(900);
    expect(trial.err.text).toBe('');
    await trial.clock.pass(4000);
    await trial.end;
    expect(trial.err.text).toContain('1 of 2 launched…');
    expect(trial.err.text.endsWith('\r\u001b[K')).toBe(true);
  });

  it('survives a fleetd that is away for a while, and says so when it stays away', async () => {
    const away = (): never => {
      throw new FleetError('nobody listens', { code: 'api/unreachable', retry: 'soon', hint: '' });
    };
    const trial = wait([a], (_name, ms) => (ms < 2000 ? away() : reached));
    await trial.clock.pass(4000);
    expect(await trial.end).toEqual([]);
    const hopeless = wait([a], away, 1000);
    await hopeless.clock.pass(2000);
    expect(await hopeless.end).toEqual([a]);
    expect(hopeless.err.text).toContain('the last look failed: nobody listens');
  });

  it('ends at once when what answers is no fleetd', async () => {
    const trial = wait([a], () => {
      throw new FleetError('not a fleetd', { code: 'api/unreachable', retry: 'never', hint: '' });
    });
    await expect(trial.end).rejects.toThrow('not a fleetd');
  });
});
