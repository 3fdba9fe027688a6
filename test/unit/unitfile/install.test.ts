import { describe, expect, it } from 'vitest';
import { readInstallation } from '../../../src/unitfile/install.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';

const web = 'web@1.service' as UnitName;

function install(...lines: readonly string[]): ReturnType<typeof readInstallation> {
  return readInstallation(['[Install]', ...lines, ''].join('\n'), web);
}

describe('an [Install] section', () => {
  it('names the units that pull this one in, several on a line and specifiers resolved', () => {
    const lines = ['WantedBy=b.target a.target', 'WantedBy=all-%i.target', 'RequiredBy=%p.target'];
    expect(install(...lines).pulledInBy).toEqual([
      { by: 'a.target', how: 'wants' },
      { by: 'all-1.target', how: 'wants' },
      { by: 'b.target', how: 'wants' },
      { by: 'web.target', how: 'requires' },
    ]);
  });

  it.each(['%H.target', '../../etc.target', 'all@.target', 'nothing', ''])(
    'passes over WantedBy=%s',
    (value) => expect(install(`WantedBy=${value}`).pulledInBy).toEqual([]),
  );

  it('gives names of the own type that are neither its own nor refused', () => {
    const lines = ['Alias=www.service web@1.service www.socket fleet.service', 'Also=ssh.service'];
    expect(install(...lines).aliases).toEqual(['www.service']);
  });

  it('that is missing, or in a file that is none, asks for nothing', () => {
    const nothing = { pulledInBy: [], aliases: [] };
    expect(readInstallation('[Service]\nExecStart=/bin/true\n', web)).toEqual(nothing);
    expect(readInstallation('[Install]\nWantedBy\n', web)).toEqual(nothing);
  });
});
