import { byText } from '../lib/order.ts';
import type { Joining } from '../model/joining.ts';
import type { Store } from '../registry/store.ts';
import type { Settings } from './settings.ts';

/** What machines are told that join: the store as it is now, and this machine's settings. */
export function joiningFrom(store: Pick<Store, 'members'>, settings: Settings): Joining {
  const { etcdKeyPrefix, agentTtlMs, etcdCaFile, etcdCertFile, etcdKeyFile } = settings;
  return {
    async read(signal) {
      const members = await store.members(signal);
      const voting = members.filter(({ isLearner }) => !isLearner);
      const etcdServers = voting.flatMap(({ clientUrls }) => clientUrls).sort(byText);
      return { etcdServers, etcdKeyPrefix, agentTtlMs, etcdCaFile, etcdCertFile, etcdKeyFile };
    },
  };
}
