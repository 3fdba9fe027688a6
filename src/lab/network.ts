import { existsSync, readdirSync } from 'node:fs';
import {
  bridgeAddress,
  hardwareAddress,
  isOfLab,
  labLimits,
  linkOf,
  machineAddress,
  prefixOf,
} from './names.ts';
import { run, runOk } from './run.ts';
import { labUnsuitable } from './trouble.ts';

const netnsFolder = '/run/netns';
const linkFolder = '/sys/class/net';

/** Makes the bridge that all machines of the lab hang on, unless it is there. */
export async function ensureBridge(labIndex: number): Promise<void> {
  const bridge = prefixOf(labIndex);
  if (existsSync(`${linkFolder}/${bridge}`)) return;
  await refuseTakenAddress(labIndex);
  const numbers = machineNumbers();
  await batch(null, [
    `link add ${bridge} address ${hardwareAddress(labIndex, 0)} type bridge`,
    `link set ${bridge} addrgenmode none`,
    `addr add ${bridgeAddress(labIndex)}/24 dev ${bridge}`,
    `link set ${bridge} up`,
    ...numbers.map((number) => neighbour(labIndex, number, bridge)),
  ]);
}

/**
 * Makes the network of one machine: a namespace with `eth0`, whose other end is a port of the
 * bridge. It has no default route, so nothing inside reaches beyond the lab. Hardware addresses of
 * all others are given for good: packets to a dead or cut off machine vanish, as on a real network,
 * in place of being refused when nobody answers who has that address.
 */
export async function makeMachineNetwork(labIndex: number, machineNumber: number): Promise<void> {
  const link = linkOf(labIndex, machineNumber);
  await removeMachineNetwork(labIndex, machineNumber);
  await runOk(['ip', 'netns', 'add', link]);
  const own = hardwareAddress(labIndex, machineNumber);
  await batch(null, [
    `link add ${link} type veth peer name eth0 address ${own} netns ${link}`,
    `link set ${link} addrgenmode none`,
    `link set ${link} master ${prefixOf(labIndex)} up`,
  ]);
  const others = [0, ...machineNumbers()].filter((number) => number !== machineNumber);
  await batch(link, [
    'link set lo up',
    'link set eth0 addrgenmode none',
    `addr add ${machineAddress(labIndex, machineNumber)}/24 dev eth0`,
    'link set eth0 up',
    ...others.map((number) => neighbour(labIndex, number, 'eth0')),
  ]);
}

/** Pulls the plug: from now on not even the end of a connection reaches the others. */
export async function unplug(labIndex: number, machineNumber: number): Promise<void> {
  await run(['ip', 'link', 'set', linkOf(labIndex, machineNumber), 'down']);
}

/** Removes the network of a machine, whatever of it there is. */
export async function removeMachineNetwork(labIndex: number, number: number): Promise<void> {
  const link = linkOf(labIndex, number);
  if (existsSync(`${linkFolder}/${link}`)) await runOk(['ip', 'link', 'delete', link]);
  if (existsSync(`${netnsFolder}/${link}`)) await runOk(['ip', 'netns', 'delete', link]);
}

/** The port's state `disabled` drops all that goes in or out, and tells neither side. */
export async function setPartitioned(
  labIndex: number,
  machineNumber: number,
  isPartitioned: boolean,
): Promise<void> {
  const state = isPartitioned ? 'disabled' : 'forwarding';
  const number = { disabled: '0', forwarding: '3' }[state];
  const link = linkOf(labIndex, machineNumber);
  await runOk(['bridge', 'link', 'set', 'dev', link, 'state', number]);
}

/** The kernel's answer, not a memory of what was asked. */
export async function isPartitioned(labIndex: number, machineNumber: number): Promise<boolean> {
  const link = linkOf(labIndex, machineNumber);
  const { status, stdout } = await run(['bridge', '-j', 'link', 'show', 'dev', link]);
  if (status !== 0) return false;
  const ports = JSON.parse(stdout) as readonly { readonly state?: string }[];
  return ports[0]?.state === 'disabled';
}

/** The names of all links and network namespaces of a lab that there are. */
export function networkLeftovers(labIndex: number): {
  readonly links: readonly string[];
  readonly namespaces: readonly string[];
} {
  const list = (folder: string): readonly string[] =>
    existsSync(folder) ? readdirSync(folder).filter((name) => isOfLab(labIndex, name)) : [];
  return { links: list(linkFolder), namespaces: list(netnsFolder) };
}

/** Removes all links and network namespaces of a lab, known or found by name. */
export async function removeNetwork(labIndex: number): Promise<void> {
  const { links, namespaces } = networkLeftovers(labIndex);
  for (const link of links) await run(['ip', 'link', 'delete', link]);
  for (const namespace of namespaces) await runOk(['ip', 'netns', 'delete', namespace]);
}

/** Another network of this computer in the lab's range would swallow its packets. */
async function refuseTakenAddress(labIndex: number): Promise<void> {
  const routes = JSON.parse(
    await runOk(['ip', '-j', 'route', 'show', 'root', '10.88.0.0/16']),
  ) as readonly { readonly dst: string; readonly dev?: string }[];
  const own = `10.88.${labIndex}.`;
  const taken = routes.find(({ dst, dev }) => {
    const isOtherLab = dev !== undefined && /^flab\d+$/.test(dev) && dev !== prefixOf(labIndex);
    return !isOtherLab && (dst.startsWith(own) || /^10\.88\.0\.0\/1\d$/.test(dst));
  });
  if (taken === undefined) return;
  throw labUnsuitable(
    `this computer already has a network ${taken.dst} (${taken.dev ?? 'no link'})`,
    'take that network down: the lab needs these addresses',
  );
}

function machineNumbers(): readonly number[] {
  return Array.from({ length: labLimits.machineCountMax }, (_none, index) => index + 1);
}

function neighbour(labIndex: number, number: number, link: string): string {
  const address = number === 0 ? bridgeAddress(labIndex) : machineAddress(labIndex, number);
  const hardware = hardwareAddress(labIndex, number);
  return `neigh replace ${address} lladdr ${hardware} dev ${link} nud permanent`;
}

/** Runs lines of `ip` in one go; in a network namespace when one is named. */
async function batch(namespace: string | null, lines: readonly string[]): Promise<void> {
  const where = namespace === null ? [] : ['-n', namespace];
  await runOk(['ip', ...where, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}
