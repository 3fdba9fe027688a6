/** Names of what a word may stand for, for completion. */
export type Completes =
  | 'units'
  | 'machines'
  | 'machines away'
  | 'files'
  | 'units and files'
  | 'commands';

/** The flags of one command, by their camel-cased name. Values are texts, or true for switches. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** A flag, or an operand, as its help shows it. */
export interface Flag {
  /** As commander writes it: `--timeout <time>`. */
  readonly usage: string;
  readonly what: string;
  /** The values it may have, when they are few. */
  readonly values?: readonly string[];
  /** What its values name; absent: as its placeholder says, `<unit>`, `<machine>` or `<file>`. */
  readonly completes?: Completes;
}
