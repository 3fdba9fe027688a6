import type { Circumstances } from './circumstances.ts';
import type { CloudConfig, Setting } from './cloud-config.ts';
import { type EtcdSection, etcdVariables } from './etcd-settings.ts';
import { unitOfSection } from './etcd-unit.ts';
import { mergedPaths } from './machine.ts';
import { errorAt, noteAt, type Problem } from './problem.ts';
import { type SectionKey, type SectionName, sectionKeys } from './section-keys.ts';
import { fileStep, type LinkStep, runStep, type Step } from './step.ts';
import { environmentDropIn, type Variable, withVariables } from './variable-file.ts';

/** What the sections of `coreos:` besides `units` become. */
export interface SettingsPlan {
  readonly files: readonly Step[];
  readonly dropIns: readonly Step[];
  readonly commands: readonly Step[];
  readonly problems: readonly Problem[];
}

/** As CoreOS names it: drop-ins of a config's own with a higher number win. */
const dropInName = '20-cloudinit.conf';
const locksmith = 'locksmithd.service';
const updateEngine = 'update-engine.service';
const etcdSections = ['etcd', 'etcd2', 'etcd3'] as const satisfies readonly EtcdSection[];

export function planSettings(config: CloudConfig, circumstances: Circumstances): SettingsPlan {
  const { sections } = config;
  const etcd = planEtcd(config, circumstances);
  const update = planUpdate(sections.update, circumstances);
  const flannel = variablesOf('flannel', sections.flannel);
  const flannelText = withVariables('', flannel);
  const options = '/run/flannel/options.env';
  return {
    files: [
      ...oemFile(sections.oem),
      ...update.files,
      ...(flannel.length === 0 ? [] : [fileStep(options, flannelText, 'coreos.flannel')]),
    ],
    dropIns: [
      ...etcd.dropIns,
      ...dropIn('fleet.service', variablesOf('fleet', sections.fleet), 'coreos.fleet'),
      ...dropIn(locksmith, variablesOf('locksmith', sections.locksmith), 'coreos.locksmith'),
      ...update.masks,
    ],
    commands: update.commands,
    problems: [...etcd.problems, ...update.problems],
  };
}

/** What is said of the sections of etcd without knowing a machine. */
export function etcdProblems({ sections }: CloudConfig): readonly Problem[] {
  return etcdSections.flatMap((section) => etcdVariables(section, sections[section]).problems);
}

function variablesOf(name: SectionName, settings: readonly Setting[]): readonly Variable[] {
  const keys: Readonly<Record<string, SectionKey>> = sectionKeys[name];
  return settings.flatMap(({ key, value }): readonly Variable[] => {
    const meaning = keys[key]?.meaning;
    return meaning?.kind === 'variable' ? [[meaning.name, value]] : [];
  });
}

function dropIn(unit: string, variables: readonly Variable[], reason: string): readonly Step[] {
  if (variables.length === 0) return [];
  const path = `/run/systemd/system/${unit}.d/${dropInName}`;
  return [fileStep(path, environmentDropIn(variables), reason, { change: 'units' })];
}

function planEtcd(
  config: CloudConfig,
  { machine }: Circumstances,
): { readonly dropIns: readonly Step[]; readonly problems: readonly Problem[] } {
  const dropIns: Step[] = [];
  const problems: Problem[] = [...etcdProblems(config)];
  const sectionOf = new Map<string, EtcdSection>();
  for (const section of etcdSections) {
    const first = config.sections[section][0];
    if (first === undefined) continue;
    const unit = unitOfSection(section, config, machine);
    const other = sectionOf.get(unit);
    if (other !== undefined) {
      const what = `coreos.${other} and coreos.${section} are both about ${unit} here`;
      problems.push(errorAt(first, `${what}; keep one of them`));
      continue;
    }
    sectionOf.set(unit, section);
    if (unit !== `${section}.service`) {
      problems.push(noteAt(first, `coreos.${section} is about ${unit}, the etcd of this machine`));
    }
    const { variables } = etcdVariables(section, config.sections[section]);
    dropIns.push(...dropIn(unit, variables, `coreos.${section}`));
  }
  return { dropIns, problems };
}

function oemFile(settings: readonly Setting[]): readonly Step[] {
  const given = new Map(settings.map(({ key, value }) => [key, value]));
  const id = given.get('id');
  if (id === undefined) return [];
  const quoted = (key: string): string => JSON.stringify(given.get(key) ?? '');
  const lines = [
    `ID=${id}`,
    `VERSION_ID=${given.get('version_id') ?? ''}`,
    `NAME=${quoted('name')}`,
    `HOME_URL=${quoted('home_url')}`,
    `BUG_REPORT_URL=${quoted('bug_report_url')}`,
  ];
  return [fileStep('/etc/oem-release', `${lines.join('\n')}\n`, 'coreos.oem')];
}

interface UpdatePlan {
  readonly files: readonly Step[];
  readonly masks: readonly Step[];
  readonly commands: readonly Step[];
  readonly problems: readonly Problem[];
}

/** Where there is no locksmithd or update-engine, the file is written for whoever reads it. */
function planUpdate(settings: readonly Setting[], { machine, ...rest }: Circumstances): UpdatePlan {
  const first = settings[0];
  if (first === undefined) return { files: [], masks: [], commands: [], problems: [] };
  const { update, updateDefault } = mergedPaths;
  const before = machine.texts.get(update) ?? '';
  const text = before === '' ? (machine.texts.get(updateDefault) ?? '') : before;
  const written = withVariables(text, variablesOf('update', settings));
  const strategy = settings.find(({ key }) => key === 'reboot_strategy');
  const isOff = strategy?.value === 'off';
  const wanted: (readonly [unit: string, verb: string, place: Setting])[] = [];
  if (strategy !== undefined) wanted.push([locksmith, isOff ? 'stop' : 'restart', strategy]);
  const other = settings.find(({ key }) => key !== 'reboot_strategy');
  if (other !== undefined) wanted.push([updateEngine, 'restart', other]);
  const here = wanted.filter(([unit]) => machine.unitFiles.has(unit));
  const away = wanted.filter(([unit]) => !machine.unitFiles.has(unit));
  const waiting = rest.isWithinBoot ? ['--no-block'] : [];
  const masked = `/run/systemd/system/${locksmith}`;
  const reason = `coreos.update.reboot_strategy: ${strategy?.value}`;
  const mask: LinkStep = {
    ...{ kind: 'link', path: masked, target: '/dev/null', change: 'units', reason },
  };
  const unmask: Step = { kind: 'unmask', path: masked, reason };
  return {
    files: [fileStep(update, written, 'coreos.update')],
    masks: strategy === undefined ? [] : [isOff ? mask : unmask],
    commands: here.map(([unit, verb]) => {
      return runStep(['systemctl', ...waiting, verb, unit], 'coreos.update');
    }),
    problems: away.map(([unit, verb, place]) => {
      return noteAt(place, `there is no ${unit} on this machine to ${verb}`);
    }),
  };
}
