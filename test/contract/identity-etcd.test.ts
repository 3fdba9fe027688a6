import { afterAll } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import { type EtcdBackup, type EtcdServer, startEtcd } from './etcd-server.ts';
import { foreignRecord } from './foreign-record.ts';
import { identityContract } from './identity-contract.ts';

let server: EtcdServer | null = null;
let openedCount = 0;
afterAll(() => server?.stop());

identityContract('a real etcd', async () => {
  server ??= await startEtcd();
  const etcd = server;
  openedCount += 1;
  await etcd.replace(null, `first-of-${openedCount}`);
  const access = { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 1000 };
  const stores: EtcdStore[] = [];
  const openStore = (): EtcdStore => {
    const store = new EtcdStore(access, systemClock);
    stores.push(store);
    return store;
  };
  let saved: EtcdBackup | null = null;
  return {
    clock: systemClock,
    openStore,
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    compact: async () => undefined,
    stop: async () => {
      for (const store of stores) store.close();
    },
    backup: async () => {
      saved = await etcd.backup();
    },
    become: async (what) => {
      await etcd.replace(
        what === 'the backup' ? saved : null,
        what === 'another cluster' ? 'another' : `first-of-${openedCount}`,
      );
      if (what === 'another cluster') await foreignRecord(openStore());
    },
  };
});
