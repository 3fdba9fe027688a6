import { isIPv4, isIPv6 } from 'node:net';
import { errorAt, type Problem } from './problem.ts';

/** What a config can have filled in: `$private_ipv4` and so on. */
export type AddressName = 'private_ipv4' | 'public_ipv4' | 'private_ipv6' | 'public_ipv6';

/** The addresses of this machine; those that it has not are left out. */
export type Addresses = Readonly<Partial<Record<AddressName, string>>>;

export const addressNames: readonly AddressName[] = [
  ...(['private_ipv4', 'public_ipv4', 'private_ipv6', 'public_ipv6'] as const),
];

/** Stand in for the addresses of a machine that is not at hand. They are nobody's (RFC 5737). */
export const exampleAddresses: Addresses = {
  ...{ private_ipv4: '192.0.2.1', public_ipv4: '192.0.2.1' },
  ...{ private_ipv6: '2001:db8::1', public_ipv6: '2001:db8::1' },
};

/** The variable that has an address, in /etc/environment and ours: `COREOS_PRIVATE_IPV4`. */
export function addressVariable(name: AddressName): string {
  return `COREOS_${name.toUpperCase()}`;
}

/** One of this machine's addresses, as the kernel lists them. */
export interface InterfaceAddress {
  readonly address: string;
  readonly isInternal: boolean;
}

/**
 * The addresses to fill in. A variable of the environment wins, then /etc/environment; what neither
 * tells is taken from the network interfaces: the first private and the first public address, and
 * the one for the other where a machine has only one of them.
 */
export function addressesOf(from: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The text of /etc/environment. */
  readonly environmentFile: string;
  readonly interfaces: readonly InterfaceAddress[];
}): Addresses {
  const found: Partial<Record<AddressName, string>> = {};
  for (const name of addressNames) {
    const variable = addressVariable(name);
    const written = new RegExp(`^${variable}=["']?([^"'\\s]+)["']?\\s*$`, 'm');
    const told = from.environment[variable] ?? written.exec(from.environmentFile)?.[1];
    const isRight = name.endsWith('4') ? isIPv4 : isIPv6;
    const address =
      told !== undefined && isRight(told) ? told : ofInterfaces(name, from.interfaces);
    if (address !== null) found[name] = address;
  }
  return found;
}

function ofInterfaces(name: AddressName, interfaces: readonly InterfaceAddress[]): string | null {
  const isFamily = name.endsWith('4') ? isIPv4 : isIPv6;
  const usable = interfaces
    .filter(({ address, isInternal }) => !isInternal && isFamily(address) && !isLinkLocal(address))
    .map(({ address }) => address);
  const wantsPrivate = name.startsWith('private');
  return usable.find((address) => isPrivate(address) === wantsPrivate) ?? usable[0] ?? null;
}

function isLinkLocal(address: string): boolean {
  return /^169\.254\./.test(address) || /^fe[89ab]/i.test(address);
}

function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address) || /^f[cd]/i.test(address);
}

const mark = /\\?\$(private_ipv4|public_ipv4|private_ipv6|public_ipv6)/g;

/**
 * Fills the addresses into the text of a config. `\$private_ipv4` stands for the text itself. One
 * that this machine has not is an error where it is asked for.
 */
export function fillAddresses(
  text: string,
  addresses: Addresses,
): { readonly text: string; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const filled = text.split('\n').map((line, index) =>
    line.replace(mark, (whole, name: AddressName, offset: number) => {
      if (whole.startsWith('\\')) return whole.slice(1);
      const address = addresses[name];
      if (address !== undefined) return address;
      if (/^\s*#|\s#/.test(line.slice(0, offset))) return whole; // a comment asks for nothing
      const place = { line: index + 1, column: offset + 1 };
      const variable = addressVariable(name);
      const what = `this machine has no address for $${name}`;
      problems.push(errorAt(place, `${what}; write ${variable}=… into /etc/environment`));
      return whole;
    }),
  );
  return { text: filled.join('\n'), problems };
}
