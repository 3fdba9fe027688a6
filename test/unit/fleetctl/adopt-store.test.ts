import { expect, it } from 'vitest';
import { aSession } from '../../builders/fleetctl-session.ts';

const wentBack = {
  kind: 'frozen',
  why: 'store-went-back',
  reason: 'etcd is at revision 7, it was at 9',
} as const;

it('adopt-store has nothing to do where the store is ours', async () => {
  await using session = await aSession({ machineCount: 1 });
  const { status, out } = await session.run('adopt-store');
  expect([status, out]).toEqual([0, 'The store is that of this cluster: nothing to adopt\n']);
});

it('adopt-store needs a yes, and says what it is about', async () => {
  await using session = await aSession({ machineCount: 1 });
  session.store.now = wentBack;
  const unasked = await session.run('adopt-store');
  expect([unasked.status, unasked.out]).toEqual([2, '']);
  expect(unasked.err).toContain('store-went-back: etcd is at revision 7, it was at 9');
  expect(unasked.err).toContain('Add --yes.');
  expect(session.store.now).toBe(wentBack);
  const asked = await session.run('adopt-store', '--yes');
  expect([asked.status, asked.out]).toEqual([0, 'Adopted the store, epoch 2\n']);
});

it('adopt-store says why a store is not adopted', async () => {
  await using session = await aSession({ machineCount: 1 });
  session.store.now = wentBack;
  session.store.adoption = { kind: 'refused', why: 'it is of cluster x', hint: 'Look.' };
  const { status, err } = await session.run('adopt-store', '--yes');
  expect([status, err]).toEqual([1, expect.stringContaining('it is of cluster x\nLook.')]);
});

it('upgrade wants to be told that it is finished', async () => {
  await using session = await aSession({ machineCount: 1 });
  expect((await session.run('upgrade')).status).toBe(2);
  const same = await session.run('upgrade', '--finish');
  expect([same.status, same.out]).toEqual([0, 'The cluster uses format 1 already\n']);
  session.store.finish = { kind: 'raised', format: 2 };
  session.store.now = { kind: 'ours', clusterId: 'paper', epoch: 1, format: 2 };
  const raised = await session.run('upgrade', '--finish');
  expect(raised.out).toBe('The cluster uses format 2 from now on\n');
});
