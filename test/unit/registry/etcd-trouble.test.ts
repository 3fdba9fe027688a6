import { describe, expect, it } from 'vitest';
import { etcdTrouble } from '../../../src/registry/etcd-trouble.ts';

const at = 'http://10.0.0.1:2379';

describe('what etcd and gRPC say', () => {
  it.each([
    [
      '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 10.0.0.1:2379. Resolution note: ',
      `etcd at ${at}: connect ECONNREFUSED 10.0.0.1:2379`,
    ],
    [
      '14 UNAVAILABLE: Name resolution failed for target dns:etcd.example:2379',
      `etcd at ${at}: Name resolution failed for target dns:etcd.example:2379`,
    ],
    [
      '4 DEADLINE_EXCEEDED: Deadline exceeded after 0.998s,Waiting for LB pick',
      `etcd at ${at} did not answer: nothing came for 0.998 s`,
    ],
    [
      'etcdserver: request timed out',
      `etcd at ${at} did not answer: etcdserver: request timed out`,
    ],
  ])('%j is told without its wrapping', (said, told) => {
    expect(etcdTrouble(new Error(said), 'read', at)).toMatchObject({
      message: told,
      trouble: { code: 'registry/unavailable' },
    });
  });

  it('leaves open whether a write happened that nobody confirmed', () => {
    const thrown = new Error(
      '4 DEADLINE_EXCEEDED: Deadline exceeded after 1.001s,metadata filters: 0s',
    );
    expect(etcdTrouble(thrown, 'write', at)).toMatchObject({
      message: `etcd at ${at} did not confirm a write: nothing came for 1.001 s`,
      trouble: { code: 'registry/unknown-outcome', cause: thrown },
    });
  });
});
