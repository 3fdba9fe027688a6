import type { CloudConfig, ConfigUnit } from './cloud-config.ts';

/** A service that speaks etcd's v2 API through etcdctl. */
export interface EtcdctlUnit {
  readonly unit: ConfigUnit;
  /** How that is known. */
  readonly why: string;
}

/**
 * The services that run etcdctl, themselves or through a file that the config writes. A config that
 * says what etcd 3 is to do knows of its API, and a text that names ETCDCTL_API has chosen one.
 */
export function etcdctlUnits({ units, files, sections }: CloudConfig): readonly EtcdctlUnit[] {
  if (sections.etcd3.length > 0) return [];
  const scripts = files.filter(({ content }) => runsEtcdctl(content.toString('utf8')));
  return units.flatMap((unit) => {
    const { name, content, isMasked, dropIns } = unit;
    if (content === null || isMasked || !name.endsWith('.service')) return [];
    if (dropIns.some((dropIn) => dropIn.content.includes('ETCDCTL_API'))) return [];
    if (content.includes('ETCDCTL_API')) return [];
    if (runsEtcdctl(content)) return [{ unit, why: 'it runs etcdctl' }];
    const script = scripts.find(({ path }) => content.includes(path));
    return script === undefined
      ? []
      : [{ unit, why: `it runs ${script.path}, which runs etcdctl` }];
  });
}

function runsEtcdctl(text: string): boolean {
  return /\betcdctl\b/.test(text) && !text.includes('ETCDCTL_API');
}
