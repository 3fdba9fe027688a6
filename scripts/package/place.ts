import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PackageFile } from './file-list.ts';

/** Writes the files of a package below `root`, where none of them is yet. */
export function placeFiles(root: string, files: readonly PackageFile[]): void {
  for (const file of files) {
    const path = join(root, file.path);
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    placeFile(path, file);
  }
}

function placeFile(path: string, file: PackageFile): void {
  if (file.kind === 'link') {
    symlinkSync(file.target, path);
    return;
  }
  if (file.kind === 'copy') copyFileSync(file.source, path);
  else writeFileSync(path, file.content);
  chmodSync(path, file.mode);
}
