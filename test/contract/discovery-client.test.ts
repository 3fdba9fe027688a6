import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { discoveryDocument, rootUrlOf } from '../../src/api/discovery.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { BootId } from '../../src/model/ids.ts';
import { connectRegistry } from '../../src/registry/connect-registry.ts';
import { type ApiServer, serveOnSocket } from '../builders/api-server.ts';
import { type DiscoveryDocument, generateClient, type Wire } from '../builders/discovery-client.ts';
import { walkTheApi } from '../builders/discovery-walk.ts';
import { machineId } from '../builders/fake-cluster.ts';
import { startEtcd } from './etcd-server.ts';

const self = {
  ...{ id: machineId(1), bootId: 'boot-1' as BootId, address: '10.0.0.1', version: 'test' },
  ...{ metadata: new Map<string, string>(), leaving: false },
};

/** Over the socket; the host of the URL is only what the client was told. */
function wireTo({ socketPath }: ApiServer): Wire {
  return ({ method, url, body }) =>
    new Promise((resolve, reject) => {
      const { pathname, search, host } = new URL(url);
      const type = body === null ? {} : { 'content-type': 'application/json' };
      const headers = { host, ...type };
      const path = `${pathname}${search}`;
      const sent = request({ socketPath, method, path, headers }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.once('end', () => {
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() });
        });
      });
      sent.once('error', reject);
      sent.end(body ?? undefined);
    });
}

describe('a client generated from the discovery document', () => {
  it('can do everything with the API on a real etcd', async () => {
    const etcd = await startEtcd();
    const registry = connectRegistry(
      { keyPrefix: '/discovery', ttlMs: 10_000, self, clock: systemClock },
      { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 5_000 },
    );
    try {
      const unremembered = { clusterId: null, epoch: null, revision: null };
      await registry.cluster.settle(unremembered, 'discovery', new AbortController().signal);
      await using server = await serveOnSocket({
        catalog: registry.catalog,
        roster: registry.roster,
        pageItemsDefault: () => 2,
      });
      const wire = wireTo(server);
      const asked = { method: 'GET', url: 'http://fleet/fleet/v1/discovery', body: null };
      const document = JSON.parse((await wire(asked)).text) as DiscoveryDocument;
      expect(document).toEqual(discoveryDocument(rootUrlOf('fleet')));
      await walkTheApi(generateClient(document, wire), async () => undefined);
    } finally {
      registry.close();
      await etcd.stop();
    }
  });

  it('refuses an answer that is not what the document says', async () => {
    const document = discoveryDocument('http://fleet/') as DiscoveryDocument;
    const answering = (text: string) =>
      generateClient(document, async () => ({ status: 200, text }))['Units']?.['List'];
    await expect(answering('{"units":[{"desiredState":"up"}]}')?.()).rejects.toThrow('up is none');
    await expect(answering('{"units":{}}')?.()).rejects.toThrow('is no list');
    await expect(answering('{}')?.({ brief: 'true' })).rejects.toThrow('has no brief');
    expect((await answering('{"units":[{"name":"a","text":"b"}]}')?.())?.body).toEqual({
      units: [{ name: 'a' }],
    });
  });
});
