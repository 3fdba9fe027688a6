import { join } from 'node:path';
import { FleetError } from '../lib/error.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Disk } from './disk.ts';

/** Names that no unit of a user can have; see `refusedName`. */
export const deadlineUnit = 'fleet-deadline.service' as UnitName;
export const isolatedUnit = 'fleet-isolated.service' as UnitName;

/** The drop-in of a unit with `OnPartition=stop`, beside the one that every unit has. */
export const guardDropInFile = '20-fleet-partition.conf';

/**
 * Stops the units of an isolated machine, `DefaultDependencies=no` so that nothing holds it up. It
 * stays active: as long as it is, and as long as the marker is there, none of them starts.
 */
function isolatedText(marker: string): string {
  return `[Unit]
Description=This machine lost its fleet: its units with OnPartition=stop are stopped
DefaultDependencies=no

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/touch ${marker}
`;
}

/**
 * PID 1 counts the time, so that the deadline holds when fleetd is dead, stopped or stuck. The
 * marker is made before any unit is stopped: a socket may start none of them in between. Somebody
 * who kills every `sleep` of the machine (a clean end, to systemd) only makes it begin anew.
 */
function deadlineText(deadlineMs: number, marker: string): string {
  return `[Unit]
Description=Deadline of units with OnPartition=stop: put off with each renewal of the lease
OnFailure=${isolatedUnit}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sleep infinity
ExecStopPost=/bin/sh -c '[ "$$SERVICE_RESULT" = success ] || touch ${marker}'
RuntimeMaxSec=${deadlineMs}ms
TimeoutStopSec=1s
Restart=on-success
RestartSec=0
LogLevelMax=warning
OOMScoreAdjust=-1000
`;
}

function dropInText(marker: string, token: string): string {
  return `[Unit]
Conflicts=${isolatedUnit}
After=${isolatedUnit}
Wants=${deadlineUnit}
ConditionPathExists=!${marker}

[Service]
Environment=FLEET_TOKEN=${token}
`;
}

/** The files of the guard on this machine. Throws FleetError `disk/failed`. */
export class GuardUnits {
  readonly #disk: Disk;
  /** Before every path we open, but not before those that systemd is told. */
  readonly #root: string;
  readonly #runtimeDirectory: string;
  readonly #marker: string;

  constructor(
    disk: Disk,
    paths: {
      readonly root: string;
      readonly runtimeDirectory: string;
      readonly stateDirectory: string;
    },
  ) {
    this.#disk = disk;
    this.#root = paths.root;
    this.#runtimeDirectory = paths.runtimeDirectory;
    this.#marker = join(paths.stateDirectory, 'isolated');
  }

  /** The deadline of the files that are there, ms; null when there are none. */
  async installedMs(): Promise<number | null> {
    const text = (await this.#disk.read(this.#unitPath(deadlineUnit)))?.toString() ?? '';
    const ms = /^RuntimeMaxSec=(\d+)ms$/m.exec(text)?.[1];
    return ms === undefined ? null : Number(ms);
  }

  async install(deadlineMs: number): Promise<void> {
    await this.#disk.write(this.#unitPath(isolatedUnit), isolatedText(this.#marker));
    await this.#disk.write(this.#unitPath(deadlineUnit), deadlineText(deadlineMs, this.#marker));
  }

  async remove(): Promise<void> {
    for (const unit of [deadlineUnit, isolatedUnit]) await this.#disk.remove(this.#unitPath(unit));
  }

  /** Whether the deadline has passed since the last `unmark`. An unreadable answer is a yes. */
  async isMarked(): Promise<boolean> {
    try {
      return (await this.#disk.read(join(this.#root, this.#marker))) !== null;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      return true;
    }
  }

  async unmark(): Promise<void> {
    await this.#disk.remove(join(this.#root, this.#marker));
  }

  /** Writes a unit's drop-in, unless it is just so already. */
  async writeDropIn(unit: UnitName, token: string): Promise<void> {
    const path = join(this.#root, this.#runtimeDirectory, `${unit}.d`, guardDropInFile);
    const text = dropInText(this.#marker, token);
    const before = await this.#disk.read(path);
    if (before?.toString() !== text) await this.#disk.write(path, text);
  }

  #unitPath(unit: UnitName): string {
    return join(this.#root, this.#runtimeDirectory, unit);
  }
}
