/** What fleet-cloudinit accepts and waits for at most. */
export const cloudinitLimits = {
  /** User-data as it comes, and unpacked. */
  userDataBytesMax: 16 * 1024 * 1024,
  /** One file of `write_files`, unpacked. */
  fileBytesMax: 64 * 1024 * 1024,
  /** Values of one YAML document, aliases followed: a few lines can stand for billions. */
  nodeCountMax: 200_000,
  /** Lists and maps inside of each other. */
  depthMax: 64,
  /** Problems told for one file. */
  problemCountMax: 50,
  /** systemd passes over drop-ins and units with longer names. */
  nameLengthMax: 255,
  /** What Linux takes. */
  hostnameLengthMax: 64,
  /** What useradd takes. */
  userNameLengthMax: 32,
  /** One request for user-data, or to a discovery service. */
  requestMsMax: 5_000,
  /** How long a boot asks a service again that is away. */
  awayMsMax: 30_000,
  /** Between two requests. */
  requestPauseMs: 1_000,
  /** One command, such as the start of a unit. */
  commandMsMax: 5 * 60_000,
} as const satisfies Readonly<Record<string, number>>;
