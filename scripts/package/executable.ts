import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How Node finds what is put into it: doc/api/single-executable-applications.md of Node. */
const resource = 'NODE_SEA_BLOB';
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** Bundles that the entry, fleet.cjs, loads by name. */
const assetNames = ['fleetd.cjs', 'fleetd-start.cjs', 'fleetctl.cjs', 'fleet-cloudinit.cjs'];

/**
 * What goes into a Node to make it `fleet`; returns the path. `bundles` is relative, since it gets
 * into what is made. The same for every architecture, and
 * for every build of the same sources: compiled code, which is neither, is kept on the machine.
 */
export function makeBlob(bundles: string, folder: string): string {
  const output = join(folder, 'fleet.blob');
  const settings = {
    main: join(bundles, 'fleet.cjs'),
    output,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: false,
    execArgv: ['--max-semi-space-size=8'], // short pauses: docs/adr/0025-memory.md
    execArgvExtension: 'none', // $NODE_OPTIONS is for other people's programs
    assets: Object.fromEntries(assetNames.map((name) => [name, join(bundles, name)])),
  };
  const path = join(folder, 'fleet.blob.json');
  writeFileSync(path, JSON.stringify(settings));
  execFileSync(process.execPath, ['--experimental-sea-config', path], {
    stdio: 'pipe', // it says on stderr that it succeeded
  });
  return output;
}

/** Makes the executable at `path` from that Node. */
export function makeExecutable(node: string, blob: string, path: string): void {
  const fresh = `${path}.new`;
  copyFileSync(node, fresh);
  chmodSync(fresh, 0o755);
  const injected = spawnSync('postject', [fresh, resource, blob, '--sentinel-fuse', fuse], {
    encoding: 'utf8',
  });
  // It warns of names of sections that Node's own build leaves out, so only a failure is shown.
  if (injected.status !== 0) throw new Error(`postject: ${injected.stdout}${injected.stderr}`);
  renameSync(fresh, path);
}
