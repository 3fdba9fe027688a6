import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname } from 'node:path';

type Node =
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'link'; readonly target: string };

/** How a process meets a disk: it waits for it, and it may be told that something failed. */
export interface DiskUser {
  /** Ends when the disk has done what it was asked for; may reject. */
  turn(isWrite: boolean): Promise<void>;
}

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

/** Paths below this are in memory, for as long as they are mounted. */
const simulated = '/simulated/';

interface Mount {
  readonly disk: MemoryDisk;
  readonly user: DiskUser;
}

const mounts = new Map<string, Mount>();

/** Shows a disk to one process under a root of its own; returns the root. */
export function mount(name: string, disk: MemoryDisk, user: DiskUser): string {
  takeOver();
  mounts.set(name, { disk, user });
  return `${simulated}${name}`;
}

/** Forgets every mount. */
export function unmountAll(): void {
  mounts.clear();
}

let isTakenOver = false;

/**
 * Puts the disks in memory behind `node:fs/promises`: real files are read and written in an order
 * that the kernel chooses, and a run has to be the same twice.
 */
function takeOver(): void {
  if (isTakenOver) return;
  isTakenOver = true;
  const calls: Readonly<Record<string, (path: string, given: unknown) => Promise<unknown>>> = {
    readFile: (path) => read(path, (disk, at) => Buffer.from(disk.text(at) ?? none())),
    readdir: (path) => read(path, (disk, at) => (disk.has(at) ? disk.names(at) : none())),
    readlink: (path) => read(path, (disk, at) => disk.target(at) ?? none()),
    lstat: (path) =>
      read(path, (disk, at) => {
        const isLink = disk.isLink(at);
        return { isSymbolicLink: () => isLink };
      }),
    writeFile: (path, text) => write(path, (disk, at) => disk.writeText(at, String(text))),
    mkdir: (path) => write(path, (disk, at) => disk.makeFolder(at)),
    rm: (path) => write(path, (disk, at) => disk.remove(at)),
    rename: (path, to) => write(path, (disk, at) => disk.move(at, partsOf(String(to)).path)),
    rmdir: (path) =>
      write(path, (disk, at) => {
        if (!disk.has(at)) none();
        if (disk.names(at).length > 0) throw errno('ENOTEMPTY');
        disk.remove(at);
      }),
  };
  for (const [name, call] of Object.entries(calls)) {
    const original: unknown = Reflect.get(files, name);
    if (typeof original !== 'function') throw new Error(`node:fs/promises has no ${name}`);
    Reflect.set(files, name, (path: unknown, ...given: unknown[]): unknown =>
      typeof path === 'string' && path.startsWith(simulated)
        ? call(path, given[0])
        : Reflect.apply(original, files, [path, ...given]),
    );
  }
  syncBuiltinESMExports();
}

function partsOf(path: string): { readonly mount: Mount; readonly path: string } {
  const [name = '', ...rest] = path.slice(simulated.length).split('/');
  const found = mounts.get(name);
  if (found === undefined) throw errno('EIO');
  return { mount: found, path: `/${rest.join('/')}` };
}

async function read<T>(path: string, run: (disk: MemoryDisk, at: string) => T): Promise<T> {
  const parts = partsOf(path);
  await parts.mount.user.turn(false);
  return run(parts.mount.disk, parts.path);
}

async function write(path: string, run: (disk: MemoryDisk, at: string) => void): Promise<void> {
  const parts = partsOf(path);
  await parts.mount.user.turn(true);
  run(parts.mount.disk, parts.path);
}

function none(): never {
  throw errno('ENOENT');
}

/** As Node would say it, without a path: temporary names differ from run to run. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code} (simulated)`), { code });
}
