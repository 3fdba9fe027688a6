import { rest, systemClock } from '../../lib/clock.ts';
import type { LabContext } from '../lab.ts';
import { bootMachine, killMachine, poweroffMachine } from '../power.ts';
import { findCheckout } from '../programs.ts';
import type { EtcdPlace } from '../record.ts';
import { type LabStatus, labEnvironment, labStatus } from '../status.ts';
import { labFailed } from '../trouble.ts';
import { throwIfInterrupted } from '../until.ts';
import { upLab } from '../up.ts';
import { type Cast, castFor, expectationOn, unitsOf } from './cast.ts';
import { fleetctl } from './fleetctl.ts';
import { lookAt } from './look.ts';
import type { DrillResult } from './result.ts';
import { leaderOf, raftTermOf, type StoreWatch, watchStore } from './store-watch.ts';
import { type Loss, type LossKind, type Mark, milestonesOf, secondsText } from './timeline.ts';
import { type Expectation, faultsIn, type Running, restartedBetween } from './verdict.ts';

const limits = {
  /** Beyond the TTL, for all that follows a loss. */
  recoveryMs: 60_000,
  lookAgainMs: 100,
} as const;

/** What to rehearse. */
export interface DrillOptions {
  readonly machineCount: number;
  /** Instances of worker@.service besides the other examples. */
  readonly workerCount: number;
  /** `leader`, `random`, or a machine's name. */
  readonly victim: string;
  readonly how: LossKind;
  readonly agentTtl: string;
  readonly etcd: EtcdPlace;
  /** Shows a block of text to the person who watches. */
  readonly show: (text: string) => void;
}

/** One drill under way. */
interface Stage {
  readonly context: LabContext;
  readonly options: DrillOptions;
  readonly checkout: string;
  readonly cast: Cast;
}

/** Boots machines, starts units, loses a machine, checks, and takes it back. The lab stays up. */
export async function runDrill(context: LabContext, options: DrillOptions): Promise<DrillResult> {
  const { machineCount, workerCount, agentTtl, etcd } = options;
  const cast = castFor(machineCount, workerCount);
  const stage: Stage = { context, options, checkout: findCheckout(), cast };
  await upLab(context, { machineCount, agentTtl, etcd });
  const startedMs = await startUnits(stage);
  await showTables(stage);
  const status = await labStatus(context.lab);
  const victim = await chooseVictim(stage, status);
  const before = await settled(stage, namesOf(status), []);
  const loss = await loseMachine(stage, status, victim, before.running);
  const rejoin = await takeBack(stage, status, victim.name, loss.running);
  await showTables(stage);
  const survivors = before.running.filter(({ machine }) => machine !== victim.name);
  const restarted = [
    ...restartedBetween(survivors, loss.running),
    ...restartedBetween(loss.running, rejoin.running),
  ];
  return {
    machines: machineCount,
    etcd: status.etcd,
    agentTtl,
    victim: victim.name,
    how: options.how,
    victimLed: victim.isLeader,
    victimHadEtcd: victim.hasEtcd,
    etcdLeaderChanged: loss.etcdLeaderChanged,
    unitCount: unitsOf(cast).length,
    startedMs,
    marks: loss.marks,
    recoveredMs: loss.recoveredMs,
    handedOverMs: loss.handedOverMs,
    rejoinedMs: rejoin.tookMs,
    movedCount: loss.movers.length,
    waiting: loss.expected.waiting,
    restarted,
    faults: [...before.faults, ...loss.faults, ...rejoin.faults, ...restarted],
  };
}

function namesOf(status: LabStatus): readonly string[] {
  return status.machines.map(({ name }) => name);
}

async function startUnits(stage: Stage): Promise<number> {
  const { context, checkout, cast } = stage;
  const units = unitsOf(cast);
  context.say(`starting ${units.length} units of units/examples/`);
  const startMs = systemClock.nowMs();
  const files = units.map((unit) => `${checkout}/units/examples/${unit}`);
  const { status, stdout, stderr } = await fleetctl(stage, ['start', '--wait', ...files]);
  stage.options.show(stdout);
  if (status === 0) return systemClock.nowMs() - startMs;
  throw labFailed(`fleetctl start ended with status ${status}`, stderr.trim());
}

async function showTables(stage: Stage): Promise<void> {
  for (const table of ['list-machines', 'list-units']) {
    stage.options.show((await fleetctl(stage, [table])).stdout);
  }
}

interface Victim {
  readonly name: string;
  readonly id: string;
  readonly isLeader: boolean;
  readonly hasEtcd: boolean;
}

async function chooseVictim(stage: Stage, status: LabStatus): Promise<Victim> {
  const leaderId = await leaderOf((await endpointsOf(stage)).join(','));
  const { machines } = status;
  const wanted = {
    leader: () => machines.find(({ id }) => id === leaderId),
    random: () => machines[Math.floor(Math.random() * machines.length)],
  };
  const { victim: words } = stage.options;
  const machine =
    words === 'leader' || words === 'random'
      ? wanted[words]()
      : machines.find(({ name }) => name === words);
  if (machine === undefined) {
    throw labFailed(`there is no machine '${words}' to lose`, `it has ${namesOf(status)}`);
  }
  const { name, id, etcd } = machine;
  return { name, id, isLeader: id === leaderId, hasEtcd: etcd !== '-' };
}

async function endpointsOf(stage: Stage): Promise<readonly string[]> {
  const { ETCDCTL_ENDPOINTS: endpoints = '' } = await labEnvironment(stage.context.lab);
  return endpoints.split(',');
}

/** What was seen once the cluster had settled, or had not within the limit. */
interface Seen {
  readonly running: readonly Running[];
  readonly faults: readonly string[];
  readonly expected: Expectation;
}

/** Looks until nothing is wrong on `machines`; what is still wrong at the limit are the faults. */
async function settled(
  stage: Stage,
  machines: readonly string[],
  history: readonly Running[],
): Promise<Seen> {
  const { context, cast } = stage;
  const expected = expectationOn(machines, history, cast);
  const signal = context.signal ?? new AbortController().signal;
  const endMs = systemClock.nowMs() + limits.recoveryMs;
  for (;;) {
    throwIfInterrupted(signal);
    const running = await lookAt(context.lab, machines, unitsOf(cast));
    const faults = faultsIn(running, machines, expected);
    if (faults.length === 0 || systemClock.nowMs() > endMs) return { running, faults, expected };
    await rest(limits.lookAgainMs, systemClock, signal);
  }
}

interface LossSeen extends Seen {
  readonly marks: readonly Mark[];
  readonly movers: readonly string[];
  readonly recoveredMs: number | null;
  readonly handedOverMs: number | null;
  readonly etcdLeaderChanged: boolean;
}

async function loseMachine(
  stage: Stage,
  status: LabStatus,
  victim: Victim,
  before: readonly Running[],
): Promise<LossSeen> {
  const { context, cast, options } = stage;
  const others = namesOf(status).filter((name) => name !== victim.name);
  const expected = expectationOn(others, before, cast);
  const movers = before
    .filter(({ unit, machine }) => machine === victim.name && expected.single.includes(unit))
    .map(({ unit }) => unit);
  const endpoints = (await survivingEndpoints(stage, status, victim)).join(',');
  const raftTerm = await raftTermOf(endpoints);
  const watch = await watchStore(endpoints);
  try {
    const loss: Loss = {
      atMs: systemClock.nowMs(),
      machineId: victim.id,
      movers,
      wasLeader: victim.isLeader,
      how: options.how,
    };
    context.say(
      `${secondsText(0)}  ${victim.name} ${lostWords(victim, options.how, movers.length)}`,
    );
    const ended =
      options.how === 'kill'
        ? killMachine(context, victim.name)
        : poweroffMachine(context, victim.name);
    const marks = await followLoss(context, watch, loss);
    await ended;
    const seen = await settled(stage, others, before);
    const faults = [...seen.faults, ...missing(marks, loss)];
    const etcdLeaderChanged = (await raftTermOf(endpoints)) !== raftTerm;
    return { ...seen, faults, movers, ...times(marks), etcdLeaderChanged };
  } finally {
    watch.stop();
  }
}

async function survivingEndpoints(
  stage: Stage,
  status: LabStatus,
  victim: Victim,
): Promise<readonly string[]> {
  const lost = status.machines.find(({ name }) => name === victim.name)?.address ?? '';
  return (await endpointsOf(stage)).filter((endpoint) => !endpoint.includes(`//${lost}:`));
}

function lostWords(victim: Victim, how: LossKind, moverCount: number): string {
  const what = how === 'kill' ? 'loses its power' : 'is shut down';
  return `${what}${victim.isLeader ? ', the leader with it' : ''}; ${moverCount} units must move`;
}

/** Tells each milestone as it comes; those that have not come at the limit are left out. */
async function followLoss(context: LabContext, watch: StoreWatch, loss: Loss): Promise<Mark[]> {
  const marks: Mark[] = [];
  await Promise.all(
    milestonesOf(loss).map(async ({ what, test }) => {
      const event = await watch.until(test, limits.recoveryMs, context.signal);
      if (event === null) return;
      const mark = { what, afterMs: event.atMs - loss.atMs };
      marks.push(mark);
      context.say(`${secondsText(mark.afterMs)}  ${mark.what}`);
    }),
  );
  return marks.sort((left, right) => left.afterMs - right.afterMs);
}

function missing(marks: readonly Mark[], loss: Loss): string[] {
  return milestonesOf(loss)
    .filter(({ what }) => !marks.some((mark) => mark.what === what))
    .map(({ what }) => `never seen in etcd: ${what}`);
}

function times(marks: readonly Mark[]): {
  marks: readonly Mark[];
  recoveredMs: number | null;
  handedOverMs: number | null;
} {
  const last = (word: string): number | null =>
    marks.findLast(({ what }) => what.endsWith(word))?.afterMs ?? null;
  const [recoveredMs, stoppedMs] = [last(' active'), last(' stopped')];
  const handedOverMs = recoveredMs === null || stoppedMs === null ? null : recoveredMs - stoppedMs;
  return { marks, recoveredMs, handedOverMs };
}

async function takeBack(
  stage: Stage,
  status: LabStatus,
  victim: string,
  before: readonly Running[],
): Promise<Seen & { readonly tookMs: number }> {
  stage.context.say(`switching ${victim} on again`);
  const startMs = systemClock.nowMs();
  await bootMachine(stage.context, victim);
  const seen = await settled(stage, namesOf(status), before);
  const tookMs = systemClock.nowMs() - startMs;
  stage.context.say(`${victim} is back with its share after ${secondsText(tookMs)}`);
  return { ...seen, tookMs };
}
