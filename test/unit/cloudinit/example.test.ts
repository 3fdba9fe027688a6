import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { decodeCloudConfig } from '../../../src/cloudinit/decode.ts';

it('the CoreOS cloud-config within cloud-config/coreos.yaml is a valid one', () => {
  const { write_files: files } = parse(readFileSync('cloud-config/coreos.yaml', 'utf8')) as {
    readonly write_files: readonly { readonly path: string; readonly content: string }[];
  };
  expect(files.map(({ path }) => path)).toEqual(['/etc/fleet/cloud-config.yml']);
  const { config, problems } = decodeCloudConfig(files[0]?.content ?? '');
  expect(problems).toEqual([]);
  expect(config.units.map(({ name }) => name)).toEqual(['etcd2.service', 'fleet.service']);
});
