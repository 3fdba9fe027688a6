/** What unitfile accepts at most. */
export const unitFileLimits = {
  /** A unit file as stored: generous for a unit, small enough for one etcd value. */
  unitFileBytesMax: 64 * 1024,
  /** A line with its continuation lines; systemd's LONG_LINE_MAX. */
  lineLengthMax: 1024 * 1024,
  /** systemd's UNIT_NAME_MAX without its final NUL; fleet 1.0 allowed one character more. */
  unitNameLengthMax: 255,
  /** Problems listed for one file; past it only their number is told. */
  problemCountMax: 20,
  /** Characters of foreign text shown in a message. */
  problemTextLengthMax: 60,
  /** Entries of one list in `[X-Fleet]`, e.g. all `Conflicts=` together. */
  requirementListCountMax: 256,
  /** Compiled globs that are kept. */
  globCacheCountMax: 16_384,
  /** The longest `TimeoutStopSec=` of a unit with `OnPartition=stop`. */
  stopTimeoutMsMax: 30_000,
  /** Edits between an unknown option and the known one it is taken for. */
  typoDistanceMax: 2,
} as const satisfies Readonly<Record<string, number>>;
