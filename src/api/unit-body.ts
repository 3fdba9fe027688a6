import type { HeldUnit, ReportRow, UnitView } from '../model/catalog.ts';
import { isKnownFinished, isOfThisRun } from '../model/copy.ts';
import type { StateReport } from '../model/report.ts';
import type { UnitRecord } from '../model/unit.ts';
import { parseUnitFile, type UnitOption, unitOptions } from '../unitfile/unit-file.ts';
import type { UnitBody, UnitStateBody, UnitStateWord } from './schema.ts';

/** A unit as the API shows it. Only what concerns its present identity counts. */
export function unitBody({ name, record, text, placement, reports }: UnitView): UnitBody {
  const { global } = record.requirements;
  const decided = !global && placement?.identity === record.identity ? placement : null;
  const own = reports
    .filter(({ report }) => report.identity === record.identity && report.current !== 'gone')
    .map((row) => ({ ...row, report: aboutThisRun(record, row.report) }));
  const machine = decided?.machine ?? null;
  const isWanted = record.desired !== 'inactive';
  // A unit on its way out is as far as the machine that still has it, wherever it was placed.
  const there = isWanted && !global ? own.filter((row) => row.machine === machine) : own;
  return {
    name,
    options: optionsIn(text),
    desiredState: record.desired,
    currentState: furthest(
      record,
      there.map(({ report }) => report),
    ),
    ...(machine === null ? {} : { machineID: machine }),
    text,
    hash: record.unitHash,
    global,
    restartCount: record.restartCount,
    placement:
      decided === null || !isWanted
        ? null
        : {
            sinceMs: decided.sinceMs,
            reason: decided.reason,
            ...(isKnownFinished(record, decided) ? { finished: true as const } : {}),
            ...(decided.heldUntilMs === undefined ? {} : { heldUntilMs: decided.heldUntilMs }),
            objections: decided.objections,
          },
    machines: own.map(machineRow),
  };
}

/** A row of `GET /state`. */
export function unitStateBody({ unit, machine, report }: ReportRow): UnitStateBody {
  return {
    name: unit,
    hash: report.unitHash,
    machineID: machine,
    systemdLoadState: report.load,
    systemdActiveState: report.active,
    systemdSubState: report.sub,
    problem: report.problem,
    ...(report.orphan === undefined ? {} : { orphan: true as const }),
  };
}

/** A unit that runs nowhere for now, as a row of `GET /state`. */
export function heldStateBody(held: HeldUnit, wallMs: number): UnitStateBody {
  const seconds = Math.max(Math.ceil((held.heldUntilMs - wallMs) / 1000), 0);
  return {
    name: held.unit,
    hash: held.unitHash,
    machineID: held.machine,
    systemdLoadState: '',
    systemdActiveState: 'inactive',
    systemdSubState: `hold-${seconds}s`,
    problem: held.reason,
  };
}

/** What is said of an earlier start says nothing of the one that is asked for now. */
function aboutThisRun(record: UnitRecord, report: StateReport): StateReport {
  if (record.desired !== 'launched' || isOfThisRun(record, report)) return report;
  if (report.current === 'refused') return report;
  return { ...report, current: 'loaded', problem: null };
}

/** Every stored text was parsed once; an empty one was not asked for. */
function optionsIn(text: string): readonly UnitOption[] {
  if (text === '') return [];
  const file = parseUnitFile(text);
  return file.ok ? unitOptions(file.value) : [];
}

/** A global unit is as far as the machine that got furthest with it. */
function furthest(record: UnitRecord, reports: readonly StateReport[]): UnitStateWord {
  const started = reports.filter(({ current }) => current === 'launched');
  // While it is to be started once more, having been started before is only being loaded.
  const isAgain = record.desired === 'launched';
  if (started.some((report) => !isAgain || isOfThisRun(record, report))) return 'launched';
  const isLoaded = started.length > 0 || reports.some(({ current }) => current === 'loaded');
  return isLoaded ? 'loaded' : 'inactive';
}

function machineRow({ machine, report }: ReportRow): UnitBody['machines'][number] {
  const { current, active, sub, problem } = report;
  return {
    machineID: machine,
    // `gone` rows were left out before.
    currentState: current === 'gone' ? 'inactive' : current,
    active,
    sub,
    problem,
  };
}
