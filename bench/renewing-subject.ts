// What bench/bare-renewals.ts runs and weighs: Node, and one lease that it renews; nothing else.
// `node --max-semi-space-size=8 renewing-subject.ts ENDPOINT EVERYMS`
import { systemClock } from '../src/lib/clock.ts';
import { EtcdStore } from '../src/registry/etcd-store.ts';
import { MemberLink } from '../src/registry/member-link.ts';

const [endpoint = '', everyMs = ''] = process.argv.slice(2);
const access = { endpoints: [endpoint], tls: null, login: null, requestTimeoutMs: 5_000 };

void begin();

async function begin(): Promise<void> {
  const store = new EtcdStore(access, systemClock);
  const grant = await store.grantLease(3 * Number(everyMs), new AbortController().signal);
  store.close();
  const answered = (): void => undefined;
  const link = new MemberLink({ endpoint, tls: null, login: null, clock: systemClock, answered });
  setInterval(() => void link.renew(grant.leaseId), Number(everyMs));
  process.stdout.write('renewing\n');
}
