import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { architectureOf } from '../../../scripts/package/architecture.ts';
import { conffilesText, controlText, debName, withPurge } from '../../../scripts/package/deb.ts';
import { tarballName } from '../../../scripts/package/tarball.ts';

const release = {
  version: '1.2.3',
  architecture: 'arm64',
  epochSeconds: 1,
  isQuick: true,
} as const;

describe('the Debian package', () => {
  it('is named as dpkg names packages, and says what it is and needs', () => {
    expect(debName(release)).toBe('flotilla_1.2.3_arm64.deb');
    const control = controlText(release, 3 * 1024 + 1);
    const fields = Object.fromEntries(
      control.split('\n').flatMap((line) => [/^([A-Z][\w-]+): (.+)$/.exec(line)?.slice(1) ?? []]),
    );
    expect(fields).toMatchObject({
      Package: 'flotilla',
      Version: '1.2.3',
      Architecture: 'arm64',
      'Installed-Size': '4',
      Depends: expect.stringContaining('systemd (>= 247)'),
      Recommends: expect.stringContaining('openssh-client'), // fleetctl status, journal and ssh
    });
    expect(control).toMatch(/^Description: .+\n( .+\n)+$/m);
  });

  it('asks before it replaces what lies in /etc', () => {
    const file = (path: string) => ({ kind: 'text', path, content: '', mode: 0o644 }) as const;
    const paths = ['/etc/fleet/fleet.conf', '/usr/bin/fleet', '/usr/share/etc/x'];
    expect(conffilesText(paths.map(file))).toBe('/etc/fleet/fleet.conf\n');
  });

  it.each(['packaging/deb/postrm', 'packaging/install.sh'])('%s gets what purging is', (path) => {
    const script = readFileSync(path, 'utf8');
    expect(script).not.toContain('groupdel');
    expect(withPurge(script)).toContain('groupdel fleet');
    expect(withPurge(script)).not.toContain('#PURGE#');
  });
});

describe('architectureOf', () => {
  const elf = (machine: number): Uint8Array => {
    return Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, ...new Array(14).fill(2), machine, 0]);
  };
  it.each([
    [elf(62), 'amd64'],
    [elf(183), 'arm64'],
    [elf(40), null],
    [new Uint8Array(), null],
    [Buffer.from('#!/bin/sh\nexec node "$@"\n'), null],
  ] as const)('%# is %s', (program, architecture) => {
    expect(architectureOf(program)).toBe(architecture);
  });
});

describe('the tarball', () => {
  it('is named as uname -m names the machine', () => {
    expect(tarballName(release)).toBe('flotilla-1.2.3-linux-aarch64.tar.gz');
  });
});
