import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * The licences of the npm packages that are in the bundles, as their authors ask for. Which they are
 * is what package-lock.json does not mark as needed for development only.
 */
export function licenceTexts(): string {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<
      Record<string, { dev?: boolean; version?: string; license?: string }>
    >;
  };
  const shipped = Object.entries(lock.packages).filter(
    ([folder, { dev }]) => folder !== '' && dev !== true && existsSync(folder),
  );
  return shipped
    .map(([folder, { version = '', license = '' }]) => {
      const title = `${folder.replace(/^.*node_modules\//, '')} ${version} (${license})`;
      return `${title}\n${'-'.repeat(title.length)}\n\n${licenceIn(folder)}\n`;
    })
    .join('\n');
}

/** Some packages name their licence in package.json only. */
function licenceIn(folder: string): string {
  const name = readdirSync(folder)
    .toSorted()
    .find((file) => /^licen[cs]e/i.test(file));
  return name === undefined ? '' : readFileSync(`${folder}/${name}`, 'utf8').trim();
}
