/** A bug in one line, and who has to notice it. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The pure test that catches it; null: some seed of the simulation does. */
  readonly test: string | null;
}

/** Bugs that somebody could make one day. */
export const mutants: readonly Mutant[] = [
  {
    name: 'the brake is forgotten',
    file: 'src/engine/keep.ts',
    find: 'draft.awaited.has(machine) || draft.braked.has(machine);',
    replace: 'draft.awaited.has(machine);',
    test: null,
  },
  {
    name: 'nobody pulls the brake',
    file: 'src/engine/brake.ts',
    find: 'if (ofCount < limits.brakeMachinesMin || goneCount * 2 <= ofCount) return null;',
    replace: 'if (ofCount > 0) return null;',
    test: 'test/unit/engine/brake.test.ts',
  },
  {
    name: 'the brake never ends',
    file: 'src/engine/brake.ts',
    find: 'const isDue = isOver || nowMs >= untilMs;',
    replace: 'const isDue = isOver;',
    test: null,
  },
  {
    name: 'lost transactions land late',
    file: 'src/registry/leader-session.ts',
    find: "{ kind: 'modified', key: keys.seq, at: seq },",
    replace: '',
    test: null,
  },
  {
    name: 'no fence and no chain',
    file: 'src/registry/leader-session.ts',
    find: 'const onlyIf = [...chain, ...txn.onlyIf];',
    replace: 'void chain; const onlyIf = [...txn.onlyIf];',
    test: null,
  },
  {
    name: 'reports land late',
    file: 'src/registry/agent-ledger.ts',
    find: 'const onlyIf = [...registration.guard(), fits];',
    replace: 'void fits; const onlyIf = [...registration.guard()];',
    test: null,
  },
  {
    name: 'a lease never ends',
    file: 'src/registry/memory-store.ts',
    find: 'lease.cancelExpiry = this.#clock.after(lease.grantedMs, () => this.#drop(leaseId));',
    replace: 'lease.cancelExpiry = () => void leaseId;',
    test: null,
  },
  {
    name: 'the agent forgets to remove',
    file: 'src/agent/executors.ts',
    find: 'remove: (task) => files.remove(task.unit),',
    replace: 'remove: async () => undefined,',
    test: null,
  },
  {
    name: 'a link is left behind',
    file: 'src/agent/files.ts',
    find: "if ((await this.#readLink(name)) === 'ours') await this.#unlink(this.#linkPath(name));",
    replace: '',
    test: null,
  },
  {
    name: 'absence is read as gone',
    file: 'src/agent/plan.ts',
    find: "if (order.want === 'retire') return nothing;",
    replace: "if (order.want === 'retire') return planGone(actual, order);",
    test: null,
  },
  {
    name: 'receipts are ignored',
    file: 'src/agent/plan.ts',
    find: 'if (isLaunched(actual, order, input.bootId)) return load;',
    replace: '',
    test: null,
  },
  {
    name: 'receipts outlive a boot',
    file: 'src/agent/plan.ts',
    find: '    receipt.bootId === bootId &&\n',
    replace: '',
    test: 'test/unit/agent/plan.test.ts',
  },
  {
    name: 'after: is ignored',
    file: 'src/agent/plan.ts',
    find: 'return other !== undefined && !isGone(other);',
    replace: 'return other === undefined && name === unit;',
    test: 'test/unit/agent/plan.test.ts',
  },
  {
    name: 'a text over a running one',
    file: 'src/agent/plan.ts',
    find: 'if (!isUp(actual) || contentHash === null) return true;',
    replace: 'return true;',
    test: 'test/unit/agent/plan.test.ts',
  },
  {
    name: 'a failed unit keeps its text',
    file: 'src/agent/observe.ts',
    find: "return status.needReload || (disk.link === 'ours' && status.load === 'not-found');",
    replace: 'return false;',
    test: 'test/unit/agent/plan.test.ts',
  },
  {
    name: 'gone is not confirmed',
    file: 'src/engine/orders.ts',
    find: 'if (isConfirmedGone(held, draft.report(machine, unit))) {',
    replace: "if (held.want === 'gone') {",
    test: null,
  },
  {
    name: 'a successor does not wait',
    file: 'src/engine/holds.ts',
    find: "if (order.want === 'gone' || order.identity !== record.identity) return true;",
    replace: '',
    test: null,
  },
  {
    name: 'the hold is forgotten',
    file: 'src/engine/holds.ts',
    find: 'if (endMs <= draft.nowMs) return null;',
    replace: 'if (endMs > 0) return null;',
    test: null,
  },
  {
    name: 'a hold counts from an earlier absence',
    file: 'src/registry/mirror.ts',
    find: 'this.#goneSinceMs.set(meaning.machine, this.#clock.nowMs());',
    replace: 'void meaning.machine;',
    test: null,
  },
  {
    name: 'an old renewal puts the deadline off',
    file: 'src/agent/partition-guard.ts',
    find: 'if (beganAtMs - sentAtMs >= renewalAgeMsMax(lease.ttlMs)) return;',
    replace: '',
    test: 'test/unit/agent/partition-guard.test.ts',
  },
  {
    name: 'an isolation ends by an old order',
    file: 'src/registry/agent-ledger.ts',
    find: 'return claimedAt !== null && this.#book !== null && this.#book.revision >= claimedAt;',
    replace: 'return this.#book !== null && claimedAt !== undefined;',
    test: null,
  },
  {
    name: 'one that must run once moves as others do',
    file: 'src/engine/hand-over.ts',
    find: 'if (isOnlyOne)',
    replace: 'if (isOnlyOne && draft.nowMs < 0)',
    test: null,
  },
  {
    name: 'its new copy does not wait',
    file: 'src/engine/holds.ts',
    find: 'return other !== machine && (isOnlyOne || order.guard !== undefined);',
    replace: 'return isOnlyOne && other === machine;',
    test: null,
  },
  {
    name: 'stop before start on a move',
    file: 'src/engine/hand-over.ts',
    find: 'return retired(draft, subject, seat.machine, held);',
    replace: "return { want: 'gone', reason: 'moves' };",
    test: 'test/unit/engine/hand-over.test.ts',
  },
  {
    name: 'retired copies stay for ever',
    file: 'src/engine/hand-over.ts',
    find: 'if (isUp(record, draft.report(seat.machine, unit))) {',
    replace: 'if (draft.nowMs < 0) {',
    test: 'test/golden/engine',
  },
  {
    name: 'the planner does not sort',
    file: 'src/engine/settle.ts',
    find: 'ranked.sort(',
    replace: '[...ranked].sort(',
    test: 'test/golden/engine',
  },
];
