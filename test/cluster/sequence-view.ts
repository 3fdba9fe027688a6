import type { UnitBody, UnitPageBody } from '../../src/api/schema.ts';
import type { MachineStatus } from '../../src/lab/status.ts';
import { apiCall } from './api-call.ts';
import { mark, startsPath } from './sequence-steps.ts';
import type { TestFleet } from './with-fleet.ts';

/** Everything of a sequence that is on one machine, whatever fleetd says of it. */
export interface MachineView {
  readonly id: string;
  readonly name: string;
  /** `seq-web@1.service 3`, a line for each process that runs a unit; sorted. */
  readonly processes: readonly string[];
  /** What is in systemd's memory: `seq-web@1.service loaded active running`. */
  readonly loaded: readonly string[];
  /** Jobs of systemd that have not ended. */
  readonly jobs: readonly string[];
  /** Files anywhere where systemd or fleetd keeps some. */
  readonly files: readonly string[];
  /** SHA-256 of unit files by their unit. */
  readonly texts: ReadonlyMap<string, string>;
  /** Every start since the sequence began, in order. */
  readonly starts: readonly Start[];
}

/** A unit's process began. */
export interface Start {
  readonly atSeconds: number;
  readonly unit: string;
  readonly content: string;
}

/** What the API says of a unit, as far as it matters here. */
export type ToldUnit = Pick<
  UnitBody,
  'name' | 'desiredState' | 'currentState' | 'machineID' | 'restartCount' | 'text'
>;

/** A whole cluster after a sequence. */
export interface ClusterView {
  readonly machines: readonly MachineView[];
  readonly units: readonly ToldUnit[];
  /** The keys of units, placements, texts, orders and reports. */
  readonly keys: readonly string[];
}

const lookScript = `
echo '== processes'; pgrep -fa '^sequence ' || true
echo '== loaded'; systemctl list-units --all --plain --full --no-legend '${mark}*'
echo '== jobs'; systemctl list-jobs --full --no-legend | grep '${mark}' || true
echo '== files'
find /run/fleet /run/systemd/system /run/systemd/transient /etc/systemd/system -name '*${mark}*' \
  2>/dev/null || true
echo '== texts'; cd /run/fleet/units 2>/dev/null && sha256sum ${mark}* 2>/dev/null || true
echo '== starts'; cat ${startsPath} 2>/dev/null || true`;

/** Looks at machines, API and etcd, one after another: compare only what has settled. */
export async function lookAround(
  fleet: TestFleet,
  machines: readonly MachineStatus[],
): Promise<ClusterView> {
  const views = machines.map(async ({ id, name }) => {
    return machineView({ id, name }, await fleet.script(name, lookScript));
  });
  const collections = /^(units|placement|text|work|state)\//;
  return {
    machines: await Promise.all(views),
    units: await readUnits(machines[0]?.address ?? ''),
    keys: (await fleet.keys()).filter((key) => collections.test(key)),
  };
}

async function readUnits(address: string): Promise<readonly ToldUnit[]> {
  const answer = await apiCall(address, 'GET', '/units');
  return (JSON.parse(answer.text) as UnitPageBody).units;
}

function machineView(machine: { id: string; name: string }, text: string): MachineView {
  const sections = new Map(
    text.split(/^== /m).map((part) => {
      const [title = '', ...lines] = part.split('\n');
      return [title, lines.filter((line) => line !== '')] as const;
    }),
  );
  const section = (title: string): readonly string[] => sections.get(title) ?? [];
  return {
    ...machine,
    processes: section('processes')
      .map((line) => line.replace(/^\d+ sequence (.*) infinity$/, '$1'))
      .sort(),
    loaded: section('loaded').map((line) => line.trim().split(/\s+/).slice(0, 4).join(' ')),
    jobs: section('jobs'),
    files: section('files').toSorted(),
    texts: new Map(
      section('texts').map((line) => {
        const [hash = '', unit = ''] = line.split(/\s+/);
        return [unit, hash];
      }),
    ),
    starts: section('starts').map((line) => {
      const [at, unit = '', content = ''] = line.split(' ');
      return { atSeconds: Number(at), unit, content };
    }),
  };
}
