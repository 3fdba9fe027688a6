import type { Disk } from '../agent/disk.ts';

/** A machine's files in memory: nothing fails, nothing waits. */
export class MemoryDisk implements Disk {
  readonly #files = new Map<string, string>();
  readonly #links = new Map<string, string>();

  /** The text of a file, links followed; null when there is none. */
  text(path: string): string | null {
    const target = this.#links.get(path);
    return this.#files.get(target ?? path) ?? null;
  }

  async read(path: string): Promise<Buffer | null> {
    const text = this.text(path);
    return text === null ? null : Buffer.from(text);
  }

  async write(path: string, content: string): Promise<void> {
    this.#files.set(path, content);
  }

  async names(folder: string): Promise<readonly string[]> {
    const start = `${folder}/`;
    return [...this.#files.keys(), ...this.#links.keys()]
      .filter((path) => path.startsWith(start) && !path.includes('/', start.length))
      .map((path) => path.slice(start.length));
  }

  async remove(path: string): Promise<void> {
    this.#files.delete(path);
    this.#links.delete(path);
  }

  async removeFolder(): Promise<void> {
    // A folder is there as long as something is in it.
  }

  async target(path: string): Promise<string | null> {
    return this.#links.get(path) ?? (this.#files.has(path) ? '' : null);
  }

  async link(path: string, target: string): Promise<void> {
    this.#files.delete(path);
    this.#links.set(path, target);
  }
}
