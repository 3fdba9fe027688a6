import { InvalidArgumentError, Option } from 'commander';
import { hollowLines } from '../hollow/result.ts';
import { type HollowOptions, HollowRun } from '../hollow/run.ts';
import { interruptedWord, labFailed } from '../trouble.ts';
import type { AddCommands, Shell } from './command.ts';
import { parseTtl } from './words.ts';

interface Flags {
  readonly machines: number;
  readonly units: number;
  readonly fail: number;
  readonly processes: number;
  readonly leaders: number;
  readonly etcd?: readonly string[];
  readonly keyPrefix: string;
  readonly agentTtl: string;
  readonly stay?: boolean;
  readonly output?: 'table' | 'json';
}

const examples = `
A hollow machine has a lease, watches and an agent as others have, and neither a kernel nor a
systemd: its units are started by saying so. What leads is fleetd as it is.

Examples:
  fleetlab hollow --machines 1000                  what a thousand machines at rest cost
  fleetlab hollow --machines 200 --units 4000 --fail 5
  fleetlab hollow --machines 500 --etcd http://10.0.0.1:2379 --etcd http://10.0.0.2:2379`;

/** `fleetlab hollow` */
export const addHollow: AddCommands = (program, shell) => {
  program
    .command('hollow')
    .description('thousands of machines without computers: what an etcd can carry')
    .option('--machines <n>', 'how many machines', parseNumber(1, 20_000), 100)
    .option('--units <n>', 'submit so many units, time them', parseNumber(0, 1_000_000), 0)
    .option('--fail <n>', 'then cut the power of so many machines', parseNumber(0, 10_000), 0)
    .option('--processes <n>', 'processes that the machines are in', parseNumber(1, 64), 1)
    .option('--leaders <n>', 'fleetd processes that stand for election', parseNumber(1, 16), 1)
    .option('--etcd <url>', 'of a member, repeatable; without it, an etcd of its own', addUrl)
    .option('--key-prefix <path>', 'where its keys are', parsePrefix, '/fleetlab/hollow/')
    .option('--agent-ttl <time>', 'how long a silent machine counts as alive', parseTtl, '10s')
    .option('--stay', 'go on until Ctrl-C, also when there are units')
    .addOption(new Option('-o, --output <form>', 'a table, or JSON').choices(['table', 'json']))
    .addHelpText('after', examples)
    .action((flags: Flags) => hollow(shell, flags));
};

async function hollow(shell: Shell, flags: Flags): Promise<void> {
  const { machines, fail } = flags;
  if (fail >= machines) {
    throw labFailed(`--fail ${fail}: there will be ${machines} machines`, 'leave some of them');
  }
  const context = shell.context();
  const stays = flags.stay === true || flags.units === 0;
  const run = new HollowRun(context, optionsFrom(flags));
  try {
    const result = await run.run();
    const isJson = flags.output === 'json';
    for (const line of isJson ? [JSON.stringify(result)] : hollowLines(result)) shell.print(line);
    if (result.faults.length > 0) shell.exitWith(1);
    if (stays && !isJson) await run.stay();
  } catch (error) {
    if (context.signal?.aborted !== true) throw error;
    throw labFailed(interruptedWord, 'nothing of the machines is left');
  } finally {
    context.say('giving every lease back');
    await run.end();
  }
}

function optionsFrom(flags: Flags): HollowOptions {
  const [, count, unit] = /^(\d+)([sm])$/.exec(flags.agentTtl) ?? [];
  return {
    machineCount: flags.machines,
    processCount: flags.processes,
    unitCount: flags.units,
    failCount: flags.fail,
    leaderCount: flags.leaders,
    endpoints: flags.etcd ?? [],
    keyPrefix: flags.keyPrefix,
    agentTtl: flags.agentTtl,
    ttlMs: Number(count) * (unit === 'm' ? 60_000 : 1_000),
  };
}

/** A slash at its end, so that nothing beside it begins alike. */
function parsePrefix(text: string): string {
  if (/^\/[^\s]+$/.test(text)) return text.endsWith('/') ? text : `${text}/`;
  throw new InvalidArgumentError('a path such as /fleetlab/hollow/ is meant.');
}

function addUrl(text: string, before: readonly string[] | undefined): readonly string[] {
  if (/^http:\/\/[^\s/,]+\/?$/.test(text)) return [...(before ?? []), text.replace(/\/$/, '')];
  throw new InvalidArgumentError('a URL such as http://10.0.0.1:2379 is meant, without TLS.');
}

function parseNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
    if (count >= min && count <= max) return count;
    throw new InvalidArgumentError(`a number from ${min} to ${max} is meant.`);
  };
}
