import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { KeeperCode } from '../../src/registry/keeper-thread.ts';

const path = fileURLToPath(new URL('../../src/registry/keeper-worker.ts', import.meta.url));

/** The keeper thread as a checkout has it. */
export const keeperFile: KeeperCode = { kind: 'file', path };

/** The keeper thread as the bundle of fleetd has it. */
export async function keeperText(): Promise<KeeperCode> {
  const built = await build({
    ...{ entryPoints: [path], bundle: true, write: false },
    ...{ platform: 'node', target: 'node24', format: 'cjs' },
  });
  return { kind: 'text', text: built.outputFiles[0]?.text ?? '' };
}
