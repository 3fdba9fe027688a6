import type { CloudConfig } from './cloud-config.ts';

/** Folders of unit files in which a config may write. */
const folder = /^\/(etc|run|usr\/lib|usr\/local\/lib)\/systemd\/system\//;

/** Whether a file is one that systemd reads units from. */
export function isUnitFile(path: string): boolean {
  return folder.test(path);
}

/** Whether a config writes the file of a unit, as a unit or as any other file. */
export function bringsUnit({ units, files }: CloudConfig, name: string): boolean {
  const isUnit = units.some((unit) => unit.name === name && unit.content !== null);
  return isUnit || files.some(({ path }) => isUnitFile(path) && path.replace(folder, '') === name);
}
