import { bringsUnit } from './brought-units.ts';
import type { Circumstances } from './circumstances.ts';
import type { CloudConfig, ConfigUnit } from './cloud-config.ts';
import { etcdUnit, formerNames, unitMeant } from './etcd-unit.ts';
import { etcdctlUnits } from './etcdctl-units.ts';
import type { Machine } from './machine.ts';
import { errorAt, noteAt, type Problem } from './problem.ts';
import { fileStep, runStep, type Step } from './step.ts';

/** What `coreos.units` becomes; commands come when everything is written and reloaded. */
export interface UnitsPlan {
  readonly files: readonly Step[];
  readonly enabled: readonly Step[];
  readonly network: readonly Step[];
  readonly commands: readonly Step[];
  readonly problems: readonly Problem[];
}

export function planUnits(config: CloudConfig, circumstances: Circumstances): UnitsPlan {
  const { machine } = circumstances;
  const work: Work = { config, circumstances, problems: [] };
  const former = formerNames(config, machine);
  const units = config.units.filter((unit) => isMeant(work, unit, former));
  const networkFiles = units.filter(({ isNetwork }) => isNetwork);
  const restart = ['systemctl', 'restart', 'systemd-networkd.service'];
  return {
    files: [
      ...aliases(work, former),
      ...units.flatMap(filesOf),
      ...etcdctlUnits(config).map(({ unit, why }) => etcdctlStep(work, unit, why)),
    ],
    enabled: units.flatMap((unit) => enableStep(work, unit)),
    network:
      networkFiles.length === 0
        ? []
        : [runStep(restart, 'files of systemd-networkd have changed', { when: 'network' })],
    commands: units.flatMap((unit) => commandStep(work, unit)),
    problems: work.problems,
  };
}

interface Work {
  readonly config: CloudConfig;
  readonly circumstances: Circumstances;
  readonly problems: Problem[];
}

function isMeant({ problems }: Work, unit: ConfigUnit, former: readonly string[]): boolean {
  const isOff = unit.isMasked || unit.command === 'stop';
  if (unit.name !== etcdUnit || !isOff || former.length === 0) return true;
  const what = `${etcdUnit} is left on: here it is what this config calls ${former.join(', ')}`;
  problems.push(noteAt(unit, what));
  return false;
}

/** So that the former names go on meaning etcd, in `After=` and for people. */
function aliases({ config, problems }: Work, former: readonly string[]): readonly Step[] {
  return former.map((name) => {
    const unit = config.units.find((candidate) => candidate.name === name);
    if (unit !== undefined) problems.push(noteAt(unit, `${name} is ${etcdUnit} on this machine`));
    const path = `/run/systemd/system/${name}`;
    const reason = `${name} is another name of ${etcdUnit}`;
    return { kind: 'link', path, target: etcdUnit, change: 'units', reason };
  });
}

function folderOf({ isRuntime, isNetwork }: ConfigUnit): string {
  return `/${isRuntime ? 'run' : 'etc'}/systemd/${isNetwork ? 'network' : 'system'}`;
}

function filesOf(unit: ConfigUnit): readonly Step[] {
  const change = unit.isNetwork ? 'network' : 'units';
  const path = `${folderOf(unit)}/${unit.name}`;
  const reason = `coreos.units: ${unit.name}`;
  const dropIns = unit.dropIns.map(({ name, content }) => {
    return fileStep(`${path}.d/${name}`, content, reason, { change });
  });
  if (unit.isMasked) {
    return [...dropIns, { kind: 'link', path, target: '/dev/null', change, reason }];
  }
  if (unit.content !== null) return [fileStep(path, unit.content, reason, { change }), ...dropIns];
  return unit.isRuntime ? [...dropIns, { kind: 'unmask', path, reason }] : dropIns;
}

function etcdctlStep({ problems }: Work, unit: ConfigUnit, why: string): Step {
  const text = '[Service]\nEnvironment=ETCDCTL_API=2\n';
  const path = `${folderOf(unit)}/${unit.name}.d/20-cloudinit-etcdctl.conf`;
  problems.push(noteAt(unit, `${unit.name} gets ETCDCTL_API=2, since ${why}`));
  return fileStep(path, text, 'etcdctl of today speaks v3 unless it is told', { change: 'units' });
}

function enableStep(work: Work, unit: ConfigUnit): readonly Step[] {
  if (!unit.isEnabled || unit.isNetwork || unit.isMasked) return [];
  const name = present(work, unit, 'enable');
  if (name === null) return [];
  const runtime = unit.isRuntime ? ['--runtime'] : [];
  const argv = ['systemctl', 'enable', '--force', ...runtime, name];
  return [runStep(argv, `coreos.units: ${unit.name} is enabled`)];
}

function commandStep(work: Work, unit: ConfigUnit): readonly Step[] {
  if (unit.command === null || unit.isNetwork) return [];
  const name = present(work, unit, unit.command);
  if (name === null) return [];
  const waiting = work.circumstances.isWithinBoot ? ['--no-block'] : [];
  const argv = ['systemctl', ...waiting, unit.command, name];
  return [runStep(argv, `coreos.units: ${unit.name}, command ${unit.command}`)];
}

/**
 * The name of a unit that the machine has or gets; null, and said, when it has not. What cannot be
 * started is an error, what cannot be stopped is as it should be.
 */
function present({ config, circumstances, problems }: Work, unit: ConfigUnit, verb: string) {
  const { machine } = circumstances;
  const name = unitMeant(unit.name, config, machine);
  if (bringsUnit(config, name) || isKnown(name, machine)) return name;
  if (/^(stop|try-restart|reload-or-try-restart)$/.test(verb)) {
    problems.push(noteAt(unit, `there is no ${name} on this machine to ${verb}`));
    return null;
  }
  const what = `there is no ${name} on this machine to ${verb}`;
  problems.push(errorAt(unit, `${what}; give it content, or install what brings it`));
  return null;
}

/** Units of the other types need no file. */
function isKnown(name: string, { unitFiles }: Machine): boolean {
  const template = name.replace(/@.+\.(\w+)$/, '@.$1');
  const needsFile = /\.(service|socket|timer|path)$/.test(name);
  return !needsFile || unitFiles.has(name) || unitFiles.has(template);
}
