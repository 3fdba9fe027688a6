// cloudinit: applies a CoreOS cloud-config to the machine it runs on.
// Knows YAML, the dialect and systemd's folders; nothing of clusters, etcd's protocol or fleetd.
// Start here (what a config becomes), then decode.ts (what it says) and execute.ts (doing it).
import { addressNames, addressVariable } from './addresses.ts';
import { isUnitFile } from './brought-units.ts';
import type { Circumstances } from './circumstances.ts';
import type { CloudConfig } from './cloud-config.ts';
import { withOwnName } from './hosts-file.ts';
import { mergedPaths } from './machine.ts';
import { ownerProblems } from './owners.ts';
import { planSettings } from './plan-settings.ts';
import { planUnits } from './plan-units.ts';
import { newHomes, planUsers } from './plan-users.ts';
import type { Problem } from './problem.ts';
import { fileStep, runStep, type Step } from './step.ts';
import { withVariables } from './variable-file.ts';

/** What is done, in this order, unless there are errors among the problems. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly problems: readonly Problem[];
}

/** What a config becomes on a machine. A pure function: the same in, the same out. */
export function planCloudConfig(config: CloudConfig, circumstances: Circumstances): Plan {
  const users = planUsers(config, circumstances);
  const settings = planSettings(config, circumstances);
  const units = planUnits(config, circumstances);
  const steps = [
    ...users.accounts,
    ...writtenFiles(config, circumstances),
    ...hostnameFiles(config),
    ...settings.files,
    ...hostsFile(config, circumstances),
    ...environmentFile(config, circumstances),
    ...users.keys,
    ...hostnameCommand(config),
    ...units.files,
    ...settings.dropIns,
    reload,
    ...units.enabled,
    ...units.network,
    ...units.commands,
    ...settings.commands,
  ];
  const owners = ownerProblems(config, circumstances.machine);
  const problems = [...users.problems, ...owners, ...settings.problems, ...units.problems];
  return { steps: lastOfEachPath(steps), problems };
}

/** Of several steps that write one file only the last would be seen: `/etc/hosts`, for one. */
function lastOfEachPath(steps: readonly Step[]): readonly Step[] {
  const last = new Map<string, Step>();
  for (const step of steps) if (step.kind === 'file') last.set(step.path, step);
  return steps.filter((step) => step.kind !== 'file' || last.get(step.path) === step);
}

const reload = runStep(['systemctl', 'daemon-reload'], 'unit files have changed', {
  ...{ when: 'units', onFailure: 'stop' },
});

function hostnameFiles({ hostname }: CloudConfig): readonly Step[] {
  if (hostname === null) return [];
  return [fileStep('/etc/hostname', `${hostname.text}\n`, 'hostname')];
}

function hostnameCommand({ hostname }: CloudConfig): readonly Step[] {
  if (hostname === null) return [];
  return [runStep(['hostnamectl', 'set-hostname', hostname.text], 'hostname')];
}

function writtenFiles(config: CloudConfig, { machine }: Circumstances): readonly Step[] {
  const homes = newHomes(config, machine);
  return config.files.map(({ path, content, mode, owner }) => {
    // useradd leaves a home alone that is there already: it would be root's, and empty.
    const isLate = homes.some((home) => path.startsWith(`${home}/`));
    const change = isUnitFile(path) ? 'units' : null;
    const more = { mode, owner: owner?.text ?? null, isLate, change } as const;
    return fileStep(path, content, 'write_files', more);
  });
}

function hostsFile(
  { managesHosts, hostname, files }: CloudConfig,
  { machine }: Circumstances,
): readonly Step[] {
  if (!managesHosts) return [];
  const path = mergedPaths.hosts;
  const written = files.find((file) => file.path === path)?.content.toString('utf8');
  const text = written ?? machine.texts.get(path) ?? '';
  const own = withOwnName(text, hostname?.text ?? machine.hostname);
  return [fileStep(path, own, 'manage_etc_hosts')];
}

/** Units of such configs count on the addresses being there. */
function environmentFile(
  { files }: CloudConfig,
  { machine, addresses }: Circumstances,
): readonly Step[] {
  const path = mergedPaths.environment;
  if (files.some((file) => file.path === path)) return [];
  const variables = addressNames.flatMap((name) => {
    const address = addresses[name];
    return address === undefined ? [] : [[addressVariable(name), address] as const];
  });
  if (variables.length === 0) return [];
  const text = withVariables(machine.texts.get(path) ?? '', variables);
  return [fileStep(path, text, 'the addresses of this machine, for EnvironmentFile=')];
}
