import { lstat, mkdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FleetError } from '../lib/error.ts';
import { refuseLinks } from './read-machine.ts';
import type { RunCommand } from './run-command.ts';
import { diskFailed, placeFile, type StagedFile, stageFile, unstage } from './staged-files.ts';
import type { Change, FileStep, LinkStep, RunStep, Step, UnmaskStep } from './step.ts';

/** Where and how steps are done. */
export interface Execution {
  /** `/`, or a folder that stands for it. */
  readonly root: string;
  readonly run: RunCommand;
  /** `run` only shows the commands, so that they are given the paths of the machine meant. */
  readonly isShown: boolean;
  /** Is told each change. */
  readonly say: (line: string) => void;
}

/** What could not be done; nothing when all is well. */
export type Failures = readonly string[];

/**
 * Does the steps of a plan. All files are written beside their places first: when one cannot be,
 * nothing is changed and a FleetError `disk/failed` is thrown. After that a step that others
 * depend on ends the work when it fails; what is independent goes on.
 */
export async function executeSteps(
  steps: readonly Step[],
  execution: Execution,
): Promise<Failures> {
  const staged = await stageAll(steps, execution.root);
  const work: Work = { ...execution, staged, changed: new Set(), failures: [] };
  try {
    for (const [index, step] of steps.entries()) {
      if (await mayGoOn(work, step)) continue;
      const left = steps.length - index - 1;
      return [...work.failures, `ended there: ${left} of ${steps.length} steps were not begun`];
    }
    return work.failures;
  } finally {
    // Of what was put in its place, there is no temporary file any more.
    for (const file of staged.values()) await unstage(file);
  }
}

interface Work extends Execution {
  readonly staged: ReadonlyMap<FileStep, StagedFile>;
  readonly changed: Set<Change>;
  readonly failures: string[];
}

/** Not those in homes: these are made by a step before them. */
async function stageAll(
  steps: readonly Step[],
  root: string,
): Promise<ReadonlyMap<FileStep, StagedFile>> {
  const staged = new Map<FileStep, StagedFile>();
  try {
    for (const step of steps) {
      if (step.kind === 'file' && !step.isLate) staged.set(step, await stageFile(root, step));
    }
    return staged;
  } catch (error) {
    for (const file of [...staged.values()].toReversed()) await unstage(file);
    throw error;
  }
}

/** Whether what comes after a step may be done; tells of what went wrong. */
async function mayGoOn(work: Work, step: Step): Promise<boolean> {
  try {
    return await executeStep(work, step);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    work.failures.push(error.message);
    return false;
  }
}

async function executeStep(work: Work, step: Step): Promise<boolean> {
  switch (step.kind) {
    case 'file':
      return writeStep(work, step);
    case 'link':
      await linkStep(work, step);
      return true;
    case 'unmask':
      await unmaskStep(work, step);
      return true;
    case 'run':
      return runStep(work, step);
  }
}

async function writeStep(work: Work, step: FileStep): Promise<boolean> {
  const { root, staged, changed, say } = work;
  if (step.isInHome) await refuseLinks(root, step.path);
  const file = staged.get(step) ?? (await stageFile(root, step));
  if (!(await isGivenToOwner(work, step, file))) {
    await unstage(file);
    return false;
  }
  if (file.temporary === null) return true;
  await placeFile(file);
  if (step.change !== null) changed.add(step.change);
  say(`wrote ${step.path} (${step.reason})`);
  return true;
}

/** Before it is put in its place: whoever reads it there finds it as it is to be. */
async function isGivenToOwner(work: Work, step: FileStep, file: StagedFile): Promise<boolean> {
  if (step.owner === null) return true;
  const folders = step.isInHome && file.madeFolder !== null ? [dirname(file.target)] : [];
  const real = [...folders, file.temporary ?? file.target];
  const paths = work.isShown
    ? [...(folders.length > 0 ? [dirname(step.path)] : []), step.path]
    : real;
  const why = await work.run(['chown', '--no-dereference', step.owner, '--', ...paths], null);
  if (why !== null) work.failures.push(`could not give ${step.path} to ${step.owner}: ${why}`);
  return why === null;
}

async function linkStep({ root, changed, say }: Work, step: LinkStep): Promise<void> {
  const { path, target, change, reason } = step;
  const place = join(root, path);
  const before = await readlink(place).catch(() => null);
  if (before === target) return;
  try {
    const temporary = join(dirname(place), `.fleet-cloudinit~${process.pid}`);
    await rm(temporary, { force: true });
    await mkdir(dirname(place), { recursive: true });
    await symlink(target, temporary);
    await rename(temporary, place);
  } catch (error) {
    throw diskFailed(`could not link ${path} to ${target}`, error);
  }
  if (change !== null) changed.add(change);
  say(`linked ${path} to ${target} (${reason})`);
}

async function unmaskStep({ root, changed, say }: Work, step: UnmaskStep): Promise<void> {
  const place = join(root, step.path);
  const own = await lstat(place).catch(() => null);
  if (own === null) return;
  const target = own.isSymbolicLink() ? await readlink(place) : null;
  const isEmpty = own.isFile() && (await stat(place)).size === 0;
  if (target !== '/dev/null' && !isEmpty) return;
  await rm(place);
  changed.add('units');
  say(`removed ${step.path}, a mask (${step.reason})`);
}

async function runStep({ changed, failures, run, say }: Work, step: RunStep): Promise<boolean> {
  if (step.when !== 'always' && !changed.has(step.when)) return true;
  const why = await run(step.argv, step.input);
  if (why === null) {
    say(`ran ${step.argv.join(' ')} (${step.reason})`);
    return true;
  }
  failures.push(`${step.argv.join(' ')}: ${why}`);
  return step.onFailure === 'go-on';
}
