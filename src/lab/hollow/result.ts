/** Processor time of a stretch of a run, by who used it. */
export interface CpuUse {
  /** 0: an etcd that does not tell. */
  readonly etcdMs: number;
  readonly fleetdMs: number;
  readonly machinesMs: number;
  /** fleetlab itself: its clients of the API, mostly. */
  readonly fleetlabMs: number;
}

/** One stretch of a run. */
export interface Phase {
  readonly what: string;
  readonly tookMs: number;
  /** What etcd counted of its own calls meanwhile, by method. */
  readonly etcdCalls: Readonly<Record<string, number>>;
  /** What the machines counted of theirs, by kind. */
  readonly machineRequests: Readonly<Record<string, number>>;
  readonly cpu: CpuUse;
}

/** What became of machines that lost their power. */
export interface Loss extends Phase {
  readonly lostUnitCount: number;
  /** From the power cut until etcd let the last of their leases go. */
  readonly expiredMs: number;
  /** From then until the last of their units was active elsewhere. */
  readonly recoveredMs: number;
}

/** A stretch in which nothing happened. */
export interface Rest extends Phase {
  readonly residentBytes: {
    readonly etcd: number;
    readonly fleetd: number;
    readonly machines: number;
  };
  readonly databaseBytes: number;
}

/** What a run measured and found; with `-o json`, this is what it prints. */
export interface HollowResult {
  readonly machineCount: number;
  readonly unitCount: number;
  readonly agentTtl: string;
  readonly registered: Phase;
  /** null: no units were asked for. */
  readonly started: (Phase & { readonly submittedMs: number }) | null;
  /** null: no machine was to be lost. */
  readonly lost: Loss | null;
  readonly resting: Rest;
  /** Everything that was not as it should be; empty means that all was well. */
  readonly faults: readonly string[];
}

/** The figures, one line an entry, and the verdict as the last line. */
export function hollowLines(result: HollowResult): readonly string[] {
  const { machineCount, unitCount, registered, started, lost, resting, faults } = result;
  const rows: (readonly [string, string])[] = [
    [registered.what, rate(machineCount, registered.tookMs, 'machines')],
  ];
  if (started !== null) {
    rows.push(['submitted', rate(unitCount, started.submittedMs, 'units')]);
    rows.push([started.what, rate(unitCount, started.tookMs, 'units')]);
    rows.push(['  calls of etcd', callsText(started, unitCount, 'unit')]);
    rows.push(['  processor time', eachText(started, unitCount, 'unit')]);
  }
  if (lost !== null) {
    rows.push([lost.what, `leases expired after ${seconds(lost.expiredMs)}`]);
    const after = `${seconds(lost.recoveredMs)} after that`;
    rows.push([`  ${lost.lostUnitCount} units active elsewhere`, after]);
  }
  const { etcd, fleetd, machines } = resting.residentBytes;
  rows.push([`at rest for ${seconds(resting.tookMs)}`, `${perSecond(resting)} calls of etcd`]);
  rows.push(['  of these renewals', `${renewalsPerSecond(resting)}`]);
  rows.push(['  processor time', cpuText(resting)]);
  const each = Math.round(machines / machineCount / 1024);
  rows.push(['  memory', `etcd ${mb(etcd)}, fleetd ${mb(fleetd)}, machines ${mb(machines)}`]);
  rows.push(['', `${each} KB a machine; database ${mb(resting.databaseBytes)}`]);
  const width = Math.max(...rows.map(([what]) => what.length)) + 2;
  return [
    ...rows.map(([what, figure]) => `${what.padEnd(width)}${figure}`.trimEnd()),
    ...(faults.length === 0 ? ['all was well'] : faults.map((fault) => `FAULT: ${fault}`)),
  ];
}

/** One line while machines stay. */
export function restLine(machineCount: number, rest: Rest): string {
  const calls = `${perSecond(rest)} calls of etcd, ${renewalsPerSecond(rest)} of them renewals`;
  return `${machineCount} machines: ${calls}; ${mb(rest.residentBytes.etcd)} in etcd`;
}

function rate(count: number, ms: number, what: string): string {
  return `${seconds(ms)}, ${Math.round((count * 1_000) / ms)} ${what} a second`;
}

function perSecond({ etcdCalls, tookMs }: Phase): string {
  return persecondText(
    Object.values(etcdCalls).reduce((sum, count) => sum + count, 0),
    tookMs,
  );
}

function renewalsPerSecond({ etcdCalls, tookMs }: Phase): string {
  return persecondText(etcdCalls['LeaseKeepAlive'] ?? 0, tookMs);
}

function persecondText(count: number, ms: number): string {
  return `${((count * 1_000) / ms).toFixed(1)} a second`;
}

function callsText({ etcdCalls }: Phase, count: number, of: string): string {
  const parts = Object.entries(etcdCalls)
    .sort(([, one], [, other]) => other - one)
    .map(([method, calls]) => `${method} ${(calls / count).toFixed(2)}`);
  return `${parts.join(', ')} a ${of}`;
}

function cpuText({ cpu, tookMs }: Phase): string {
  const part = (ms: number): string => `${Math.round((100 * ms) / tookMs)} %`;
  const { etcdMs, fleetdMs, machinesMs, fleetlabMs } = cpu;
  const words = [`etcd ${part(etcdMs)}`, `fleetd ${part(fleetdMs)}`];
  return [...words, `machines ${part(machinesMs)}`, `clients ${part(fleetlabMs)}`].join(', ');
}

/** Of all together: two processors give 2 ms in each. */
function eachText({ cpu }: Phase, count: number, of: string): string {
  const { etcdMs, fleetdMs, machinesMs, fleetlabMs } = cpu;
  const part = (ms: number): string => (ms / count).toFixed(2);
  const words = [`etcd ${part(etcdMs)}`, `fleetd ${part(fleetdMs)}`];
  const more = [`machines ${part(machinesMs)}`, `clients ${part(fleetlabMs)} ms a ${of}`];
  return [...words, ...more].join(', ');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}
