// npm run mutants: plants bugs, one line each, into copies of the sources, and sees that each is
// caught. Whoever is not caught shows a blind spot of the tests.
// `npm run mutants -- --help` lists them.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mutant, mutants } from '../test/sim/mutants.ts';
import { type Part, parsePart, scriptCommand } from './command-line.ts';

const limits = { catchMs: 180_000 } as const;
const usageStatus = 2;
const top = join(import.meta.dirname, '..');
const command = scriptCommand(
  'mutants',
  'Plants bugs into copies of the sources, and sees that the tests notice each.',
)
  .argument('[mutant...]', 'these only; all, when none is named')
  .option('--part <k/n>', 'the k-th of n parts of them', parsePart)
  .addHelpText('after', `\nMutants:\n${mutants.map(({ name }) => `  '${name}'\n`).join('')}`)
  .parse();
const only = command.args;
const { part } = command.opts<{ readonly part?: Part }>();
const unknown = only.find((name) => mutants.every((mutant) => mutant.name !== name));
if (unknown !== undefined) command.error(`error: there is no mutant '${unknown}'`);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** By what the mutant was caught; null when nothing noticed it. */
function caughtBy(mutant: Mutant): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-mutant-'));
  try {
    const parts = ['src', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
    for (const part of parts) cpSync(join(top, part), join(folder, part), { recursive: true });
    symlinkSync(join(top, 'node_modules'), join(folder, 'node_modules'));
    plant(mutant, folder);
    return run(mutant, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function plant({ file, find, replace }: Mutant, folder: string): void {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Error(`${file} has ${count} times: ${find}`);
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
}

function run({ test }: Mutant, folder: string): string | null {
  const command =
    test === null
      ? [
          'scripts/sim.ts',
          '--seeds',
          '150',
          '--hours',
          '0.05',
          '--once',
          '--first',
          '--workers',
          '1',
        ]
      : [join(top, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'pure', test];
  const options = { cwd: folder, encoding: 'utf8', timeout: limits.catchMs } as const;
  const { status, stdout } = spawnSync(process.execPath, command, options);
  if (status === 0) return null;
  if (test !== null) return test;
  // Nothing ran: that catches nobody.
  if (status === usageStatus) throw new Error(`npm run sim does not know ${command.join(' ')}`);
  const words = /^seed (\d+) FAILED/m.exec(stdout);
  const story = /^ {2}(\w.*)$/m.exec(stdout);
  return words === null ? 'it never ended' : `seed ${words[1]}, ${story?.[1] ?? ''}`;
}

let missedCount = 0;
for (const [index, mutant] of mutants.entries()) {
  if (only.length > 0 && !only.includes(mutant.name)) continue;
  if (part !== undefined && index % part.of !== part.number - 1) continue;
  const by = caughtBy(mutant);
  if (by === null) missedCount += 1;
  say(`${mutant.name.padEnd(34)} ${by === null ? 'NOT CAUGHT' : by.slice(0, 120)}`);
}
say(missedCount === 0 ? 'every mutant was caught' : `${missedCount} were not caught`);
process.exitCode = missedCount === 0 ? 0 : 1;
