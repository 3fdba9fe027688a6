import { createInterface } from 'node:readline/promises';
import type { Context } from './command.ts';
import { usageError } from './command-error.ts';

/**
 * Asks on the terminal whether to go on; anything but `y` or `yes` means no. Where nobody can be
 * asked the command line is wrong: it has to say `--yes`.
 */
export async function askWhether(question: string, context: Context): Promise<boolean> {
  const { here, screen } = context;
  if (!here.isInteractive) {
    throw usageError('this needs a yes, and there is no terminal to ask on', 'Add --yes.');
  }
  const lines = createInterface({ input: here.input.stream(), output: screen.err });
  try {
    const answer = await lines.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
