// Runs the real, bundled workflow code without a server: the SDK's own sandbox, fed with activations that are made from
// a history. A run can be thrown away at any moment and is rebuilt from its history, as after a worker's death.
import fs from 'node:fs';
import proto, { type coresdk } from '@temporalio/proto';
import { msToTs } from '@temporalio/common/lib/time.js';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js';
import { globalHandlers } from '@temporalio/worker/lib/workflow/vm-shared.js';
import type { Workflow } from '@temporalio/worker/lib/workflow/interface.js';
import type { WorkflowInfo } from '@temporalio/workflow';
import type { RunStatus } from '../../../domain/status.ts';
import { JobMaker, type Job, type PendingUpdate } from './activations.ts';
import { matchCommands, withoutUnsent, type Command } from './commands.ts';
import {
  isCommandEvent,
  jsonOf,
  type Execution,
  type HistoryEvent,
  type Payloads,
} from './history.ts';

const { WorkflowActivation } = proto.coresdk.workflow_activation;

/** A limit on each run of the code would start a thread for it, which costs more than the run. */
const NO_LIMIT = undefined as never;

const CLOSED = /^workflowExecution(Completed|Failed|Canceled|ContinuedAsNew)$/;

export interface TaskResult {
  commands: Command[];
  /** SDK flags used, which the history remembers. */
  flags: number[];
}

/** Workflow code threw something that is no failure of the run: the task would be tried again for ever. */
export class TaskFailed extends Error {}

export class WorkflowHost {
  private readonly creator: ReusableVMWorkflowCreator;

  private constructor(creator: ReusableVMWorkflowCreator) {
    this.creator = creator;
  }

  /** Compiles the bundle once; every run gets a context of its own out of it. */
  static async load(bundle: string): Promise<WorkflowHost> {
    const code = fs.readFileSync(bundle, 'utf8');
    const sourceMap = { version: '3', sources: [], names: [], mappings: '', file: bundle };
    const loaded = { code, sourceMap: sourceMap as never, filename: bundle };
    const creator = await ReusableVMWorkflowCreator.create(loaded, NO_LIMIT, new Set());
    // They trace every promise of the process, for stack-trace queries that nobody makes here.
    globalHandlers.uninstall();
    return new WorkflowHost(creator);
  }

  open(
    started: HistoryEvent,
    run: Required<Execution>,
    strictness?: 'arguments' | 'types',
  ): CachedRun {
    return new CachedRun(this.creator, started, run, strictness);
  }

  async close(): Promise<void> {
    await this.creator.destroy();
  }
}

/** One run in memory. */
export class CachedRun {
  private readonly creator: ReusableVMWorkflowCreator;
  private readonly started: HistoryEvent;
  private readonly run: Required<Execution>;
  private readonly maker: JobMaker;
  private vm: Workflow | undefined;
  /** So many events have been told to the code. */
  private told = 0;
  /** What the code wanted last: the next events must say so. */
  private wanted: Command[] = [];

  private readonly strictness: 'arguments' | 'types';

  constructor(
    creator: ReusableVMWorkflowCreator,
    started: HistoryEvent,
    run: Required<Execution>,
    strictness: 'arguments' | 'types' = 'arguments',
  ) {
    this.strictness = strictness;
    this.creator = creator;
    this.started = started;
    this.run = run;
    this.maker = new JobMaker(run.workflowId);
  }

  /**
   * Tells the code everything that completed workflow tasks of the history have told it before.
   * @param afterTask called after each of them
   */
  async replay(events: HistoryEvent[], afterTask: () => void = () => undefined): Promise<void> {
    for (const [i, event] of events.entries()) {
      const completed = events[i + 1];
      if (event.kind !== 'workflowTaskStarted' || completed?.kind !== 'workflowTaskCompleted')
        continue;
      if (i < this.told) continue;
      const { updates, patches } = lookAhead(events, i + 2);
      const flags = completed.a.sdkMetadata?.langUsedFlags ?? [];
      const moment = { at: event.at, length: event.id, replaying: true, flags };
      await this.tell(events.slice(0, i + 1), updates, patches, moment);
      afterTask();
    }
    // Of a run that has ended no further task compares the last commands.
    if (CLOSED.test(events.at(-1)?.kind ?? '')) this.checkWanted(events.slice(this.told));
  }

  /** One workflow task: everything new, and what the code wants to be done about it. */
  async task(events: HistoryEvent[], updates: PendingUpdate[], at: number): Promise<TaskResult> {
    const moment = { at, length: events.length + 2, replaying: false, flags: [] };
    const flags = await this.tell(events, updates, [], moment);
    return { commands: this.wanted, flags };
  }

  /** As the `status` query would answer; only to be read. */
  status(): RunStatus | undefined {
    return this.activator?.queryHandlers.get('status')?.handler() as RunStatus | undefined;
  }

  async query(type: string): Promise<unknown> {
    const jobs = [{ queryWorkflow: { queryId: '1', queryType: type } }];
    const asked = WorkflowActivation.fromObject({ runId: this.run.runId, jobs });
    const completion = await this.vm?.activate(asked);
    const [answer] = (completion?.successful?.commands ?? []) as {
      respondToQuery?: { succeeded?: { response: { data: Uint8Array } } };
    }[];
    const data = answer?.respondToQuery?.succeeded?.response.data;
    if (data === undefined)
      throw new Error(`${this.run.workflowId} did not answer the query ${type}`);
    return JSON.parse(Buffer.from(data).toString('utf8'));
  }

  async dispose(): Promise<void> {
    await this.vm?.dispose();
    this.vm = undefined;
  }

  private get activator():
    | {
        queryHandlers: Map<string, { handler: () => unknown }>;
        getAndResetSinkCalls: () => unknown;
      }
    | undefined {
    return (this.vm as { activator?: never } | undefined)?.activator;
  }

  private checkWanted(fresh: HistoryEvent[]): void {
    const recorded = fresh.filter(isCommandEvent);
    const learn = (event: HistoryEvent, seq: number): void => {
      this.maker.learn(event, seq);
    };
    matchCommands(this.wanted, recorded, learn, this.strictness);
    this.wanted = [];
  }

  private async tell(
    events: HistoryEvent[],
    updates: PendingUpdate[],
    patches: string[],
    moment: { at: number; length: number; replaying: boolean; flags: number[] },
  ): Promise<number[]> {
    const fresh = events.slice(this.told);
    this.told = events.length;
    this.checkWanted(fresh);
    const used: number[] = [];
    let jobs = this.maker.jobs(
      fresh.filter((e) => !isCommandEvent(e)),
      updates,
      patches,
      moment.replaying,
    );
    while (jobs.length > 0) {
      const { commands, flags } = await this.activate(jobs, moment);
      used.push(...flags);
      const { commands: sent, unsent } = withoutUnsent([...this.wanted, ...commands]);
      this.wanted = sent;
      jobs = unsent.map((command) => this.maker.cancelledUnsent(unsentOf(command)));
    }
    return [...new Set(used)];
  }

  private async activate(
    jobs: Job[],
    {
      at,
      length,
      replaying,
      flags,
    }: { at: number; length: number; replaying: boolean; flags: number[] },
  ): Promise<TaskResult> {
    this.vm ??= await this.creator.createWorkflow({
      info: infoOf(this.started, this.run, at),
      randomnessSeed: [1, 0, 0, 0, 0, 0, 0, 0],
      now: at,
      showStackTraceSources: false,
    });
    const activation = {
      runId: this.run.runId,
      timestamp: msToTs(at),
      isReplaying: replaying,
      historyLength: length,
      availableInternalFlags: flags,
      jobs,
    } as coresdk.workflow_activation.IWorkflowActivation;
    const completion = await this.vm.activate(activation);
    this.activator?.getAndResetSinkCalls();
    const { successful, failed } = completion;
    if (successful == null)
      throw new TaskFailed(
        `${this.run.workflowId}: workflow code failed its task: ` +
          `${failed?.failure?.message ?? 'nothing was said'}\n${failed?.failure?.stackTrace ?? ''}`,
      );
    return {
      commands: (successful.commands ?? []) as Command[],
      flags: successful.usedInternalFlags ?? [],
    };
  }
}

/** Updates and patches that the commands of a completed task show: its activation must bring them. */
function lookAhead(
  events: HistoryEvent[],
  from: number,
): { updates: PendingUpdate[]; patches: string[] } {
  const updates: PendingUpdate[] = [];
  const patches: string[] = [];
  for (const event of events.slice(from)) {
    if (event.kind.startsWith('workflowTask')) break;
    const { a } = event;
    if (event.kind === 'workflowExecutionUpdateAccepted')
      updates.push({
        protocolInstanceId: a.protocolInstanceId ?? '',
        sequencingEventId: a.acceptedRequestSequencingEventId ?? 0,
        request: a.acceptedRequest ?? {},
      });
    if (event.kind === 'markerRecorded' && a.markerName === 'core_patch') {
      const [data] =
        (a.details as Record<string, Payloads> | undefined)?.['patch-data']?.payloads ?? [];
      patches.push((jsonOf(data) as { id: string }).id);
    }
  }
  return { updates, patches };
}

const unsentOf = (command: Command): Parameters<JobMaker['cancelledUnsent']>[0] =>
  command.scheduleActivity !== undefined
    ? { scheduleActivity: command.scheduleActivity }
    : command.startChildWorkflowExecution !== undefined
      ? { startChild: command.startChildWorkflowExecution }
      : {};

function infoOf(
  { a, at: startedAt }: HistoryEvent,
  run: Required<Execution>,
  at: number,
): WorkflowInfo {
  const parent = a.parentWorkflowExecution;
  const info = {
    workflowId: run.workflowId,
    runId: run.runId,
    workflowType: a.workflowType?.name ?? '',
    searchAttributes: {},
    typedSearchAttributes: undefined as never,
    taskQueue: (a['taskQueue'] as { name?: string } | undefined)?.name ?? '',
    namespace: 'default',
    firstExecutionRunId: a.firstExecutionRunId ?? run.runId,
    originalExecutionRunId: a.originalExecutionRunId ?? run.runId,
    startTime: new Date(startedAt),
    runStartTime: new Date(at),
    taskTimeoutMs: 10_000,
    attempt: 1,
    historyLength: 0,
    historySize: 0,
    continueAsNewSuggested: false,
    targetWorkerDeploymentVersionChanged: false,
    suggestedContinueAsNewReasons: [],
    currentBuildId: '',
    unsafe: {
      now: () => at,
      isReplaying: false,
      isReplayingHistoryEvents: false,
      random: undefined as never,
    },
    ...(parent == null
      ? {}
      : {
          parent: {
            workflowId: parent.workflowId ?? '',
            runId: parent.runId ?? '',
            namespace: 'default',
          },
        }),
  };
  return info;
}
