import type { Command } from '../command.ts';
import { usageError } from '../command-error.ts';
import { completionScripts, shells } from '../completion/scripts.ts';

/** `fleetctl completion`: what a shell reads to complete command lines. */
export const completion: Command = {
  name: 'completion',
  summary: 'print what a shell needs to complete fleetctl lines',
  description:
    'Prints a script that makes a shell complete commands, options, and names of units and ' +
    'machines, which it asks the cluster for. Where no cluster answers within a second, names are ' +
    'left out without a word.',
  operand: { usage: '<shell>', what: `one of ${shells.join(', ')}`, values: shells },
  flags: [],
  examples: [
    'source <(fleetctl completion bash)',
    'fleetctl completion bash > /etc/bash_completion.d/fleetctl',
    'fleetctl completion zsh > /usr/share/zsh/vendor-completions/_fleetctl',
    'fleetctl completion fish > ~/.config/fish/completions/fleetctl.fish',
  ],
  async run({ screen }, operands) {
    const shell = shells.find((known) => known === operands[0]);
    if (shell === undefined) {
      throw usageError(`unknown shell "${operands[0]}"`, `shells are ${shells.join(', ')}`);
    }
    screen.write(completionScripts[shell]);
    return 0;
  },
};
