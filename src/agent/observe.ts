import type { UnitIdentity } from '../model/ids.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { DiskUnit } from './files.ts';
import type { UnitStatus } from './systemd.ts';

/**
 * Who a unit name belongs to on this machine: `nobody` (systemd does not know it), `fleet` (systemd
 * has it from our file), or somebody else, whom we never touch.
 */
export type Owner =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'fleet' }
  | { readonly kind: 'other'; readonly where: string };

/** One unit as it stands: what is on disk and what systemd says. */
export interface ActualUnit {
  readonly name: UnitName;
  readonly disk: DiskUnit;
  readonly status: UnitStatus;
  readonly owner: Owner;
  /** A job of ours that has not ended yet. */
  readonly busy: 'start' | 'stop' | null;
}

/** What is known about one name, before it is put together. */
export interface Observation {
  readonly disk: DiskUnit;
  readonly status: UnitStatus;
}

/** Puts together what is known. `isOurPath`: whether a FragmentPath is where our file would be. */
export function observe(
  name: UnitName,
  observation: Observation,
  context: { readonly isOurPath: boolean; readonly busy: 'start' | 'stop' | null },
): ActualUnit {
  const { disk, status } = observation;
  const owner = ownerOf(name, observation, context.isOurPath);
  return { name, disk, status, owner, busy: context.busy };
}

function ownerOf(name: UnitName, { disk, status }: Observation, isOurPath: boolean): Owner {
  if (status.fragmentPath !== '' && !isOurPath) return other(status.fragmentPath);
  // LinkUnitFiles would replace what somebody else has put there.
  if (disk.link === 'foreign') return other("another file among systemd's run-time units");
  if (status.fragmentPath !== '') return { kind: 'fleet' };
  if (isWithoutFile(name, status) && (disk.link === 'ours' || status.active === 'inactive')) {
    return { kind: disk.link === 'ours' ? 'fleet' : 'nobody' };
  }
  if (status.load !== 'not-found') {
    return other(status.loadError || `systemd itself (LoadState ${status.load})`);
  }
  if (status.active === 'inactive' || status.active === 'failed') return { kind: 'nobody' };
  // It runs, and its file is gone: ours only if we remember having written it.
  return disk.loaded === null ? other('a running unit whose file is gone') : { kind: 'fleet' };
}

/** systemd makes up a slice that nobody has written a file for as soon as it is asked about it. */
function isWithoutFile(name: UnitName, { load, fragmentPath }: UnitStatus): boolean {
  return name.endsWith('.slice') && load === 'loaded' && fragmentPath === '';
}

function other(where: string): Owner {
  return { kind: 'other', where };
}

/** Whether a process of the unit may exist, or a job may be about to make one. */
export function isUp(actual: ActualUnit): boolean {
  return actual.status.active !== 'inactive' && actual.status.active !== 'failed';
}

/** systemd has read our file and cannot use it: `bad-setting`, `error` and the like. */
export function isUnloadable(actual: ActualUnit): boolean {
  const { load } = actual.status;
  return actual.owner.kind === 'fleet' && load !== 'loaded' && load !== 'not-found';
}

/**
 * systemd holds another text in memory than the one on disk, or has not seen our link. Units that
 * it cannot load always look stale to it, and no reload changes that.
 */
export function isStale(actual: ActualUnit): boolean {
  if (actual.owner.kind === 'other' || isUnloadable(actual)) return false;
  const { disk, status } = actual;
  const isUnseen = status.load === 'not-found' || isWithoutFile(actual.name, status);
  return status.needReload || (disk.link === 'ours' && isUnseen);
}

/** What is here belongs to another submission than that one, as an orphan may. */
export function isOfAnother({ disk, busy }: ActualUnit, identity: UnitIdentity): boolean {
  const { loaded, contentHash } = disk;
  const isDescribed = loaded !== null && loaded.contentHash === contentHash;
  return busy === null && isDescribed && loaded.identity !== identity;
}

/** Nothing of ours is left of the unit: no file, and nothing in systemd's memory. */
export function isGone(actual: ActualUnit): boolean {
  const { disk } = actual;
  const isOnDisk = disk.contentHash !== null || disk.link === 'ours' || disk.loaded !== null;
  return (
    actual.busy === null &&
    !isOnDisk &&
    disk.receipt === null &&
    disk.install === 'none' &&
    actual.owner.kind !== 'fleet'
  );
}
