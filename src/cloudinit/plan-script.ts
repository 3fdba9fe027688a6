import { fileStep, runStep, type Step } from './step.ts';

/** The transient unit that runs a script of the user-data. */
export const scriptUnit = 'fleet-cloudinit-script.service';

/**
 * User-data that is a script is kept and run as a unit of its own: it may take long, and its words
 * are in the journal.
 */
export function planScript(
  text: string,
  { workspace, isWithinBoot }: { readonly workspace: string; readonly isWithinBoot: boolean },
): readonly Step[] {
  const path = `${workspace.replace(/\/$/, '')}/scripts/user-data`;
  const waiting = isWithinBoot ? '--no-block' : '--wait';
  const name = `--unit=${scriptUnit}`;
  const argv = ['systemd-run', '--quiet', '--collect', waiting, name, '--', path];
  return [
    fileStep(path, text, 'the script', { mode: 0o700 }),
    runStep(argv, `the script runs as ${scriptUnit}`),
  ];
}
