import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { labUnsuitable } from '../trouble.ts';
import type { Fault, FaultSite } from './fault.ts';
import { inside, pathInside } from './fault.ts';

const hourSeconds = 3600;
const controlFile = '/run/fleetlab/clock';
const dropIn = '/run/systemd/system/fleet.service.d/90-fleetlab-clock.conf';

/**
 * A machine's clock is this computer's, and is never touched: fleetd is told another time by
 * libfaketime, which reads it anew every second, so that a step strikes a daemon that runs. etcd
 * asks the kernel without a library in between: its clock cannot be stepped.
 */
export const clockFaults: readonly Fault[] = [
  {
    name: 'clock-forward',
    about: "fleetd's clock jumps one hour ahead, while it runs",
    inflict: (site) => step(site, hourSeconds),
    heal: (site) => tell(site, 0),
  },
  {
    name: 'clock-back',
    about: "fleetd's clock jumps back by one hour, while it runs",
    inflict: (site) => step(site, -hourSeconds),
    heal: (site) => tell(site, 0),
  },
];

/** Steps the clock of the daemon that runs; one that has the true clock is restarted before. */
async function step(site: FaultSite, seconds: number): Promise<void> {
  const isTold = await inside(site, `test -e ${dropIn} && echo told || true`);
  if (isTold === '') {
    await tell(site, 0);
    place(site, dropIn, dropInText(libraryPath()));
    site.say(`${site.machine.name}: fleetd is restarted once, to get a clock that can be stepped`);
    await inside(site, 'systemctl daemon-reload; systemctl restart fleet.service');
  }
  await tell(site, seconds);
}

/** What libfaketime adds to the true time from now on. */
async function tell(site: FaultSite, seconds: number): Promise<void> {
  place(site, controlFile, `${seconds < 0 ? '' : '+'}${seconds}\n`);
}

function place(site: FaultSite, path: string, text: string): void {
  const file = pathInside(site.machine, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function dropInText(library: string): string {
  const variables = [
    `LD_PRELOAD=${library}`,
    `FAKETIME_TIMESTAMP_FILE=${controlFile}`,
    'FAKETIME_CACHE_DURATION=1',
    // What measures how long something took is no clock that anybody sets.
    'DONT_FAKE_MONOTONIC=1',
  ];
  return ['[Service]', ...variables.map((word) => `Environment=${word}`), ''].join('\n');
}

function libraryPath(): string {
  for (const name of readdirSync('/usr/lib')) {
    const folder = join('/usr/lib', name, 'faketime');
    const found = filesIn(folder).find((file) => file.startsWith('libfaketimeMT.so'));
    if (found !== undefined) return join(folder, found);
  }
  throw labUnsuitable(
    'a clock can be stepped with libfaketime only, which is not here',
    'apt-get update && apt-get install --no-install-recommends libfaketime',
  );
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not a folder, or none of that name
  }
}
