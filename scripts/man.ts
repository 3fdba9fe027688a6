// npm run man: manual pages in dist/man, from what the programs themselves understand.
// Another folder: node scripts/man.ts FOLDER
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { cloudinitProgram } from '../src/cloudinit/program.ts';
import { fleetdProgram } from '../src/daemon/program.ts';
import { settingParsers } from '../src/daemon/settings.ts';
import { globalFlags } from '../src/fleetctl/global-flags.ts';
import { describedFleetctl } from '../src/fleetctl/program.ts';
import { fleetlabProgram } from '../src/lab/program.ts';
import { typedFrom } from '../src/lab/typed.ts';
import { flotillaVersion } from '../src/lib/version.ts';

const summaries: Readonly<Record<string, string>> = {
  fleetctl: 'start, move and watch systemd units on a cluster of machines',
  fleetd: 'the daemon of every machine of a cluster',
  fleetlab: 'a cluster of real machines on this computer',
  'fleet-cloudinit': 'apply a CoreOS cloud-config to this machine',
};

const exitStatus = [
  '.SH EXIT STATUS',
  ...item('0', 'Everything that was asked for was done.'),
  ...item('1', 'It was not, or not in time.'),
  ...item('2', 'The command line is wrong.'),
];

const folder = process.argv[2] ?? 'dist/man';
mkdirSync(folder, { recursive: true });
const lab = fleetlabProgram({
  say: () => undefined,
  print: () => undefined,
  exitWith: () => undefined,
  typed: (name) => typedFrom({}, name),
  onLab: () => undefined,
  signal: new AbortController().signal,
});
write('fleetctl', 1, [
  ...programPage(describedFleetctl()),
  '.SH ENVIRONMENT',
  ...globalFlags.flatMap(({ usage, variable }) => {
    return item(variable, `The same as ${usage.split(' ')[0]}, which wins.`);
  }),
  ...exitStatus,
  ...seeAlso('fleetd(8)', 'fleetlab(1)'),
]);
write('fleetlab', 1, [...programPage(lab), ...exitStatus, ...seeAlso('fleetctl(1)')]);
write('fleetd', 8, [...programPage(fleetdProgram()), ...seeAlso('fleet.conf(5)', 'fleetctl(1)')]);
write('fleet-cloudinit', 8, [...programPage(cloudinitProgram()), ...seeAlso('fleetd(8)')]);
write('fleet.conf', 5, configurationPage());

function write(name: string, section: number, lines: readonly string[]): void {
  const head = `.TH ${name.toUpperCase()} ${section} "" "Flotilla ${flotillaVersion}"`;
  writeFileSync(join(folder, `${name}.${section}`), `${[head, ...lines].join('\n')}\n`);
}

function programPage(program: Command): readonly string[] {
  const name = program.name();
  return [
    '.SH NAME',
    `${roff(name)} \\- ${roff(summaries[name] ?? '')}`,
    '.SH SYNOPSIS',
    `.B ${roff(name)}`,
    roff(program.usage()),
    '.SH DESCRIPTION',
    roff(program.description()),
    '.SH OPTIONS',
    ...optionItems(program),
    ...commandSections(program),
    ...textAfterHelp(program),
  ];
}

function commandSections(program: Command): readonly string[] {
  const shown = program.createHelp().visibleCommands(program);
  if (shown.length === 0) return [];
  const sections = shown.flatMap((command) => [
    `.SS ${roff(command.name())} ${roff(command.usage().replace('[options] ', ''))}`,
    roff(command.description()),
    ...command.registeredArguments.flatMap((one) => item(one.name(), one.description)),
    ...optionItems(command),
    ...textAfterHelp(command),
  ]);
  return ['.SH COMMANDS', ...sections];
}

function optionItems(command: Command): readonly string[] {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .flatMap((option) => item(option.flags, help.optionDescription(option)));
}

/** What a program adds to its help: a heading that ends in a colon, examples, a remark. */
function textAfterHelp(command: Command): readonly string[] {
  const said: string[] = [];
  command.configureOutput({ writeOut: (text) => said.push(text) }).outputHelp();
  const after = said.join('').slice(command.helpInformation().length);
  const lines = after.split('\n').filter((line) => line.trim() !== '');
  return lines.flatMap((line, index) => {
    if (line.endsWith(':')) return ['.PP', `.B ${roff(line)}`];
    if (!line.startsWith('  ')) return index === 0 ? ['.PP', roff(line)] : [roff(line)];
    return ['.PP', '.nf', roff(line.trim()), '.fi'];
  });
}

/** The table of docs/reference/configuration.md, which has to have every setting. */
function configurationPage(): readonly string[] {
  const rows = readFileSync('docs/reference/configuration.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.replaceAll('`', '').trim()));
  const described = new Set(rows.flatMap(([, names = '']) => names.split(', ')));
  const missing = Object.keys(settingParsers).filter((name) => !described.has(name));
  if (missing.length > 0) throw new Error(`no row in configuration.md for ${missing.join(', ')}`);
  return [
    '.SH NAME',
    'fleet.conf \\- configuration of fleetd',
    '.SH SYNOPSIS',
    roff('/etc/fleet/fleet.conf'),
    '.SH DESCRIPTION',
    roff('Lines of OPTION=VALUE. FLEET_OPTION in the environment wins over the file. Mistakes are'),
    roff('reported all at once, each with its line, and fleetd does not start.'),
    '.SH OPTIONS',
    ...rows.flatMap(([, names = '', byDefault = '', meaning = '']) =>
      item(names, byDefault === '' ? meaning : `${meaning} (default: ${byDefault})`),
    ),
    ...seeAlso('fleetd(8)'),
  ];
}

function item(term: string, text: string): readonly string[] {
  return ['.TP', `.B ${roff(term)}`, roff(text)];
}

function seeAlso(...pages: readonly string[]): readonly string[] {
  const named = pages.map((page) => page.replace(/\((\d)\)$/, ' ($1)').split(' '));
  const lines = named.map(([name = '', section], index) => {
    return `.BR ${roff(name)} ${section}${index === named.length - 1 ? '' : ' ,'}`;
  });
  return ['.SH SEE ALSO', ...lines];
}

/** A text as roff takes it: nothing in it is a request or an escape. */
function roff(text: string): string {
  const plain = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...');
  return plain
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');
}
