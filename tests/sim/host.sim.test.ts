// The server-less host reads histories as the native core does: every history that a real server wrote goes through it,
// and what it makes of them is compared with what was recorded. If this fails, no simulation means anything.
import fs from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromProtoHistory, type HistoryEvent } from '../../proof/sim/temporal/history.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll } from '../support/ends.ts';

const FOLDER = path.join(ROOT, 'tests', 'replay', 'histories');
const files = fs
  .readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.json'));

const ends = endsWithAll();
let host: WorkflowHost;
beforeAll(async () => {
  host = ends(await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js')));
});

/** Without the blanks of a person's JSON. */
const read = (file: string): string =>
  JSON.stringify(JSON.parse(fs.readFileSync(path.join(FOLDER, file), 'utf8')));

async function replay(text: string): Promise<HistoryEvent[]> {
  const events = fromProtoHistory(historyFromJSON(JSON.parse(text)));
  const started = events[0]!;
  const workflowId = started.a.workflowId ?? '';
  const execution = { workflowId, runId: started.a.originalExecutionRunId ?? '' };
  // A version may ask with other arguments than an older one; that is no other command.
  const run = host.open(started, execution, 'types');
  try {
    await run.replay(events);
  } finally {
    await run.dispose();
  }
  return events;
}

describe('the host without a server', () => {
  it.each(files)('makes the recorded commands of %s', async (file) => {
    const events = await replay(read(file));
    expect(events.some((e) => e.kind === 'workflowTaskCompleted')).toBe(true);
  });

  it.each([
    ['another activity', '"viewCluster"', '"viewOther"'],
    ['another timer', '"timerId":"1"', '"timerId":"7"'],
    ['a command that is not made', '"EVENT_TYPE_TIMER_CANCELED"', '"EVENT_TYPE_TIMER_STARTED"'],
  ])('notices %s', async (_what, from, to) => {
    const file = files.find((f) => read(f).includes(from));
    await expect(replay(read(file!).replaceAll(from, to))).rejects.toThrow(/the history has/);
  });
});
