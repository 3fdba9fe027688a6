import { afterEach, describe, expect, it } from 'vitest';
import { requireComputer } from '../../../src/lab/requirements.ts';
import { FleetError } from '../../../src/lib/error.ts';

const path = process.env['PATH'];

afterEach(() => {
  process.env['PATH'] = path;
});

function refusal(): FleetError {
  try {
    requireComputer('/tmp');
  } catch (error) {
    if (error instanceof FleetError) return error;
    throw error;
  }
  throw new Error('it found everything');
}

describe('a computer without the programs of the lab', () => {
  it('is told which Debian packages to install, and with which line', () => {
    process.env['PATH'] = '/nonexistent';
    const { message, trouble } = refusal();
    expect(trouble.code).toBe('lab/unsuitable');
    expect(message).toContain('systemd-nspawn, dbus-daemon, etcd, etcdctl');
    expect(trouble.hint).toMatch(
      /^apt-get update && apt-get install --no-install-recommends systemd-container dbus etcd-server/,
    );
  });
});
