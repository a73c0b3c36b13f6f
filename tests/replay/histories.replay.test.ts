// Every history ever written still replays. A failure here means that runs which are under way would break at the next
// upgrade: guard the change with patched() (see docs/workflows.md), or undo it. Histories are added, never edited.
import fs from 'node:fs';
import path from 'node:path';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { WORKFLOWS } from '../../domain/names.ts';
import { ROOT } from '../support/built-setup.ts';

const FOLDER = path.join(import.meta.dirname, 'histories');
const files = fs
  .readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.json'));
const bundle = { codePath: path.join(ROOT, 'dist', 'workflow-bundle.js') };

interface RecordedHistory {
  events: { workflowExecutionStartedEventAttributes?: { workflowId: string } }[];
}

beforeAll(() => {
  // The last test makes the core warn on purpose.
  const filter = makeTelemetryFilterString({ core: 'ERROR' });
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter, forward: {} } },
  });
});

/** Under its own id: a run of watari refuses any id but the one that is its lock. */
const replay = (text: string): Promise<void> => {
  const history = JSON.parse(text) as RecordedHistory;
  const id = history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId;
  return Worker.runReplayHistory({ workflowBundle: bundle }, history, id);
};

const read = (file: string): string => fs.readFileSync(path.join(FOLDER, file), 'utf8');

describe('histories', () => {
  it.each(files)('%s replays', async (file) => {
    await expect(
      replay(read(file)),
      'the workflows no longer do what this history shows: guard the change with patched()',
    ).resolves.toBeUndefined();
  });

  it.each(WORKFLOWS)('of %s are kept', (workflow) => {
    expect(files.filter((f) => path.basename(f).startsWith(`${workflow}.`))).not.toEqual([]);
  });

  it('that do not match are found', async () => {
    const file = files.find((f) => path.basename(f).startsWith('migrateVm.completed'));
    if (file === undefined) throw new Error('there is no history of a migration that completed');
    const other = read(file).replaceAll('"viewCluster"', '"viewOther"');
    await expect(replay(other)).rejects.toThrow(/TMPRL1100/);
  });
});
