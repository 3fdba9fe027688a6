import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingParsers } from '../../src/daemon/settings.ts';
import { commands } from '../../src/fleetctl/commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'flotilla-man-'));
const pages = ['fleetctl.1', 'fleetlab.1', 'fleetd.8', 'fleet.conf.5', 'fleet-cloudinit.8'];

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/man.ts', folder]);
});
afterAll(() => rmSync(folder, { recursive: true }));

function source(page: string): string {
  return readFileSync(join(folder, page), 'utf8').replaceAll('\\-', '-');
}

describe('manual pages', () => {
  it('have every command of fleetctl with its flags, and every setting', () => {
    const fleetctl = source('fleetctl.1');
    for (const { name, flags, isHidden } of commands) {
      expect(fleetctl.includes(`\n.SS ${name}`)).toBe(isHidden !== true);
      if (isHidden === true) continue;
      for (const { usage } of flags) expect(fleetctl).toContain(`\n.B ${usage}\n`);
    }
    for (const setting of Object.keys(settingParsers)) {
      expect(source('fleet.conf.5')).toContain(setting);
    }
  });

  it.each(pages)('%s is without fault for groff', (page) => {
    const args = ['-man', '-ww', '-z', '-Tutf8', join(folder, page)];
    const { status, stderr } = spawnSync('groff', args, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
