import type { Fault } from './fault.ts';
import { inside } from './fault.ts';

/** How long a slow etcd member stands still, and how long it works in between. */
const slow = { standsSeconds: 0.2, worksSeconds: 0.05 } as const;

const slowUnit = 'fleetlab-etcd-slow.service';

// The unit is asked for its process each time: a member that systemd starts again is slow as well.
const slowScript = `while :; do
  pid=$(systemctl show -P MainPID etcd.service)
  [ "$pid" -gt 0 ] || { sleep ${slow.standsSeconds}; continue; }
  kill -STOP "$pid"; sleep ${slow.standsSeconds}; kill -CONT "$pid"; sleep ${slow.worksSeconds}
done`;

/** What can happen to a daemon, whichever it is. */
function faultsOf(word: string, service: string, some: Partial<Fault>): readonly Fault[] {
  const kill = `systemctl kill --signal=KILL ${service}`;
  return [
    {
      ...some,
      name: `${word}-kill`,
      about: `${word} is killed with SIGKILL; systemd starts it again`,
      inflict: async (site) => void (await inside(site, kill)),
      heal: null,
    },
    {
      ...some,
      name: `${word}-down`,
      about: `${word} is killed with SIGKILL and stays down`,
      // systemd restarts it after 100 ms unless it is told to stop it before that.
      inflict: async (site) =>
        void (await inside(site, `${kill} || true; systemctl stop ${service}`)),
      heal: async (site) => void (await inside(site, `systemctl start --no-block ${service}`)),
    },
    {
      ...some,
      name: `${word}-frozen`,
      about: `${word} is stopped with SIGSTOP: its connections stay, it answers nothing`,
      inflict: async (site) => {
        await inside(site, `systemctl kill --signal=STOP ${service}`);
      },
      heal: async (site) => {
        // One that was killed meanwhile has nothing to be continued.
        await inside(site, `systemctl kill --signal=CONT ${service} || true`);
      },
    },
  ];
}

/** What can happen to a machine's daemons, and to what they rely on. */
export const serviceFaults: readonly Fault[] = [
  ...faultsOf('etcd', 'etcd.service', { needsEtcd: true }),
  {
    name: 'etcd-slow',
    about: 'etcd stands still for 200 ms out of 250 ms, again and again',
    needsEtcd: true,
    inflict: async (site) => {
      const words = `systemd-run --quiet --collect --unit=${slowUnit} sh -c '${slowScript}'`;
      await inside(site, words);
    },
    heal: async (site) => {
      const stop = `systemctl stop ${slowUnit} || true`;
      await inside(site, `${stop}; systemctl kill --signal=CONT etcd.service || true`);
    },
  },
  ...faultsOf('fleetd', 'fleet.service', {}),
  {
    name: 'dbus-restart',
    about: 'the D-Bus daemon is restarted; every connection to it breaks',
    inflict: async (site) => void (await inside(site, 'systemctl restart dbus.service')),
    heal: null,
  },
  {
    name: 'systemd-reexec',
    about: 'systemd executes itself anew, as a package upgrade makes it do',
    inflict: async (site) => void (await inside(site, 'systemctl daemon-reexec')),
    heal: null,
  },
];
