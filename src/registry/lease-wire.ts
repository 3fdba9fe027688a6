import type { Clock } from '../lib/clock.ts';
import type { Seat } from './etcd-messages.ts';
import { limits } from './limits.ts';
import { MemberLink, type RenewalAnswer } from './member-link.ts';
import type { LeaseId, LeaseStanding } from './store.ts';

/** How the keeper reaches etcd. */
export interface LeaseWireOptions {
  readonly endpoints: readonly string[];
  readonly tls: {
    readonly ca: Uint8Array | null;
    readonly cert: Uint8Array | null;
    readonly key: Uint8Array | null;
  } | null;
  readonly login: { readonly username: string; readonly password: string } | null;
  readonly firstMember: number;
  readonly clock: Clock;
}

/** What the keeper asks of etcd. Each call rejects after `withinMs`. */
export interface LeasePort {
  /** The member that was asked last. */
  readonly endpoint: string;
  renew(leaseId: LeaseId, withinMs: number): Promise<LeaseStanding | null>;
  inspect(leaseId: LeaseId, withinMs: number): Promise<LeaseStanding | null>;
  vacate(seat: Seat, withinMs: number): Promise<boolean>;
  prefer(endpoint: string): void;
  /** Told of every answer to a renewal, also one that nobody waits for any more. */
  onAnswer(listener: (answer: RenewalAnswer) => void): void;
}

/**
 * Renewals over one member after the other: whatever fails or is late goes to the next one, and once
 * that has answered back to the one that the watches go over: who renews elsewhere would not see it
 * die. A link that was only late stays open for one try more, since a slow etcd may still answer
 * over it.
 */
export class LeaseWire implements LeasePort {
  readonly #options: LeaseWireOptions;
  #listener: (answer: RenewalAnswer) => void = () => undefined;
  #member: number;
  /** That of the watches; null: nobody has told. */
  #preferred: number | null = null;
  #link: MemberLink | null = null;
  #late: MemberLink | null = null;

  constructor(options: LeaseWireOptions) {
    this.#options = options;
    this.#member = options.firstMember % options.endpoints.length;
  }

  get endpoint(): string {
    return this.#options.endpoints[this.#member] ?? '';
  }

  onAnswer(listener: (answer: RenewalAnswer) => void): void {
    this.#listener = listener;
  }

  /** The next call goes to that member, and later ones whenever it is not in doubt. */
  prefer(endpoint: string): void {
    const member = this.#options.endpoints.indexOf(endpoint);
    if (member < 0) return;
    this.#member = member;
    this.#preferred = member;
  }

  async renew(leaseId: LeaseId, withinMs: number): Promise<LeaseStanding | null> {
    return this.#within(withinMs, (link) => link.renew(leaseId));
  }

  async inspect(leaseId: LeaseId, withinMs: number): Promise<LeaseStanding | null> {
    return this.#within(withinMs, (link) => link.inspect(leaseId));
  }

  async vacate(seat: Seat, withinMs: number): Promise<boolean> {
    return this.#within(withinMs, (link) => link.vacate(seat));
  }

  /** Ends every connection. */
  close(): void {
    this.#link?.end();
    this.#dropLate();
  }

  async #within<T>(ms: number, ask: (link: MemberLink) => Promise<T>): Promise<T> {
    const link = this.#connected();
    try {
      const answer = await this.#inTime(ms, ask(link));
      if (link !== this.#late) this.#dropLate();
      this.#member = this.#preferred ?? this.#member;
      return answer;
    } catch (thrown) {
      this.#leave(link);
      throw thrown;
    }
  }

  /** Rejects after `ms`; a timer that is itself late means that the answer may lie there unread. */
  #inTime<T>(ms: number, answer: Promise<T>): Promise<T> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const dueAtMs = clock.nowMs() + ms;
      const late = (): void => reject(new Error(`no answer within ${Math.round(ms)} ms`));
      let cancel = clock.after(ms, () => {
        const wasBusy = clock.nowMs() - dueAtMs > limits.ownLatenessMsMax;
        if (wasBusy) cancel = clock.after(ms, late);
        else late();
      });
      answer.then(resolve, reject).finally(() => cancel());
    });
  }

  #connected(): MemberLink {
    const { endpoint } = this;
    if (this.#link !== null && !this.#link.isEnded && this.#link.endpoint === endpoint) {
      return this.#link;
    }
    this.#link?.end();
    const { tls, login, clock } = this.#options;
    const answered = (answer: RenewalAnswer): void => this.#listener(answer);
    this.#link = new MemberLink({ endpoint, tls, login, clock, answered });
    return this.#link;
  }

  #leave(link: MemberLink): void {
    if (this.#link !== link) return;
    this.#dropLate();
    this.#late = link.isEnded ? null : link;
    this.#link = null;
    this.#member = (this.#member + 1) % this.#options.endpoints.length;
  }

  #dropLate(): void {
    this.#late?.end();
    this.#late = null;
  }
}
