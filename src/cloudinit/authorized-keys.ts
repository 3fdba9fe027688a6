/**
 * A user's authorized_keys with these keys in a block of this name. What stood in the block goes;
 * what stands outside of it is the user's own, and stays.
 */
export function withKeys(text: string, name: string, keys: readonly string[]): string {
  const begin = `# fleet-cloudinit: begin ${name}`;
  const end = `# fleet-cloudinit: end ${name}`;
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const from = lines.indexOf(begin);
  const to = lines.indexOf(end, Math.max(from, 0));
  const block = [begin, ...keys, end];
  const whole =
    from === -1 || to === -1
      ? [...lines, ...block]
      : [...lines.slice(0, from), ...block, ...lines.slice(to + 1)];
  return `${whole.join('\n')}\n`;
}
