import { existsSync, readFileSync } from 'node:fs';
import { fail, ok, type Result } from '../lib/result.ts';
import { runInside } from './exec.ts';
import type { LabContext } from './lab.ts';
import { initOf, initStarted } from './machine-process.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { labFailed } from './trouble.ts';
import { until } from './until.ts';

const limits = { appliedMs: 180_000, wordsMax: 12 } as const;

/** What cloud-init does in each of its stages, for whoever waits. */
const stageWords: Readonly<Record<string, string>> = {
  'init-local': 'looks for its user-data',
  init: 'writes files, makes users',
  'modules-config': 'configures the system',
  'modules-final': 'installs packages, runs commands',
};

/**
 * Waits until cloud-init has applied a machine's user-data, and says how far it is. Throws
 * `lab/failed` with the last words of what it ran when that failed.
 */
export async function cloudConfigApplied(
  context: LabContext,
  record: LabRecord,
  machine: MachineRecord,
): Promise<void> {
  const { say, signal } = context;
  await initStarted(record, machine, signal);
  let told: string | null = null;
  const wait = { what: `${machine.name}: cloud-init`, timeoutMs: limits.appliedMs };
  const errors = await until({ ...wait, ...(signal && { signal }) }, () => {
    const pid = initOf(machine);
    if (pid === null) {
      const hint = `'fleetlab logs ${machine.name}' has its last words`;
      throw labFailed(`${machine.name} went off while cloud-init was at work`, hint);
    }
    const folder = `/proc/${pid}/root/run/cloud-init`;
    const { stage } = readVersion1(`${folder}/status.json`);
    if (typeof stage === 'string' && stage !== told) {
      say(`${machine.name}: cloud-init ${stageWords[stage] ?? stage}`);
      told = stage;
    }
    return finished(folder);
  });
  if (errors.length === 0) return;
  const log = ['tail', `-n${limits.wordsMax}`, '/var/log/cloud-init-output.log'];
  const { stdout } = await runInside(machine, log);
  throw labFailed(
    `${machine.name}: cloud-init: ${errors.join('; ')}\n${stdout.trimEnd()}`,
    `'fleetlab exec ${machine.name} -- cat /var/log/cloud-init-output.log' has the rest`,
  );
}

/** What went wrong, once it has ended. */
function finished(folder: string): Result<readonly string[], string> {
  if (!existsSync(`${folder}/result.json`)) return fail('it has not ended');
  const { errors } = readVersion1(`${folder}/result.json`);
  return ok(Array.isArray(errors) ? errors.map(String) : []);
}

/** What the files of /run/cloud-init hold in their format 1; nothing while one is being written. */
function readVersion1(path: string): Readonly<Record<string, unknown>> {
  if (!existsSync(path)) return {};
  try {
    const { v1 = {} } = JSON.parse(readFileSync(path, 'utf8')) as {
      readonly v1?: Readonly<Record<string, unknown>>;
    };
    return v1;
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
