import { expect, vi } from 'vitest';
import type { TestFleet } from './with-fleet.ts';
import { patience, placed, sleeper } from './with-fleet.ts';

/** The machines of these tests. */
export const names = ['m1', 'm2', 'm3'] as const;
/** Units that may run anywhere. */
export const apps = [1, 2, 3, 4, 5, 6].map((number) => `app@${number}.service`);

/** Six units that may run anywhere, a global one, and one pinned to each machine. */
export async function startUnits(fleet: TestFleet): Promise<void> {
  const stamp = (event: string): string => `/bin/sh -c 'date +%%s%%N >/var/tmp/%n.${event}'`;
  const text = sleeper(`ExecStartPost=${stamp('started')}`, `ExecStopPost=${stamp('stopped')}`);
  const app = fleet.file('app@.service', text);
  const pinned = await Promise.all(
    names.map(async (name) => {
      const { id } = await fleet.lab.machine(name);
      return fleet.file(`pinned-${name}.service`, placed(`MachineID=${id}`));
    }),
  );
  const everywhere = fleet.file('everywhere.service', placed('Global=true'));
  const files = apps.map((name) => app.replace('app@.service', name));
  await fleet.did('start', '--wait', ...files, ...pinned, everywhere);
  await vi.waitFor(async () => expect(await fleet.running()).toHaveLength(6 + 3 + 3), patience);
}

/** What must run on these machines: every app once, and what belongs to each machine. */
export function whole(machines: readonly string[]): readonly string[] {
  const own = machines.map((name) => `pinned-${name}.service`);
  return [...apps, ...own, ...machines.map(() => 'everywhere.service')].sort();
}

/** The units that run, one entry a copy; sorted. */
export async function unitsRunning(fleet: TestFleet): Promise<readonly string[]> {
  return (await fleet.running()).map(({ unit }) => unit).sort();
}

/** Those of `apps` that run on a machine. */
export async function appsOn(fleet: TestFleet, machine: string): Promise<readonly string[]> {
  const copies = await fleet.running();
  return copies
    .filter((copy) => copy.machine === machine && apps.includes(copy.unit))
    .map(({ unit }) => unit);
}
