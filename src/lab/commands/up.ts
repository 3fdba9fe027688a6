import { InvalidArgumentError, Option } from 'commander';
import { labLimits, parseMachineName } from '../names.ts';
import type { EtcdPlace } from '../record.ts';
import { labFailed } from '../trouble.ts';
import type { UpOptions } from '../up.ts';
import { upLab } from '../up.ts';
import type { AddCommands } from './command.ts';
import { statusTable } from './status.ts';
import { parseDiskSize, parseTtl } from './words.ts';

interface Flags {
  readonly machines?: number;
  readonly agentTtl?: string;
  readonly etcd?: EtcdPlace;
  readonly metadata: ReadonlyMap<string, string>;
  readonly diskSize?: string;
}

/** `fleetlab up` */
export const addUp: AddCommands = (program, shell) => {
  program
    .command('up')
    .description('boot a cluster of machines on this computer')
    .option(
      '--machines <n>',
      'how many machines, m1 to mN (default: 3); 0: none yet',
      parseMachineCount,
    )
    .option(
      '--agent-ttl <time>',
      'how long a silent machine counts as alive (default: 3s)',
      parseTtl,
    )
    .addOption(
      new Option(
        '--etcd <where>',
        'a member on each of the first three machines (default), or one',
      ).choices(['per-machine', 'shared']),
    )
    .option(
      '--metadata <machine:key=value>',
      'of one machine; repeatable, several pairs with commas',
      addMetadata,
      new Map<string, string>(),
    )
    .option(
      '--disk-size <size>',
      'a disk that can be full for each, in memory: 768M',
      parseDiskSize,
    )
    .action(async (flags: Flags) => {
      const context = shell.context();
      const { outcome, status } = await upLab(context, upOptions(flags));
      if (outcome === 'already-up') context.say(`lab '${context.lab}' is up already:`);
      for (const line of statusTable(status)) shell.print(line);
      if (outcome === 'made') context.say('eval "$(fleetlab env)" points fleetctl at it');
      const asked = flags.machines ?? status.machines.length;
      if (outcome === 'made' || asked === status.machines.length) return;
      context.say(`it has not the ${asked} machines asked for: 'fleetlab add', or 'down' first`);
      shell.exitWith(1);
    });
};

function upOptions(flags: Flags): UpOptions {
  const machineCount = flags.machines ?? 3;
  for (const name of flags.metadata.keys()) {
    if (Number(name.slice(1)) <= machineCount) continue;
    throw labFailed(
      `--metadata names ${name}, and there will be m1 to m${machineCount}`,
      `'--machines ${name.slice(1)}' makes it, or 'fleetlab add ${name} --metadata …' later`,
    );
  }
  return {
    ...(flags.machines !== undefined && { machineCount: flags.machines }),
    ...(flags.agentTtl !== undefined && { agentTtl: flags.agentTtl }),
    ...(flags.etcd !== undefined && { etcd: flags.etcd }),
    metadata: flags.metadata,
    ...(flags.diskSize !== undefined && { diskSize: flags.diskSize }),
  };
}

function parseMachineCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= labLimits.machineCountMax) return count;
  throw new InvalidArgumentError(`a number from 0 to ${labLimits.machineCountMax} is meant.`);
}

function addMetadata(text: string, before: ReadonlyMap<string, string>): Map<string, string> {
  const [name = '', pairs = ''] = text.split(/:(.*)/s);
  const machine = parseMachineName(name);
  if (!machine.ok) throw new InvalidArgumentError(`${machine.error}.`);
  if (!/^[\w.-]+=[^\s,="]+(,[\w.-]+=[^\s,="]+)*$/.test(pairs)) {
    throw new InvalidArgumentError("such as 'm2:disk=ssd' or 'm2:disk=ssd,region=eu' is meant.");
  }
  const known = before.get(name);
  return new Map(before).set(name, known === undefined ? pairs : `${known},${pairs}`);
}
