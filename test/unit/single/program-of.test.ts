import { describe, expect, it } from 'vitest';
import { programOf } from '../../../src/single/program-of.ts';

describe('programOf', () => {
  it.each([
    ['fleetctl', ['list-units'], 'fleetctl', ['list-units']],
    ['/usr/bin/fleetd', ['--leave'], 'fleetd', ['--leave']],
    ['./fleet-cloudinit', [], 'fleet-cloudinit', []],
    ['fleetctl', ['fleetd'], 'fleetctl', ['fleetd']],
    ['fleet', ['fleetctl', 'cat', 'a.service'], 'fleetctl', ['cat', 'a.service']],
    ['/tmp/fleet-amd64', ['fleetd'], 'fleetd', []],
    ['fleet', ['list-units'], null, ['list-units']],
    ['fleet', [], null, []],
    ['', ['fleetlab', 'up'], null, ['fleetlab', 'up']],
  ] as const)('%s %j is %s %j', (startedAs, args, program, rest) => {
    expect(programOf({ startedAs, args })).toEqual({ program, rest });
  });
});
