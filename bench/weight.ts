import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a process holds, in MB. */
export interface Weight {
  /** Pages in memory, those of the program and of libraries included. */
  readonly resident: number;
  /** Pages of its own that come from no file: what no other process can share. */
  readonly private: number;
}

/** What a process holds now. */
export function weightOf({ pid }: ChildProcess): Weight {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const of = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(rollup)?.[1] ?? Number.NaN) / 1024;
  return { resident: of('Rss'), private: of('Anonymous') };
}

const unit = readFileSync(new URL('../units/fleet.service', import.meta.url), 'utf8');

/** That of the daemon's own unit. */
const environment = {
  PATH: process.env['PATH'],
  ...Object.fromEntries(
    [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, words = '']) =>
      words.split(' ').map((word) => word.split(/=(.*)/s, 2)),
    ),
  ),
};

/** The environment of a fleetd that keeps everything in a folder and has no systemd. */
export function fleetdEnvironment(folder: string): NodeJS.ProcessEnv {
  const nobody = `unix:path=${folder}/no-bus`;
  const own = { RUNTIME_DIRECTORY: folder, STATE_DIRECTORY: folder };
  return { ...environment, ...own, DBUS_SYSTEM_BUS_ADDRESS: nobody };
}

/** The least that fleetd's design can weigh: one thread besides the main one, HTTP/2 in both. */
export function bareNode(): ChildProcess {
  const inBoth = "require('node:http2'); setInterval(() => undefined, 1000);";
  const text = `${inBoth} new (require('node:worker_threads').Worker)(
    ${JSON.stringify(inBoth)}, { eval: true });`;
  return spawn(process.execPath, ['-e', text], { env: environment, stdio: 'ignore' });
}
