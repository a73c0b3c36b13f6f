// The native core as the judge: what the simulation wrote for a run is replayed by the very code that runs in
// production workers. A history that no real server could have written, or commands in another order, fail here.
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { toProtoHistory } from './history.ts';
import type { ServerRun } from './server-run.ts';

let isQuiet = false;

/** The core and the SDK log every replay otherwise, and every line that a fault cuts. */
export function quiet(): void {
  if (isQuiet) return;
  isQuiet = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), forward: {} },
    },
  });
}

/** Answers what the core says against these runs. */
export async function replayByCore(runs: readonly ServerRun[], bundle: string): Promise<string[]> {
  quiet();
  const against: string[] = [];
  const histories = runs
    .filter((run) => run.tasks > 0)
    .map((run) => ({ workflowId: run.id, history: toProtoHistory(run.events) }));
  const results = Worker.runReplayHistories({ workflowBundle: { codePath: bundle } }, histories);
  for await (const { workflowId, error } of results) {
    if (error !== undefined) against.push(`${workflowId}: ${error.message}`);
  }
  return against;
}
