/**
 * The files of one machine, as far as the agent needs them. Paths are absolute. Every call throws
 * FleetError `disk/failed`.
 */
export interface Disk {
  /** The bytes of a file, links followed; null when there is none. */
  read(path: string): Promise<Buffer | null>;
  /** Writes a whole file or nothing, and makes its folder. */
  write(path: string, content: string): Promise<void>;
  /** The names in a folder, but for half-written files, which are removed; none when it is missing. */
  names(folder: string): Promise<readonly string[]>;
  /** Removes a file or a link; one that is not there is removed. */
  remove(path: string): Promise<void>;
  /** Removes a folder if nothing is in it. */
  removeFolder(path: string): Promise<void>;
  /** Where a link leads; null when nothing is there, '' for anything else. */
  target(path: string): Promise<string | null>;
  /** Makes a link in place of whatever file is there, and its folder. */
  link(path: string, target: string): Promise<void>;
}
