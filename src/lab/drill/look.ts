import { execIn } from '../exec.ts';
import type { Running } from './verdict.ts';

/** Which of `units` run on each of `machines`, as their own systemd says now. */
export async function lookAt(
  lab: string,
  machines: readonly string[],
  units: readonly string[],
): Promise<readonly Running[]> {
  const seen = await Promise.all(machines.map((machine) => lookAtOne(lab, machine, units)));
  return seen.flat();
}

const properties = 'Id,ActiveState,InvocationID';

async function lookAtOne(
  lab: string,
  machine: string,
  units: readonly string[],
): Promise<Running[]> {
  const { stdout } = await execIn(lab, machine, [
    'systemctl',
    'show',
    `--property=${properties}`,
    ...units,
  ]);
  return runningIn(stdout, machine);
}

/** Reads what `systemctl show` says of several units: blocks of `Property=value`. */
export function runningIn(shown: string, machine: string): Running[] {
  return shown.split('\n\n').flatMap((block): Running[] => {
    const values = new Map(
      block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), afterEquals(line)]),
    );
    if (values.get('ActiveState') !== 'active') return [];
    return [
      { unit: values.get('Id') ?? '', machine, invocationId: values.get('InvocationID') ?? '' },
    ];
  });
}

function afterEquals(line: string): string {
  return line.slice(line.indexOf('=') + 1);
}
