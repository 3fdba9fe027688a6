import { parseBoolean } from './boolean.ts';
import { optionValues, type UnitFile } from './unit-file.ts';

/** A service that runs once and is then done: `Type=oneshot` without `RemainAfterExit=yes`. */
export function isOneshot(file: UnitFile): boolean {
  const type = optionValues(file, 'Service', 'Type').at(-1);
  const remains = optionValues(file, 'Service', 'RemainAfterExit').at(-1) ?? 'no';
  return type === 'oneshot' && parseBoolean(remains) !== true;
}
