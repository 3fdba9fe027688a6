/** The end of the line that is ours. */
const mark = '# fleet-cloudinit: manage_etc_hosts';

/**
 * /etc/hosts in which a name is this machine. The line comes first, since the first one that has a
 * name counts; all others stay, or `localhost` and the neighbours would be forgotten.
 */
export function withOwnName(text: string, hostname: string): string {
  const others = text.split('\n').filter((line) => !line.endsWith(mark));
  return [`127.0.0.1 ${hostname} ${mark}`, ...others].join('\n').replace(/\n*$/, '\n');
}
