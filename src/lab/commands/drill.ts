import { InvalidArgumentError, Option } from 'commander';
import { downLab } from '../down.ts';
import { type DrillOptions, runDrill } from '../drill/drill.ts';
import { resultLines } from '../drill/result.ts';
import type { LossKind } from '../drill/timeline.ts';
import type { LabContext } from '../lab.ts';
import { withLock } from '../lock.ts';
import { labLimits, parseMachineName } from '../names.ts';
import type { EtcdPlace } from '../record.ts';
import { requireRoot } from '../requirements.ts';
import { interruptedWord, labFailed } from '../trouble.ts';
import type { AddCommands, Shell } from './command.ts';
import { parseTtl } from './words.ts';

interface Flags {
  readonly machines: number;
  readonly units: number;
  readonly kill: string;
  readonly how: LossKind;
  readonly agentTtl: string;
  readonly etcd: EtcdPlace;
  readonly keep?: boolean;
  readonly output?: string;
}

/** `fleetlab drill` */
export const addDrill: AddCommands = (program, shell) => {
  program
    .command('drill')
    .description('boot machines, start units, lose a machine, show its units running elsewhere')
    .option('--machines <n>', 'how many machines', parseCount(2, labLimits.machineCountMax), 3)
    .option('--units <n>', 'instances of worker@.service beside the others', parseCount(0, 500), 6)
    .option('--kill <which>', 'leader, random, or the name of a machine', 'leader')
    .addOption(
      new Option('--how <loss>', 'a power cut, or a clean shutdown')
        .choices(['kill', 'poweroff'])
        .default('kill'),
    )
    .option('--agent-ttl <time>', 'how long a silent machine counts as alive', parseTtl, '3s')
    .addOption(
      new Option('--etcd <where>', 'a member on each of the first three machines, or one')
        .choices(['per-machine', 'shared'])
        .default('per-machine'),
    )
    .option('--keep', 'leave the machines running for a look around')
    .addOption(new Option('-o, --output <form>', 'a table, or JSON').choices(['table', 'json']))
    .action((flags: Flags) => drill(shell, flags));
};

/** A drill has machines of its own: those of `fleetlab up` are not touched. */
const drillLab = 'drill';

/** Two drills would take down each other's machines: the second waits. No lab has this name. */
const drillLock = { lab: `${drillLab}/run`, purpose: 'drill' } as const;

function drill(shell: Shell, flags: Flags): Promise<void> {
  requireRoot('drill');
  requireVictim(flags);
  const context: LabContext = { ...shell.context(), lab: drillLab };
  return withLock(drillLock, context.say, () => drillOnce(shell, context, flags));
}

/** A machine that will not be there is told before any is booted. */
function requireVictim({ kill, machines }: Flags): void {
  const number = parseMachineName(kill);
  if (kill === 'leader' || kill === 'random' || (number.ok && number.value <= machines)) return;
  throw labFailed(
    `--kill ${kill}: there will be no such machine`,
    `'leader', 'random', or one of m1 to m${machines} is meant`,
  );
}

async function drillOnce(shell: Shell, context: LabContext, flags: Flags): Promise<void> {
  const isJson = flags.output === 'json';
  const keeps = flags.keep === true;
  try {
    // What an interrupted drill has left would spoil this one's figures.
    await downLab(context);
    const result = await runDrill(context, optionsFrom(flags, isJson ? context.say : shell.print));
    const lines = isJson ? [JSON.stringify(result, wholeMs, 2)] : ['', ...resultLines(result)];
    for (const line of lines) shell.print(line);
    if (result.faults.length > 0) shell.exitWith(1);
  } catch (error) {
    if (keeps || context.signal?.aborted !== true) throw error;
    throw labFailed(interruptedWord, 'nothing of the drill is left');
  } finally {
    if (keeps) {
      context.say(`the machines stay: eval "$(fleetlab --lab ${drillLab} env)"`);
      context.say(`'fleetlab --lab ${drillLab} down' takes them down`);
    } else {
      context.say('taking the machines down');
      await downLab({ lab: context.lab, say: context.say });
    }
  }
}

/** Milliseconds without their fractions, which mean nothing here. */
function wholeMs(key: string, value: unknown): unknown {
  return key.endsWith('Ms') && typeof value === 'number' ? Math.round(value) : value;
}

function optionsFrom(flags: Flags, show: (text: string) => void): DrillOptions {
  return {
    machineCount: flags.machines,
    workerCount: flags.units,
    victim: flags.kill,
    how: flags.how,
    agentTtl: flags.agentTtl,
    etcd: flags.etcd,
    show,
  };
}

function parseCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (count >= min && count <= max) return count;
    throw new InvalidArgumentError(`a number from ${min} to ${max} is meant.`);
  };
}
