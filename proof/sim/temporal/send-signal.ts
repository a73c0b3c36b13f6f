// What the simulated server does when a run signals another one: the signal arrives a little later, and the run that
// sent it is told whether there was anybody to take it.
import type { Command } from './commands.ts';
import type { Attributes } from './history.ts';
import type { RunKeeper } from './server-options.ts';
import type { ServerRun } from './server-run.ts';

export function sendSignal(
  server: RunKeeper,
  run: ServerRun,
  c: NonNullable<Command['signalExternalWorkflowExecution']>,
  from: Attributes,
): void {
  const { clock, random } = server.options;
  const { workflowExecution: execution, signalName, args = [] } = c;
  const to = { workflowId: execution.workflowId ?? '', runId: execution.runId ?? '' };
  const about = { namespace: 'default', workflowExecution: to };
  const a = { ...about, signalName, input: { payloads: args }, ...from };
  const initiatedEventId = server.write(run, {
    kind: 'signalExternalWorkflowExecutionInitiated',
    a,
  });
  run.signals.add(initiatedEventId);
  clock.after(random.int(1, 10), () => {
    run.signals.delete(initiatedEventId);
    if (run.state !== 'open') return;
    const target = server.find(to.workflowId);
    const result = { ...about, initiatedEventId };
    if (target !== undefined && (to.runId === '' || to.runId === target.runId)) {
      const by = { workflowId: run.id, runId: run.runId };
      const identity = 'history-service';
      server.deliver(target, signalName, args, { identity, externalWorkflowExecution: by });
      server.add(run, 'externalWorkflowExecutionSignaled', result);
    } else {
      const cause =
        'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND';
      server.add(run, 'signalExternalWorkflowExecutionFailed', { ...result, cause, ...from });
    }
    server.scheduleTask(run);
  });
}
