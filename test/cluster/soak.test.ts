import { expect, it, vi } from 'vitest';
import { Random } from '../sim/random.ts';
import { apps, names, startUnits, unitsRunning, whole } from './movable-units.ts';
import { type SoakDrill, soakDrills, witness } from './soak-drills.ts';
import { memoryAtRestKib, type Usage, usageOf } from './soak-usage.ts';
import { invocations, patience, withFleet } from './with-fleet.ts';

/** How long; `npm run soak -- --minutes 30` is the long form. */
const soakMs = Number(process.env['FLOTILLA_SOAK_MINUTES'] ?? 0.6) * 60_000;
/** To play a soak again, give it the seed that it told. */
const seed = Number(process.env['FLOTILLA_SOAK_SEED'] ?? Date.now() % 2 ** 31);
/** Before these, connections and caches are still being made. */
const warmUpRounds = 3;
/** A shorter soak says nothing about how memory grows. */
const memorySoakMsMin = 5 * 60_000;
/** At rest after the last drill it may be that much above what it was after the first third. */
const memoryGrowthMax = 1.1;

const fleet = withFleet();

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Connections to members of etcd that are open at one time and closed at another. */
const connectionsMax = 6;

/** Waits until every unit runs once more, and what a machine holds has come to rest. */
async function settled(before: Usage | null): Promise<Usage> {
  await expect.poll(() => unitsRunning(fleet), patience).toEqual(whole(names));
  return vi.waitFor(async () => {
    const now = await usageOf(fleet, await fleet.upMachines(), witness);
    // Machines are alike: one that holds less has not come back from its last drill yet.
    expect(new Set(now.matchRules).size).toBe(1);
    if (before === null) return now;
    expect(steady(now)).toEqual(steady(before));
    expect(now.fleetdFiles).toBeLessThanOrEqual(before.fleetdFiles + connectionsMax);
    return now;
  }, patience);
}

type Moving = 'fleetdAnonymousKib' | 'fleetdFiles';

/** Memory and connections come and go within bounds; the rest has to be the same after each drill. */
function steady({ fleetdAnonymousKib: _, fleetdFiles: __, ...counts }: Usage): Omit<Usage, Moving> {
  return counts;
}

/** Runs one drill and fails if a unit was restarted that kept its machine. */
async function play(drill: SoakDrill, random: Random, before: Usage | null): Promise<Usage> {
  const copies = invocations(await fleet.running());
  const without = await drill.run(fleet, random);
  const usage = await settled(before);
  const later = invocations(await fleet.running());
  const kept = Object.entries(copies).filter(
    ([copy]) => copy in later && !copy.startsWith(`${without} `),
  );
  expect(later, drill.name).toMatchObject(Object.fromEntries(kept));
  return usage;
}

it('after any drills nothing has grown: memory, descriptors, match rules, keys, processes', {
  timeout: soakMs + 8 * patience.timeout,
}, async () => {
  say(`soak of ${soakMs / 60_000} minutes; again: FLOTILLA_SOAK_SEED=${seed}`);
  const random = new Random(seed);
  await startUnits(fleet);
  expect(apps.length).toBeGreaterThan(0);
  const beganMs = performance.now();
  const untilMs = beganMs + soakMs;
  const isLong = soakMs >= memorySoakMsMin;
  let firstKib: number | null = null;
  let counts: Usage | null = null;
  const played = new Map<string, number>();
  for (let round = 1; round <= warmUpRounds + 1 || performance.now() < untilMs; round += 1) {
    const drill = random.pick(soakDrills);
    const startedMs = performance.now();
    say(`${round} ${drill.name}`);
    const usage: Usage = await play(drill, random, counts);
    if (round >= warmUpRounds) counts ??= usage;
    played.set(drill.name, (played.get(drill.name) ?? 0) + 1);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    say(`  ${seconds} s, ${JSON.stringify(usage)}`);
    if (isLong && firstKib === null && performance.now() - beganMs > soakMs / 3) {
      firstKib = await memoryAtRestKib(fleet, witness);
    }
  }
  say(JSON.stringify(Object.fromEntries(played)));
  if (firstKib === null) return;
  const lastKib = await memoryAtRestKib(fleet, witness);
  say(`memory at rest: ${firstKib} KiB after a third of it, ${lastKib} KiB at its end`);
  expect(lastKib).toBeLessThan(firstKib * memoryGrowthMax);
});
