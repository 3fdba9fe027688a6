import { join } from 'node:path';
import type { LabContext } from '../lab.ts';
import { type RunResult, run } from '../run.ts';
import { labEnvironment } from '../status.ts';

/** Runs the checkout's fleetctl as its user would, pointed at the lab. */
export async function fleetctl(
  at: { readonly context: LabContext; readonly checkout: string },
  args: readonly string[],
): Promise<RunResult> {
  const { FLEETCTL_ENDPOINT: endpoint = '' } = await labEnvironment(at.context.lab);
  const program = join(at.checkout, 'dist/bin/fleetctl.cjs');
  return run([process.execPath, program, '--endpoint', endpoint, ...args]);
}
