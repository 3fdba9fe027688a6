import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename } from 'node:path';
import type { LabContext } from './lab.ts';
import { bridgeAddress, ports } from './names.ts';
import { ensureBridge } from './network.ts';
import { readLab } from './record.ts';
import { labFailed, labUnsuitable } from './trouble.ts';

/** A package that the machines of a lab can fetch. */
export interface PackageServer {
  readonly url: string;
  close(): void;
}

/** Serves one file to the machines of a lab, and to nobody else: on the lab's bridge. */
export async function servePackage(context: LabContext, path: string): Promise<PackageServer> {
  const { index } = readLab(context.lab);
  const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size;
  if (sizeBytes === undefined) {
    throw labFailed(`there is no package ${path}`, "'npm run package' makes one");
  }
  const url = packageUrl(index, path);
  const server = createServer((request, response) => {
    const isKnown = request.url === `/${basename(path)}` && request.method === 'GET';
    if (!isKnown) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': sizeBytes });
    createReadStream(path).pipe(response);
  });
  await ensureBridge(index);
  await new Promise<void>((listening, refuse) => {
    server.once('error', (error) => {
      refuse(labUnsuitable(`${url} cannot be served: ${error.message}`, 'free that port'));
    });
    server.listen(ports.packages, bridgeAddress(index), listening);
  });
  return {
    url,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function packageUrl(labIndex: number, path: string): string {
  return `http://${bridgeAddress(labIndex)}:${ports.packages}/${basename(path)}`;
}
