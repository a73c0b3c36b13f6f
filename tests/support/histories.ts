// Keeps the histories of a test's runs, so that tests/replay/ can replay them with every later version of the
// workflows. Opt-in: WATARI_KEEP_HISTORIES=folder npx vitest run …; recorded files are added, never edited.
import fs from 'node:fs';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

/** Visibility lags behind what has just happened. */
const SEEN_AFTER_MS = 2000;

export async function keepHistories(client: Client, cluster: string): Promise<void> {
  const folder = process.env['WATARI_KEEP_HISTORIES'];
  if (folder === undefined) return;
  fs.mkdirSync(folder, { recursive: true });
  const query = `WatariCluster = "${cluster}"`;
  const listed = async () => {
    const runs = [];
    for await (const run of client.workflow.list({ query })) runs.push(run);
    return runs;
  };
  await new Promise((resolve) => setTimeout(resolve, SEEN_AFTER_MS));
  for (const run of await listed()) {
    const handle = client.workflow.getHandle(run.workflowId, run.runId);
    const [history, { status }] = await Promise.all([handle.fetchHistory(), handle.describe()]);
    const name = `${run.type}.${status.name.toLowerCase()}.${run.runId.slice(-8)}.json`;
    // Stacks carry the paths of the machine that recorded, and replay does not look at them.
    const portable = JSON.parse(historyToJSON(history), (key, value: unknown) =>
      key === 'stackTrace' ? '' : value,
    ) as unknown;
    fs.writeFileSync(path.join(folder, name), `${JSON.stringify(portable)}\n`);
  }
}
