import { unitFileLimits } from '../unitfile/limits.ts';

/** What the API accepts at most. */
export const apiLimits = {
  /**
   * A request body: a unit file as text and as options, in JSON. The file itself is measured
   * exactly, against `unitFileBytesMax`.
   */
  bodyBytesMax: 4 * unitFileLimits.unitFileBytesMax,
  /** A name in a path, percent-encoded; unit names themselves are shorter. */
  pathNameLengthMax: 1024,
  /** Below the 3 s a client waits, so that it hears why there is no answer. */
  storeWaitMsMax: 2500,
  /** Units followed along `MachineOf=` before it is called too long. */
  machineOfChainCountMax: 100,
  /** Changes of metadata in one request: all of them are one transaction. */
  metadataChangeCountMax: 100,
  metadataKeyLengthMax: 256,
  metadataValueLengthMax: 1024,
  /** Characters of foreign text repeated in a message. */
  echoLengthMax: 80,
} as const satisfies Readonly<Record<string, number>>;
