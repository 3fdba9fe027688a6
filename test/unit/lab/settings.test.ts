import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LabRecord, MachineRecord } from '../../../src/lab/record.ts';
import { labPackages } from '../../../src/lab/requirements.ts';
import { etcdEnvironment, etcdUrls, fleetConf } from '../../../src/lab/settings.ts';

function aMachine(number: number, hasEtcd: boolean): MachineRecord {
  const id = String(number).repeat(32);
  return { name: `m${number}`, number, id, metadata: '', hasEtcd, power: 'on', process: null };
}

function aLab(change: Partial<LabRecord> = {}): LabRecord {
  return {
    format: 1,
    name: 'lab',
    index: 0,
    bootId: '',
    phase: 'up',
    agentTtl: '3s',
    etcd: 'per-machine',
    etcdProcess: null,
    machines: [aMachine(1, true), aMachine(2, true), aMachine(3, true), aMachine(4, false)],
    ...change,
  };
}

describe('settings of a machine', () => {
  it('name all etcd members, the machine’s own first', () => {
    const conf = fleetConf(aLab(), { ...aMachine(2, true), metadata: 'disk=ssd,region=eu' });
    expect(conf.split('\n')).toEqual([
      'etcd_servers=["http://10.88.0.12:2379","http://10.88.0.11:2379","http://10.88.0.13:2379"]',
      'public_ip="10.88.0.12"',
      'agent_ttl="3s"',
      'metadata="disk=ssd,region=eu"',
      'api_listen="unix:///run/fleet.sock,tcp://0.0.0.0:49153"',
      'insecure_tcp=true',
      '',
    ]);
  });

  it('make one new cluster of the members, and of nobody else', () => {
    const environment = etcdEnvironment(aLab(), aMachine(1, true));
    const members = ['m1=http://10.88.0.11:2380', 'm2=http://10.88.0.12:2380'];
    expect(environment).toContain(
      `ETCD_INITIAL_CLUSTER=${members.join(',')},m3=http://10.88.0.13:2380\n`,
    );
    expect(environment).not.toContain('10.88.0.14');
  });

  it('point at the bridge when etcd is shared', () => {
    expect(etcdUrls(aLab({ etcd: 'shared', index: 4 }))).toEqual(['http://10.88.4.1:2379']);
  });
});

describe('what the lab needs', () => {
  it('is what scripts/packages.sh installs', () => {
    const script = readFileSync('scripts/packages.sh', 'utf8');
    const line = /\|\| set -- (.*)$/m.exec(script)?.[1] ?? '';
    expect(line.split(' ').toSorted()).toEqual([...labPackages].toSorted());
  });
});
