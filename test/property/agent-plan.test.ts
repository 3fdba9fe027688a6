import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActualUnit } from '../../src/agent/observe.ts';
import { type PlanInput, planMachine } from '../../src/agent/plan.ts';
import { stageOf } from '../../src/agent/task.ts';
import type { BootId, UnitIdentity } from '../../src/model/ids.ts';
import type { Order } from '../../src/model/order.ts';
import type { ContentHash, UnitHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { aBook, anAbsentUnit, anOrder, aPlanInput, thisBoot } from '../builders/agent.ts';
import { PaperMachine } from '../builders/paper-machine.ts';

const names = ['a.service', 'b.socket', 'c@1.timer'] as UnitName[];
const letters = fc.constantFrom('a', 'b');

const orders: fc.Arbitrary<Order> = fc
  .record({
    want: fc.constantFrom('load', 'launch', 'stop', 'retire', 'gone'),
    identity: letters,
    text: letters,
    restartCount: fc.nat(2),
    after: fc.subarray(names, { maxLength: 1 }),
  })
  .map(({ want, identity, text, restartCount, after }) =>
    anOrder(want, {
      identity: identity as UnitIdentity,
      unitHash: `hash-${text}` as UnitHash,
      contentHash: `text-${text}` as ContentHash,
      ...{ restartCount, after },
    }),
  );

/** Any state a machine may be found in, sensible or not. */
const anyUnit = (name: UnitName): fc.Arbitrary<ActualUnit> =>
  fc
    .record({
      text: fc.option(letters),
      link: fc.constantFrom('ours', 'none', 'foreign'),
      loaded: fc.option(fc.record({ identity: letters, text: letters })),
      receipt: fc.option(
        fc.record({ identity: letters, text: letters, restartCount: fc.nat(2), boot: letters }),
      ),
      load: fc.constantFrom('loaded', 'not-found', 'bad-setting'),
      active: fc.constantFrom('active', 'inactive', 'failed', 'activating', 'deactivating'),
      where: fc.constantFrom('', `/run/systemd/system/${name}`, '/etc/systemd/system/x'),
      needReload: fc.boolean(),
      hasJob: fc.boolean(),
      busy: fc.constantFrom(null, 'start', 'stop'),
    })
    .map((drawn) => {
      const { text, link, loaded, receipt, load, active, needReload, hasJob } = drawn;
      const identityOf = (from: { identity: string; text: string }) => ({
        name,
        identity: from.identity as UnitIdentity,
        unitHash: `hash-${from.text}` as UnitHash,
        contentHash: `text-${from.text}` as ContentHash,
      });
      return anAbsentUnit(name, {
        disk: {
          contentHash: text === null ? null : (`text-${text}` as ContentHash),
          link,
          loaded: loaded && identityOf(loaded),
          receipt: receipt && {
            ...identityOf(receipt),
            restartCount: receipt.restartCount,
            bootId: (receipt.boot === 'a' ? thisBoot : 'boot-0') as BootId,
            invocationId: '',
          },
        },
        status: { load, active, needReload, hasJob, fragmentPath: drawn.where },
        busy: drawn.busy,
      });
    });

const anyMachine = fc.tuple(...names.map(anyUnit));
const anyOrders = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), orders), {
  selector: ([name]) => name,
});
const anyInput: fc.Arbitrary<PlanInput> = fc
  .record({ units: anyMachine, given: anyOrders, isLeaving: fc.boolean() })
  .map(({ units, given, isLeaving }) => aPlanInput(units, given, { isLeaving }));

describe('a plan for any machine', () => {
  it('does nothing about a unit without an order (invariant 3)', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = planMachine(input).units.map(({ unit }) => unit);
        expect(planned.filter((unit) => !input.book?.orders.has(unit))).toEqual([]);
        expect(planMachine({ ...input, book: null }).units).toEqual([]);
        const unreadable = { ...aBook([]), ...input.book, unreadable: new Set(names) };
        expect(planMachine({ ...input, book: unreadable }).units).toEqual([]);
      }),
    );
  });

  it('stops and removes only what is ordered stopped, gone or restarted', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        for (const { unit, tasks } of planMachine(input).units) {
          const order = input.book?.orders.get(unit);
          const kinds = tasks.map(({ kind }) => kind);
          if (kinds.includes('remove')) expect(order?.want).toBe('gone');
          if (!kinds.includes('stop') || order?.want === 'stop' || order?.want === 'gone') continue;
          const receipt = input.actual.get(unit)?.disk.receipt;
          expect(order?.want).toBe('launch');
          expect(receipt?.identity).toBe(order?.identity);
          expect(kinds.at(-1)).toBe('start');
        }
      }),
    );
  });

  it('never touches a name of somebody else but to remove our own files (invariant 11)', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        for (const { unit, tasks } of planMachine(input).units) {
          const actual = input.actual.get(unit);
          if (actual?.owner.kind !== 'other' || actual.busy === 'start') continue;
          const kinds = tasks.map(({ kind }) => kind);
          expect(kinds.filter((kind) => kind !== 'remove' && kind !== 'reload')).toEqual([]);
        }
      }),
    );
  });

  it('never starts a unit beside one that has to be gone first (invariant 12)', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        for (const { tasks } of planMachine(input).units) {
          const start = tasks.find((task) => task.kind === 'start');
          for (const other of start?.kind === 'start' ? start.order.after : []) {
            const { status, disk, owner } = input.actual.get(other) ?? anAbsentUnit(other);
            expect([disk.contentHash, owner.kind === 'fleet' && status.active]).toEqual([
              null,
              false,
            ]);
          }
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('puts quick tasks in the order in which stages are carried out', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        for (const { tasks } of planMachine(input).units) {
          const firstJob = tasks.findIndex(({ kind }) => kind === 'stop' || kind === 'start');
          const quick = firstJob === -1 ? tasks : tasks.slice(0, firstJob);
          const stages = quick.map(stageOf);
          expect(stages).toEqual([...stages].sort((left, right) => left - right));
        }
      }),
    );
  });
});

describe('a plan carried out', () => {
  it('comes to an end, and then there is nothing left to do', () => {
    fc.assert(
      fc.property(fc.array(anyOrders, { minLength: 1, maxLength: 5 }), (books) => {
        const machine = new PaperMachine();
        for (const given of books) {
          const book = aBook(given);
          for (let pass = 0; pass < 10; pass += 1)
            machine.carryOut(planMachine(machine.input(book)));
          expect(planMachine(machine.input(book)).units).toEqual([]);
        }
      }),
    );
  });

  it('has every launched unit run the text that was ordered, or says what it waits for', () => {
    fc.assert(
      fc.property(fc.array(anyOrders, { minLength: 1, maxLength: 5 }), (books) => {
        const machine = new PaperMachine();
        for (const given of books) {
          const book = aBook(given);
          for (let pass = 0; pass < 10; pass += 1)
            machine.carryOut(planMachine(machine.input(book)));
          const waits = new Set(planMachine(machine.input(book)).waits.map(({ unit }) => unit));
          for (const [unit, order] of book.orders) {
            if (waits.has(unit)) continue;
            if (order.want === 'launch') expect(machine.runningText(unit)).toBe(order.contentHash);
            if (order.want === 'stop') expect(machine.runningText(unit)).toBeNull();
            if (order.want !== 'gone') continue;
            // What is left is another submission's, which nobody has told to go.
            const left = machine.identityOf(unit);
            if (left === null) expect(machine.holds(unit)).toBe(false);
            else expect(left).not.toBe(order.identity);
          }
        }
      }),
    );
  });
});
