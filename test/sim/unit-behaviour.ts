/**
 * What a simulated unit does, written into its text as `ExecStart=/sim key=value …`, so that a unit
 * which runs another text than it should also behaves otherwise.
 */
export interface Behaviour {
  /** systemd cannot use the text at all. */
  readonly isBad: boolean;
  readonly isOneshot: boolean;
  readonly startMs: number;
  readonly stopMs: number;
  /** How its start ends. */
  readonly start: 'done' | 'failed';
  /** When it ends by itself after its start; null: never. */
  readonly lifeMs: number | null;
  readonly exit: 'inactive' | 'failed';
  /** systemd starts it again by itself after a failure. */
  readonly restarts: boolean;
}

/** Reads the behaviour of a text. */
export function behaviourOf(text: string): Behaviour {
  const given = new Map(
    [...text.matchAll(/\b(start|stop|startMs|stopMs|lifeMs|exit)=(\w+)/g)].map(
      ([, key = '', value = '']) => [key, value],
    ),
  );
  const life = given.get('lifeMs');
  return {
    isBad: text.includes('BadSetting'),
    isOneshot: text.includes('Type=oneshot'),
    startMs: Number(given.get('startMs') ?? 0),
    stopMs: Number(given.get('stopMs') ?? 0),
    start: given.get('start') === 'failed' ? 'failed' : 'done',
    lifeMs: life === undefined ? null : Number(life),
    exit: given.get('exit') === 'failed' ? 'failed' : 'inactive',
    restarts: text.includes('Restart=on-failure'),
  };
}
