// Every history ever written still replays. A failure here means that runs which are under way would break at the next
// upgrade: guard the change with patched() (see docs/workflows.md), or undo it. Histories are added, never edited.
import fs from 'node:fs';
import path from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { WORKFLOWS } from '../../domain/names.ts';
import { ROOT } from '../support/built-setup.ts';

const FOLDER = path.join(import.meta.dirname, 'histories');
const files = fs
  .readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.json'));
const bundle = { codePath: path.join(ROOT, 'dist', 'workflow-bundle.js') };

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

const read = (file: string): unknown =>
  JSON.parse(fs.readFileSync(path.join(FOLDER, file), 'utf8'));

describe('histories', () => {
  it.each(files)('%s replays', async (file) => {
    await expect(
      Worker.runReplayHistory({ workflowBundle: bundle }, read(file)),
      'the workflows no longer do what this history shows: guard the change with patched()',
    ).resolves.not.toThrow();
  });

  it.each(WORKFLOWS)('of %s are kept', (workflow) => {
    expect(files.filter((f) => path.basename(f).startsWith(`${workflow}.`))).not.toEqual([]);
  });

  it('that do not match are found', async () => {
    const file = files.find((f) => path.basename(f).startsWith('migrateVm.completed'));
    if (file === undefined) throw new Error('there is no history of a migration that completed');
    const other = fs
      .readFileSync(path.join(FOLDER, file), 'utf8')
      .replaceAll('"viewCluster"', '"viewOther"');
    await expect(
      Worker.runReplayHistory({ workflowBundle: bundle }, JSON.parse(other)),
    ).rejects.toThrow(/TMPRL1100/);
  });
});
