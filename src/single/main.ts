// single: the one executable `fleet` of packages, which is fleetd, fleetctl or fleet-cloudinit by the
// name it is started by. Knows how code lies in it; knows nothing of what the programs do.
// Bundled as dist/bin/fleet.cjs; scripts/package/executable.ts puts it and the programs into a Node.
import { readdirSync } from 'node:fs';
import { createRequire, enableCompileCache, flushCompileCache, registerHooks } from 'node:module';
import { getAsset, getAssetKeys } from 'node:sea';
import { programOf, programs } from './program-of.ts';

const limits = { cacheWrittenMs: 5_000 } as const;

/** fleet.service makes it (CacheDirectory=); only root may write there. */
const cacheFolder = '/var/cache/fleet';
const scheme = 'fleet:';
const usageStatus = 2;

const assets = new Set(getAssetKeys());
const [, self = '', ...args] = process.argv;
const { program, rest } = programOf({ startedAs: process.argv0, args });
if (program === null) {
  process.stderr.write(`fleet: started as none of ${programs.join(', ')}\n`);
  process.stderr.write('fleet: name one of them first, as in `fleet fleetctl list-units`\n');
  process.exitCode = usageStatus;
} else {
  process.argv = [process.execPath, self, ...rest];
  keepCompiled();
  loadFromAssets();
  createRequire(process.execPath)(`./${program}.cjs`);
}

/**
 * What V8 compiled is kept for the next start: filled at the first one, since a package with it could
 * not be built twice alike. fleetd may never end by itself, so it is written soon after the start.
 */
function keepCompiled(): void {
  if (process.getuid?.() !== 0 || !isFolder(cacheFolder)) return;
  enableCompileCache(cacheFolder);
  setTimeout(flushCompileCache, limits.cacheWrittenMs).unref();
}

/** `require` of a program, or of what it loads later, finds the assets; all else as ever. */
function loadFromAssets(): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      const name = specifier.replace(/^\.\//, '');
      if (!assets.has(name)) return next(specifier, context);
      return { url: `${scheme}${name}`, format: 'commonjs', shortCircuit: true };
    },
    load: (url, context, next) => {
      if (!url.startsWith(scheme)) return next(url, context);
      const source = getAsset(url.slice(scheme.length), 'utf8');
      return { format: 'commonjs', source, shortCircuit: true };
    },
  });
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}
