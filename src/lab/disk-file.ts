import { chmodSync, existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes a file of a machine's disk; folders are made with the rights of the system's own. */
export function placeFile(upper: string, path: string, text: string, mode = 0o644): void {
  const file = join(upper, path);
  placeFolder(upper, dirname(path));
  writeFileSync(file, text);
  chmodSync(file, mode);
}

/** Makes a symbolic link on a machine's disk, unless something of that name is already there. */
export function placeLink(upper: string, path: string, target: string): void {
  placeFolder(upper, dirname(path));
  const file = join(upper, path);
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) symlinkSync(target, file);
}

/** Makes a folder and those above it, readable for all, whatever the umask of the user is. */
export function placeFolder(upper: string, path: string): void {
  const folder = join(upper, path);
  if (existsSync(folder)) return;
  if (folder !== upper && path !== '/') placeFolder(upper, dirname(path));
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
}
