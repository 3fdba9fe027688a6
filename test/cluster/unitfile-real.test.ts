import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitWords } from '../../src/unitfile/quoting.ts';
import { description, optionValues, parseUnitFile } from '../../src/unitfile/unit-file.ts';
import { aUnitFile } from '../builders/unit-file.ts';
import { anyUnitText } from '../builders/unit-text.ts';
import { withLab } from './with-lab.ts';

const lab = withLab({ machineCount: 1 });

const seed = 20_261_121;
const unitFolder = '/run/systemd/system';
const systemd = 'org.freedesktop.systemd1';

/** Runs a script on the machine; it must succeed. */
async function script(text: string, input = ''): Promise<string> {
  const ran = await lab.exec('m1', ['sh', '-ec', text], { input });
  expect(ran).toMatchObject({ status: 0 });
  return ran.stdout;
}

function writeUnit(name: string, text: string): Promise<string> {
  return script(`cat > '${unitFolder}/${name}'`, text);
}

/** A property of a unit, exactly as systemd holds it. */
async function propertyOf(name: string, kind: string, property: string): Promise<unknown> {
  const manager = `${systemd} /org/freedesktop/systemd1 ${systemd}.Manager`;
  const loaded = await script(`busctl --json=short call ${manager} LoadUnit s '${name}'`);
  const path: unknown = JSON.parse(loaded).data[0];
  const get = `busctl --json=short get-property ${systemd} '${path}' ${systemd}.${kind} ${property}`;
  return JSON.parse(await script(get)).data;
}

/**
 * A unit of which all assignments are descriptions: systemd shows the last. Without `%`, which would
 * be a specifier; every fourth ends in an empty one, which forgets the others.
 */
function describedBy(text: string, index: number): string {
  const body = text.replace(/[%\uFEFF]/g, '').replace(/^[ \t]*\[.*$/gm, '');
  const end = index % 4 === 0 ? '\n\nDescription=\n' : '\n';
  const names = /^([ \t]*)(?:A|After|ExecStart|X-y|Z)([ \t]*=)/gm;
  return `${text}\n\n[Unit]\n${body}`.replace(names, '$1Description$2').concat(end);
}

describe('what a real machine says of the same files', () => {
  it.each(['web@1.service', 'windows.service'])('systemctl cat %s shows its text', async (name) => {
    const text = readFileSync(`test/golden/unitfile/${name}`, 'utf8');
    await writeUnit(name, text);
    const shown = await script(`systemctl cat --no-pager '${name}'`);
    // systemctl ends every line with LF, the last one included.
    const lines = text.replaceAll('\r\n', '\n').replace(/(?<!\n)$/, '\n');
    expect(shown).toBe(`# ${unitFolder}/${name}\n${lines}`);
  });

  it('systemd joins, trims and resets the values of any unit file as we do', async () => {
    const texts = fc.sample(anyUnitText, { numRuns: 40, seed }).map(describedBy);
    let describedCount = 0;
    for (const [index, text] of texts.entries()) {
      const name = `any-${index}.service`;
      await writeUnit(name, text);
      const expected = description(aUnitFile(text));
      const actual = await propertyOf(name, 'Unit', 'Description');
      expect({ text, actual }).toEqual({ text, actual: expected === '' ? name : expected });
      describedCount += expected === '' ? 0 : 1;
    }
    expect(describedCount).toBeGreaterThan(10);
  });

  it('systemd splits words as we do', async () => {
    const line = String.raw`A=plain "B=two words" 'C=it"s' D="x y"z E=\x41\101\u20ac\s\\ F="a\"b" \
      # still the value
# a comment
      "G=é😀" H=`;
    const text = `[Service]\nExecStart=/bin/true\nEnvironment=X=gone\nEnvironment=\nEnvironment=${line}\n`;
    await writeUnit('words.service', text);
    const [value = ''] = optionValues(aUnitFile(text), 'Service', 'Environment');
    const words = splitWords(value, 'decode');
    const assignments = words.ok ? words.value.map((word) => word.text) : [];
    const actual = await propertyOf('words.service', 'Service', 'Environment');
    expect(assignments.filter((word) => word.includes('='))).toEqual(actual);
  });

  it('systemd does not load what we refuse for a bad section header', async () => {
    const text = '[Service] # main\nExecStart=/bin/true\n';
    await writeUnit('header.service', text);
    expect(parseUnitFile(text).ok).toBe(false);
    expect(await propertyOf('header.service', 'Unit', 'LoadState')).toBe('error');
  });
});
