import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type EtcdServer, startEtcd } from '../test/contract/etcd-server.ts';

/** Programs that renew a lease each and do nothing else, on an etcd of their own. */
export class BareRenewals {
  readonly #etcd: EtcdServer;
  readonly #children: readonly ChildProcess[];

  private constructor(etcd: EtcdServer, children: readonly ChildProcess[]) {
    this.#etcd = etcd;
    this.#children = children;
  }

  /** Starts so many, each of which renews so often. Throws when one of them ends. */
  static async start(count: number, everyMs: number): Promise<BareRenewals> {
    const etcd = await startEtcd();
    const program = fileURLToPath(new URL('renewing-subject.ts', import.meta.url));
    const argv = ['--max-semi-space-size=8', program, etcd.endpoint, String(everyMs)];
    const children = Array.from({ length: count }, () => {
      return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    });
    const started = new BareRenewals(etcd, children);
    try {
      await Promise.all(children.map(renewing));
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Nanoseconds that all their threads have run. */
  cpuNs(): number {
    return this.#children.reduce((sum, { pid }) => sum + cpuNsOf(Number(pid)), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await this.#etcd.stop();
  }
}

function renewing(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`a bare program ended with status ${code}`)));
  });
}

function cpuNsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const ran = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0];
    return sum + Number(ran);
  }, 0);
}
