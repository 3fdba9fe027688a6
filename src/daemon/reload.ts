import { backoffMs } from '../lib/backoff.ts';
import { type Clock, rest } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import type { Result } from '../lib/result.ts';
import type { Machine } from '../model/machine.ts';
import type { ReadConfig } from './config.ts';
import { type Settings, settingNames } from './settings.ts';

/** Settings that count as soon as the configuration is read again. */
const liveFields = ['metadata', 'publicIp', 'verbosity', 'tokenLimitCount'] as const;

/** What a newer configuration comes to for a running daemon. */
export interface ReloadPlan {
  /** The settings from now on: the old ones with what can change now. */
  readonly settings: Settings;
  /** Names of settings that changed now, as in fleet.conf. */
  readonly changed: readonly string[];
  /** Names of settings that differ and wait for a restart. */
  readonly waiting: readonly string[];
}

/** Compares the settings in force with those just read. */
export function planReload(before: Settings, after: Settings): ReloadPlan {
  const changed: string[] = [];
  const waiting: string[] = [];
  for (const [field, name] of settingNames()) {
    if (asText(before[field]) === asText(after[field])) continue;
    (liveFields.some((live) => live === field) ? changed : waiting).push(name);
  }
  const { metadata, publicIp, verbosity, tokenLimitCount } = after;
  return {
    settings: { ...before, metadata, publicIp, verbosity, tokenLimitCount },
    changed,
    waiting,
  };
}

/** What reloading works with. */
export interface ReloaderParts {
  readonly settings: Settings;
  readonly readConfig: () => Result<ReadConfig, readonly string[]>;
  /** The address of this machine when `public_ip` does not say. */
  readonly ownAddress: () => string | null;
  /** Writes what this machine says of itself; throws FleetError while the store is away. */
  readonly update: (
    change: Partial<Pick<Machine, 'address' | 'metadata'>>,
    signal: AbortSignal,
  ) => Promise<void>;
  readonly setVerbosity: (verbosity: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

const updatePauses = { firstMs: 200, maxMs: 5_000 } as const;

/** Reads the configuration again, as often as it is asked, and applies what can be applied. */
export class Reloader {
  readonly #parts: ReloaderParts;
  /** The settings in force. */
  settings: Settings;
  #telling: AbortController | null = null;

  constructor(parts: ReloaderParts) {
    this.#parts = parts;
    this.settings = parts.settings;
  }

  /** Ends once the store knows too; `signal` or a newer reload ends it before. */
  async reload(signal: AbortSignal): Promise<void> {
    const { log, setVerbosity } = this.#parts;
    const config = this.#read();
    if (!config.ok) {
      log.error({ problems: config.error }, 'configuration not usable, keeping the one before');
      return;
    }
    const { warnings } = config.value;
    const { settings, changed, waiting } = planReload(this.settings, config.value.settings);
    this.settings = settings;
    setVerbosity(settings.verbosity);
    log.info({ changed, warnings }, 'read the configuration again');
    if (waiting.length > 0) {
      log.warn({ settings: waiting, hint: 'restart fleet.service' }, 'settings wait for a restart');
    }
    if (changed.includes('metadata') || changed.includes('public_ip')) await this.#tell(signal);
  }

  #read(): Result<ReadConfig, readonly string[]> {
    try {
      return this.#parts.readConfig();
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      return { ok: false, error: [error.message] };
    }
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { update, ownAddress, clock, log } = this.#parts;
    this.#telling?.abort();
    const telling = new AbortController();
    this.#telling = telling;
    const isOver = AbortSignal.any([signal, telling.signal]);
    const { metadata, publicIp } = this.settings;
    const address = publicIp ?? ownAddress();
    const change = { metadata, ...(address === null ? {} : { address }) };
    for (let tryCount = 1; !isOver.aborted; tryCount += 1) {
      try {
        return await update(change, isOver);
      } catch (error) {
        if (!(error instanceof FleetError)) throw error;
        const fields = { problem: messageOf(error) };
        if (tryCount === 1 && !isOver.aborted) log.warn(fields, 'cluster not told yet, trying on');
        await rest(backoffMs(tryCount, updatePauses), clock, isOver);
      }
    }
  }
}

function asText(value: unknown): string {
  return JSON.stringify(value instanceof Map ? [...value].sort() : value);
}
