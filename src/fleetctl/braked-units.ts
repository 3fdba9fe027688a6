import { brakeObjection } from '../model/brake.ts';
import type { Context } from './command.ts';
import { limits } from './limits.ts';

/** Tells on stderr which units wait for the brake: no machine says anything of them meanwhile. */
export async function tellBrakedUnits({ client, screen }: Context): Promise<void> {
  const units = await client().listUnits('brief');
  const waiting = units.filter(({ placement }) =>
    placement?.objections.some(({ why }) => why === brakeObjection),
  );
  for (const { name, placement } of waiting.slice(0, limits.brakedUnitsMax)) {
    screen.note(`${name}: ${placement?.reason ?? brakeObjection}`);
  }
  const moreCount = waiting.length - limits.brakedUnitsMax;
  if (moreCount > 0) screen.note(`and ${moreCount} more; list-unit-files shows them all`);
}
