import type { Catalog } from '../model/catalog.ts';
import type { Machine } from '../model/machine.ts';
import { type Answer, refused } from './answer.ts';
import { readMetadataPatch } from './metadata-patch.ts';
import { nextPage, type Query, readPageQuery } from './page-query.ts';
import type { MachineBody, MachinePageBody } from './schema.ts';

/** `GET /machines`: those that are alive. */
export async function listMachines(
  catalog: Catalog,
  request: { readonly query: Query; readonly limitDefaultCount: number },
  signal: AbortSignal,
): Promise<Answer> {
  const asked = readPageQuery(request.query, 'machines', request.limitDefaultCount);
  if (!asked.ok) return refused(asked.error);
  const page = await catalog.readMachines(asked.value, signal);
  const body: MachinePageBody = {
    machines: page.items.map(machineBody),
    ...nextPage(page, 'machines', asked.value.limitCount),
  };
  return { status: 200, body };
}

/** `PATCH /machines`: changes metadata at run time, of machines that are there or not. */
export async function patchMachines(
  catalog: Catalog,
  body: unknown,
  signal: AbortSignal,
): Promise<Answer> {
  const changes = readMetadataPatch(body);
  if (!changes.ok) {
    const hint = 'send [{"op": "add", "path": "/MACHINEID/metadata/KEY", "value": "…"}]';
    return refused({ status: 400, message: changes.error, hint });
  }
  await catalog.changeMetadata(changes.value, signal);
  return { status: 204, body: null };
}

function machineBody({ id, address, metadata, version }: Machine): MachineBody {
  return { id, primaryIP: address, metadata: Object.fromEntries(metadata), version };
}
