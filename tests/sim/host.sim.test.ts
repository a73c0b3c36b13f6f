// The server-less host reads histories as the native core does: every history that a real server wrote goes through it,
// and what it makes of them is compared with what was recorded. If this fails, no simulation means anything.
import fs from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromProtoHistory, type HistoryEvent } from '../../proof/sim/history.ts';
import { WorkflowHost } from '../../proof/sim/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';

const FOLDER = path.join(ROOT, 'tests', 'replay', 'histories');
const files = fs
  .readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.json'));

let host: WorkflowHost;
beforeAll(async () => {
  host = await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js'));
});
afterAll(() => host.close());

const read = (file: string): string => fs.readFileSync(path.join(FOLDER, file), 'utf8');

async function replay(text: string): Promise<HistoryEvent[]> {
  const events = fromProtoHistory(historyFromJSON(JSON.parse(text)));
  const started = events[0]!;
  const workflowId = started.a.workflowId ?? '';
  const run = host.open(started, { workflowId, runId: started.a.originalExecutionRunId ?? '' });
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
    expect(events.length).toBeGreaterThan(10);
  });

  it.each([
    ['another activity', '"viewCluster"', '"viewOther"'],
    ['another timer', '"timerId":"1"', '"timerId":"7"'],
    ['another argument', '"eyJmaWxlcyI6W119"', '"eyJmaWxlcyI6WzFdfQ=="'],
  ])('notices %s', async (_what, from, to) => {
    const withBoth = files.find((f) => ['"viewCluster"', '"timerId": "1"', '"timerId":"1"'].some((s) => read(f).includes(s)) && read(f).replaceAll(' ', '').includes(from));
    const text = JSON.stringify(JSON.parse(read(withBoth!)));
    expect(text).toContain(from);
    await expect(replay(text.replaceAll(from, to))).rejects.toThrow(/the history has/);
  });
});
