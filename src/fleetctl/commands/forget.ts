import type { MemberBody } from '../../api/schema.ts';
import { rest } from '../../lib/clock.ts';
import type { Command, Context } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { limits } from '../limits.ts';

/** `fleetctl forget`: a machine is away for good. */
export const forget: Command = {
  name: 'forget',
  summary: 'forget a machine that is away for good',
  description:
    'Forgets a machine that is away and will not come back: what it was ordered to run, and the ' +
    'metadata that was set for it at run time. Units that waited only for it wait no more. ' +
    'Should it come back after all, it joins as a new machine, and what still runs there is ' +
    'stopped by nobody. list-machines --all shows the machines that are away.',
  operand: {
    usage: '<machine>',
    what: 'its id, or the beginning of it',
    completes: 'machines away',
  },
  flags: [],
  examples: ['fleetctl forget 2f7e1a90'],
  async run(context, [text = '']) {
    const client = context.client();
    const { id } = memberNamed(text, await client.listMembers());
    // One that fell silent a moment ago is written down as away first.
    await cameTrue(context, (members) => members.some((one) => one.id === id && isNoted(one)));
    await client.forgetMember(id);
    if (await cameTrue(context, (members) => members.every((one) => one.id !== id))) {
      context.screen.line(`Forgot ${id}`);
      return 0;
    }
    throw new CommandError(`${id} is to be forgotten, but no leader has done it yet`, {
      hint: 'fleetctl list-machines --all shows when it is gone',
    });
  },
};

/** The member that a text names. Throws CommandError when it names none, several, or one present. */
export function memberNamed(text: string, members: readonly MemberBody[]): MemberBody {
  const prefix = text.replace(/\.\.\.(\/.*)?$/, '').toLowerCase(); // as tables show it, too
  const found = prefix === '' ? [] : members.filter(({ id }) => id.startsWith(prefix));
  const [member, ...others] = found;
  if (member === undefined) {
    throw new CommandError(`there is no machine ${text}`, {
      hint: 'fleetctl list-machines --all --full shows the ids of all that are known',
    });
  }
  if (others.length > 0) {
    throw new CommandError(`${text} may be ${found.map(({ id }) => id).join(' or ')}`, {
      hint: 'give more of its id',
    });
  }
  if (!member.present) return member;
  throw new CommandError(`${member.id} is there; only a machine away for good can be forgotten`, {
    hint: 'turn it off first; fleetctl list-machines shows those that are there',
  });
}

function isNoted({ present, awaySinceMs }: MemberBody): boolean {
  return present || awaySinceMs !== null;
}

/** Looks until it is so; false when it took too long. */
async function cameTrue(
  context: Context,
  isSo: (members: readonly MemberBody[]) => boolean,
): Promise<boolean> {
  const endMs = context.clock.nowMs() + limits.forgetMsMax;
  for (
    let pauseMs: number = limits.lookFirstMs;
    ;
    pauseMs = Math.min(2 * pauseMs, limits.lookMaxMs)
  ) {
    const members = await context.client().listMembers();
    if (isSo(members)) return true;
    if (context.clock.nowMs() >= endMs) return false;
    await rest(pauseMs, context.clock, new AbortController().signal);
  }
}
