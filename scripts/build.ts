// Bundles each program into one file under dist/. What etcd3 reads at run time goes beside it.
// dist/ is complete in itself: a machine needs it and a Node, nothing from node_modules.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/** V8 keeps the text of what it runs, so comments and blanks would cost memory; names stay. */
const program = {
  bundle: true,
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  logLevel: 'warning',
} as const satisfies BuildOptions;

// The keeper thread of fleetd goes into it as a string: it is started from there, not from a file.
const keeper = await build({
  entryPoints: ['src/registry/keeper-worker.ts'],
  ...program,
  write: false,
});

const entryPoints = {
  fleetd: 'daemon/main',
  'fleetd-start': 'daemon/start',
  fleetctl: 'fleetctl/main',
  fleetlab: 'lab/main',
  'fleet-cloudinit': 'cloudinit/main',
} as const;

/** What fleetd loads only when it has begun to renew its lease is a file beside it. */
const later: Plugin = {
  name: 'later',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\/start\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './fleetd-start.cjs', external: true } : null,
    );
  },
};

await build({
  entryPoints: Object.entries(entryPoints).map(([out, path]) => ({ in: `src/${path}.ts`, out })),
  outdir: 'dist/bin',
  outExtension: { '.js': '.cjs' },
  ...program,
  supported: { 'dynamic-import': false }, // `require`, which needs no second loader
  plugins: [later],
  define: { FLOTILLA_KEEPER: JSON.stringify(keeper.outputFiles[0]?.text ?? '') },
  sourcemap: 'linked',
  sourcesContent: false,
});
// etcd3 loads `../proto/rpc.proto` seen from its own file, which is now dist/bin/*.cjs.
rmSync('dist/proto', { recursive: true, force: true });
mkdirSync('dist/proto', { recursive: true });
cpSync('node_modules/etcd3/proto', 'dist/proto', { recursive: true });
