import { Command, Option } from 'commander';
import { flotillaVersion } from '../lib/version.ts';
import type { Source } from './sources.ts';

/** What can be said to fleet-cloudinit on its command line. */
export interface Flags {
  readonly fromFile?: string;
  readonly fromUrl?: string;
  readonly fromConfigdrive?: string;
  readonly fromProcCmdline?: boolean;
  readonly atBoot?: boolean;
  readonly validate?: boolean;
  readonly root?: string;
  readonly sshKeyName: string;
  readonly workspace: string;
}

const footer = `
One of the --from options, or --at-boot, says where the cloud-config is.

Examples:
  fleet-cloudinit --from-file ./user-data --validate     is it well written? changes nothing
  fleet-cloudinit --from-file ./user-data                applies it to this machine
  fleet-cloudinit --from-file ./user-data --root ./tree  shows in ./tree what it becomes
  fleet-cloudinit --at-boot                              as fleet-cloudinit.service starts it

Exit status: 0 all was done, or the file is valid; 1 not; 2 the command line is wrong.`;

/** The command line. Mistakes in it, help and version throw commander's `CommanderError`. */
export function cloudinitProgram(): Command {
  return new Command('fleet-cloudinit')
    .description('Applies a CoreOS cloud-config to this machine; nothing of it when any is wrong.')
    .version(`fleet-cloudinit ${flotillaVersion}`, '--version', 'print the version')
    .option('--from-file <file>', 'the cloud-config is in this file')
    .option('--from-url <url>', 'it is fetched from there')
    .option('--from-configdrive <folder>', 'it is on a config drive that is mounted there')
    .option('--from-proc-cmdline', 'the kernel command line has its cloud-config-url=')
    .addOption(
      new Option(
        '--at-boot',
        'it is where the kernel command line says, on a config drive or in a file, if any; ' +
          'what it starts is not waited for',
      ),
    )
    .option('--validate', 'only tell what is wrong with it')
    .option('--root <folder>', 'write below this folder; print commands instead of running them')
    .option('--ssh-key-name <name>', 'what the keys are called', 'coreos-cloudinit')
    .option('--workspace <folder>', 'where a script is kept', '/var/lib/fleet-cloudinit')
    .helpOption('-h, --help', 'print help')
    .allowExcessArguments(false)
    .addHelpText('after', footer)
    .configureOutput({
      outputError: (text, write) =>
        write(
          `${text.replace(/^error: /, 'fleet-cloudinit: ')}` +
            'fleet-cloudinit: --help shows what there is\n',
        ),
    })
    .exitOverride();
}

/** The one source that the flags name; null when they name none, or several. */
export function sourceOf(flags: Flags): Source | null {
  const sources: Source[] = [];
  if (flags.fromFile !== undefined) sources.push({ kind: 'file', path: flags.fromFile });
  if (flags.fromUrl !== undefined) sources.push({ kind: 'url', url: flags.fromUrl });
  if (flags.fromConfigdrive !== undefined) {
    sources.push({ kind: 'config-drive', folder: flags.fromConfigdrive });
  }
  if (flags.fromProcCmdline === true) sources.push({ kind: 'kernel-command-line' });
  if (flags.atBoot === true) sources.push({ kind: 'boot' });
  return sources.length === 1 ? (sources[0] ?? null) : null;
}

/** The original took its options with one dash as well. */
export function withTwoDashes(argument: string): string {
  return /^-(from-|validate|ssh-key-name|workspace|version)/.test(argument)
    ? `-${argument}`
    : argument;
}
