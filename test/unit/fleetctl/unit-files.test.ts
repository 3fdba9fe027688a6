import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { objectionToEnding } from '../../../src/fleetctl/unit-source.ts';
import { aSession } from '../../builders/fleetctl-session.ts';

const text = '[Service]\nExecStart=/bin/true\n';

describe('an argument', () => {
  it('whose ending is no type of unit is refused when there is such a file', async () => {
    await using session = await aSession({ machineCount: 0 });
    const path = session.file('web.servcie', text);
    expect(await session.run('submit', path)).toMatchObject({
      status: 1,
      err: expect.stringContaining(`${path}: "servcie" is no type of unit; end its name in .serv`),
    });
    expect((await session.run('list-unit-files', '--no-legend')).out).toBe('');
  });

  it('that is a folder is said to be one', async () => {
    await using session = await aSession({ machineCount: 0 });
    const folder = dirname(session.file('units/web.service', text));
    const { status, err } = await session.run('submit', folder);
    expect({ status, err }).toMatchObject({
      status: 1,
      err: expect.stringContaining(`${folder} is a folder, and the cluster knows no unit`),
    });
  });

  it('that is a pipe nobody writes to, or a device, is refused at once', async () => {
    await using session = await aSession({ machineCount: 0 });
    const folder = mkdtempSync(join(tmpdir(), 'flotilla-pipe-'));
    const pipe = join(folder, 'pipe.service');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, '/dev/null', '/dev/zero']) {
      expect(await session.run('submit', path)).toMatchObject({
        status: 1,
        err: expect.stringContaining(`${path}: it is no file, but a device or pipe`),
      });
    }
    rmSync(folder, { recursive: true });
  });

  it('may end in no type at all, or in a number after a dot', () => {
    expect(
      ['web', 'web.1', 'a/b.c/web', 'web.service', 'x@1.2.timer'].map(objectionToEnding),
    ).toEqual([null, null, null, null, null]);
  });
});
