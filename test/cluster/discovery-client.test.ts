import { expect, it } from 'vitest';
import { ports } from '../../src/lab/names.ts';
import { type DiscoveryDocument, generateClient, type Wire } from '../builders/discovery-client.ts';
import { walkTheApi } from '../builders/discovery-walk.ts';
import { patience } from './with-fleet.ts';
import { withLab } from './with-lab.ts';

const lab = withLab({ machineCount: 1, etcd: 'shared' });

const wire: Wire = async ({ method, url, body }) => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method, ...(body !== null && { body, headers }) });
  return { status: answer.status, text: await answer.text() };
};

it('a client generated from the discovery document drives the API of a real machine', async () => {
  const { address } = await lab.machine('m1');
  const url = `http://${address}:${ports.fleetd}/fleet/v1/discovery`;
  const document = JSON.parse((await wire({ method: 'GET', url, body: null })).text);
  const client = generateClient(document as DiscoveryDocument, wire);
  let seenCount = 0;
  await walkTheApi(client, async (_name, look) => {
    await expect
      .poll(async () => {
        const { desiredState, currentState } = (await look()).body as Record<string, string>;
        return currentState === desiredState;
      }, patience)
      .toBe(true);
    seenCount += 1;
  });
  expect(seenCount).toBe(4);
});
