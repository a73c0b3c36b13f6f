// What the simulated server does with the commands of a completed workflow task: events, timers, activities, children.
import { ActivityTask, type ActivityOwner } from './activity-task.ts';
import type { Command } from './commands.ts';
import { jsonOf, msOf, payloadOf, type Attributes, type Failure, type Payload } from './history.ts';
import type { RunKeeper } from './server-options.ts';
import { sendSignal } from './send-signal.ts';
import type { ServerRun } from './server-run.ts';
import { failureText } from './texts.ts';

const payloadsOf = (list: Payload[] | undefined): { payloads: Payload[] } => ({
  payloads: list ?? [],
});

export class CommandReader {
  private readonly server: RunKeeper;

  constructor(server: RunKeeper) {
    this.server = server;
  }

  apply(run: ServerRun, commands: Command[], completedId: number): void {
    for (const command of commands) this.one(run, command, completedId);
  }

  /** Tells the clients what became of their updates, and forgets those that are answered. */
  answer(run: ServerRun, commands: Command[], delivered: ServerRun['updates']): void {
    for (const { updateResponse } of commands) {
      if (!updateResponse || updateResponse.accepted) continue;
      const update = delivered.find(
        (u) => u.protocolInstanceId === updateResponse.protocolInstanceId,
      );
      if (update === undefined) continue;
      run.updates.splice(run.updates.indexOf(update), 1);
      update.answer(
        updateResponse.rejected
          ? { refused: failureText(updateResponse.rejected as Failure) }
          : { accepted: jsonOf(updateResponse.completed) },
      );
    }
  }

  /** A run has ended: its parent hears of it, and its children as they were promised. */
  closed(run: ServerRun): void {
    for (const task of run.activities.values()) task.abandon();
    for (const timer of run.timers.values()) timer.forget();
    for (const { run: child } of run.children.values()) {
      if (child?.state === 'open')
        this.later(() => this.server.requestCancel(child.id, 'parent-close-policy'));
    }
    const { parent, continuesWith: input } = run;
    if (input !== undefined) {
      const { id, type, queue } = run;
      this.server.start({ id, type, queue, input });
      return;
    }
    if (parent?.run.state !== 'open') return;
    this.later(() => {
      if (parent.run.state === 'open') this.tellParent(run, parent.run, parent.initiatedId);
    });
  }

  private later(call: () => void): void {
    const { clock, random } = this.server.options;
    clock.after(random.int(1, 10), call);
  }

  private one(run: ServerRun, c: Command, completedId: number): void {
    const { server } = this;
    const from = { workflowTaskCompletedEventId: completedId };
    const userMetadata = c.userMetadata ?? null;
    if (c.startTimer) this.startTimer(run, c.startTimer, from, userMetadata);
    else if (c.cancelTimer) this.cancelTimer(run, String(c.cancelTimer.seq), from);
    else if (c.scheduleActivity) this.scheduleActivity(run, c.scheduleActivity, from, userMetadata);
    else if (c.requestCancelActivity) this.cancelActivity(run, c.requestCancelActivity.seq, from);
    else if (c.startChildWorkflowExecution)
      this.startChild(run, c.startChildWorkflowExecution, from, userMetadata);
    else if (c.cancelChildWorkflowExecution)
      this.cancelChild(run, c.cancelChildWorkflowExecution.childWorkflowSeq, from);
    else if (c.signalExternalWorkflowExecution)
      sendSignal(server, run, c.signalExternalWorkflowExecution, from);
    else if (c.updateResponse) this.updateResponse(run, c.updateResponse);
    else if (c.setPatchMarker) {
      const { patchId, deprecated = false } = c.setPatchMarker;
      const data = payloadOf({ id: patchId, deprecated });
      const details = { 'patch-data': { payloads: [data] } };
      server.write(run, {
        kind: 'markerRecorded',
        a: { markerName: 'core_patch', details, ...from },
      });
      this.patchAttribute(run, patchId, from);
    } else if (c.upsertWorkflowSearchAttributes) {
      const { searchAttributes } = c.upsertWorkflowSearchAttributes;
      server.write(run, {
        kind: 'upsertWorkflowSearchAttributes',
        a: { searchAttributes, ...from } as Attributes,
      });
    } else if (c.modifyWorkflowProperties) {
      const { upsertedMemo } = c.modifyWorkflowProperties;
      server.write(run, { kind: 'workflowPropertiesModified', a: { upsertedMemo, ...from } });
    } else this.close(run, c, from);
  }

  private close(run: ServerRun, c: Command, from: Attributes): void {
    const { server } = this;
    if (c.completeWorkflowExecution) {
      const { result } = c.completeWorkflowExecution;
      run.state = 'completed';
      run.result = jsonOf(result);
      server.write(run, {
        kind: 'workflowExecutionCompleted',
        a: { result: payloadsOf(result ? [result] : []), ...from },
      });
    } else if (c.failWorkflowExecution) {
      run.state = 'failed';
      run.failure = c.failWorkflowExecution.failure as Failure;
      const a = { failure: run.failure, retryState: 'RETRY_STATE_RETRY_POLICY_NOT_SET', ...from };
      server.write(run, { kind: 'workflowExecutionFailed', a });
    } else if (c.continueAsNewWorkflowExecution) {
      const { workflowType, arguments: args } = c.continueAsNewWorkflowExecution;
      run.state = 'completed';
      run.continuesWith = jsonOf(args?.[0]) as object;
      const a = { workflowType: { name: workflowType }, input: payloadsOf(args), ...from };
      server.write(run, { kind: 'workflowExecutionContinuedAsNew', a });
    } else if (c.cancelWorkflowExecution) {
      run.state = 'canceled';
      server.write(run, { kind: 'workflowExecutionCanceled', a: from });
    } else
      throw new Error(
        `the simulated server does not know the command ${Object.keys(c).join(', ')}`,
      );
  }

  private startTimer(
    run: ServerRun,
    { seq, startToFireTimeout }: NonNullable<Command['startTimer']>,
    from: Attributes,
    userMetadata: object | null,
  ): void {
    const { server } = this;
    const timerId = String(seq);
    const a = { timerId, startToFireTimeout, ...from };
    const startedId = server.write(run, { kind: 'timerStarted', a, userMetadata });
    const forget = server.options.clock.after(msOf(startToFireTimeout) ?? 0, () => {
      run.timers.delete(timerId);
      server.add(run, 'timerFired', { timerId, startedEventId: startedId });
      server.scheduleTask(run);
    });
    run.timers.set(timerId, { startedId, forget });
  }

  private cancelTimer(run: ServerRun, timerId: string, from: Attributes): void {
    const timer = run.timers.get(timerId);
    timer?.forget();
    run.timers.delete(timerId);
    // It fired while the task was in hand: the server takes that back.
    const fired = run.buffered.findIndex(
      (e) => e.kind === 'timerFired' && (e.a as Attributes).timerId === timerId,
    );
    const [lost] = fired < 0 ? [] : run.buffered.splice(fired, 1);
    const startedEventId =
      timer?.startedId ?? (lost?.a as Attributes | undefined)?.startedEventId ?? 0;
    this.server.write(run, { kind: 'timerCanceled', a: { timerId, startedEventId, ...from } });
  }

  private scheduleActivity(
    run: ServerRun,
    c: NonNullable<Command['scheduleActivity']>,
    from: Attributes,
    userMetadata: object | null,
  ): void {
    const { activityId, activityType, taskQueue, arguments: input, cancellationType, ...rest } = c;
    // WAIT_CANCELLATION_COMPLETED: with any other the core would answer before the server does.
    if (cancellationType !== 1)
      throw new Error(`${activityType} is cancelled in a way that the simulation does not know`);
    const a: Attributes = {
      activityId,
      activityType: { name: activityType },
      taskQueue: { name: taskQueue, kind: 'TASK_QUEUE_KIND_NORMAL' },
      ...((input?.length ?? 0) === 0 ? {} : { input: payloadsOf(input) }),
      scheduleToCloseTimeout: rest['scheduleToCloseTimeout'],
      scheduleToStartTimeout: rest['scheduleToStartTimeout'],
      startToCloseTimeout: rest['startToCloseTimeout'],
      heartbeatTimeout: rest['heartbeatTimeout'],
      retryPolicy: rest['retryPolicy'],
      ...from,
    };
    const { server } = this;
    const { clock, tell, onBeat } = server.options;
    const scheduledId = server.write(run, { kind: 'activityTaskScheduled', a, userMetadata });
    const owner: ActivityOwner = {
      run,
      clock,
      queue: server.queue,
      tell,
      onBeat: (details) => onBeat(run, activityId, details),
      onEnd: () => run.activities.delete(scheduledId),
      add: (kind, attributes, more) => server.add(run, kind, attributes, more),
      wake: () => server.scheduleTask(run),
    };
    const task = new ActivityTask(owner, scheduledId, a, input ?? []);
    run.activities.set(scheduledId, task);
    task.schedule();
  }

  private cancelActivity(run: ServerRun, seq: number, from: Attributes): void {
    const event = run.events.find(
      (e) => e.kind === 'activityTaskScheduled' && e.a.activityId === String(seq),
    );
    const scheduledId = event?.id ?? 0;
    const a = { scheduledEventId: scheduledId, ...from };
    const requestedId = this.server.write(run, { kind: 'activityTaskCancelRequested', a });
    run.activities.get(scheduledId)?.requestCancel(requestedId);
  }

  private startChild(
    run: ServerRun,
    c: NonNullable<Command['startChildWorkflowExecution']>,
    from: Attributes,
    userMetadata: object | null,
  ): void {
    const { seq, workflowId, workflowType, input, parentClosePolicy, cancellationType } = c;
    if (parentClosePolicy !== 3 || cancellationType !== 2)
      throw new Error(`${workflowId} is a child of a kind that the simulation does not know`);
    const { server } = this;
    const a: Attributes = {
      namespace: 'default',
      workflowId,
      workflowType: { name: workflowType },
      taskQueue: { name: run.queue, kind: 'TASK_QUEUE_KIND_NORMAL' },
      input: payloadsOf(input),
      workflowTaskTimeout: { seconds: 10 },
      parentClosePolicy: 'PARENT_CLOSE_POLICY_REQUEST_CANCEL',
      workflowIdReusePolicy: 'WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE',
      ...from,
    };
    const initiatedId = server.write(run, {
      kind: 'startChildWorkflowExecutionInitiated',
      a,
      userMetadata,
    });
    const entry = { id: workflowId, run: undefined as ServerRun | undefined, startedId: 0 };
    run.children.set(initiatedId, entry);
    run.childEvents.set(seq, initiatedId);
    this.later(() => {
      if (run.state !== 'open') return;
      const about = {
        namespace: 'default',
        initiatedEventId: initiatedId,
        workflowType: { name: workflowType },
      };
      const request = {
        id: workflowId,
        type: workflowType,
        queue: run.queue,
        input: jsonOf(input?.[0]) as object,
      };
      const child = server.start(request, { run, initiatedId });
      if (child === undefined) {
        const cause = 'START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS';
        server.add(run, 'startChildWorkflowExecutionFailed', {
          ...about,
          workflowId,
          cause,
          ...from,
        });
      } else {
        entry.run = child;
        const workflowExecution = { workflowId, runId: child.runId };
        const learn = (id: number): void => {
          entry.startedId = id;
        };
        server.add(
          run,
          'childWorkflowExecutionStarted',
          { ...about, workflowExecution },
          { learn },
        );
      }
      server.scheduleTask(run);
    });
  }

  private tellParent(child: ServerRun, parent: ServerRun, initiatedId: number): void {
    const entry = parent.children.get(initiatedId);
    const about = (): Attributes => ({
      namespace: 'default',
      workflowExecution: { workflowId: child.id, runId: child.runId },
      workflowType: { name: child.type },
      initiatedEventId: initiatedId,
      startedEventId: entry?.startedId ?? 0,
    });
    if (child.state === 'completed') {
      const result = child.events.at(-1)?.a.result ?? { payloads: [] };
      this.server.add(parent, 'childWorkflowExecutionCompleted', () => ({ ...about(), result }));
    } else if (child.state === 'failed') {
      const failure = child.failure ?? {};
      this.server.add(parent, 'childWorkflowExecutionFailed', () => ({
        ...about(),
        failure,
        retryState: 'RETRY_STATE_RETRY_POLICY_NOT_SET',
      }));
    } else this.server.add(parent, 'childWorkflowExecutionCanceled', about);
    this.server.scheduleTask(parent);
  }

  private cancelChild(run: ServerRun, seq: number, from: Attributes): void {
    const { server } = this;
    const entry = run.children.get(run.childEvents.get(seq) ?? 0);
    if (entry === undefined) throw new Error(`${run.id} cancels a child that it never started`);
    const execution = { workflowId: entry.id, runId: entry.run?.runId ?? '' };
    const a = {
      namespace: 'default',
      workflowExecution: execution,
      childWorkflowOnly: true,
      ...from,
    };
    const requestId = server.write(run, {
      kind: 'requestCancelExternalWorkflowExecutionInitiated',
      a,
    });
    this.later(() => {
      if (run.state !== 'open') return;
      const about = {
        namespace: 'default',
        workflowExecution: execution,
        initiatedEventId: requestId,
      };
      const external = {
        externalInitiatedEventId: requestId,
        externalWorkflowExecution: { workflowId: run.id, runId: run.runId },
      };
      const open =
        entry.run?.state === 'open' && server.requestCancel(entry.id, 'history-service', external);
      if (open) server.add(run, 'externalWorkflowExecutionCancelRequested', about);
      else {
        const cause =
          'CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND';
        server.add(run, 'requestCancelExternalWorkflowExecutionFailed', {
          ...about,
          cause,
          ...from,
        });
      }
      server.scheduleTask(run);
    });
  }

  private updateResponse(
    run: ServerRun,
    {
      protocolInstanceId,
      accepted: isAccepted,
      rejected,
      completed,
    }: NonNullable<Command['updateResponse']>,
  ): void {
    const { server } = this;
    const update = run.updates.find((u) => u.protocolInstanceId === protocolInstanceId);
    if (update === undefined) throw new Error(`${run.id} answers an update that nobody sent`);
    const { request, sequencingEventId } = update;
    if (isAccepted) {
      const a = {
        protocolInstanceId,
        acceptedRequestMessageId: `${protocolInstanceId}/request`,
        acceptedRequestSequencingEventId: sequencingEventId,
        acceptedRequest: request,
      };
      run.acceptedUpdates.set(
        protocolInstanceId,
        server.write(run, { kind: 'workflowExecutionUpdateAccepted', a }),
      );
      return;
    }
    const acceptedEventId = run.acceptedUpdates.get(protocolInstanceId);
    if (acceptedEventId === undefined) return;
    const outcome = rejected
      ? { failure: rejected as Failure }
      : { success: payloadsOf(completed ? [completed] : []) };
    const a = { meta: request.meta ?? {}, acceptedEventId, outcome };
    server.write(run, { kind: 'workflowExecutionUpdateCompleted', a });
  }

  /** The core tells the server which patches a run has, so that they can be searched for. */
  private patchAttribute(run: ServerRun, patchId: string, from: Attributes): void {
    run.patches.push(patchId);
    const value = payloadOf([...run.patches].sort());
    const indexedFields = { TemporalChangeVersion: value };
    this.server.write(run, {
      kind: 'upsertWorkflowSearchAttributes',
      a: { searchAttributes: { indexedFields }, ...from },
    });
  }
}
