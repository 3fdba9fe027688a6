import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { systemClock } from '../../src/lib/clock.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import { startEtcd } from './etcd-server.ts';
import { pagesContract } from './pages-contract.ts';

const run = promisify(execFile);

pagesContract('a real etcd', async () => {
  const etcd = await startEtcd();
  const access = { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 5000 };
  const stores: EtcdStore[] = [];
  return {
    clock: systemClock,
    openStore: () => {
      const store = new EtcdStore(access, systemClock);
      stores.push(store);
      return store;
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    compact: async (at) => {
      const flags = [`--endpoints=${etcd.endpoint}`, 'compact', String(at)];
      await run('/usr/bin/etcdctl', flags, { env: { ...process.env, ETCDCTL_API: '3' } });
    },
    stop: async () => {
      for (const store of stores) store.close();
      await etcd.stop();
    },
  };
});
