import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { aMachineFolder } from '../../builders/cloudinit-machine.ts';

const inputs = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.user-data'));

it.each(inputs)('%s becomes this tree and these commands, or is refused so', async (fileName) => {
  await using machine = await aMachineFolder();
  const userData = readFileSync(`${import.meta.dirname}/${fileName}`, 'utf8');
  const { status, out, err } = await machine.apply(userData);
  const tree = await machine.tree();
  const commands = out.map((line) => `$ ${line}`);
  const report = [`status ${status}`, ...err, '', ...commands, '', tree].join('\n');
  await expect(`${report.trimEnd()}\n`).toMatchFileSnapshot(`${fileName}.expected.txt`);
  if (status !== 0) expect([tree, out]).toEqual(['', []]);

  // A second time there is nothing left to write.
  const again = await machine.apply(userData);
  expect(again.status).toBe(status);
  expect(
    again.err.filter((line) => /^fleet-cloudinit: (wrote|linked|removed) /.test(line)),
  ).toEqual([]);
  expect(again.out).not.toContain('systemctl daemon-reload');
  expect(await machine.tree()).toBe(tree);
});

it('has inputs', () => {
  expect(inputs.length).toBeGreaterThan(7);
});
