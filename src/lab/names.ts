import type { Result } from '../lib/result.ts';
import { fail, ok } from '../lib/result.ts';

/** How many labs one computer can hold, and how many machines one lab. */
export const labLimits = {
  labCountMax: 100,
  machineCountMax: 50,
  etcdMemberCount: 3,
} as const satisfies Readonly<Record<string, number>>;

/** Where every lab keeps its record, its disks and its logs; one folder a lab. */
export const labsFolder = '/var/lib/flotilla-lab';

/** The lab of a command that names none. */
export const defaultLabName = 'lab';

/** TCP ports inside a machine; `packages` on the bridge. */
export const ports = {
  fleetd: 49153,
  etcdClient: 2379,
  etcdPeer: 2380,
  packages: 49180,
} as const;

/**
 * Everything a lab makes on the computer outside its folder starts with this, followed by an end
 * or a dash: bridge `flab0`, network namespace and link `flab0-m1`.
 */
export function prefixOf(labIndex: number): string {
  return `flab${labIndex}`;
}

/** Does a link, namespace or folder of the computer belong to that lab? */
export function isOfLab(labIndex: number, name: string): boolean {
  const prefix = prefixOf(labIndex);
  return name === prefix || name.startsWith(`${prefix}-`);
}

/** The name of a machine's link on the computer's side, and of its network namespace. */
export function linkOf(labIndex: number, machineNumber: number): string {
  return `${prefixOf(labIndex)}-m${machineNumber}`;
}

/** The computer's own address on the lab's bridge. */
export function bridgeAddress(labIndex: number): string {
  return `10.88.${labIndex}.1`;
}

/** The address of machine `mN`. */
export function machineAddress(labIndex: number, machineNumber: number): string {
  return `10.88.${labIndex}.${10 + machineNumber}`;
}

/** A locally administered hardware address; number 0 is the bridge itself. */
export function hardwareAddress(labIndex: number, machineNumber: number): string {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return `02:f1:ab:${hex(labIndex)}:00:${hex(machineNumber)}`;
}

/** Reads `m7` as 7. */
export function parseMachineName(text: string): Result<number, string> {
  const digits = /^m([1-9][0-9]?)$/.exec(text)?.[1];
  const number = Number(digits);
  if (digits === undefined || number > labLimits.machineCountMax) {
    return fail(`'${text}' is not a machine's name: m1 to m${labLimits.machineCountMax}`);
  }
  return ok(number);
}

/** A lab's name becomes a folder and a lock: short, lower case, nothing that a path could mean. */
export function parseLabName(text: string): Result<string, string> {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(text)) return ok(text);
  return fail(`'${text}' is not a lab's name: a lower-case letter, then letters, digits or dashes`);
}
