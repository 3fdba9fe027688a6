import { expect, it } from 'vitest';
import { orphanNotices } from '../../../src/daemon/orphan-notices.ts';
import type { StateReport } from '../../../src/model/report.ts';
import { removalCodec } from '../../../src/registry/codec.ts';
import type { ContentHash } from '../../../src/unitfile/unit-hash.ts';
import { aReport, aUnit, machineId, named } from '../../builders/cluster.ts';
import { aSession, type Session } from '../../builders/fleetctl-session.ts';

const old = aUnit(named('old'));
const twin = aUnit(named('twin'));

function anOrphan(record: typeof old, some: Partial<StateReport> = {}): StateReport {
  const unitHash = '0a1b2c3d4e5f' as StateReport['unitHash'];
  const orphan = { contentHash: 'f00d' as ContentHash, avoids: [] };
  return { ...aReport(record), unitHash, orphan, ...some };
}

/** Machines that carry each recorded wish out at once. */
function obey({ cluster }: Session): void {
  const { store, keys } = cluster;
  const from = (store.revision + 1n) as typeof store.revision;
  store.watch({ from: '/fleet/removals/', to: '/fleet/removals0' }, from, {
    events: (events) => {
      for (const event of events) {
        if (event.kind !== 'put') continue;
        const meaning = keys.meaning(event.item.key);
        const removal = removalCodec.decode(event.item.value);
        if (meaning.kind !== 'removal' || !removal.ok) continue;
        if (removal.value.identity !== old.identity) continue;
        const gone = keys.report(meaning.machine, meaning.unit);
        void store.txn(
          { onlyIf: [], writes: [{ kind: 'delete', key: gone }] },
          new AbortController().signal,
        );
      }
    },
    alive: () => undefined,
    ended: () => undefined,
  });
}

it('fleetctl prints of orphans what is recorded', async () => {
  await using session = await aSession({ machineCount: 3 });
  session.file('web.service', '[Service]\nExecStart=/bin/sleep 1d\n');
  await session.run('start', `${session.server.folder}/web.service`);
  const { cluster } = session;
  await cluster.settled();
  await cluster.report(machineId(2), named('old'), anOrphan(old));
  const failed = { active: 'failed', sub: 'failed', problem: 'failed: exit-code' };
  await cluster.report(machineId(1), named('twin'), anOrphan(twin));
  await cluster.report(machineId(3), named('twin'), anOrphan(twin, failed));
  session.notices.push(...(await orphanNotices(cluster.catalog, new AbortController().signal)));
  obey(session);
  const texts: string[] = [];
  for (const line of [
    'list-units',
    'list-units --fields unit,machine,active,note',
    'status -o json twin.service',
    'status none.service',
    'destroy old.service',
    'destroy --machine 2222 web.service',
    'destroy --orphan web.service',
    'destroy --orphan twin.service old.service',
    'destroy --orphan --machine 7777 twin.service',
    'destroy --orphan --machine 3333 --no-block twin.service',
    'destroy --orphan old.service',
  ]) {
    texts.push(await session.transcript(...line.split(' ')));
  }
  const { out } = await session.run('list-units', '-o', 'json');
  texts.push(JSON.stringify((JSON.parse(out) as object[])[0]));
  await expect(texts.join('\n')).toMatchFileSnapshot('./expected/orphans.txt');
});
