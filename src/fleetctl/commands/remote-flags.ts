import type { Flag } from '../flag.ts';

/** Where sshd listens on machines. */
export const sshPortFlag: Flag = {
  usage: '--ssh-port <port>',
  what: 'where sshd listens on machines (default: as ~/.ssh/config says, or 22)',
};

/** One of the machines of a global unit. */
export const onMachineFlag: Flag = {
  usage: '--machine <id>',
  what: 'only on this machine; the first digits of its id will do',
};
