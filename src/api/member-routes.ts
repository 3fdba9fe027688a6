import type { MachineId } from '../model/ids.ts';
import type { MemberView, Roster } from '../model/roster.ts';
import { printable } from '../unitfile/problem.ts';
import { type Answer, refused } from './answer.ts';
import { apiLimits } from './limits.ts';
import { nextPage, type Query, readPageQuery } from './page-query.ts';
import type { MemberBody, MemberPageBody } from './schema.ts';

/** `GET /members`: every machine ever seen and not forgotten. */
export async function listMembers(
  roster: Roster,
  request: { readonly query: Query; readonly limitDefaultCount: number },
  signal: AbortSignal,
): Promise<Answer> {
  const asked = readPageQuery(request.query, 'members', request.limitDefaultCount);
  if (!asked.ok) return refused(asked.error);
  const page = await roster.readMembers(asked.value, signal);
  const body: MemberPageBody = {
    members: page.items.map(memberBody),
    ...nextPage(page, 'members', asked.value.limitCount),
  };
  return { status: 200, body };
}

/** `DELETE /members/ID`: forgets a machine that is away for good. */
export async function forgetMember(
  roster: Roster,
  id: string,
  signal: AbortSignal,
): Promise<Answer> {
  if (!/^[0-9a-f]{32}$/.test(id)) {
    const shown = printable(id, apiLimits.echoLengthMax);
    const hint = 'give all 32 digits, as GET /members does';
    return refused({ status: 400, message: `"${shown}" is not a machine id`, hint });
  }
  const outcome = await roster.forget(id as MachineId, signal);
  if (outcome === 'asked') return { status: 204, body: null };
  if (outcome === 'unknown') {
    const hint = 'GET /members lists the machines that are known';
    return refused({ status: 404, message: `there is no machine ${id}`, hint });
  }
  if (outcome === 'unnoted') {
    const message = `machine ${id} is silent, but no leader has taken note of that yet`;
    const hint = 'it may be back in a moment; if it is not, try again';
    return refused({ status: 409, message, hint });
  }
  return refused({
    status: 409,
    message: `machine ${id} is there; only one that is away for good can be forgotten`,
    hint: 'turn it off, wait until list-machines does not show it any more, then try again',
  });
}

/** `DELETE /brake`: what waits for it moves now. */
export async function endBrake(roster: Roster, signal: AbortSignal): Promise<Answer> {
  if ((await roster.endBrake(signal)) === 'asked') return { status: 204, body: null };
  const hint = 'nothing is held back; GET /notices says when something is';
  return refused({ status: 404, message: 'the brake is not on', hint });
}

function memberBody({ id, machine, member }: MemberView): MemberBody {
  return {
    id,
    primaryIP: machine?.address ?? member?.address ?? null,
    version: machine?.version ?? member?.version ?? null,
    present: machine !== null,
    left: machine === null ? (member?.leaving ?? null) : null,
    firstSeenMs: member?.firstSeenMs ?? null,
    awaySinceMs: machine === null ? (member?.vanishedMs ?? null) : null,
  };
}
