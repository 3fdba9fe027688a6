import { apiRoot } from './schema.ts';

/**
 * The discovery document of API v1, from which programs generate their clients. Names, types and
 * parameters are those of fleet 1.0, so that programs written against it compile as they are: what we
 * add is a resource of its own, or is left out. `rootUrl` is a URL with a slash at its end.
 */
export function discoveryDocument(rootUrl: string): object {
  const basePath = `${apiRoot}/`;
  return {
    kind: 'discovery#restDescription',
    discoveryVersion: 'v1',
    id: 'fleet:v1',
    name: 'schema',
    version: 'v1',
    title: 'fleet API',
    description: '',
    documentationLink: 'http://github.com/coreos/fleet',
    protocol: 'rest',
    icons: { x16: '', x32: '' },
    labels: [],
    baseUrl: `${rootUrl}${basePath.slice(1)}`,
    basePath,
    rootUrl,
    servicePath: basePath.slice(1),
    batchPath: 'batch',
    parameters: {},
    auth: {},
    schemas,
    resources: {
      Machines: { methods: { List: machinesList } },
      Units: { methods: { List: unitsList, Get: unitGet, Delete: unitDelete, Set: unitSet } },
      UnitState: { methods: { Get: stateGet, List: stateList } },
      Notices: { methods: { List: noticesList } },
      Members: { methods: { List: membersList, Delete: memberDelete } },
      Brake: { methods: { Delete: brakeDelete } },
    },
  };
}

/**
 * Where a client reaches this API, from the `Host` it named. Over a unix socket that is whatever
 * the client calls it, which works for that client; without a `Host` the placeholder of fleet 1.0
 * stands, and the client has to fill it in.
 */
export function rootUrlOf(host: string | undefined): string {
  const isHost =
    host !== undefined && /^([\w.-]{1,253}|\[[\da-fA-F:.]{2,45}\])(:\d{1,5})?$/.test(host);
  return isHost ? `http://${host}/` : '$ENDPOINT/';
}

const text = { type: 'string' };
const desiredOrCurrent = { type: 'string', enum: ['inactive', 'loaded', 'launched'] };

const schemas = {
  Machine: object('Machine', {
    id: text,
    primaryIP: text,
    metadata: { type: 'object', properties: {}, additionalProperties: text },
  }),
  MachinePage: page('MachinePage', 'machines', 'Machine'),
  UnitOption: object('UnitOption', { section: text, name: text, value: text }),
  Unit: object('Unit', {
    name: text,
    options: listOf('UnitOption'),
    desiredState: desiredOrCurrent,
    currentState: desiredOrCurrent,
    machineID: { type: 'string', required: true },
  }),
  UnitPage: page('UnitPage', 'units', 'Unit'),
  UnitState: object('UnitState', {
    name: text,
    hash: text,
    machineID: text,
    systemdLoadState: text,
    systemdActiveState: text,
    systemdSubState: text,
  }),
  UnitStatePage: page('UnitStatePage', 'states', 'UnitState'),
  Notice: object('Notice', { kind: text, text, hint: text }),
  Member: object('Member', {
    id: text,
    primaryIP: text,
    version: text,
    present: { type: 'boolean' },
    left: { type: 'boolean' },
    firstSeenMs: { type: 'number' },
    awaySinceMs: { type: 'number' },
  }),
  MemberPage: page('MemberPage', 'members', 'Member'),
  NoticeList: object('NoticeList', { notices: listOf('Notice') }),
};

const inQuery = { type: 'string', location: 'query' };
const nextPageToken = { nextPageToken: inQuery };
const ofOneUnit = {
  parameters: { unitName: { type: 'string', location: 'path', required: true } },
  parameterOrder: ['unitName'],
};

const machinesList = {
  id: 'fleet.Machine.List',
  description: 'One page of the machines that are alive.',
  httpMethod: 'GET',
  path: 'machines',
  parameters: nextPageToken,
  response: ref('MachinePage'),
};

const unitsList = {
  id: 'fleet.Unit.List',
  description: 'One page of the units.',
  httpMethod: 'GET',
  path: 'units',
  parameters: nextPageToken,
  response: ref('UnitPage'),
};

const unitGet = {
  id: 'fleet.Unit.Get',
  description: 'One unit.',
  httpMethod: 'GET',
  path: 'units/{unitName}',
  ...ofOneUnit,
  response: ref('Unit'),
};

const unitDelete = {
  id: 'fleet.Unit.Delete',
  description: 'Destroys a unit.',
  httpMethod: 'DELETE',
  path: 'units/{unitName}',
  ...ofOneUnit,
};

const unitSet = {
  id: 'fleet.Unit.Set',
  description: 'Stores a unit, or changes what is wanted of one.',
  httpMethod: 'PUT',
  path: 'units/{unitName}',
  ...ofOneUnit,
  request: ref('Unit'),
};

const stateGet = {
  id: 'fleet.UnitState.Get',
  description: 'What systemd says of one unit.',
  httpMethod: 'GET',
  path: 'state/{unitName}',
  ...ofOneUnit,
  response: ref('UnitState'),
};

const stateList = {
  id: 'fleet.UnitState.List',
  description: 'One page of what systemd says of units, on all machines or on one.',
  httpMethod: 'GET',
  path: 'state',
  parameters: { ...nextPageToken, unitName: inQuery, machineID: inQuery },
  response: ref('UnitStatePage'),
};

const noticesList = {
  id: 'fleet.Notice.List',
  description: 'Conditions of the whole cluster that a person must know of.',
  httpMethod: 'GET',
  path: 'notices',
  parameters: { except: inQuery },
  response: ref('NoticeList'),
};

const membersList = {
  id: 'fleet.Member.List',
  description: 'One page of the machines that were ever seen, present or away.',
  httpMethod: 'GET',
  path: 'members',
  parameters: nextPageToken,
  response: ref('MemberPage'),
};

const memberDelete = {
  id: 'fleet.Member.Delete',
  description: 'Forgets a machine that is away for good.',
  httpMethod: 'DELETE',
  path: 'members/{machineID}',
  parameters: { machineID: { type: 'string', location: 'path', required: true } },
  parameterOrder: ['machineID'],
};

const brakeDelete = {
  id: 'fleet.Brake.Delete',
  description: 'Ends the brake: units of machines that vanished together are moved now.',
  httpMethod: 'DELETE',
  path: 'brake',
  parameters: {},
};

function ref(schema: string): object {
  return { $ref: schema };
}

function listOf(schema: string): object {
  return { type: 'array', items: ref(schema) };
}

function object(id: string, properties: object): object {
  return { id, type: 'object', properties };
}

function page(id: string, items: string, of: string): object {
  return object(id, { [items]: listOf(of), nextPageToken: text });
}
