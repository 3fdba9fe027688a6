// What the same unit files cost systemd alone: `node bare-systemd.ts FOLDER NAME…`, in a machine.
// Writes the files and says `ready`; links and starts them all at the first line of its input,
// stops and removes them at the second, and says `done` each time. Jobs are kept in flight, and
// nothing is looked at, recorded or reported.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Message, type MessageBus, sessionBus } from 'dbus-next';
import { sleeper } from './unit-text.ts';

/** More are no faster. */
const inFlightMax = 16;

const [folder = '', ...names] = process.argv.slice(2);
const path = '/org/freedesktop/systemd1';
const destination = 'org.freedesktop.systemd1';
const manager = `${destination}.Manager`;
const bus: MessageBus = sessionBus({
  busAddress: 'unix:path=/run/dbus/system_bus_socket',
  authMethods: ['EXTERNAL'],
});
/** Ends of jobs, whoever waits for them, or before anybody does. */
const ended = new Map<string, () => void>();
const early = new Set<string>();

void main(); // what fails ends the process

async function main(): Promise<void> {
  bus.on('message', (message) => {
    if (message.member !== 'JobRemoved') return;
    const job = String(message.body[1]);
    const end = ended.get(job);
    if (end === undefined) early.add(job);
    else end();
  });
  await new Promise<void>((resolve) => bus.once('connect', resolve));
  await bus.call(
    new Message({
      ...{ destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus' },
      ...{ interface: 'org.freedesktop.DBus', member: 'AddMatch', signature: 's' },
      body: [`type='signal',sender='${destination}',interface='${manager}',member='JobRemoved'`],
    }),
  );
  await call('Subscribe');
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  say('ready');
  await lines.next();
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), sleeper);
  await call('LinkUnitFiles', 'asbb', [names.map((name) => join(folder, name)), true, true]);
  await all((name) => job('StartUnit', name));
  say('done');
  await lines.next();
  await all(async (name) => {
    await job('StopUnit', name);
    rmSync(join(folder, name));
    rmSync(join('/run/systemd/system', name));
  });
  say('done');
  process.exit(0);
}

async function all(work: (name: string) => Promise<void>): Promise<void> {
  const queue = names.values();
  const worker = async (): Promise<void> => {
    for (const name of queue) await work(name);
  };
  await Promise.all(Array.from({ length: inFlightMax }, worker));
}

async function job(member: 'StartUnit' | 'StopUnit', name: string): Promise<void> {
  const id = String((await call(member, 'ss', [name, 'replace']))?.body[0]);
  if (!early.delete(id)) await new Promise<void>((resolve) => ended.set(id, resolve));
  ended.delete(id);
}

function call(member: string, signature = '', body: unknown[] = []): Promise<Message | null> {
  return bus.call(new Message({ destination, path, interface: manager, member, signature, body }));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
