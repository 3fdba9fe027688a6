import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultInterface, readIdentity } from '../../../src/daemon/identity.ts';

const header = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n';

describe('the default route', () => {
  it('is the one with the lowest metric', () => {
    const table =
      `${header}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n` +
      'eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n' +
      'eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n';
    expect(defaultInterface(table)).toBe('eth0');
  });

  it('may be missing', () => {
    expect(defaultInterface(header)).toBeNull();
  });
});

describe('the machine id', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'identity-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is read from /etc/machine-id', () => {
    writeFileSync(join(folder, 'id'), 'a'.repeat(32));
    expect(readIdentity(join(folder, 'id')).id).toBe('a'.repeat(32));
  });

  it('is refused while it is not one, with what to do', () => {
    writeFileSync(join(folder, 'id'), 'uninitialized\n');
    expect(() => readIdentity(join(folder, 'id'))).toThrow("holds no machine id: 'uninitialized'");
  });
});
