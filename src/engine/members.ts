import { byText } from '../lib/order.ts';
import type { Decision } from '../model/change.ts';
import { type MachineId, shortId } from '../model/ids.ts';
import type { Machine, Member } from '../model/machine.ts';
import type { Draft } from './draft.ts';

/** Records which of these machines are seen first, have changed, vanished or returned. */
export function memberDecisions(draft: Draft, machines: Iterable<MachineId>): Decision[] {
  const { picture, nowMs } = draft;
  const ids = [...new Set(machines)].sort(byText);
  const seen = ids.flatMap((id) => {
    const machine = picture.machines.get(id);
    if (machine === undefined || picture.unreadableMembers?.has(id)) return [];
    const member = picture.members.get(id);
    const next = memberFor(machine, member, nowMs);
    return member !== undefined && isSameMember(member, next)
      ? []
      : [decision(next, seenWords(member, next))];
  });
  const vanished = ids.flatMap((id) => {
    const member = picture.members.get(id);
    if (member === undefined) return [];
    const isPresent = picture.machines.has(id) || draft.awaited.has(id);
    const isKnown = member.vanishedMs !== null || isPresent;
    return isKnown ? [] : [decision({ ...member, vanishedMs: nowMs }, 'vanished')];
  });
  return [...seen, ...vanished];
}

/** The machines that these decisions record anew. */
export function membersIn(decisions: readonly Decision[]): Set<MachineId> {
  const changes = decisions.flatMap((one) => one.changes);
  return new Set(changes.flatMap((one) => (one.kind === 'member' ? [one.member.id] : [])));
}

function memberFor(machine: Machine, member: Member | undefined, nowMs: number): Member {
  return {
    id: machine.id,
    bootId: machine.bootId,
    address: machine.address,
    version: machine.version,
    firstSeenMs: member?.firstSeenMs ?? nowMs,
    leaving: machine.leaving,
    vanishedMs: null,
    ...(machine.formatMax === undefined ? {} : { formatMax: machine.formatMax }),
  };
}

function seenWords(member: Member | undefined, next: Member): string {
  if (member === undefined) return 'joined';
  if (next.leaving && !member.leaving) return 'shuts down';
  return member.vanishedMs === null ? 'changed' : 'returned';
}

function decision(member: Member, event: string): Decision {
  return {
    subject: member.id,
    reason: `machine ${shortId(member.id)} ${event}`,
    changes: [{ kind: 'member', member }],
  };
}

function isSameMember(one: Member, other: Member): boolean {
  return (
    one.bootId === other.bootId &&
    one.address === other.address &&
    one.version === other.version &&
    one.leaving === other.leaving &&
    one.vanishedMs === other.vanishedMs &&
    one.formatMax === other.formatMax
  );
}
