import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RunOptions, RunResult } from '../../src/lab/run.ts';
import { run, runOk } from '../../src/lab/run.ts';

/** The program as a user types it. */
export const fleetlabPath = fileURLToPath(new URL('../../bin/fleetlab', import.meta.url));

const preparePath = fileURLToPath(new URL('../../scripts/prepare.sh', import.meta.url));

/** Builds what is stale, once before the first machine: what machines run is what is tested. */
export async function prepareCheckout(): Promise<void> {
  await runOk([preparePath], { timeoutMs: 300_000 });
}

/** Runs `fleetlab` on a lab of that name. */
export function fleetlab(
  lab: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  return run(['env', `FLEETLAB_NAME=${lab}`, fleetlabPath, ...args], options);
}

/** Starts `fleetlab` and leaves it running; its words go to `hear`. */
export function startFleetlab(
  lab: string,
  args: readonly string[],
  hear: (words: string) => void,
): { readonly child: ChildProcess; readonly ended: Promise<number | NodeJS.Signals> } {
  const env = { ...process.env, FLEETLAB_NAME: lab };
  const child = spawn(fleetlabPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (data: Buffer) => hear(data.toString()));
  child.stderr.on('data', (data: Buffer) => hear(data.toString()));
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
  });
  return { child, ended };
}
