// Bundles each program into one file under dist/. What etcd3 reads at run time goes beside it.
// dist/ is complete in itself: a machine needs it and a Node, nothing from node_modules.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const programs = {
  fleetd: 'daemon',
  fleetctl: 'fleetctl',
  fleetlab: 'lab',
  'fleet-cloudinit': 'cloudinit',
} as const;

await build({
  entryPoints: Object.entries(programs).map(([program, folder]) => ({
    in: `src/${folder}/main.ts`,
    out: program,
  })),
  outdir: 'dist/bin',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
});
// etcd3 loads `../proto/rpc.proto` seen from its own file, which is now dist/bin/*.cjs.
rmSync('dist/proto', { recursive: true, force: true });
mkdirSync('dist/proto', { recursive: true });
cpSync('node_modules/etcd3/proto', 'dist/proto', { recursive: true });
