import { fail, ok, type Result } from '../lib/result.ts';
import { printable, type SyntaxProblem } from './problem.ts';
import {
  parseUnitFile,
  textFromOptions,
  type UnitFile,
  type UnitOption,
  unitOptions,
} from './unit-file.ts';
import { checkUnitText } from './unit-text.ts';

/**
 * A unit file in normal form from the options of API v1. Refuses options that would be read back as
 * something else, e.g. a value with a bare newline.
 */
export function unitFileFromOptions(options: readonly UnitOption[]): Result<UnitFile, string> {
  const checked = checkUnitText(textFromOptions(options));
  if (!checked.ok) return fail(checked.error.message);
  const parsed = parseUnitFile(checked.value);
  const expected = inSectionOrder(options);
  const actual = parsed.ok ? unitOptions(parsed.value) : [];
  const index = expected.findIndex((option, at) => !isSame(option, actual[at]));
  const changed = expected[index];
  if (changed !== undefined) {
    const { section, name, value } = changed;
    const shown = printable(`[${section}] ${name}=${value}`);
    const why = parsed.ok ? 'would be read back as something else' : firstMessage(parsed.error);
    return fail(`option "${shown}" cannot stand in a unit file: ${why}`);
  }
  return parsed.ok ? ok(parsed.value) : fail(firstMessage(parsed.error));
}

function inSectionOrder(options: readonly UnitOption[]): readonly UnitOption[] {
  return [...Map.groupBy(options, ({ section }) => section).values()].flat();
}

function isSame(left: UnitOption, right: UnitOption | undefined): boolean {
  if (right === undefined || left.section !== right.section) return false;
  return left.name === right.name && left.value === right.value;
}

function firstMessage(problems: readonly SyntaxProblem[]): string {
  return problems[0]?.message ?? 'it is malformed';
}
