import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudConfig } from './cloud-config.ts';
import type { GetUrl, Got } from './get-url.ts';
import { errorAt, type Problem } from './problem.ts';

/** Where etcd keeps a member once it has found its cluster. */
const dataFolders = ['/var/lib/etcd/fleet', '/var/lib/etcd', '/var/lib/etcd2'];

/**
 * Asks the discovery service of a config whether it is there and knows the cluster, as etcd will.
 * A member that has found its cluster needs it no more: that it is away must not stop a boot.
 */
export async function discoveryProblems(
  config: CloudConfig,
  { root, get }: { readonly root: string; readonly get: GetUrl },
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const section of ['etcd', 'etcd2', 'etcd3'] as const) {
    const settings = new Map(config.sections[section].map((setting) => [setting.key, setting]));
    const discovery = settings.get('discovery');
    if (discovery === undefined || settings.has('discovery_proxy')) continue;
    const folders = [settings.get('data_dir')?.value ?? '', ...dataFolders].filter(Boolean);
    if (folders.some((folder) => existsSync(join(root, folder, 'member')))) continue;
    const why = objectionTo(await get(`${discovery.value.replace(/\/$/, '')}/_config/size`));
    const path = `coreos.${section}.discovery`;
    if (why !== null) problems.push(errorAt(discovery, `${path}: ${discovery.value} ${why}`));
  }
  return problems;
}

function objectionTo(got: Got): string | null {
  if (got.kind === 'away') return `does not answer (${got.why}); start the discovery service`;
  if (got.status === 404) {
    return 'is not known to the discovery service; make it by setting its _config/size';
  }
  if (got.status >= 200 && got.status < 300) return null;
  return `answers with status ${got.status}; see the log of the discovery service`;
}
