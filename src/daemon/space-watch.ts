import type { Clock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import { Wake } from '../lib/wake.ts';
import { spaceHint } from '../registry/etcd-trouble.ts';
import type { Store } from '../registry/store.ts';
import type { StoreFill } from '../registry/store-fill.ts';

/** What watching the space of the store needs. */
export interface SpaceWatchOptions {
  readonly store: Pick<Store, 'space'>;
  readonly fill: StoreFill;
  readonly isLeader: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

const limits = {
  /** Between two looks, by the leader alone; a write that met a full store makes it look at once. */
  lookEveryMs: 5 * 60_000,
} as const;

/** Looks after the space of the store until abort; never rejects with FleetError. */
export async function watchSpace(options: SpaceWatchOptions, signal: AbortSignal): Promise<void> {
  const { fill, clock, isLeader } = options;
  const wake = new Wake();
  const forget = fill.onChange(() => {
    say(options);
    wake.nudge();
  });
  while (!signal.aborted) {
    wake.clear();
    await wake.rest(limits.lookEveryMs, clock, signal);
    if (!signal.aborted && isLeader()) await look(options, signal);
  }
  forget();
}

async function look({ store, fill, log }: SpaceWatchOptions, signal: AbortSignal): Promise<void> {
  try {
    fill.saw(await store.space(signal));
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    if (!signal.aborted) log.debug({ problem: messageOf(error) }, 'space of the store not known');
  }
}

function say({ fill, log }: SpaceWatchOptions): void {
  const { state, sizeBytes, percent, quotaBytes } = fill;
  const fields = { sizeBytes, quotaBytes, percent };
  if (state === 'full') {
    log.error({ ...fields, hint: spaceHint }, 'store is full, leaving everything as it is');
  } else if (state === 'filling') log.warn({ ...fields, hint: spaceHint }, 'store is filling up');
  else log.info(fields, 'store has space again');
}
