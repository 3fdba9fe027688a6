import { bridgeAddress, linkOf, ports } from '../names.ts';
import type { Cut, CutFrom, LabRecord, MachineRecord } from '../record.ts';
import { run } from '../run.ts';
import { labFailed, labUnsuitable } from '../trouble.ts';

const table = 'flotilla_lab';

/** Puts the cut into force, in place of an earlier one, and notes it. */
export async function applyCut(record: LabRecord, machine: MachineRecord, cut: Cut): Promise<void> {
  machine.cut = cut;
  await nft(record, machine, cutRules(cut, bridgeAddress(record.index)));
}

/** Takes a cut back; nothing to do where there is none. */
export async function removeCut(record: LabRecord, machine: MachineRecord): Promise<void> {
  if (machine.cut === undefined) return;
  await nft(record, machine, clear);
  delete machine.cut;
}

// To add a table that is there is no mistake, and makes it sure that there is one to delete.
const clear = `add table inet ${table}\ndelete table inet ${table}\n`;

/** The rules of a cut as `nft -f` reads them. */
export function cutRules({ from, direction, isRefused }: Cut, computer: string): string {
  const verdicts = isRefused ? ['meta l4proto tcp reject with tcp reset', 'reject'] : ['drop'];
  const chain = (way: 'in' | 'out'): readonly string[] => [
    `chain ${way} {`,
    `type filter hook ${way}put priority 0; policy accept;`,
    // A reset is the refusal itself: it must pass the other chain.
    ...(isRefused ? ['tcp flags & rst == rst accept'] : []),
    ...(direction === 'both' || direction === way ? rulesOf(from, way, computer, verdicts) : []),
    '}',
  ];
  return [clear.trim(), `table inet ${table} {`, ...chain('in'), ...chain('out'), '}', ''].join(
    '\n',
  );
}

function rulesOf(
  from: CutFrom,
  way: 'in' | 'out',
  computer: string,
  verdicts: readonly string[],
): readonly string[] {
  const etcd = ports.etcdClient;
  // As a client only, its own member included: that one goes on talking to the other members.
  if (from === 'etcd') {
    const port = way === 'out' ? 'dport' : 'sport';
    const verdict = verdicts[0]?.replace('meta l4proto tcp ', '') ?? '';
    return [`tcp ${port} ${etcd} ${verdict}`];
  }
  const link = way === 'out' ? 'oifname "eth0"' : 'iifname "eth0"';
  const address = way === 'out' ? 'daddr' : 'saddr';
  const passes = [
    `${link} ip ${address} ${computer} accept`,
    `${link} tcp dport ${etcd} accept`,
    `${link} tcp sport ${etcd} accept`,
  ];
  return [
    ...(from === 'machines' ? passes : []),
    ...verdicts.map((verdict) => `${link} ${verdict}`),
  ];
}

async function nft(record: LabRecord, machine: MachineRecord, rules: string): Promise<void> {
  const link = linkOf(record.index, machine.number);
  const probe = await run(['sh', '-c', 'PATH=$PATH:/usr/sbin command -v nft']);
  if (probe.status !== 0) {
    throw labUnsuitable(
      "only 'fleetlab partition M' without flags works without nft, which is not here",
      'apt-get update && apt-get install --no-install-recommends nftables',
    );
  }
  const ran = await run(['ip', 'netns', 'exec', link, 'nft', '-f', '-'], { input: rules });
  if (ran.status === 0) return;
  throw labFailed(
    `${machine.name}: nft refused the rules: ${ran.stderr.trim()}`,
    "does the kernel have nf_tables with 'inet' and 'reject'?",
  );
}
