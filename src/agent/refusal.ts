import { FleetError } from '../lib/error.ts';

/** systemd, or the rules, do not allow it. */
export function refused(message: string): FleetError {
  return new FleetError(message, {
    code: 'systemd/refused',
    retry: 'soon',
    hint: "see 'systemctl status' and 'systemctl cat' of the unit on its machine",
  });
}
