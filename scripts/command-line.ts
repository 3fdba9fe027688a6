import { Command, InvalidArgumentError } from 'commander';

const usageStatus = 2;

/** The command line of `npm run NAME`: it helps, tells mistakes in two lines and ends with 2. */
export function scriptCommand(name: string, description: string): Command {
  return new Command(`npm run ${name} --`)
    .description(description)
    .helpOption('-h, --help', 'print help')
    .allowExcessArguments(false)
    .showHelpAfterError(`${name}: 'npm run ${name} -- --help' shows what there is`)
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, `${name}: `)),
    })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : usageStatus));
}

/** A whole number from 1 on. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('It is a whole number from 1 on.');
}

/** Hours, parts of one included. */
export function parseHours(text: string): number {
  const hours = Number(text);
  if (/^\d*\.?\d+$/.test(text) && Number.isFinite(hours)) return hours;
  throw new InvalidArgumentError('It is a number of hours, such as 0.5.');
}

/** One of several parts of the same size. */
export interface Part {
  readonly number: number;
  readonly of: number;
}

/** `2/5`: the second of five. */
export function parsePart(text: string): Part {
  const [, number, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (number !== undefined && of !== undefined && number >= 1 && number <= of) {
    return { number, of };
  }
  throw new InvalidArgumentError('It is a part such as 2/5.');
}
