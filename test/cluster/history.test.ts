import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { healMachine, partitionMachine } from '../../src/lab/partition.ts';
import { bootMachine, killMachine } from '../../src/lab/power.ts';
import { Random } from '../sim/random.ts';
import { patience, withFleet } from './with-fleet.ts';
import { overlaps, runsOf, writer } from './writers.ts';

/** `npm run history -- --minutes N` sets both. */
const historyMs = Number(process.env['FLOTILLA_HISTORY_MINUTES'] ?? 0.5) * 60_000;
const seed = Number(process.env['FLOTILLA_HISTORY_SEED'] ?? Date.now() % 2 ** 31);

const fleet = withFleet({ agentTtl: '3s' });
const names = ['m1', 'm2', 'm3'] as const;
const units = ['quick', 'slow', 'stubborn'].map((name) => `${name}.service`);
const random = new Random(seed);
const lab = (): string => fleet.lab.context.lab;

type Fault = (machine: string) => Promise<void>;

async function lasting(shortMs: number, longMs: number): Promise<void> {
  await pause(random.between(shortMs, longMs));
}

/** Too short for anybody to notice, about as long as the deadline, or long enough for a move. */
async function faultLasts(): Promise<void> {
  if (random.chance(0.4)) await lasting(12_000, 18_000);
  else await lasting(300, 5_000);
}

/** The machine that a unit ran on last, or any: what matters happens where units are. */
function victim(): string {
  const last = runsOf(lab(), names, random.pick(units)).at(-1);
  return last === undefined || random.chance(0.3) ? random.pick(names) : last.machine;
}

async function signalled(machine: string, signal: string): Promise<void> {
  await fleet.script(machine, `systemctl kill -s ${signal} --kill-who=main fleet || true`);
}

/** What may happen to a machine; each leaves it whole. */
const faults: Readonly<Record<string, Fault>> = {
  partition: async (machine) => {
    await partitionMachine(fleet.lab.context, machine);
    await faultLasts();
    await healMachine(fleet.lab.context, machine);
  },
  blink: async (machine) => {
    for (let count = random.between(2, 5); count > 0; count -= 1) {
      await partitionMachine(fleet.lab.context, machine);
      await lasting(500, 3_500);
      await healMachine(fleet.lab.context, machine);
      await lasting(50, 2_000);
    }
  },
  pause: async (machine) => {
    await signalled(machine, 'STOP');
    await faultLasts();
    await signalled(machine, 'CONT');
  },
  kill: (machine) => signalled(machine, 'KILL'),
  restart: async (machine) => void (await fleet.script(machine, 'systemctl restart fleet')),
  revoke: async (machine) => {
    const { id } = await fleet.lab.machine(machine);
    const lease = (await fleet.stored(`machines/${id}`))?.lease ?? null;
    if (lease !== null) await fleet.revokeLease(lease);
  },
  power: async (machine) => {
    await killMachine(fleet.lab.context, machine);
    await faultLasts();
    await bootMachine(fleet.lab.context, machine);
  },
};

/** Only fights over one machine at a time, or nothing of etcd would be left to tell of it. */
async function strike(deadlineMs: number): Promise<readonly string[]> {
  const story: string[] = [];
  while (Date.now() < deadlineMs) {
    const [name, fault] = random.pick(Object.entries(faults));
    const machine = victim();
    const beganMs = Date.now();
    await fault(machine);
    story.push(`${name} ${machine} ${Date.now() - beganMs} ms`);
    await lasting(0, 4_000);
  }
  return story;
}

async function movesFrom(host: string): Promise<void> {
  const last = (): string | undefined => runsOf(lab(), names, 'quick.service').at(-1)?.machine;
  await expect.poll(last, patience).not.toBe(host);
}

it('never has two machines run a unit with OnPartition=stop, whatever happens to them', {
  timeout: historyMs + 4 * patience.timeout,
}, async () => {
  const stop = ['OnPartition=stop'];
  const more = {
    quick: ['TimeoutStopSec=500ms'],
    slow: ['TimeoutStopSec=2', "ExecStop=/bin/sh -c 'sleep 1.5'"],
    stubborn: ['TimeoutStopSec=1', 'KillSignal=SIGCONT'],
  };
  const files = Object.entries(more).map(([name, lines]) =>
    fleet.file(`${name}.service`, writer(['Restart=always', ...lines], stop)),
  );
  await fleet.did('start', '--wait', ...files);
  const endMs = Date.now() + historyMs;
  const [host = 'm1'] = await fleet.placesOf('quick.service');
  await partitionMachine(fleet.lab.context, host);
  await movesFrom(host); // so that a short history has something to tell, too
  await healMachine(fleet.lab.context, host);
  const story = await strike(endMs);
  const places = (): Promise<readonly number[]> =>
    Promise.all(units.map(async (unit) => (await fleet.placesOf(unit)).length));
  await expect.poll(places, patience).toEqual([1, 1, 1]);
  const counts = units.map((unit) => {
    const runs = runsOf(lab(), names, unit);
    const hosts = new Set(runs.map(({ machine }) => machine));
    expect(overlaps(runs), `seed ${seed}, ${unit}: ${story.join('; ')}`).toEqual([]);
    return `${unit} ran ${runs.length} times on ${hosts.size} machines`;
  });
  if (historyMs > 60_000) console.info([`seed ${seed}`, ...counts, ...story].join('\n'));
});
