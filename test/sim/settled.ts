import { deadlineUnit, isolatedUnit } from '../../src/agent/guard-units.ts';
import { decodeLoaded, decodeReceipt } from '../../src/agent/records.ts';
import { orphansOn, whyBarred } from '../../src/engine/orphans.ts';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import { orphanPeer, peerOf } from '../../src/model/conflict.ts';
import { isKnownFinished } from '../../src/model/copy.ts';
import type { Machine } from '../../src/model/machine.ts';
import { mayRun, orphanMark } from '../../src/model/orphan.ts';
import { placingRules, whyNot } from '../../src/model/rules.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import { matchesGlob } from '../../src/unitfile/glob.ts';
import { contentHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import type { Computer } from './computer.ts';
import { unitsFolder } from './fleetd.ts';
import { runtimeFolder } from './sim-systemd.ts';

/** What is still wrong with a cluster that was left alone; nothing when it has settled. */
export function whyUnsettled(picture: ClusterPicture, core: readonly Computer[]): string[] {
  return [
    ...machineProblems(picture, core),
    ...[...picture.units].flatMap(([unit, record]) => unitProblems(picture, core, unit, record)),
    ...core.flatMap((computer) => leftovers(picture, computer)),
    ...storeProblems(picture, core),
  ];
}

function machineProblems(picture: ClusterPicture, core: readonly Computer[]): string[] {
  const ids = new Set(core.map(({ id }) => id));
  return [
    ...core.filter(({ id }) => !picture.machines.has(id)).map(({ id }) => `${id} is not present`),
    ...[...picture.machines.keys()].filter((id) => !ids.has(id)).map((id) => `${id} is present`),
  ];
}

function unitProblems(
  picture: ClusterPicture,
  core: readonly Computer[],
  unit: UnitName,
  record: UnitRecord,
): string[] {
  if (record.gone) {
    const isHeld = [...picture.orders].some(
      ([machine, orders]) => orders.has(unit) && !picture.machines.has(machine),
    );
    return isHeld ? [] : [`${unit} is destroyed and still stored`];
  }
  const seats = core.filter(({ id }) => isSeat(picture, unit, record, id));
  const elsewhere = core.filter((computer) => !seats.includes(computer));
  return [
    ...(record.desired === 'inactive' ? [] : placeProblems(picture, unit, record, seats.length)),
    ...seats.flatMap((computer) => {
      const isDone = isKnownFinished(record, picture.placements.get(unit) ?? null);
      return copyProblems(computer, unit, { record, isDone });
    }),
    ...elsewhere
      .filter(({ systemd, id }) => systemd.running().has(unit) && !isOrphan(picture, id, unit))
      .map(({ id }) => `${unit} runs on ${id}, where it does not belong`),
  ];
}

function isSeat(
  picture: ClusterPicture,
  unit: UnitName,
  record: UnitRecord,
  machine: Machine['id'],
): boolean {
  if (record.desired === 'inactive') return false;
  if (!record.requirements.global) return picture.placements.get(unit)?.machine === machine;
  return whyNotOn(picture, unit, record, machine) === null;
}

/** It belongs somewhere, or fits nowhere. */
function placeProblems(
  picture: ClusterPicture,
  unit: UnitName,
  record: UnitRecord,
  seatCount: number,
): string[] {
  const placement = picture.placements.get(unit);
  if (record.requirements.global || seatCount === 1) return [];
  // One that ended well stays where it was, though its machine is gone: it is not run again.
  if (isKnownFinished(record, placement ?? null)) return [];
  const fitting = [...picture.machines.keys()].filter(
    (machine) => whyNotOn(picture, unit, record, machine) === null,
  );
  if (fitting.length > 0) {
    return [`${unit} is on ${placement?.machine ?? 'no machine'}, it fits on ${fitting.join()}`];
  }
  const isTold = (placement?.machine ?? null) !== null || (placement?.objections.length ?? 0) > 0;
  return isTold ? [] : [`${unit} runs nowhere and nothing says why`];
}

/** What speaks against a unit on a machine, by the rules of the model and all other placements. */
function whyNotOn(
  picture: ClusterPicture,
  unit: UnitName,
  record: UnitRecord,
  id: Machine['id'],
): string | null {
  const machine = picture.machines.get(id);
  if (machine === undefined) return 'away';
  const refused = picture.reports.get(id)?.get(unit);
  if (record.requirements.global && refused?.current === 'refused') return 'refused';
  const peers = [...picture.units]
    .filter(([other, its]) => other !== unit && !its.gone && its.desired !== 'inactive')
    .filter(([other, its]) =>
      its.requirements.global
        ? isOrdered(picture, id, other) && !record.requirements.global
        : picture.placements.get(other)?.machine === id,
    )
    .map(([other, its]) => peerOf(other, its.requirements));
  const orphans = [...orphansOn(picture, id)]
    .filter(([, report]) => mayRun(report))
    .map(([name, report]) => orphanPeer(name, report.orphan?.avoids ?? []));
  const placeOf = (target: UnitName) => {
    const its = picture.units.get(target);
    const place = picture.placements.get(target)?.machine ?? null;
    const isPlaced = its !== undefined && !its.gone && its.desired !== 'inactive';
    if (!isPlaced || its.requirements.global || place === null) {
      return { kind: 'nowhere' as const, why: `${target} runs nowhere` };
    }
    return { kind: 'on' as const, machine: place };
  };
  const applicant = {
    ...{ peer: peerOf(unit, record.requirements), requirements: record.requirements, placeOf },
    refusals: picture.placements.get(unit)?.refusals ?? [],
    whyBarred: (where: Machine['id']) => whyBarred(picture, where, unit, picture.reports.keys()),
    matches: matchesGlob,
  };
  return whyNot(placingRules, applicant, { machine, peers: [...peers, ...orphans] });
}

function isOrdered(picture: ClusterPicture, machine: Machine['id'], unit: UnitName): boolean {
  const want = picture.orders.get(machine)?.get(unit)?.want;
  return want !== undefined && want !== 'gone';
}

/** It runs without an order, and its machine says so. */
function isOrphan(picture: ClusterPicture, machine: Machine['id'], unit: UnitName): boolean {
  const report = picture.reports.get(machine)?.get(unit);
  return orphanMark(report, picture.orders.get(machine)?.get(unit)) !== null;
}

/** One copy where it belongs: its text on disk, started once, not running from anything else. */
function copyProblems(
  computer: Computer,
  unit: UnitName,
  { record, isDone }: { readonly record: UnitRecord; readonly isDone: boolean },
): string[] {
  const { disk, systemd, id } = computer;
  const where = `${unit} on ${id}`;
  const text = disk.text(`${unitsFolder}/${unit}`);
  const { load } = systemd.status(unit);
  if (text === null || contentHash(text) !== record.contentHash) {
    return [`${where} has not its text on disk`];
  }
  if (load !== 'loaded') return [`${where} is ${load} to systemd`];
  const loaded = decodeLoaded(disk.text(`/run/fleet/loaded/${unit}.json`) ?? '');
  if (loaded?.identity !== record.identity) return [`${where} is remembered as another one`];
  const running = systemd.running().get(unit);
  const receipt = decodeReceipt(disk.text(`/run/fleet/receipts/${unit}.json`) ?? '');
  // A running orphan that is only loaded is taken over as it is: nobody asked to stop it.
  const isAdopted = receipt !== null && receipt.identity !== record.identity;
  if (record.desired === 'loaded') {
    return running === undefined || isAdopted ? [] : [`${where} runs`];
  }
  // After a reboot nothing here tells of a run that has ended well; the store does.
  if (isDone && running === undefined) return [];
  if (receipt?.identity !== record.identity || receipt.bootId !== computer.bootId) {
    return [`${where} was not started`];
  }
  if (running === undefined || stripped(running) === stripped(text)) return [];
  return [`${where} runs an old text`];
}

/** A text without its comments: the others are what restarts a unit. */
function stripped(text: string): string {
  return text.replaceAll(/^#.*\n/gm, '');
}

/** What is on a machine though nothing of the cluster wants it there. */
function leftovers(picture: ClusterPicture, { id, disk, systemd }: Computer): string[] {
  const wanted = new Set<string>(
    [...(picture.orders.get(id) ?? [])]
      .filter(([, { want }]) => want !== 'gone')
      .map(([name]) => name),
  );
  const orders = [...(picture.orders.get(id)?.values() ?? [])];
  if (orders.some(({ guard, want }) => guard !== undefined && want !== 'gone')) {
    for (const name of [deadlineUnit, isolatedUnit]) wanted.add(name);
  }
  for (const unit of picture.reports.get(id)?.keys() ?? []) {
    if (!isOrphan(picture, id, unit)) continue;
    wanted.add(unit);
    const isGuarded = disk.text(`${unitsFolder}/${unit}`)?.includes('OnPartition=stop') === true;
    for (const name of isGuarded ? [deadlineUnit, isolatedUnit] : []) wanted.add(name);
  }
  const stem = (name: string): string => name.replace(/(\.json|\.d)$/, '');
  const folders = [unitsFolder, '/run/fleet/loaded', '/run/fleet/receipts', runtimeFolder];
  return [
    ...folders.flatMap((folder) =>
      disk
        .names(folder)
        .filter((name) => !wanted.has(stem(name)))
        .map((name) => `${folder}/${name} is left on ${id}`),
    ),
    ...systemd
      .heldNames()
      .filter((name) => !wanted.has(name))
      .map((name) => `systemd of ${id} still holds ${name}`),
  ];
}

function storeProblems(picture: ClusterPicture, core: readonly Computer[]): string[] {
  const ids = new Set<string>(core.map(({ id }) => id));
  const referred = new Set<string>([...picture.units.values()].map((one) => one.contentHash));
  for (const orders of picture.orders.values()) {
    for (const order of orders.values()) referred.add(order.contentHash);
  }
  const orders = [...picture.orders].flatMap(([machine, own]) =>
    [...own]
      .filter(([, { want }]) => ids.has(machine) && (want === 'gone' || want === 'retire'))
      .map(([unit, { want }]) => `${unit} is still ordered ${want} on ${machine}`),
  );
  const reports = [...picture.reports].flatMap(([machine, own]) =>
    [...own]
      .filter(
        ([unit]) => !picture.orders.get(machine)?.has(unit) && !isOrphan(picture, machine, unit),
      )
      .map(([unit]) => `${machine} still reports ${unit}`),
  );
  const removals = [...picture.removals].flatMap(([machine, own]) =>
    [...own.keys()]
      .filter(() => ids.has(machine))
      .map((unit) => `the orphan ${unit} is still to be removed from ${machine}`),
  );
  const texts = [...picture.texts.keys()].filter((text) => !referred.has(text));
  return [
    ...orders,
    ...reports,
    ...removals,
    ...texts.map((text) => `text ${text.slice(0, 7)} is still stored`),
  ];
}
