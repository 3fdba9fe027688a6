import type { Clock } from '../lib/clock.ts';
import { etcdTrouble } from './etcd-trouble.ts';
import type { KeeperOrder, KeeperReport } from './keeper-words.ts';
import type { KeptLease, Withheld } from './lease-keeper.ts';
import type { LeasePort } from './lease-wire.ts';
import { patienceMsFor, type RenewalOutcome, renewInTurns } from './renewal-turns.ts';
import type { LeaseStanding } from './store.ts';
import { judgeSigns, type Signs } from './vital-signs.ts';

/** What the keeper works with. */
export interface KeeperParts {
  readonly clock: Clock;
  readonly wire: LeasePort;
  readonly signs: () => Signs;
  /** Time since the machine booted, sleep included; only differences mean anything. */
  readonly bootMs: () => number;
  /** `wedge_seconds` */
  readonly wedgeMs: number;
  readonly leaderKey: string;
  readonly tell: (report: KeeperReport) => void;
  /** Says a line to whoever reads the journal, without the main thread. */
  readonly say: (line: string) => void;
}

interface Kept extends KeptLease {
  readonly number: number;
  readonly ending: AbortController;
}

/** The keeper thread's own work: renews as long as the daemon shows that it works. */
export class Keeper {
  readonly #parts: KeeperParts;
  #kept: Kept | null = null;
  #term: string | null = null;
  #withheld: Withheld | null = null;
  /** How far the time since boot is ahead of the monotonic clock: it grows while we sleep. */
  #aheadMs: number;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#aheadMs = this.#lookAhead();
    parts.wire.onAnswer(({ leaseId, standing, sentAtMs }) => {
      const kept = this.#kept;
      if (leaseId === kept?.leaseId && standing !== null) this.#answered(kept, sentAtMs, standing);
    });
  }

  /** Does what the main thread says. */
  obey(order: KeeperOrder): void {
    switch (order.kind) {
      case 'keep':
        this.#letGo();
        this.#keep({ ...order, ending: new AbortController() }, order.atOnce);
        break;
      case 'let-go':
        this.#letGo();
        break;
      case 'lead':
        this.#term = order.term;
        break;
      case 'member':
        this.#parts.wire.prefer(order.endpoint);
        break;
    }
  }

  #keep(kept: Kept, atOnce: boolean): void {
    const { clock } = this.#parts;
    this.#kept = kept;
    this.#aheadMs = this.#lookAhead();
    const turn = (): Promise<RenewalOutcome> => this.#turn(kept);
    void renewInTurns({ ttlMs: kept.ttlMs, clock, atOnce, turn }, kept.ending.signal);
  }

  #letGo(): void {
    this.#kept?.ending.abort();
    this.#kept = null;
    this.#withheld = null;
  }

  async #turn(kept: Kept): Promise<RenewalOutcome> {
    const { clock, signs, wedgeMs } = this.#parts;
    const { number, ttlMs } = kept;
    const sleptMs = this.#sleptMs();
    if (sleptMs > ttlMs) {
      this.#parts.say(`the machine slept for ${seconds(sleptMs)}: its lease counts as lost`);
      this.#parts.tell({ kind: 'slept', number, sleptMs });
      return 'gone';
    }
    const { withheld, isStuck } = judgeSigns(signs(), { nowMs: clock.nowMs(), ttlMs, wedgeMs });
    const outcome = withheld === null ? await this.#renew(kept) : await this.#watch(kept, withheld);
    if (isStuck && !kept.ending.signal.aborted) await this.#standDown(kept);
    return outcome;
  }

  async #renew(kept: Kept): Promise<RenewalOutcome> {
    const { clock, wire, tell, say } = this.#parts;
    const { number, leaseId, ttlMs } = kept;
    if (this.#withheld !== null) say('works again: its lease is renewed if etcd still has it');
    this.#withheld = null;
    const sentAtMs = clock.nowMs();
    const { endpoint } = wire;
    try {
      const standing = await wire.renew(leaseId, patienceMsFor(ttlMs));
      if (kept.ending.signal.aborted) return 'failed';
      if (standing !== null) return 'renewed'; // told when it came
      tell({ kind: 'gone', number, atMs: clock.nowMs() });
      return 'gone';
    } catch (thrown) {
      if (kept.ending.signal.aborted) return 'failed';
      const problem = etcdTrouble(thrown, 'read', endpoint).message;
      tell({ kind: 'failed', number, problem, endpoint, sentAtMs });
      return 'failed';
    }
  }

  /** Renews no more, and looks when the lease has expired. */
  async #watch(kept: Kept, why: Withheld): Promise<RenewalOutcome> {
    const { clock, wire, wedgeMs, tell, say } = this.#parts;
    const { number, leaseId, ttlMs } = kept;
    const isNew = this.#withheld !== why;
    this.#withheld = why;
    if (isNew) say(`${withheldWords[why]} for ${seconds(wedgeMs)}: its lease is left to expire`);
    // What a stuck loop does not read must not pile up.
    if (isNew || why !== 'loop') tell({ kind: 'withheld', number, why, isNew });
    try {
      if ((await wire.inspect(leaseId, patienceMsFor(ttlMs))) !== null) return 'withheld';
    } catch {
      return 'withheld'; // etcd will be asked again
    }
    if (kept.ending.signal.aborted) return 'withheld';
    tell({ kind: 'gone', number, atMs: clock.nowMs() });
    return 'gone';
  }

  /** Whoever cannot work cannot lead; the machine and its units stay as they are. */
  async #standDown({ number, leaseId, ttlMs }: Kept): Promise<void> {
    const { wire, leaderKey, tell, say } = this.#parts;
    try {
      const seat = { key: leaderKey, leaseId, term: this.#term };
      const wasLeader = await wire.vacate(seat, patienceMsFor(ttlMs));
      if (!wasLeader) return;
      say(`${withheldWords.loop} for ${seconds(ttlMs)}: gave up leading, its units stay`);
      tell({ kind: 'stood-down', number });
    } catch {
      // The next turn tries again.
    }
  }

  #answered({ number }: Kept, sentAtMs: number, { header }: LeaseStanding): void {
    const { clock, tell } = this.#parts;
    const of = header === undefined ? {} : { header };
    tell({ kind: 'answered', number, sentAtMs, atMs: clock.nowMs(), ...of });
  }

  #sleptMs(): number {
    const beforeMs = this.#aheadMs;
    this.#aheadMs = this.#lookAhead();
    return this.#aheadMs - beforeMs;
  }

  #lookAhead(): number {
    return this.#parts.bootMs() - this.#parts.clock.nowMs();
  }
}

const withheldWords: Readonly<Record<Withheld, string>> = {
  loop: 'the main loop has been stuck',
  systemd: 'systemd has not answered the agent',
};

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
