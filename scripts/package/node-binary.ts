import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Architecture, architectureOf, architectures } from './architecture.ts';

/** Enough of an ELF file to tell what it is for. */
const headBytes = 64;

/**
 * The Node of the version that package.json pins, for that architecture: the one in node_modules
 * where it fits, or else npm's package with the binary, fetched once into `folder`.
 */
export function nodeBinary(architecture: Architecture, folder: string): string {
  const own = realpathSync('node_modules/.bin/node');
  if (architectureOf(headOf(own)) === architecture) return own;
  const name = `${architectures[architecture].npm}-${versionOf(own)}`;
  const path = join(folder, name, 'package/bin/node');
  if (!existsSync(path)) fetchNode(architecture, versionOf(own), join(folder, name));
  if (architectureOf(headOf(path)) !== architecture)
    throw new Error(`${path} is no ${architecture}`);
  return path;
}

function fetchNode(architecture: Architecture, version: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const wanted = `${architectures[architecture].npm}@${version}`;
  // npm checks what it fetched against the registry's own hash.
  const pack = ['pack', '--silent', '--pack-destination', folder, wanted];
  const fileName = execFileSync('npm', pack, { encoding: 'utf8' }).trim();
  execFileSync('tar', ['-xzf', join(folder, fileName), '-C', folder]);
}

function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().replace(/^v/, '');
}

function headOf(path: string): Uint8Array {
  const head = new Uint8Array(headBytes);
  const file = openSync(path, 'r');
  readSync(file, head);
  closeSync(file);
  return head;
}
