// Keeps the histories of a test's runs, so that tests/replay/ can replay them with every later version of the
// workflows. `npm run histories` records those that must be there; WATARI_KEEP_HISTORIES=folder npx vitest run … keeps
// those of any test. Recorded files are added, never edited.
import fs from 'node:fs';
import path from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { runId, tellPeopleId } from '../../domain/names.ts';
import { sleep } from '../../proof/rig/waiting.ts';

/** Visibility lags behind what has just happened. */
const SEEN_AFTER_MS = 2000;

/**
 * The history of a run, until now, as it is kept. Payloads are as the server holds them: those of a run that was
 * encrypted could only be replayed with its key, so none is recorded from one.
 */
export async function historyText(handle: WorkflowHandle): Promise<string> {
  const history = await handle.fetchHistory();
  // Stacks carry the paths of the machine that recorded, and replay does not look at them.
  const portable = JSON.parse(historyToJSON(history), (key, value: unknown) =>
    key === 'stackTrace' ? '' : value,
  ) as unknown;
  return `${JSON.stringify(portable)}\n`;
}

export async function keepHistories(client: Client, cluster: string): Promise<void> {
  const folder = process.env['WATARI_KEEP_HISTORIES'];
  if (folder === undefined) return;
  fs.mkdirSync(folder, { recursive: true });
  // Who tells people and who gives turns are no runs, and have no attributes.
  const query =
    `WatariCluster = "${cluster}" OR WorkflowId = "${tellPeopleId(cluster)}" ` +
    `OR WorkflowId = "${runId.moves(cluster)}"`;
  const listed = async () => {
    const runs = [];
    for await (const run of client.workflow.list({ query })) runs.push(run);
    return runs;
  };
  await sleep(SEEN_AFTER_MS);
  for (const run of await listed()) {
    const handle = client.workflow.getHandle(run.workflowId, run.runId);
    const [text, { status }] = await Promise.all([historyText(handle), handle.describe()]);
    const name = `${run.type}.${status.name.toLowerCase()}.${run.runId.slice(-8)}.json`;
    fs.writeFileSync(path.join(folder, name), text);
  }
}
