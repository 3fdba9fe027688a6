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
    file: 'src/engine/orders.ts',
    find: "return copy === undefined || (copy.want !== 'gone' && copy.identity === record.identity);",
    replace: 'return true;',
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
  {
    name: 'a stuck loop goes on leading',
    file: 'src/registry/keeper.ts',
    find: 'if (isStuck && !kept.ending.signal.aborted) await this.#standDown(kept);',
    replace: 'void isStuck;',
    test: 'test/unit/registry/keeper.test.ts',
  },
  {
    name: 'a stuck daemon counts as alive',
    file: 'src/registry/vital-signs.ts',
    find: "if (nowMs - loopAtMs > wedgeMs) return { withheld: 'loop', isStuck };",
    replace: '',
    test: 'test/unit/registry/keeper.test.ts',
  },
  {
    name: 'a daemon held up for a moment counts as stuck',
    file: 'src/registry/vital-signs.ts',
    find: "if (nowMs - loopAtMs > wedgeMs) return { withheld: 'loop', isStuck };",
    replace: "if (nowMs - loopAtMs > ttlMs) return { withheld: 'loop', isStuck };",
    test: 'test/unit/registry/keeper.test.ts',
  },
  {
    name: 'an agent that cannot work counts as alive',
    file: 'src/registry/vital-signs.ts',
    find: 'const isCutOff = systemdAtMs !== null && nowMs - systemdAtMs > wedgeMs;',
    replace: 'const isCutOff = false; void systemdAtMs;',
    test: 'test/unit/registry/keeper.test.ts',
  },
  {
    name: 'a machine that slept renews as if nothing was',
    file: 'src/registry/keeper.ts',
    find: 'if (sleptMs > ttlMs) {',
    replace: 'if (sleptMs < 0) {',
    test: 'test/unit/registry/keeper.test.ts',
  },
];
