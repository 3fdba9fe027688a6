// Bundles each program into one file under dist/. dist/ is complete in itself: a machine needs it
// and a Node, nothing from node_modules; a single executable (npm run package) has it inside.
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import protobuf from 'protobufjs';

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
  fleet: 'single/main',
  'fleet-hollow': 'hollow/main',
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

/** What etcd3 reads from its own folder at run time, `../proto/rpc.proto`, goes into the bundle. */
const descriptors: Plugin = {
  name: 'descriptors',
  setup: ({ onLoad }) => {
    onLoad({ filter: /etcd3\/lib\/connection-pool\.js$/ }, ({ path }) => {
      const before = /\.loadSync\)\(`[^`]*rpc\.proto`,/;
      const text = readFileSync(path, 'utf8');
      if (!before.test(text)) throw new Error('etcd3 no longer loads its .proto as it did');
      return { contents: text.replace(before, () => `.fromJSON)(${etcdDescriptor()},`) };
    });
  },
};

function etcdDescriptor(): string {
  const proto = fileURLToPath(import.meta.resolve('etcd3/proto/rpc.proto'));
  const root = new protobuf.Root();
  return JSON.stringify(root.loadSync(proto, { keepCase: true }).resolveAll().toJSON());
}

await build({
  entryPoints: Object.entries(entryPoints).map(([out, path]) => ({ in: `src/${path}.ts`, out })),
  outdir: 'dist/bin',
  outExtension: { '.js': '.cjs' },
  ...program,
  supported: { 'dynamic-import': false }, // `require`, which needs no second loader
  plugins: [later, descriptors],
  define: { FLOTILLA_KEEPER: JSON.stringify(keeper.outputFiles[0]?.text ?? '') },
  sourcemap: 'linked',
  sourcesContent: false,
});
// Older builds put etcd3's .proto files there.
rmSync('dist/proto', { recursive: true, force: true });
