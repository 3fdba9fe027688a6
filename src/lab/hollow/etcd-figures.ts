import { fetchText } from './fetch-text.ts';

/** What etcd says of itself, all members together. */
export interface EtcdFigures {
  /** Calls it has handled by method (`Range`, `Txn`, …); messages it received on streams. */
  readonly calls: ReadonlyMap<string, number>;
  readonly residentBytes: number;
  readonly databaseBytes: number;
  readonly cpuMs: number;
}

/** Streams are one call for all their life: their messages are counted. */
const streams = ['Watch', 'LeaseKeepAlive'];

/** Reads `/metrics` of every member; figures of a member that has none are left out. */
export async function readEtcdFigures(endpoints: readonly string[]): Promise<EtcdFigures> {
  const calls = new Map<string, number>();
  let [residentBytes, databaseBytes, cpuMs] = [0, 0, 0];
  for (const endpoint of endpoints) {
    const page = await fetchText(`${endpoint}/metrics`);
    if (!page.ok) continue;
    for (const { name, labels, value } of metricsIn(page.value)) {
      const method = /grpc_method="(\w+)"/.exec(labels)?.[1] ?? '';
      const isStream = streams.includes(method);
      const isCall = isStream
        ? name === 'grpc_server_msg_received_total'
        : name === 'grpc_server_handled_total';
      if (isCall && value > 0) calls.set(method, (calls.get(method) ?? 0) + value);
      if (name === 'process_resident_memory_bytes') residentBytes += value;
      if (name === 'etcd_mvcc_db_total_size_in_bytes') databaseBytes += value;
      if (name === 'process_cpu_seconds_total') cpuMs += value * 1_000;
    }
  }
  return { calls, residentBytes, databaseBytes, cpuMs };
}

function metricsIn(
  text: string,
): readonly { readonly name: string; readonly labels: string; readonly value: number }[] {
  return [...text.matchAll(/^(\w+)(?:\{([^}]*)\})? (\S+)$/gm)].map(
    ([, name = '', labels = '', value]) => ({ name, labels, value: Number(value) }),
  );
}

/** Calls by method between two looks. */
export function callsBetween(
  before: EtcdFigures,
  after: EtcdFigures,
): Readonly<Record<string, number>> {
  const grown = [...after.calls].map(
    ([method, count]) => [method, count - (before.calls.get(method) ?? 0)] as const,
  );
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}
