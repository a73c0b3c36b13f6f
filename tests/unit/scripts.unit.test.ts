// Which scripts of a node may be run: what lies in the folder, by name.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { scriptsIn } from '../../workers/scripts.ts';
import { endsWithTest, temporaryFolder } from '../support/ends.ts';

const ends = endsWithTest();

it('allows the scripts of the folder, and none of a folder that is not there', async () => {
  const folder = temporaryFolder('watari-scripts-', ends);
  writeFileSync(path.join(folder, 'Firmware.PS1'), '');
  writeFileSync(path.join(folder, 'readme.txt'), '');
  expect(scriptsIn(folder, 'pwsh').names()).toEqual(['Firmware']);
  const mistyped = scriptsIn(path.join(folder, 'mistyped'), 'pwsh');
  expect(mistyped.names()).toEqual([]);
  const { signal } = new AbortController();
  await expect(mistyped.run('Firmware', signal)).rejects.toThrow('no script Firmware');
});
