// npm run bench: what Flotilla costs. `npm run bench -- --help` lists what it can be told.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { scriptCommand } from '../scripts/command-line.ts';
import { messageOf } from '../src/lib/error.ts';
import { BenchLab } from './bench-lab.ts';
import type { Bench, BenchPart, Size } from './part.ts';
import { describeRun, keepResult, loadNow, type PartResult, tableOf } from './result.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Above this, somebody else was at work on this computer, and times are not to be believed. */
const quietLoadMax = 0.5;

interface Flags {
  readonly list?: boolean;
  readonly small?: boolean;
  readonly output: 'table' | 'json';
}

const known = readdirSync(pathOf('parts'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();
const command = scriptCommand('bench', 'What Flotilla costs, beside baselines of the same run.')
  .argument('[part...]', 'which parts; all when none is named')
  .option('--list', 'the parts, and what each measures')
  .option('--small', 'as small as can be, to see that it works; nothing is kept')
  .addOption(
    new Option('-o, --output <form>', 'a table, or JSON')
      .choices(['table', 'json'])
      .default('table'),
  )
  .addHelpText(
    'after',
    `
Examples:
  npm run bench                        everything, kept in bench/results/
  npm run bench -- failover idle       two parts
  npm run bench -- --small -o json     does each part work?`,
  )
  .parse();
const flags = command.opts<Flags>();
const unknown = command.args.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  command.error(`bench: no part is called ${unknown.join(', ')}; there are ${known.join(', ')}`);
}
await main(command.args.length === 0 ? known : command.args);

async function main(names: readonly string[]): Promise<void> {
  if (flags.list === true) {
    for (const name of names) print(`${name.padEnd(20)} ${(await load(name)).measures}`);
    return;
  }
  const size: Size = flags.small === true ? 'small' : 'full';
  const run = describeRun(pathOf('..'), size);
  const parts = await measureAll(names, size);
  const result = { ...run, parts };
  if (flags.output === 'json') print(JSON.stringify(result, null, 2));
  else for (const line of tableOf(parts)) print(line);
  if (size === 'full') say(`kept in ${keepResult(pathOf('results'), result)}`);
  if (parts.some(({ failure }) => failure !== null)) process.exitCode = 1;
}

async function measureAll(names: readonly string[], size: Size): Promise<readonly PartResult[]> {
  const lab = new BenchLab(say);
  const results: PartResult[] = [];
  try {
    for (const name of names) {
      const tell = (line: string): void => say(`${name}: ${line}`);
      results.push(await measure(name, { size, say: tell, lab: () => lab.context() }));
    }
  } finally {
    await lab.down();
  }
  return results;
}

/** A part that breaks spoils no other. */
async function measure(name: string, bench: Bench): Promise<PartResult> {
  const loadBefore = loadNow();
  if (bench.size === 'full' && loadBefore > quietLoadMax) {
    bench.say(`the load of this computer is ${loadBefore}: times will be too long`);
  }
  const startMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startMs) / 100) / 10;
  try {
    const rows = await (await load(name)).measure(bench);
    bench.say(`done in ${seconds()} s`);
    return { part: name, loadBefore, tookSeconds: seconds(), rows, failure: null };
  } catch (error) {
    bench.say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    const failure = messageOf(error);
    return { part: name, loadBefore, tookSeconds: seconds(), rows: [], failure };
  }
}

async function load(name: string): Promise<BenchPart> {
  return ((await import(`./parts/${name}.ts`)) as { readonly part: BenchPart }).part;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
