import { parseBoolean } from './boolean.ts';
import { unitFileLimits } from './limits.ts';
import { printable, type RequirementProblem } from './problem.ts';
import { type Given, problemWith } from './requirement-values.ts';
import { parseTimeSpanMs } from './time-span.ts';
import { optionValues, type UnitFile } from './unit-file.ts';
import { type UnitName, unitNameParts } from './unit-name.ts';

/** `OnPartition=stop`: a machine that is cut off stops it, so that it never runs on two machines. */
export interface PartitionStop {
  /** How long each step of its stop may take: `TimeoutStopSec=`, or `TimeoutAbortSec=` if longer. */
  readonly stopTimeoutMs: number;
}

/** A drop-in folder is named after its unit, and a file name may have 255 bytes. */
const nameLengthMax = 255 - '.d'.length;

/** Why a value of `OnPartition=` is none; null when it is one. */
export function objectionToOnPartition(text: string): string | null {
  return text === 'keep' || text === 'stop' ? null : 'not keep or stop; write one of them';
}

/** What `OnPartition=stop` asks for; null with `keep`, and for a unit that has to be refused. */
export function partitionStop(file: UnitFile, given: Given | undefined): PartitionStop | null {
  if (given?.text !== 'stop') return null;
  const stopMs = timeoutMs(file, ['TimeoutStopSec', 'TimeoutSec']);
  const abortMs = timeoutMs(file, ['TimeoutAbortSec']);
  if (typeof stopMs !== 'number') return null;
  const longestMs = typeof abortMs === 'number' ? Math.max(stopMs, abortMs) : stopMs;
  return { stopTimeoutMs: Math.ceil(longestMs) };
}

/** A unit whose stop may take for ever, or that systemd does not stop at all, cannot keep it. */
export function refusedOnPartition(
  file: UnitFile,
  name: UnitName,
  given: Given | undefined,
): readonly RequirementProblem[] {
  if (given?.text !== 'stop') return [];
  const { type } = unitNameParts(name);
  const problem = (message: string): RequirementProblem => problemWith(given, message);
  if (type !== 'service') {
    const what = `a ${type} unit cannot be stopped by a deadline, only a service can`;
    return [problem(`${what}; remove the line, and write it into the service`)];
  }
  const problems = [...timeoutProblems(file), ...killProblems(file)];
  if (name.length > nameLengthMax) {
    problems.push(`names over ${nameLengthMax} characters have no drop-in; choose a shorter name`);
  }
  return problems.map(problem);
}

const seconds = unitFileLimits.stopTimeoutMsMax / 1000;
const addLine = 'add to [Service] the line TimeoutStopSec=10';

function timeoutProblems(file: UnitFile): string[] {
  const given = timeoutMs(file, ['TimeoutStopSec', 'TimeoutSec']);
  const bounds = `TimeoutStopSec= must be given, and at most ${seconds} s`;
  const isGood = (ms: number): boolean => ms > 0 && ms <= unitFileLimits.stopTimeoutMsMax;
  const problems: string[] = [];
  if (given === null) problems.push(`${bounds}; ${addLine}`);
  else if (typeof given === 'string')
    problems.push(`TimeoutStopSec=${printable(given)} is no time; ${addLine}`);
  else if (!isGood(given)) problems.push(`${bounds}, it is ${words(given)}; ${addLine}`);
  const abort = timeoutMs(file, ['TimeoutAbortSec']);
  if (typeof abort === 'string' || (typeof abort === 'number' && !isGood(abort))) {
    const what = `TimeoutAbortSec= may be at most ${seconds} s`;
    problems.push(`${what}; add to [Service] the line TimeoutAbortSec=10`);
  }
  return problems;
}

function killProblems(file: UnitFile): string[] {
  const problems: string[] = [];
  const sends = optionValues(file, 'Service', 'SendSIGKILL').at(-1);
  if (sends !== undefined && sends !== '' && parseBoolean(sends) !== true) {
    const what = `with SendSIGKILL=${printable(sends)} its stop may never end`;
    problems.push(`${what}; add to [Service] the line SendSIGKILL=yes, or remove that one`);
  }
  const mode = optionValues(file, 'Service', 'KillMode').at(-1) ?? '';
  if (mode !== '' && mode !== 'control-group' && mode !== 'mixed') {
    const what = `with KillMode=${printable(mode)} processes of it may outlive its stop`;
    problems.push(`${what}; add to [Service] the line KillMode=control-group, or remove that one`);
  }
  return problems;
}

/** The last of these options, in ms; its text when it is no time span; null when none is given. */
function timeoutMs(file: UnitFile, names: readonly string[]): number | string | null {
  const given = file.entries.flatMap((entry) => {
    const isOne = entry.kind === 'assignment' && entry.section === 'Service';
    return isOne && names.includes(entry.name) ? [entry.value] : [];
  });
  const text = given.at(-1);
  if (text === undefined || text === '') return null;
  return parseTimeSpanMs(text) ?? text;
}

function words(ms: number): string {
  return ms === 0 || ms === Number.POSITIVE_INFINITY ? 'without end' : `${ms / 1000} s`;
}
