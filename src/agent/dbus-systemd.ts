import type { Clock } from '../lib/clock.ts';
import type { FleetError } from '../lib/error.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { type BusConnection, type BusSignal, connectBus } from './dbus-connection.ts';
import { isRefusal, unavailable } from './dbus-error.ts';
import { DbusJobs } from './dbus-jobs.ts';
import {
  busName,
  busPath,
  managerInterface,
  managerPath,
  peerInterface,
  propertiesInterface,
  systemdName,
  unitInterface,
} from './dbus-names.ts';
import { changeOf, listUnits, unitProperty } from './dbus-units.ts';
import { agentLimits } from './limits.ts';
import { unitNameOfPath } from './object-path.ts';
import type { JobResult, Systemd, SystemdEvents, UnitStatus } from './systemd.ts';

/** All signals we ever ask for: three rules, however many units there are. */
const matchRules = [
  `type='signal',sender='${systemdName}',path='${managerPath}',interface='${managerInterface}'`,
  `type='signal',sender='${systemdName}',path_namespace='${managerPath}/unit',` +
    `interface='${propertiesInterface}',member='PropertiesChanged',arg0='${unitInterface}'`,
  `type='signal',sender='${busName}',interface='${busName}',member='NameOwnerChanged',` +
    `arg0='${systemdName}'`,
];

/**
 * Connects to the systemd behind a bus and subscribes to its signals. Throws FleetError
 * (`systemd/unavailable`, `systemd/timeout`, `systemd/refused`).
 */
export async function connectSystemd(
  address: string,
  clock: Clock,
  events: SystemdEvents,
): Promise<Systemd> {
  const systemd = new DbusSystemd(clock, events);
  try {
    await systemd.connect(address);
    return systemd;
  } catch (error) {
    systemd.close();
    throw error;
  }
}

function nobodyAsks(): void {
  // Whoever does not want to know when its turn comes passes nothing.
}

class DbusSystemd implements Systemd {
  readonly #clock: Clock;
  readonly #events: SystemdEvents;
  readonly #jobs: DbusJobs;
  #connection: BusConnection | null = null;
  /** The unique bus name of systemd: anybody may send us a signal, only its own count. */
  #owner = '';
  /** Calls go to systemd, no longer to the bus itself, whose answers show nothing. */
  #isAsked = false;
  #isOver = false;

  constructor(clock: Clock, events: SystemdEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#jobs = new DbusJobs(clock);
  }

  async connect(address: string): Promise<void> {
    this.#connection = await connectBus(address, this.#clock, {
      signalled: (signal) => this.#take(signal),
      answered: () => {
        if (this.#isAsked) this.#events.answered();
      },
      disconnected: (error) => this.#disconnected(error),
    });
    for (const rule of matchRules) await this.#askBus('AddMatch', rule);
    this.#owner = String(await this.#askBus('GetNameOwner', systemdName));
    this.#isAsked = true;
    await this.#manager('Subscribe');
    if ((await this.systemState()) === 'stopping') this.#events.shutdownBegan();
  }

  list(names: readonly UnitName[]): Promise<ReadonlyMap<UnitName, UnitStatus>> {
    return listUnits(this.#bus(), names);
  }

  async linkRuntime(paths: readonly string[]): Promise<void> {
    for (let start = 0; start < paths.length; start += agentLimits.linkFilesCountMax) {
      const some = paths.slice(start, start + agentLimits.linkFilesCountMax);
      await this.#manager('LinkUnitFiles', 'asbb', [some, true, true]);
    }
  }

  start(name: UnitName, signal: AbortSignal, asked = nobodyAsks): Promise<JobResult> {
    const queue = (): Promise<string> => {
      asked();
      return this.#queue('StartUnit', name);
    };
    return this.#jobs.start(queue, signal);
  }

  stop(name: UnitName, signal: AbortSignal, asked = nobodyAsks): Promise<JobResult> {
    const queue = async (): Promise<string | null> => {
      asked();
      try {
        return await this.#queue('StopUnit', name);
      } catch (error) {
        if (isRefusal(error, 'org.freedesktop.systemd1.NoSuchUnit')) return null;
        throw error;
      }
    };
    return this.#jobs.stop(queue, signal);
  }

  async restart(name: UnitName): Promise<void> {
    await this.#queue('RestartUnit', name);
  }

  async resetFailed(name: UnitName): Promise<void> {
    try {
      await this.#manager('ResetFailedUnit', 's', [name]);
    } catch (error) {
      if (!isRefusal(error, 'org.freedesktop.systemd1.NoSuchUnit')) throw error;
    }
  }

  async reload(): Promise<void> {
    await this.#manager('Reload');
  }

  async failureOf(name: UnitName): Promise<string> {
    const type = name.slice(name.lastIndexOf('.') + 1);
    const of = `${systemdName}.${type.charAt(0).toUpperCase()}${type.slice(1)}`;
    const words = [
      'Result',
      ...(type === 'service' ? ['StatusText', 'ExecMainStatus', 'NRestarts'] : []),
    ];
    try {
      const [result, text, status, restarts] = await Promise.all(
        words.map((word) => unitProperty(this.#bus(), name, word, of)),
      );
      const parts = [
        typeof result === 'string' && result !== 'success' ? result : '',
        typeof status === 'number' && status !== 0 ? `status ${status}` : '',
        typeof text === 'string' ? text : '',
        typeof restarts === 'number' && restarts > 0
          ? `systemd restarted it ${restarts} times`
          : '',
      ];
      return parts.filter((part) => part !== '').join(', ');
    } catch (error) {
      if (isRefusal(error)) return ''; // targets and others have no Result
      throw error;
    }
  }

  async systemState(): Promise<string> {
    const [variant] = await this.#bus().call({
      destination: systemdName,
      path: managerPath,
      interface: propertiesInterface,
      member: 'Get',
      signature: 'ss',
      body: [managerInterface, 'SystemState'],
    });
    return typeof variant === 'object' && variant !== null && 'value' in variant
      ? String(variant.value)
      : '';
  }

  async ping(): Promise<void> {
    await this.#bus().call({
      destination: systemdName,
      path: managerPath,
      interface: peerInterface,
      member: 'Ping',
    });
  }

  close(): void {
    this.#isOver = true;
    this.#connection?.close();
    this.#jobs.close(unavailable('the connection was closed'));
  }

  #bus(): BusConnection {
    if (this.#connection === null) throw unavailable('not connected yet');
    return this.#connection;
  }

  async #askBus(member: string, about: string): Promise<unknown> {
    const [answer] = await this.#bus().call({
      destination: busName,
      path: busPath,
      interface: busName,
      member,
      signature: 's',
      body: [about],
    });
    return answer;
  }

  #manager(
    member: string,
    signature = '',
    body: readonly unknown[] = [],
  ): Promise<readonly unknown[]> {
    return this.#bus().call({
      destination: systemdName,
      path: managerPath,
      interface: managerInterface,
      member,
      signature,
      body,
    });
  }

  async #queue(member: 'StartUnit' | 'StopUnit' | 'RestartUnit', name: UnitName): Promise<string> {
    const [path] = await this.#manager(member, 'ss', [name, 'replace']);
    return String(path);
  }

  #take(signal: BusSignal): void {
    if (this.#isOver) return;
    if (signal.sender === busName && signal.member === 'NameOwnerChanged') {
      // Also when systemd came back: answers and ends of jobs in between are lost.
      this.#disconnected(unavailable('systemd left the bus'));
    }
    if (signal.sender === this.#owner) this.#takeOfSystemd(signal);
  }

  #takeOfSystemd(signal: BusSignal): void {
    const [first, second, third, fourth] = signal.body;
    switch (signal.member) {
      case 'PropertiesChanged': {
        const name = unitNameOfPath(signal.path);
        if (name !== null) this.#events.unitChanged(name as UnitName, changeOf(second));
        break;
      }
      case 'JobRemoved':
        this.#jobs.ended(String(second), String(fourth) as JobResult);
        break;
      case 'JobNew':
        if (third === 'shutdown.target') this.#events.shutdownBegan();
        break;
      case 'Reloading':
        if (first === false) this.#events.everythingChanged();
        break;
    }
  }

  #disconnected(error: FleetError): void {
    if (this.#isOver) return;
    this.close();
    this.#events.disconnected(error);
  }
}
