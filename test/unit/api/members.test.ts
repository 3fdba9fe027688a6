import { expect, it } from 'vitest';
import { createApi } from '../../../src/api/server.ts';
import type { BootId } from '../../../src/model/ids.ts';
import { memberCodec } from '../../../src/registry/codec.ts';
import { captureLog } from '../../builders/api-server.ts';
import { FakeCluster, machineId } from '../../builders/fake-cluster.ts';

async function asked(method: 'GET' | 'DELETE', path: string): Promise<readonly unknown[]> {
  const cluster = new FakeCluster({ machineCount: 1 });
  await cluster.start();
  await cluster.put(cluster.keys.member(machineId(1)), 'not a record');
  const silent = {
    id: machineId(3),
    ...{ bootId: 'b' as BootId, address: '10.0.0.3', version: '0.1.0' },
    ...{ firstSeenMs: 1, leaving: false, vanishedMs: null },
  };
  await cluster.put(cluster.keys.member(silent.id), memberCodec.encode(silent));
  const { catalog, roster } = cluster;
  const api = await createApi({ catalog, roster, log: captureLog().log, version: '1' });
  const answer = await api.inject({ method, url: `/fleet/v1/${path}` });
  await api.close();
  const body = answer.text === '' ? null : JSON.parse(answer.text);
  return [answer.status, body?.error?.message ?? body];
}

it('a member whose record is not understood is listed, and what is unknown is null', async () => {
  expect(await asked('GET', 'members')).toEqual([
    200,
    {
      members: [
        {
          id: machineId(1),
          primaryIP: '10.0.0.1',
          version: '0.1.0',
          present: true,
          left: null,
          firstSeenMs: null,
          awaySinceMs: null,
        },
        {
          id: machineId(3),
          primaryIP: '10.0.0.3',
          version: '0.1.0',
          present: false,
          left: false,
          firstSeenMs: 1,
          awaySinceMs: null,
        },
      ],
    },
  ]);
});

it.each([
  [`members/${machineId(1)}`, 409, 'is there'],
  [`members/${machineId(3)}`, 409, 'no leader has taken note'],
  [`members/${machineId(2)}`, 404, 'there is no machine 2222'],
  ['members/1111', 400, '"1111" is not a machine id'],
  ['brake', 404, 'the brake is not on'],
])('DELETE %s is answered with %i', async (path, status, message) => {
  expect(await asked('DELETE', path)).toEqual([status, expect.stringContaining(message)]);
});
