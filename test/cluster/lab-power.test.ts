import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/lab/run.ts';
import { fleetlab, fleetlabPath } from './fleetlab.ts';
import { reach } from './reach.ts';
import { withLab } from './with-lab.ts';

const lab = withLab();
const call = (...args: readonly string[]): Promise<RunResult> => fleetlab(lab.context.lab, args);

async function bootIdOf(name: string): Promise<string> {
  return (await lab.exec(name, ['cat', '/proc/sys/kernel/random/boot_id'])).stdout.trim();
}

describe('fleetlab kill', () => {
  it('cuts the power: nothing is said to anybody, and the machine is gone', async () => {
    const { address } = await lab.machine('m2');
    await lab.exec('m2', ['sh', '-c', 'echo kept > /var/kept; echo lost > /run/lost']);
    const killed = await call('kill', 'm2');
    expect([killed.status, killed.stderr]).toEqual([0, 'fleetlab: m2 is off: its power was cut\n']);
    expect(await lab.machine('m2')).toMatchObject({ state: 'killed', fleetd: '-', etcd: '-' });
    expect(await reach(address, 2379, 5_000)).toBe('silence');
  });

  it('leaves a journal that can be read, and in which nobody said goodbye', async () => {
    const { stdout } = await call('logs', 'm2');
    expect(stdout).toContain('systemd');
    expect(stdout).not.toContain('Journal stopped');
  });

  it('refuses what needs a machine that is on, and says how to switch it on', async () => {
    for (const command of ['kill', 'poweroff', 'partition', 'heal']) {
      const answer = await call(command, 'm2');
      expect([command, answer.status]).toEqual([command, 1]);
      expect(answer.stderr).toContain(`'${fleetlabPath} boot m2'`);
    }
    expect((await call('exec', 'm2', '--', 'true')).stderr).toContain(`'${fleetlabPath} boot m2'`);
  });

  it('points the environment at a machine that runs', async () => {
    await call('kill', 'm1');
    expect((await lab.environment())['FLEETCTL_ENDPOINT']).toContain('.13:49153');
    await call('boot', 'm1');
  });
});

describe('fleetlab boot', () => {
  it('starts the machine again with its disk, its identity and an empty /run', async () => {
    const before = await lab.machine('m2');
    expect((await call('boot', 'm2')).status).toBe(0);
    expect(await lab.machine('m2')).toMatchObject({ state: 'running', id: before.id });
    const seen = await lab.exec('m2', ['sh', '-c', 'cat /var/kept; ls /run/lost']);
    expect(seen.stdout).toBe('kept\n');
    expect(seen.stderr).toContain('/run/lost');
  });

  it('refuses a machine that is on', async () => {
    const answer = await call('boot', 'm2');
    expect([answer.status, answer.stderr]).toEqual([1, expect.stringContaining('is on already')]);
  });
});

describe('fleetlab boot, where fleetd will not run', () => {
  it("says so at once, in fleetd's own words, and how to see more", async () => {
    const spoil = 'cp /etc/fleet/fleet.conf /root/; echo token_limit=-3 >>/etc/fleet/fleet.conf';
    await lab.exec('m3', ['sh', '-ec', spoil]);
    await call('poweroff', 'm3');
    const startMs = performance.now();
    const booted = await call('boot', 'm3');
    expect([booted.status, booted.stdout]).toEqual([1, '']);
    expect(booted.stderr).toMatch(
      /^fleetlab: m3: fleetd has failed\nfleetd: .*fleet\.conf:\d+: token_limit must be /m,
    );
    expect(booted.stderr).toContain(`'${fleetlabPath} logs m3 -u fleet' shows`);
    expect(performance.now() - startMs).toBeLessThan(25_000); // 30 s is what it waits otherwise
    const repair = 'mv /root/fleet.conf /etc/fleet/fleet.conf; systemctl restart fleet';
    expect(await lab.exec('m3', ['sh', '-ec', repair])).toMatchObject({ status: 0 });
  });
});

describe('fleetlab poweroff', () => {
  it('shuts the machine down in order', async () => {
    const bootId = await bootIdOf('m3');
    expect((await call('poweroff', 'm3')).status).toBe(0);
    expect((await lab.machine('m3')).state).toBe('off');
    expect((await call('logs', 'm3')).stdout).toContain('Journal stopped');
    await call('boot', 'm3');
    expect(await bootIdOf('m3')).not.toBe(bootId);
  });

  it('is noticed when it was done from inside, also with a program of ours still in there', async () => {
    // What enters a machine must collect its program when the shutdown ends that.
    const staying = lab.exec('m3', ['sh', '-c', 'touch /run/staying; exec sleep infinity']);
    const isThere = async (): Promise<number> =>
      (await lab.exec('m3', ['test', '-e', '/run/staying'])).status;
    await expect.poll(isThere, { timeout: 20_000 }).toBe(0);
    // Not through logind, which a machine starts when it is first asked for, and may lose on its way.
    const isolate = ['systemctl', 'isolate', '--no-block', 'poweroff.target'];
    const asked = await lab.exec('m3', isolate);
    const state = async (): Promise<string> => (await lab.machine('m3')).state;
    try {
      await expect.poll(state, { timeout: 60_000 }).toBe('off');
    } catch (error) {
      const said = (await call('logs', 'm3')).stdout.slice(-4_000);
      throw new Error(`status ${asked.status}: ${asked.stderr}\n${said}`, { cause: error });
    }
    expect((await staying).status).toBe(128 + constants.signals.SIGTERM);
    expect((await call('boot', 'm3')).status).toBe(0);
  });
});

describe('fleetlab add', () => {
  it('boots one more machine, with the next free name, and without an etcd member', async () => {
    expect((await call('add', '--metadata', 'disk=hdd')).stderr).toContain('m4 is on');
    const added = await lab.machine('m4');
    expect(added).toMatchObject({ state: 'running', etcd: '-', metadata: 'disk=hdd' });
    expect(await reach(added.address, 9, 5_000)).toBe('ECONNREFUSED');
  });

  it('takes a name, and refuses one that is taken', async () => {
    expect((await call('add', 'm7')).status).toBe(0);
    expect((await lab.machine('m7')).state).toBe('running');
    const again = await call('add', 'm7');
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining("machine 'm7'")]);
  });
});
