import { FleetError } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import type { BootId } from '../model/ids.ts';
import type { AgentLedger } from '../model/ledger.ts';
import type { AgentMeter } from '../model/meters.ts';
import type { Order } from '../model/order.ts';
import { readInstallation } from '../unitfile/install.ts';
import { type ContentHash, contentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { callsForStop } from './called-for.ts';
import type { UnitFiles } from './files.ts';
import type { LeaseAge } from './lease-age.ts';
import type { MachineView } from './machine-view.ts';
import type { Neighbours } from './neighbours.ts';
import { isStale } from './observe.ts';
import type { PartitionGuard } from './partition-guard.ts';
import { loadedRecord } from './records.ts';
import { refused } from './refusal.ts';
import type { JobResult, Systemd } from './systemd.ts';
import type { Task } from './task.ts';

/** What tasks are carried out with. */
export interface Hands {
  readonly systemd: Systemd;
  readonly files: UnitFiles;
  readonly view: MachineView;
  readonly ledger: Pick<AgentLedger, 'readText' | 'orderBook'>;
  readonly bootId: BootId;
  readonly log: Logger;
  readonly meter?: AgentMeter | undefined;
  readonly guard: Pick<PartitionGuard, 'requireSafe' | 'requireStarted' | 'writeDropIn'>;
  readonly leaseAge: Pick<LeaseAge, 'whyNoStart'>;
  readonly neighbours: Neighbours;
}

/** How each kind of task is done. A new kind does not compile until it has its line here. */
export type Executors = {
  readonly [K in Task['kind']]: (
    task: Extract<Task, { kind: K }>,
    signal: AbortSignal,
  ) => Promise<void>;
};

/** Each task alone; throws FleetError when it could not be done. */
export function executors(hands: Hands): Executors {
  const { systemd, files, view } = hands;
  const readText = sharedReads(hands.ledger);
  return {
    forget: (task) => files.removeReceipt(task.unit),
    reset: (task) => systemd.resetFailed(task.unit),
    remove: (task) => files.remove(task.unit),
    write: async (task, signal) => {
      const text = await orderedText(readText, task.order, signal);
      await files.write(text, loadedRecord(task.unit, task.order));
    },
    record: (task) => files.writeRecord(loadedRecord(task.unit, task.order)),
    receipt: async (task) => {
      await writeReceipt(hands, task.unit, task.order);
      say(hands, task, 'adopted');
    },
    guard: async (task) => {
      const revision = hands.ledger.orderBook()?.revisions.get(task.unit);
      await hands.guard.writeDropIn(task.unit, String(revision ?? 0));
    },
    link: (task) => systemd.linkRuntime([files.path(task.unit)]),
    install: async (task) => {
      if (!(await makeLinks(hands, task.unit))) return;
      await systemd.reload();
      await files.installed(task.unit);
    },
    reload: async (task) => {
      await systemd.reload();
      await view.look([task.unit]);
      requireFresh(view, task.unit);
    },
    stop: async (task, signal) => {
      const asked = (): void => {
        say(hands, task, 'asked systemd to stop');
        countStop(hands, task.unit);
      };
      await requireDone(hands, task, await systemd.stop(task.unit, signal, asked));
    },
    start: async (task, signal) => {
      const asked = (): void => {
        const why = whyNotStart(hands, task); // it may have waited for its turn for long
        if (why !== null) throw refused(why);
        say(hands, task, 'asked systemd to start');
        hands.meter?.askedFor('start', true);
      };
      const isGuarded = task.order.guard !== undefined;
      if (isGuarded) hands.guard.requireSafe();
      await requireDone(hands, task, await systemd.start(task.unit, signal, asked));
      if (isGuarded) await hands.guard.requireStarted();
      await writeReceipt(hands, task.unit, task.order);
    },
  };
}

/** Does one task by its kind. */
export async function execute(of: Executors, task: Task, signal: AbortSignal): Promise<void> {
  // The map is complete by its type; only the pairing of kind and task has to be said here.
  const run = of[task.kind] as (task: Task, signal: AbortSignal) => Promise<void>;
  await run(task, signal);
}

/** The links of a unit's [Install] section; true when systemd has to be told of a change. */
export async function makeLinks(hands: Hands, unit: UnitName): Promise<boolean> {
  const { files, systemd, ledger, log } = hands;
  const text = await files.readText(unit);
  const { aliases } = readInstallation(text ?? '', unit);
  const statuses = aliases.length === 0 ? new Map() : await systemd.list(aliases);
  const orders = ledger.orderBook()?.orders;
  const free = new Set<UnitName>();
  for (const alias of aliases) {
    const { load, fragmentPath } = statuses.get(alias) ?? { load: '', fragmentPath: '' };
    const isUnknown = load === 'not-found' && fragmentPath === '';
    const isOurs = files.isOurPath(fragmentPath, unit);
    if ((isUnknown || isOurs) && orders?.has(alias) !== true) free.add(alias);
    else log.warn({ unit, alias, where: fragmentPath }, 'alias is taken, left it out');
  }
  return await files.install(unit, (alias) => free.has(alias));
}

/**
 * Why a start that was planned is not to happen any more: another order came meanwhile, or the
 * machine was cut off, or it stood still. null: it is. What we stopped for it we start again, but for
 * another order: none at all is unknown, and changes nothing.
 */
export function whyNotStart(
  { ledger, leaseAge }: Hands,
  { unit, order, isRestart }: Extract<Task, { kind: 'start' }>,
): string | null {
  const now = ledger.orderBook()?.orders.get(unit);
  if (now === undefined) return isRestart === true ? null : 'its order is not known any more';
  if (now.want !== 'launch' || now.identity !== order.identity) return 'another order came';
  return isRestart === true ? null : leaseAge.whyNoStart();
}

/** Throws when systemd still holds another text another text of the unit than the one on disk. */
export function requireFresh(view: MachineView, unit: UnitName): void {
  const actual = view.actual(unit, null);
  if (actual === undefined || !isStale(actual)) return;
  throw refused(`systemd holds another text of ${unit} even after a reload`);
}

type ReadText = AgentLedger['readText'];

/** Instances of a template have one text: while it is being read for one, the others wait for it. */
function sharedReads(ledger: Pick<AgentLedger, 'readText'>): ReadText {
  const reading = new Map<ContentHash, Promise<string | null>>();
  return (hash, signal) => {
    const begun = reading.get(hash);
    if (begun !== undefined) return begun;
    const read = ledger.readText(hash, signal).finally(() => reading.delete(hash));
    reading.set(hash, read);
    return read;
  };
}

async function orderedText(readText: ReadText, order: Order, signal: AbortSignal): Promise<string> {
  const text = await readText(order.contentHash, signal);
  if (text !== null && contentHash(text) === order.contentHash) return text;
  throw new FleetError(`its text ${order.contentHash.slice(0, 7)} is not in the store`, {
    code: 'registry/undecodable',
    retry: 'soon',
    hint: 'submit the unit again with --replace',
  });
}

async function writeReceipt(hands: Hands, name: UnitName, order: Order): Promise<void> {
  const { identity, unitHash, restartCount } = order;
  const invocationId = hands.view.invocationId(name);
  const { bootId } = hands;
  await hands.files.writeReceipt({ name, identity, unitHash, restartCount, bootId, invocationId });
}

async function requireDone(hands: Hands, task: Task, result: JobResult): Promise<void> {
  if (result === 'done') return;
  const words = await hands.systemd.failureOf(task.unit);
  throw refused(`${task.kind} job ended '${result}'${words === '' ? '' : `: ${words}`}`);
}

function say(hands: Hands, task: Task, message: string): void {
  const revision = hands.ledger.orderBook()?.revision;
  const order = 'order' in task ? { identity: task.order.identity } : {};
  const { unit, reason } = task;
  hands.log.info({ unit, reason, revision: revision?.toString(), ...order }, message);
}

/** Asked of the order as it is known now, not of the plan that led to the stop. */
function countStop({ meter, ledger, view, bootId }: Hands, unit: UnitName): void {
  const order = ledger.orderBook()?.orders.get(unit);
  meter?.askedFor('stop', callsForStop(order, view.actual(unit, null), bootId));
}
