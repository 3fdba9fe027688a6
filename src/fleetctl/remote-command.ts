import { isWordySwitch } from './switches.ts';

/**
 * Sets off the command of `fleetctl ssh TARGET COMMAND…` with `--`, so that its flags stay its own.
 * As in ssh, it begins with the first word after the target that is no flag; flags of fleetctl may
 * stand between the two. `takesValue` says of a flag whether the next word belongs to it.
 */
export function guardRemoteCommand(
  args: readonly string[],
  takesValue: (flag: string) => boolean,
): readonly string[] {
  let operandCount = 0;
  let hasTarget = false;
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (arg === '--') return args;
    if (arg.startsWith('-')) {
      hasTarget ||= /^--(machine|unit)(=|$)/.test(arg);
      if (!isWordySwitch(arg) && takesValue(arg)) index += 1;
      continue;
    }
    if (operandCount === 0 && arg !== 'ssh') return args;
    if (operandCount === (hasTarget ? 1 : 2)) {
      return [...args.slice(0, index), '--', ...args.slice(index)];
    }
    operandCount += 1;
  }
  return args;
}
