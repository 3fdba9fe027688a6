import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { enterArgv } from './exec.ts';
import { initOf } from './machine-process.ts';
import { machineFolder, machineNamed, readLab } from './record.ts';
import { labFailed } from './trouble.ts';

/** Which part of a journal to show. */
export interface LogsOptions {
  readonly unit?: string;
  readonly lineCount?: number;
  readonly follow?: boolean;
}

/**
 * The words that show a machine's journal: asked inside when it runs, or else read from its disk.
 * Throws `lab/failed` when it has none.
 */
export function logsArgv(lab: string, name: string, options: LogsOptions): readonly string[] {
  const machine = machineNamed(readLab(lab), name);
  const words = [
    ...(options.unit === undefined ? [] : ['--unit', options.unit]),
    ...(options.lineCount === undefined ? [] : ['--lines', String(options.lineCount)]),
    ...(options.follow === true ? ['--follow'] : []),
  ];
  if (initOf(machine) !== null) return enterArgv(machine, ['journalctl', '--no-pager', ...words]);
  const journal = join(machineFolder(lab, name), 'upper/var/log/journal', machine.id);
  if (!existsSync(journal)) {
    throw labFailed(`${name} is off and has no journal`, `'fleetlab boot ${name}' switches it on`);
  }
  return ['journalctl', '--no-pager', '--directory', journal, ...words];
}
