// Packages by dpkg-deb and tar as they are here, around a small stand-in for the executable, which
// test/cluster/package.test.ts makes twice; and the unit of fleetd as systemd-analyze judges it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeDeb } from '../../scripts/package/deb.ts';
import { makeBlob } from '../../scripts/package/executable.ts';
import { packageFiles } from '../../scripts/package/file-list.ts';
import { makeTarball } from '../../scripts/package/tarball.ts';

/** Of 10, less is better; docs/reference/packaging.md has it, and why it is not less. */
const exposureMax = 4.2;
const release = {
  version: '1.2.3',
  architecture: 'amd64',
  epochSeconds: 1_000_000_000,
  isQuick: true,
} as const;
const folder = mkdtempSync(join(tmpdir(), 'flotilla-package-'));
afterAll(() => rmSync(folder, { recursive: true }));

function made(
  name: string,
  fileTimeSeconds: number,
): { readonly deb: string; readonly tar: string } {
  const place = (part: string): string => {
    mkdirSync(join(folder, name, part), { recursive: true });
    return join(folder, name, part);
  };
  const executable = join(place('bin'), 'fleet');
  writeFileSync(executable, '#!/bin/sh\n');
  utimesSync(executable, fileTimeSeconds, fileTimeSeconds);
  const manFolder = place('man');
  for (const page of ['fleetctl.1', 'fleetlab.1', 'fleetd.8']) {
    writeFileSync(join(manFolder, page), '.TH X\n');
  }
  const files = packageFiles({ executable, manFolder });
  const [deb, tar] = [join(folder, name, 'a.deb'), join(folder, name, 'a.tar.gz')];
  makeDeb(release, files, { scratch: place('deb'), path: deb });
  makeTarball(release, files, { scratch: place('tar'), path: tar });
  return { deb, tar };
}

const one = made('one', 1_500_000_000);

describe('packages', () => {
  it('are the same bytes whenever and wherever they are made', () => {
    const other = made('another/place', 1_600_000_000);
    expect(readFileSync(other.deb).equals(readFileSync(one.deb))).toBe(true);
    expect(readFileSync(other.tar).equals(readFileSync(one.tar))).toBe(true);
  });

  it('hold the programs, units, pages and completions, all of root', () => {
    const list = execFileSync('dpkg-deb', ['--contents', one.deb], { encoding: 'utf8' });
    const lines = list.trim().split('\n');
    expect(lines.filter((line) => !/ root\/root .* 2001-09-09 /.test(line))).toEqual([]);
    const modes = new Map(lines.map((line) => [line.split(' ./')[1] ?? '', line.slice(0, 10)]));
    expect(Object.fromEntries(modes)).toMatchObject({
      '': 'drwxr-xr-x',
      'usr/bin/fleet': '-rwxr-xr-x',
      'usr/bin/fleetctl -> fleet': 'lrwxrwxrwx',
      'usr/bin/fleetd -> fleet': 'lrwxrwxrwx',
      'usr/bin/fleet-cloudinit -> fleet': 'lrwxrwxrwx',
      'etc/fleet/fleet.conf': '-rw-r--r--',
      'usr/lib/systemd/system/fleet.service': '-rw-r--r--',
      'usr/lib/systemd/system/fleet.socket': '-rw-r--r--',
      'usr/lib/systemd/system/fleet-leave.service': '-rw-r--r--',
      'usr/lib/systemd/user/fleet.service': '-rw-r--r--',
      'usr/share/bash-completion/completions/fleetctl': '-rw-r--r--',
      'usr/share/zsh/vendor-completions/_fleetctl': '-rw-r--r--',
      'usr/share/fish/vendor_completions.d/fleetctl.fish': '-rw-r--r--',
      'usr/share/man/man8/fleetd.8.gz': '-rw-r--r--',
      'usr/share/flotilla/etcd.service': '-rw-r--r--',
      'usr/': 'drwxr-xr-x',
    });
    expect(list).not.toContain('fleetlab');
    expect(list).not.toContain('system/etcd.service'); // Debian's etcd-server has one
  });

  it('differ when the programs do, and the part with them is the same each time', () => {
    mkdirSync(join(folder, 'blob'));
    const blob = (): Buffer => readFileSync(makeBlob('dist/bin', join(folder, 'blob')));
    const before = blob();
    expect(blob().equals(before)).toBe(true);
    expect(before.includes('fleetd-start.cjs')).toBe(true);
  });
});

describe('maintainer scripts', () => {
  it.each(['deb/preinst', 'deb/postinst', 'deb/prerm', 'deb/postrm', 'install.sh', 'purge.sh'])(
    '%s is shell that dash can read',
    (name) => {
      const { status, stderr } = spawnSync('dash', ['-n', `packaging/${name}`]);
      expect([status, String(stderr)]).toEqual([0, '']);
    },
  );
});

describe('units/fleet.service', () => {
  it('gives the daemon no more rights than before', () => {
    const analyze = ['security', '--offline=yes', '--no-pager', 'units/fleet.service'];
    const told = execFileSync('systemd-analyze', analyze, { encoding: 'utf8' });
    const figure = /exposure level for fleet.service: ([\d.]+)/.exec(told)?.[1];
    expect(Number(figure)).toBeLessThanOrEqual(exposureMax);
    expect(readFileSync('docs/reference/packaging.md', 'utf8')).toContain(`**${figure} of 10**`);
  });

  it('keeps the share of the machine that the daemon must have', () => {
    const unit = readFileSync('units/fleet.service', 'utf8');
    for (const line of [
      ...['OOMScoreAdjust=-900', 'CPUWeight=1000', 'IOWeight=1000', 'MemoryMin=64M'],
      ...['LimitNOFILE=65536', 'Restart=always', 'RestartSec=100ms', 'StartLimitIntervalSec=0'],
    ]) {
      expect(unit).toContain(`\n${line}\n`);
    }
  });
});
