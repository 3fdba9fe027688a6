import { usageError } from '../command-error.ts';
import type { Flag, FlagValues } from '../flag.ts';

/** Units that need not be known to the cluster yet. */
export const unitOperand = {
  usage: '<unit...>',
  what: 'unit files, names of units in the cluster, or instances of a template',
  completes: 'units and files',
} as const;

/** Units that the cluster knows. */
export const knownUnitOperand = {
  usage: '<unit...>',
  what: 'names of units in the cluster',
} as const;

/** Other content under the same name. */
export const replaceFlag: Flag = {
  usage: '--replace',
  what: 'store the local file where the cluster has other content',
};

/** Not only until systemd has started it. */
export const untilUpFlag: Flag = {
  usage: '--wait',
  what: 'wait until the units are active, finished or failed',
};

/** Signed units went before fleet 1.0, which knew the flag and refused it. */
export const signFlag: Flag = { usage: '--sign', what: 'refused: units cannot be signed' };

/** Throws CommandError with status 2. */
export function refuseSigning(flags: FlagValues): void {
  if (flags['sign'] !== true) return;
  throw usageError('units cannot be signed', 'leave --sign out; nothing was sent');
}
