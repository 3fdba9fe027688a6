import { dirname } from 'node:path';
import type { FileCalls } from '../../src/agent/disk-file.ts';

type Node =
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'link'; readonly target: string };

/**
 * How a process meets a disk: it waits until the disk has done what it was asked for, and may be told
 * that it failed. Only a full disk minds what `needsRoom`.
 */
export type DiskTurn = (needsRoom: boolean) => Promise<void>;

/** A machine's file system in memory: plain, synchronous, as far as the agent needs one. */
export class MemoryDisk {
  readonly #nodes = new Map<string, Node>();

  /** The text of a file, links followed; null when there is none. */
  text(path: string): string | null {
    const node = this.#nodes.get(path);
    if (node?.kind === 'link') return this.text(node.target);
    return node?.kind === 'file' ? node.text : null;
  }

  /** The target of a link; null when it is none. */
  target(path: string): string | null {
    const node = this.#nodes.get(path);
    return node?.kind === 'link' ? node.target : null;
  }

  has(path: string): boolean {
    return this.#nodes.has(path);
  }

  names(folder: string): string[] {
    const start = `${folder}/`;
    return [...this.#nodes.keys()]
      .filter((path) => path.startsWith(start) && !path.slice(start.length).includes('/'))
      .map((path) => path.slice(start.length))
      .sort();
  }

  writeText(path: string, text: string): void {
    this.#nodes.set(path, { kind: 'file', text });
  }

  link(target: string, path: string): void {
    this.#nodes.set(path, { kind: 'link', target });
  }

  makeFolder(path: string): void {
    for (let at = path; at !== '/' && at !== '.'; at = dirname(at)) {
      this.#nodes.set(at, { kind: 'folder' });
    }
  }

  move(from: string, to: string): void {
    const node = this.#nodes.get(from);
    if (node === undefined) throw errno('ENOENT');
    this.#nodes.delete(from);
    this.#nodes.set(to, node);
  }

  remove(path: string): void {
    this.#nodes.delete(path);
  }

  isLink(path: string): boolean {
    const node = this.#nodes.get(path);
    if (node === undefined) throw errno('ENOENT');
    return node.kind === 'link';
  }

  /** Everything below a folder goes, as of /run when the power is cut. */
  wipe(folder: string): void {
    for (const path of [...this.#nodes.keys()]) {
      if (path.startsWith(`${folder}/`)) this.#nodes.delete(path);
    }
  }
}

/** The calls of one process on a disk: other things happen between any two of them. */
export function callsOn(disk: MemoryDisk, turn: DiskTurn): FileCalls {
  const call = async <T>(needsRoom: boolean, run: () => T): Promise<T> => {
    await turn(needsRoom);
    return run();
  };
  return {
    readFile: (path) => call(false, () => Buffer.from(disk.text(path) ?? none())),
    writeFile: (path, text) => call(true, () => disk.writeText(path, text)),
    rename: (from, to) => call(false, () => disk.move(from, to)),
    rm: (path) => call(false, () => disk.remove(path)),
    readdir: (path) => call(false, () => (disk.has(path) ? disk.names(path) : none())),
    rmdir: (path) =>
      call(false, () => {
        if (!disk.has(path)) none();
        if (disk.names(path).length > 0) throw errno('ENOTEMPTY');
        disk.remove(path);
      }),
    mkdir: (path) => call(true, () => disk.makeFolder(path)),
    isLink: (path) => call(false, () => disk.isLink(path)),
    readlink: (path) => call(false, () => disk.target(path) ?? none()),
    symlink: (target, path) => call(true, () => disk.link(target, path)),
  };
}

function none(): never {
  throw errno('ENOENT');
}

/** As Node would say it, without a path: temporary names differ from run to run. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code} (simulated)`), { code });
}
