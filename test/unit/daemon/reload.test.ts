import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/daemon/config.ts';
import { planReload, Reloader } from '../../../src/daemon/reload.ts';
import type { Settings } from '../../../src/daemon/settings.ts';
import { FleetError } from '../../../src/lib/error.ts';
import { CapturedLog } from '../../builders/captured-log.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

function read(fileText: string) {
  return readConfig({ fileName: 'fleet.conf', fileText, environment: {} });
}

function settingsOf(fileText: string): Settings {
  const config = read(fileText);
  if (!config.ok) throw new Error(config.error.join('\n'));
  return config.value.settings;
}

const never = new AbortController().signal;

function aReloader(before: string, refusals = 0) {
  const log = new CapturedLog();
  const clock = new ManualClock();
  const told: object[] = [];
  const file = { text: before };
  let verbosity = 0;
  let refusalCount = refusals;
  const reloader = new Reloader({
    settings: settingsOf(before),
    readConfig: () => read(file.text),
    ownAddress: () => '10.0.0.1',
    update: async (change) => {
      if (refusalCount > 0) {
        refusalCount -= 1;
        const trouble = { code: 'registry/unavailable', retry: 'soon', hint: 'wait' } as const;
        throw new FleetError('etcd is away', trouble);
      }
      told.push(change);
    },
    setVerbosity: (to) => {
      verbosity = to;
    },
    clock,
    log,
  });
  return { reloader, file, log, clock, told, verbosity: () => verbosity };
}

describe('reading the configuration again', () => {
  it('tells what counts now from what waits for a restart', () => {
    const before = settingsOf('metadata=a=1\nagent_ttl=10s\netcd_password=x\netcd_username=u\n');
    const after = settingsOf(
      'metadata=a=2\nagent_ttl=20s\nverbosity=1\ntoken_limit=5\npublic_ip=1.2.3.4\n',
    );
    const plan = planReload(before, after);
    expect(plan.changed).toEqual(['verbosity', 'public_ip', 'metadata', 'token_limit']);
    expect(plan.waiting).toEqual(['etcd_username', 'etcd_password', 'agent_ttl']);
    expect(plan.settings).toEqual({
      ...before,
      metadata: new Map([['a', '2']]),
      verbosity: 1,
      tokenLimitCount: 5,
      publicIp: '1.2.3.4',
    });
  });

  it('does not take another order of metadata for a change', () => {
    const plan = planReload(settingsOf('metadata=a=1,b=2'), settingsOf('metadata=b=2,a=1'));
    expect([plan.changed, plan.waiting]).toEqual([[], []]);
  });

  it('applies what can be applied and tells the cluster', async () => {
    const { reloader, file, log, told, verbosity } = aReloader('metadata=a=1');
    file.text = 'metadata=a=2\nverbosity=2\ntoken_limit=7\ndisable_engine=true\n';
    await reloader.reload(never);
    expect(told).toEqual([{ metadata: new Map([['a', '2']]), address: '10.0.0.1' }]);
    expect([verbosity(), reloader.settings.tokenLimitCount]).toEqual([2, 7]);
    expect(reloader.settings.disableEngine).toBe(false);
    expect(log.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'info: read the configuration again',
      'warn: settings wait for a restart',
    ]);
    expect(log.lines[1]?.fields).toMatchObject({ settings: ['disable_engine'] });
  });

  it('says again what waits for a restart until there was one', async () => {
    const { reloader, file, log } = aReloader('');
    file.text = 'agent_ttl=20s';
    await reloader.reload(never);
    await reloader.reload(never);
    const warned = log.lines.filter(({ level }) => level === 'warn');
    expect(warned.map(({ fields }) => fields)).toEqual(
      Array(2).fill({ settings: ['agent_ttl'], hint: 'restart fleet.service' }),
    );
  });

  it('keeps everything when the file has a mistake', async () => {
    const { reloader, file, log, told } = aReloader('metadata=a=1');
    const before = reloader.settings;
    file.text = 'metadata=a=2\nagent_ttl=soon\n';
    await reloader.reload(never);
    expect(reloader.settings).toBe(before);
    expect(told).toEqual([]);
    expect(log.lines).toMatchObject([
      { level: 'error', fields: { problems: [expect.stringContaining('fleet.conf:2')] } },
    ]);
  });

  it('names settings but never shows their values', async () => {
    const { reloader, file, log } = aReloader('');
    file.text = 'etcd_username=u\netcd_password=very-secret\n';
    await reloader.reload(never);
    expect(JSON.stringify(log.lines)).toContain('etcd_password');
    expect(JSON.stringify(log.lines)).not.toContain('very-secret');
  });

  it('tells the cluster as soon as the store is back, and says once that it waits', async () => {
    const { reloader, file, log, clock, told } = aReloader('', 3);
    file.text = 'metadata=a=2';
    const done = reloader.reload(never);
    for (let count = 0; count < 100 && told.length === 0; count += 1) await clock.pass(1_000);
    await done;
    expect(told).toHaveLength(1);
    expect(log.lines.filter(({ message }) => message.includes('trying on'))).toHaveLength(1);
  });

  it('forgets an older change when a newer one comes while the store is away', async () => {
    const { reloader, file, clock, told } = aReloader('', 1);
    file.text = 'metadata=a=old';
    const first = reloader.reload(never);
    file.text = 'metadata=a=new';
    await reloader.reload(never);
    await clock.pass(60_000);
    await first;
    expect(told).toEqual([{ metadata: new Map([['a', 'new']]), address: '10.0.0.1' }]);
  });
});
