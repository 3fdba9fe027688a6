import { resolve } from 'node:path';
import { bareMachineListed, startBareMachine } from '../bare.ts';
import { requireBareHost } from '../bare-disk.ts';
import type { LabContext } from '../lab.ts';
import { servePackage } from '../package-server.ts';
import { addMachine, bootMachine, killMachine, poweroffMachine } from '../power.ts';
import { labFailed } from '../trouble.ts';
import type { AddCommands } from './command.ts';
import { parseDiskSize } from './words.ts';

interface AddFlags {
  readonly metadata?: string;
  readonly diskSize?: string;
  readonly cloudConfig?: string;
  readonly package?: string;
}

/** Each command on one machine: what it is for, what it does, what is said when it is done. */
const verbs = [
  { verb: 'kill', about: 'a power cut', act: killMachine, done: 'is off: its power was cut' },
  { verb: 'poweroff', about: 'a clean shutdown', act: poweroffMachine, done: 'is off' },
  { verb: 'boot', about: 'on again, with the disk it had', act: bootMachine, done: 'is on' },
] as const;

/** `fleetlab kill`, `poweroff`, `boot` and `add` */
export const addPower: AddCommands = (program, shell) => {
  for (const { verb, about, act, done } of verbs) {
    program
      .command(verb)
      .description(about)
      .argument('<machine>')
      .action(async (name: string) => {
        const context = shell.context();
        await act(context, name);
        context.say(`${name} ${done}`);
      });
  }
  program
    .command('add')
    .description('boot one more machine, which joins by itself')
    .argument('[machine]', 'its name (default: the next one free)')
    .option('--metadata <key=value>', 'several pairs with commas')
    .option('--disk-size <size>', 'a disk of its own that can be full: 768M', parseDiskSize)
    .option('--cloud-config <file>', 'a bare machine instead, which gets this user-data alone')
    .option('--package <file>', 'a package that is served to it while it boots')
    .action(async (name: string | undefined, flags: AddFlags) => {
      const context = shell.context();
      const { metadata = '', diskSize } = flags;
      if (flags.cloudConfig !== undefined) return addBare(context, name, flags);
      if (flags.package !== undefined) {
        throw labFailed('--package is for a bare machine', 'add --cloud-config FILE');
      }
      context.say(`${await addMachine(context, name ?? null, metadata, diskSize)} is on`);
    });
};

async function addBare(
  context: LabContext,
  name: string | undefined,
  { cloudConfig = '', metadata, package: packagePath, diskSize }: AddFlags,
): Promise<void> {
  if (metadata !== undefined) {
    throw labFailed('--metadata is not for a bare machine', 'write it into its cloud-config');
  }
  requireBareHost();
  const server = packagePath === undefined ? null : await servePackage(context, packagePath);
  if (server !== null) context.say(`the package is served at ${server.url}`);
  try {
    const userDataPath = resolve(cloudConfig);
    const sized = diskSize === undefined ? {} : { diskSize };
    const machine = await startBareMachine(context, { name: name ?? null, userDataPath, ...sized });
    await bareMachineListed(context, machine);
    context.say(`${machine.name} is on`);
  } finally {
    server?.close();
  }
}
