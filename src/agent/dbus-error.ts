import type { DBusError } from 'dbus-next';
import { FleetError, type Trouble } from '../lib/error.ts';

type Kind = Pick<Trouble, 'code' | 'retry' | 'hint'>;

const away: Kind = {
  code: 'systemd/unavailable',
  retry: 'soon',
  hint:
    "see 'systemctl status dbus.service' (for a user's systemd: 'systemctl --user status " +
    "dbus.socket', of dbus-user-session); units keep running meanwhile",
};
const late: Kind = {
  code: 'systemd/timeout',
  retry: 'soon',
  hint: "see whether 'systemctl list-jobs' answers",
};
const refused: Kind = {
  code: 'systemd/refused',
  retry: 'soon',
  hint: "see 'systemctl status' of the unit on its machine",
};

/** What the bus's own errors mean; every other name is systemd refusing the call. */
const kinds: Readonly<Record<string, Kind>> = {
  'org.freedesktop.DBus.Error.NoReply': away,
  'org.freedesktop.DBus.Error.Disconnected': away,
  'org.freedesktop.DBus.Error.NoServer': away,
  'org.freedesktop.DBus.Error.ServiceUnknown': away,
  'org.freedesktop.DBus.Error.NameHasNoOwner': away,
  'org.freedesktop.DBus.Error.LimitsExceeded': away,
  'org.freedesktop.DBus.Error.Timeout': late,
  'org.freedesktop.DBus.Error.TimedOut': late,
  'org.freedesktop.DBus.Error.AccessDenied': {
    code: 'systemd/refused',
    retry: 'never',
    hint: 'fleetd has to run as root to start and stop units',
  },
};

/** An error reply as an operating trouble, in systemd's own words. */
export function refusal(member: string, error: DBusError): FleetError {
  const words = error.text === '' || error.text === undefined ? error.type : error.text;
  return new FleetError(`${member}: ${words}`, { ...(kinds[error.type] ?? refused), cause: error });
}

/** No bus, or nothing more from it. */
export function unavailable(words: string, cause?: unknown): FleetError {
  return new FleetError(`no connection to systemd: ${words}`, { ...away, cause });
}

/** No answer in time. */
export function silence(ms: number): FleetError {
  return new FleetError(`systemd did not answer within ${ms / 1000} s`, late);
}

/** Whether systemd refused a call, with this D-Bus error name if one is given. */
export function isRefusal(thrown: unknown, errorName?: string): boolean {
  if (!(thrown instanceof FleetError) || thrown.trouble.code !== 'systemd/refused') return false;
  if (errorName === undefined) return true;
  const cause = thrown.trouble.cause;
  return cause instanceof Error && 'type' in cause && cause.type === errorName;
}
