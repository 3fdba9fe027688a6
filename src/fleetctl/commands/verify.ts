import { fail, ok, type Result } from '../../lib/result.ts';
import { templateOf, type UnitName } from '../../unitfile/unit-name.ts';
import type { Command, Context } from '../command.ts';
import { type KnownUnit, knownUnits } from '../named-units.ts';
import { shortDiff } from '../text-diff.ts';
import {
  checkSource,
  filePathsOf,
  pathBeside,
  readFirstSource,
  type UnitSource,
} from '../unit-source.ts';

/** `fleetctl verify`: is a local file what the cluster has? */
export const verify: Command = {
  name: 'verify',
  summary: 'compare local unit files with the stored units',
  description:
    'Compares local unit files with what the cluster has stored under their names, and shows where ' +
    'they differ. Comments and blank lines do not count. An instance without a file of its own is ' +
    'compared with the file of its template. Ends with 0 only when all are alike.',
  operand: {
    usage: '<unit...>',
    what: 'unit files, or instances of a template file',
    completes: 'units and files',
  },
  flags: [],
  examples: ['fleetctl verify web.service', 'fleetctl verify units/*.service'],
  async run(context, operands) {
    const units = await knownUnits(context, operands);
    let isAlike = true;
    for (const unit of units) {
      const verdict = await compare(unit);
      if (verdict.ok) context.screen.line(verdict.value);
      else tell(context, verdict.error);
      isAlike &&= verdict.ok;
    }
    return isAlike ? 0 : 1;
  },
};

/** Why a unit is not what was expected: lines for stderr, and a diff for stdout. */
interface Difference {
  readonly messages: readonly string[];
  readonly diff: readonly string[];
}

function tell({ screen }: Context, { messages, diff }: Difference): void {
  for (const message of messages) screen.error(message);
  for (const line of diff) screen.line(line);
}

async function compare({ name, body, argument }: KnownUnit): Promise<Result<string, Difference>> {
  const source = await localSource(argument, name);
  if (!source.ok) return fail({ messages: source.error, diff: [] });
  const { origin, text } = source.value;
  const checked = checkSource(source.value, name);
  if (checked.ok && checked.value.hash === body.hash) {
    const isSame = text === body.text;
    return ok(`Unit ${name} matches ${origin}${isSame ? '' : ', but for comments or blank lines'}`);
  }
  return fail({
    messages: [
      `${name} in the cluster differs from ${origin}`,
      ...(checked.ok ? [] : checked.error),
    ],
    diff: [`--- ${name} in the cluster`, `+++ ${origin}`, ...shortDiff(body.text, text)],
  });
}

async function localSource(
  argument: string,
  name: UnitName,
): Promise<Result<UnitSource, readonly string[]>> {
  const template = templateOf(name);
  const beside = template === null ? [] : [pathBeside(argument, template)];
  const found = await readFirstSource([...filePathsOf(argument, name), ...beside]);
  if (!found.ok) return found;
  return found.value === null ? fail([`there is no file ${argument} to compare`]) : ok(found.value);
}
