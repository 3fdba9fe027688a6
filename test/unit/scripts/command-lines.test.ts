// The scripts of `npm run`, as somebody who types them meets them.
// Knows their files and nothing inside them; what they do is shown by running them.
// Start at the table of mistakes.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const top = join(import.meta.dirname, '../../..');

function run(script: string, ...words: readonly string[]) {
  const argv = [join(top, 'scripts', `${script}.ts`), ...words];
  return spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 20_000 });
}

test.each(['sim', 'mutants', 'history'])('npm run %s -- --help lists what there is', (script) => {
  const { status, stdout, stderr } = run(script, '--help');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^Usage: npm run ${script} -- \\[options\\]`));
});

test.each([
  ['sim', ['--frobnicate'], "unknown option '--frobnicate'"],
  ['sim', ['seven'], 'too many arguments'],
  ['sim', ['--seed'], "option '--seed <number>' argument missing"],
  ['sim', ['--seed', 'seven'], 'It is a whole number from 1 on.'],
  ['sim', ['--seeds', '0'], 'It is a whole number from 1 on.'],
  ['sim', ['--hours', 'x'], 'It is a number of hours, such as 0.5.'],
  ['history', ['--minutes', '0'], 'It is a whole number from 1 on.'],
  ['mutants', ['--part', '3/2'], 'It is a part such as 2/5.'],
  ['mutants', ['--nope'], "unknown option '--nope'"],
  ['mutants', ['no-such-one'], "there is no mutant 'no-such-one'"],
])('npm run %s -- %j is told what is wrong, in two lines', (script, words, told) => {
  const { status, stdout, stderr } = run(script, ...words);
  expect([status, stdout]).toEqual([2, '']);
  const [what, hint, ...rest] = stderr.split('\n');
  expect(what).toMatch(new RegExp(`^${script}: `));
  expect(what).toContain(told);
  expect([hint, ...rest]).toEqual([
    `${script}: 'npm run ${script} -- --help' shows what there is`,
    '',
  ]);
});
