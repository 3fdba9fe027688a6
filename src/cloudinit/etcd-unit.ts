import { bringsUnit } from './brought-units.ts';
import type { CloudConfig } from './cloud-config.ts';
import type { EtcdSection } from './etcd-settings.ts';
import type { Machine } from './machine.ts';

/** The one etcd of a machine of today. */
export const etcdUnit = 'etcd.service';

/** What CoreOS called it when it had more than one. */
const formerUnits: ReadonlySet<string> = new Set(['etcd2.service', 'etcd-member.service']);

/** The unit that a name of a config means on this machine. */
export function unitMeant(name: string, config: CloudConfig, { unitFiles }: Machine): string {
  if (!formerUnits.has(name) || unitFiles.has(name)) return name;
  return bringsUnit(config, name) ? name : etcdUnit;
}

/** The unit that a section of `coreos:` is about. */
export function unitOfSection(section: EtcdSection, config: CloudConfig, machine: Machine): string {
  const names = { etcd: etcdUnit, etcd2: 'etcd2.service', etcd3: 'etcd-member.service' };
  return unitMeant(names[section], config, machine);
}

/**
 * The former names under which this config wants etcd. Where there is one, what the config says of
 * `etcd.service` itself, often that it is masked, was meant for etcd 0.4 and not for this one.
 */
export function formerNames(config: CloudConfig, machine: Machine): readonly string[] {
  const named = config.units.filter(({ isMasked }) => !isMasked).map(({ name }) => name);
  return [...new Set(named)].filter((name) => {
    return name !== etcdUnit && unitMeant(name, config, machine) === etcdUnit;
  });
}
