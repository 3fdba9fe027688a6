/**
 * Words as one line for the shell at the far end of ssh, which splits what ssh only joins. Single
 * quotes protect everything but themselves, in sh, bash, zsh, dash and fish alike.
 */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9@%+:,./_-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
