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
    name: 'no fence, and no chain',
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
    name: 'lease never expires',
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
    find: 'if (order.finished === true || isLaunched(actual, order, input.bootId)) return load;',
    replace: 'if (order.finished === true) return load;',
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
    test: null,
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
    find: "return status.needReload || (disk.link === 'ours' && isUnseen);",
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
    name: 'no cluster-id check',
    file: 'src/registry/cluster-record.ts',
    find: 'if (memory.clusterId !== null && memory.clusterId !== record.clusterId) {',
    replace: "if (memory.clusterId === '') {",
    test: 'test/unit/registry/cluster-record.test.ts',
  },
  {
    name: 'stop before start on return',
    file: 'src/engine/hand-over.ts',
    find: "if (room === undefined) return { want: 'retire', reason: seat.why };",
    replace: "if (room === undefined) return { want: 'gone', reason: seat.why };",
    test: 'test/golden/engine',
  },
  {
    name: 'a lease in doubt counts as lost',
    file: 'src/registry/lease.ts',
    find: "if (outcome === 'gone') return this.#lose(held);",
    replace: "if (outcome !== 'renewed') return this.#lose(held);",
    test: 'test/unit/registry/lease.test.ts',
  },
  {
    name: 'a watch that ended is not read again',
    file: 'src/registry/follower.ts',
    find: '        isOver = true;\n        this.#wake.nudge();',
    replace: '        isOver = false;',
    test: 'test/unit/registry/follower.test.ts',
  },
  {
    name: 'a clone that lives counts as left',
    file: 'src/registry/lease-claim.ts',
    find: "if (isAlive && endsAfterMs > endsBeforeMs + limits.leaseSlackMs) return 'refreshed';",
    replace: "if (isAlive && endsAfterMs > endsBeforeMs + limits.leaseSlackMs) return 'left';",
    test: 'test/sim/twins.test.ts',
  },
  {
    name: 'a machine without orders stops its orphans',
    file: 'src/agent/plan.ts',
    find: '  for (const [unit, order] of orders) {\n',
    replace:
      '  for (const [unit, one] of input.actual) {\n' +
      "    if (input.book?.orders.has(unit) !== false || one.status.active !== 'active') continue;\n" +
      "    units.push({ unit, tasks: [{ kind: 'stop', unit, reason: 'no order' }] });\n" +
      '  }\n' +
      '  for (const [unit, order] of orders) {\n',
    test: null,
  },
  {
    name: 'an orphan is not adopted but started anew',
    file: 'src/agent/plan.ts',
    find: "if ((active === 'active' || active === 'reloading') && !isRestart) {",
    replace:
      "if (active === 'active' && !isRestart) {\n" +
      "    return { tasks: [{ kind: 'stop', unit, reason: order.reason }] };\n" +
      '  }\n' +
      "  if (active === 'reloading' && !isRestart) {",
    test: null,
  },
  {
    name: 'orphans do not count for conflicts',
    file: 'src/engine/draft.ts',
    find: 'filter(([, report]) => mayRun(report));',
    replace: 'filter(([, report]) => mayRun(report) && nowMs < 0);',
    test: 'test/unit/engine/orphans.test.ts',
  },
  {
    name: 'a removal takes down whatever is there',
    file: 'src/engine/orphans.ts',
    find: 'if (mark === null || report.identity !== removal.identity) return [forget];',
    replace: 'if (mark === null) return [forget];',
    test: 'test/unit/engine/orphans.test.ts',
  },
  {
    name: 'a start follows a stop though it is to go',
    file: 'src/agent/executor.ts',
    find: "if (task.kind === 'start' && this.#isOverruled(task)) failed.add(task.unit);",
    replace: '',
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
    name: 'unsorted input: the planner does not sort',
    file: 'src/engine/settle.ts',
    find: 'ranked.sort(',
    replace: '[...ranked].sort(',
    test: 'test/golden/engine',
  },
  {
    name: 'no cluster-id check',
    file: 'src/registry/judge-store.ts',
    find: 'if (storeId !== found.storeId) {',
    replace: "if (storeId === '') {",
    test: null,
  },
  {
    name: 'no cluster-id check of answers',
    file: 'src/registry/store-gate.ts',
    find: 'if (known === null || !this.isOpen || storeId === known.storeId) return;',
    replace: "if (known === null || !this.isOpen || storeId !== '') return;",
    test: 'test/unit/registry/store-gate.test.ts',
  },
  {
    name: 'revision check forgotten',
    file: 'src/registry/judge-store.ts',
    find: 'if (memory.revision !== null && found.revision < memory.revision) {',
    replace: 'if (memory.revision !== null && found.revision < 0n) {',
    test: 'test/unit/registry/cluster-record.test.ts',
  },
  {
    name: 'revision check of answers forgotten',
    file: 'src/registry/store-gate.ts',
    find: 'if (floor !== null && revision < floor) {',
    replace: 'if (floor !== null && revision < 0n) {',
    test: 'test/unit/registry/store-gate.test.ts',
  },
  {
    name: 'an emptied store is taken for a new one',
    file: 'src/registry/judge-store.ts',
    find: 'if (memory.clusterId !== null) {',
    replace: 'if (memory.clusterId !== null && !found.isEmpty) {',
    test: null,
  },
  {
    name: 'written before it was heard',
    file: 'src/registry/gated-store.ts',
    find: 'if (request.writes.length > 0) await this.#hearFirst(signal);',
    replace: '',
    test: 'test/unit/registry/store-gate.test.ts',
  },
  {
    name: 'an emptied store may say that a lease is gone',
    file: 'src/registry/gated-store.ts',
    find: 'if (standing === null) await this.#probe(signal);',
    replace: '',
    test: 'test/unit/registry/store-gate.test.ts',
  },
  {
    name: 'a member that is not understood is written over',
    file: 'src/engine/members.ts',
    find: 'if (picture.unreadableMembers?.has(id)) return [];',
    replace: '',
    test: 'test/unit/registry/unreadable.test.ts',
  },
];
