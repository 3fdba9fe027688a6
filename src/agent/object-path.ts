/** The folder of all units on systemd's bus. */
const unitFolder = '/org/freedesktop/systemd1/unit/';

/** The object path of a unit: every byte but letters and digits as `_` and two hex digits. */
export function unitObjectPath(name: string): string {
  const escaped = name.replace(/[^A-Za-z0-9]|^[0-9]/g, (one) =>
    [...Buffer.from(one)].map((byte) => `_${byte.toString(16).padStart(2, '0')}`).join(''),
  );
  return `${unitFolder}${escaped === '' ? '_' : escaped}`;
}

/** The name of the unit at an object path; null when it is not the path of a unit. */
export function unitNameOfPath(path: string): string | null {
  if (!path.startsWith(unitFolder)) return null;
  const escaped = path.slice(unitFolder.length);
  return escaped.replace(/_([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
