import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { messageOf } from '../lib/error.ts';
import type { Stream } from './connections.ts';
import type { Endpoint } from './endpoint.ts';
import type { Here } from './here.ts';
import { limits } from './limits.ts';
import { shellLine } from './shell-quote.ts';
import { type PreparedSsh, prepareSsh } from './ssh.ts';
import { type SshHost, type SshSettings, sshTimeoutMsDefault } from './ssh-settings.ts';
import { tunnelTrouble } from './tunnel-trouble.ts';

/** How to reach a fleetd behind a machine. */
export interface TunnelOptions {
  readonly tunnel: SshHost;
  readonly settings: SshSettings;
  readonly endpoint: Endpoint;
  readonly here: Here;
  readonly trace: (line: string) => void;
}

type Ssh = ChildProcessByStdio<Writable, Readable, Readable>;

/** What the far end says before it is fleetd that speaks; shells like to say something first. */
const greeting = 'fleetctl: the tunnel is open';

/**
 * A connection to the endpoint as the far machine sees it, over one ssh that lasts as long. Resolves
 * once the far end is there; throws `api/unreachable` with what ssh, or fleetctl there, had to say.
 */
export async function openTunnel(options: TunnelOptions): Promise<Stream> {
  const { settings, tunnel, endpoint, here, trace } = options;
  const call = { target: tunnel, ...farEnd(endpoint) };
  const hasGreeting = call.command !== null;
  const prepared = prepareSsh(settings, call, here.environment);
  const watch = removedWhenInterrupted(prepared);
  const [file = '', ...args] = prepared.argv;
  trace(prepared.argv.join(' '));
  const ssh = spawn(file, args, {
    env: { ...here.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stream = new TunnelStream(ssh, options, hasGreeting);
  for (const event of ['heard', 'close']) {
    stream.once(event, () => {
      watch[Symbol.dispose]();
      prepared[Symbol.dispose](); // ssh has read it
    });
  }
  // Somebody who types a passphrase takes longer than a machine that answers.
  const timeoutMs = settings.timeoutMs ?? sshTimeoutMsDefault;
  const limitMs = here.isInteractive ? Math.max(timeoutMs, limits.sshPromptMsMax) : timeoutMs;
  if (hasGreeting) await stream.greeted(limitMs);
  return stream;
}

/** How the far machine joins ssh to the endpoint; TCP is forwarded by ssh itself. */
function farEnd(endpoint: Endpoint): { readonly flags: string[]; readonly command: string | null } {
  if (endpoint.kind === 'unix') {
    const forward = shellLine(['fleetctl', 'fd-forward', endpoint.path]);
    return { flags: ['-T'], command: `echo ${shellLine([greeting])}; exec ${forward}` };
  }
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return { flags: ['-T', '-W', `${host}:${endpoint.port}`], command: null };
}

/** Both directions of an ssh as one stream. Its end is told with its reason. */
class TunnelStream extends Duplex {
  readonly #ssh: Ssh;
  readonly #options: TunnelOptions;
  /** The end of what ssh and the far end said on stderr. */
  #said = '';
  #isHeard = false;
  /** What came before the greeting; null once it is fleetd that speaks. */
  #before: Buffer | null;

  constructor(ssh: Ssh, options: TunnelOptions, hasGreeting: boolean) {
    super();
    this.#ssh = ssh;
    this.#options = options;
    this.#before = hasGreeting ? Buffer.alloc(0) : null;
    ssh.once('error', (error) => this.#fail(messageOf(error), null));
    ssh.stdin.on('error', () => undefined); // the exit tells why
    ssh.stdout.on('data', (part: Buffer) => this.#take(part));
    ssh.stderr.setEncoding('utf8').on('data', (part: string) => this.#hear(part));
    ssh.once('close', (status) => {
      if (status === 0 && this.#before === null) this.push(null);
      else this.#fail(this.#said, status);
    });
  }

  /** Waits for the far end to be there. Throws `api/unreachable`. */
  async greeted(limitMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => this.#fail(`Timed out after ${limitMs / 1000} s`, null),
        limitMs,
      );
      this.once('greeted', () => {
        clearTimeout(late);
        resolve();
      });
      this.once('error', (error) => {
        clearTimeout(late);
        reject(error);
      });
    });
  }

  /** ssh keeps the process awake by itself. */
  ref(): this {
    return this;
  }

  override _read(): void {
    this.#ssh.stdout.resume();
  }

  override _write(part: Buffer, _encoding: string, done: () => void): void {
    if (this.#ssh.stdin.write(part)) done();
    else this.#ssh.stdin.once('drain', done);
  }

  override _final(done: () => void): void {
    this.#ssh.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#ssh.kill();
    const { stdin, stdout, stderr } = this.#ssh;
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    done(error);
  }

  #take(part: Buffer): void {
    if (!this.#isHeard) this.emit('heard');
    this.#isHeard = true;
    if (this.#before !== null) this.#greet(Buffer.concat([this.#before, part]));
    else if (!this.push(part)) this.#ssh.stdout.pause();
  }

  /** Drops what the shell said of its own accord. */
  #greet(before: Buffer): void {
    const line = `${greeting}\n`;
    const index = before.indexOf(line);
    if (index === -1) {
      this.#before = before.subarray(-limits.sshWordsLengthMax);
      return;
    }
    this.#before = null;
    this.emit('greeted');
    const rest = before.subarray(index + line.length);
    if (rest.length > 0) this.push(rest);
  }

  #hear(part: string): void {
    this.#said = `${this.#said}${part}`.slice(-limits.sshWordsLengthMax);
    this.#options.trace(part.trimEnd());
  }

  #fail(said: string, status: number | null): void {
    const { tunnel, endpoint } = this.#options;
    this.destroy(tunnelTrouble({ tunnel, endpoint, said, status }));
  }
}

/** Removes what is on disk for ssh when Ctrl-C ends fleetctl while it connects. */
function removedWhenInterrupted(prepared: PreparedSsh): Disposable {
  const end = (signal: NodeJS.Signals): void => {
    prepared[Symbol.dispose]();
    process.kill(process.pid, signal); // nobody minds it any more: the end
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, end);
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, end);
    },
  };
}
