import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { MachineId } from '../model/ids.ts';
import { limits } from './limits.ts';
import type { PlanTime } from './plan-time.ts';

/** Machines that may only be about to return, and for how long yet that is so, ms. */
export type Awaited = ReadonlyMap<MachineId, number>;

/**
 * All that nobody has recorded as vanished, while the leader does not know for how long they have
 * been absent: the store was away, or it was, and their leases may have run out meanwhile.
 */
export function unseenMachines(
  picture: ClusterPicture,
  away: Iterable<MachineId>,
  { nowMs, absenceCountsAtMs }: PlanTime,
): Awaited {
  const leftMs = absenceCountsAtMs - nowMs;
  return new Map(leftMs > 0 ? absentees(picture, away).map((id) => [id, leftMs]) : []);
}

/**
 * Those, or who vanished just now. An etcd that led, stood still and goes on ends leases that were
 * renewed elsewhere meanwhile (etcd-io/etcd#15247). Their machines see it and join again at once;
 * several need the same etcd for it, all in one moment.
 */
export function awaitedMachines(
  picture: ClusterPicture,
  away: Iterable<MachineId>,
  time: PlanTime,
  ttlMs: number,
): Awaited {
  if (time.nowMs < time.absenceCountsAtMs) return unseenMachines(picture, away, time);
  const absent = absentees(picture, away);
  const within = (ttlShare: number): [MachineId, number][] => {
    const graceMs = Math.min(ttlMs * ttlShare, limits.returnMsMax);
    return absent
      .map((id): [MachineId, number] => [id, graceMs - time.absentForMs(id)])
      .filter(([, leftMs]) => leftMs > 0);
  };
  const together = within(limits.returnTogetherTtlShare);
  return new Map(together.length > 1 ? together : within(limits.returnTtlShare));
}

/** Machines that were present when a leader last looked, did not say that they leave, and are gone. */
function absentees(picture: ClusterPicture, away: Iterable<MachineId>): MachineId[] {
  return [...away].filter((id) => {
    const member = picture.members.get(id);
    return member?.vanishedMs === null && !member.leaving;
  });
}
