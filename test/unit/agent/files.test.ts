import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diskOver } from '../../../src/agent/disk-file.ts';
import { UnitFiles } from '../../../src/agent/files.ts';
import { loadedRecord } from '../../../src/agent/records.ts';
import { contentHash } from '../../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { anOrder, aReceipt, web } from '../../builders/agent.ts';

import { callsOn, errno, MemoryDisk } from '../../sim/memory-disk.ts';

const text = '[Service]\n# ä\nExecStart=/bin/true\n';
const order = anOrder('launch', { contentHash: contentHash(text) });
let root = '';
let files: UnitFiles;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fleet-files-'));
  files = new UnitFiles({
    root,
    unitsDirectory: '/run/fleet/units',
    stateDirectory: '/run/fleet',
    runtimeDirectory: '/run/systemd/system',
  });
});
afterEach(() => rmSync(root, { recursive: true }));

const at = (path: string): string => join(root, path);
const link = (name: string, target: string): void => {
  mkdirSync(at('run/systemd/system'), { recursive: true });
  symlinkSync(target, at(`run/systemd/system/${name}`));
};

describe('unit files', () => {
  it('come back byte for byte, with whose they are', async () => {
    await files.write(text, loadedRecord(web, order));
    expect(readFileSync(at('run/fleet/units/web.service'), 'utf8')).toBe(text);
    expect(readFileSync(at('run/systemd/system/web.service.d/10-fleet.conf'), 'utf8')).toBe(
      '[Unit]\nAfter=fleet-leave.service\n',
    );
    await files.writeReceipt(aReceipt(web, order));
    expect(await files.read(web)).toEqual({
      contentHash: order.contentHash,
      link: 'none',
      loaded: loadedRecord(web, order),
      receipt: aReceipt(web, order),
      install: 'none',
    });
    expect(await files.names()).toEqual(new Set([web]));
  });

  it('cut off anywhere while they are written, leave nothing that no name leads to', async () => {
    const folders = ['/run/fleet/units', '/run/fleet/loaded', '/run/systemd/system'];
    const paths = {
      ...{ root: '', unitsDirectory: '/run/fleet/units', stateDirectory: '/run/fleet' },
      runtimeDirectory: '/run/systemd/system',
    };
    let isCut = true;
    for (let callCount = 0; isCut; callCount += 1) {
      const disk = new MemoryDisk();
      let left = callCount;
      const turn = async (): Promise<void> => {
        left -= 1;
        if (left < 0) throw errno('EIO');
      };
      const written = new UnitFiles(paths, diskOver(callsOn(disk, turn)));
      const record = loadedRecord(web, order);
      isCut = await written.write(text, record).then(
        () => false,
        () => true,
      );
      const found = new UnitFiles(paths, diskOver(callsOn(disk, async () => undefined)));
      for (const name of await found.names()) await found.remove(name);
      const names = folders.flatMap((folder) => disk.names(folder));
      expect(names, `after ${callCount} calls`).toEqual([]);
    }
  });

  it('written a second time do not make systemd think that the drop-in changed', async () => {
    await files.write(text, loadedRecord(web, order));
    const dropIn = at('run/systemd/system/web.service.d/10-fleet.conf');
    const before = statSync(dropIn, { bigint: true }).ctimeNs;
    await files.write(text, loadedRecord(web, order));
    expect(statSync(dropIn, { bigint: true }).ctimeNs).toBe(before);
  });

  it('go without a trace, but for what others put beside them', async () => {
    await files.write(text, loadedRecord(web, order));
    await files.writeReceipt(aReceipt(web, order));
    link('web.service', '/run/fleet/units/web.service');
    writeFileSync(at('run/systemd/system/web.service.d/90-admin.conf'), '');
    await files.remove(web);
    expect(readdirSync(at('run/systemd/system'))).toEqual(['web.service.d']);
    expect(readdirSync(at('run/systemd/system/web.service.d'))).toEqual(['90-admin.conf']);
    expect(await files.names()).toEqual(new Set());
    await files.remove(web); // nothing there is no trouble
  });

  it('know their own link from that of others, and leave the latter', async () => {
    link('web.service', '/run/fleet/units/web.service');
    expect((await files.read(web)).link).toBe('ours');
    rmSync(at('run/systemd/system/web.service'));
    link('web.service', '/srv/web.service');
    expect((await files.read(web)).link).toBe('foreign');
    await files.remove(web);
    expect(readdirSync(at('run/systemd/system'))).toEqual(['web.service']);
    rmSync(at('run/systemd/system/web.service'));
    writeFileSync(at('run/systemd/system/web.service'), text);
    expect((await files.read(web)).link).toBe('foreign');
  });

  it('of every valid name have records, the longest and strangest included', async () => {
    const names = [
      `${'x'.repeat(247)}.service`,
      'a\\x2db:c_d@1.service',
      'web.json.service',
    ] as UnitName[];
    for (const name of names) {
      await files.write(text, loadedRecord(name, order));
      await files.writeReceipt(aReceipt(name, order));
      expect((await files.read(name)).loaded?.name).toBe(name);
    }
    expect([...(await files.names())].sort()).toEqual([...names].sort());
    for (const name of names) await files.remove(name);
    expect(await files.names()).toEqual(new Set());
  });

  it.each(['', '{', '[]', '"x"', '{"name":"web.service"}', '{"name":"db.service","identity":"x"}'])(
    'do not trust a record that says %j',
    async (content) => {
      await files.write(text, loadedRecord(web, order));
      writeFileSync(at('run/fleet/loaded/web.service.json'), content);
      expect((await files.read(web)).loaded).toBeNull();
    },
  );

  it('clear away what a crash left half-written, and take no such name for a unit', async () => {
    await files.write(text, loadedRecord(web, order));
    writeFileSync(at('run/fleet/units/.new~1-1'), 'half');
    expect(await files.names()).toEqual(new Set([web]));
    expect(existsSync(at('run/fleet/units/.new~1-1'))).toBe(false);
  });

  it('say which file could not be written, and leave no half of it', async () => {
    mkdirSync(at('run/fleet'), { recursive: true });
    writeFileSync(at('run/fleet/units'), 'in the way');
    const writing = files.write(text, loadedRecord(web, order));
    await expect(writing).rejects.toMatchObject({
      message: expect.stringMatching(/^could not write .*\/run\/fleet\/units\/web\.service: /),
      trouble: { code: 'disk/failed' },
    });
  });
});
