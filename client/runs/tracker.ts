// Looks at a run and everything inside it: the status that each workflow tells, and the heartbeats that the server
// holds. A workflow without a worker cannot tell; then what the server knows is shown, and that this is so.
import {
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import type { LoadedDataConverter, Payload } from '@temporalio/common';
import { EncryptionKeyProblem } from '../../config/temporal/encryption.ts';
import { WORKFLOWS, type WorkflowName } from '../../domain/names.ts';
import { MESSAGES, type Beat, type RunStatus } from '../../domain/status.ts';
import { isTriedAgain, whyTaskFails } from './failing-task.ts';
import { grpcCodeOf, isOutage, within, type Temporal } from '../temporal/connection.ts';
import { mergeRun, type PendingTask, type RunPieces, type RunView } from './view.ts';
import { isOpen, stateOfStatus } from './list.ts';

/** One look must not take longer than people wait. */
const DESCRIBE_MS = 3_000;
/** A first answer may have to wait for a worker that starts. */
const QUERY_MS = 8_000;
/** Before a single look gives up. */
const PATIENT_LOOKS = 4;
/**
 * What is over is told by a worker that replays its history, a second for a few thousand events: of runs inside that
 * are over, the latest are asked, up to so many events together. The step that waited for one stands for each other.
 */
const REPLAYED_EVENTS_MAX = 1_500;
/** A later answer that takes longer is shown with the next look; heartbeats do not wait for it. */
const PATIENCE_MS = 700;

type Info = WorkflowExecutionDescription;

interface Known {
  status: RunStatus | null;
  tasks: PendingTask[];
  /** The status was asked for after the run had closed: it will not change any more. */
  final: boolean;
  query: Promise<void> | null;
  /** Why the workflow itself told nothing. */
  silent: string | null;
  /** Why its program fails, and the attempt that this was read at: it is asked for once per attempt. */
  failing: { attempt: number; why: string | null };
}

/** Follows one run. Every `look` is cheap enough for twice a second. */
export class RunTracker {
  readonly run: string;
  private readonly temporal: Temporal;
  private readonly now: () => Date;
  private readonly known = new Map<string, Known>();
  private runId: string | undefined;
  /** Runs inside it that the latest look did not ask. */
  private leftOut: string[] = [];

  constructor(temporal: Temporal, run: string, now: () => Date, runId?: string) {
    this.run = run;
    this.temporal = temporal;
    this.now = now;
    this.runId = runId;
  }

  /** Why the run, or one inside it, does not get on at all; null when it does, as far as is known. */
  standsStill(): string | null {
    for (const [id, { failing, final }] of this.known) {
      if (!final && failing.why !== null) return `${id} stands still: ${failing.why}`;
    }
    return null;
  }

  /** Throws the client's error when the server does not answer; what was known stays known. */
  async look(): Promise<RunView> {
    const seen = new Set<string>();
    this.leftOut = [];
    await this.lookAt(this.run, await this.describe(this.run), seen);
    const root = pieces(this.known.get(this.run));
    if (root === null) throw new Error(`${this.run} has no status after a look`);
    const children = new Map<string, RunPieces>();
    for (const [id, known] of this.known) {
      const its = pieces(known);
      if (its !== null && known.silent === null) children.set(id, its);
    }
    const view = mergeRun(root, children);
    for (const [id, { silent, failing }] of this.known) {
      const note = failing.why === null ? silent : standsStillText(failing.why);
      if (note !== null && seen.has(id)) view.notes.push(`${id}: ${note}`);
    }
    if (this.leftOut.length > 0) view.notes.push(leftOutText(this.leftOut));
    return view;
  }

  /** For a single look: a server that has much to do may be late once, and nobody looks again in half a second. */
  async lookPatiently(): Promise<RunView> {
    for (let left = PATIENT_LOOKS; ; left -= 1) {
      try {
        return await this.look();
      } catch (err) {
        if (left <= 1 || !isOutage(err)) throw err;
      }
    }
  }

  private async lookAt(id: string, info: Info | null, seen: Set<string>): Promise<void> {
    if (seen.has(id)) return;
    seen.add(id);
    const known = this.known.get(id) ?? blank();
    await this.refresh(id, known, info);
    const inside = (known.status?.children ?? []).filter((child) => !seen.has(child));
    const infos = await Promise.all(
      inside.map(async (child): Promise<[string, Info | null]> => {
        const isKnown = this.known.get(child)?.final === true;
        return [child, isKnown ? null : await this.describe(child)];
      }),
    );
    const asked = this.worthAsking(infos);
    this.leftOut.push(...infos.filter((one) => !asked.includes(one)).map(([child]) => child));
    await Promise.all(asked.map(([child, its]) => this.lookAt(child, its, seen)));
  }

  private worthAsking(infos: readonly [string, Info | null][]): readonly [string, Info | null][] {
    let events = 0;
    return infos.toReversed().filter(([id, info]) => {
      if (info === null || isOpen(info) || this.known.has(id)) return true;
      events += info.historyLength;
      return events <= REPLAYED_EVENTS_MAX;
    });
  }

  private async refresh(id: string, known: Known, info: Info | null): Promise<void> {
    if (known.final) return;
    if (info === null) {
      if (id === this.run) throw new WorkflowNotFoundError('not found', id, this.runId);
      return;
    }
    if (id === this.run) this.runId ??= info.runId;
    this.known.set(id, known);
    // Awaited last: a slow worker must not delay the heartbeats.
    if (isOpen(info)) this.ask(id, known);
    known.tasks = await pendingTasks(info, this.now(), this.temporal.client);
    if (!isOpen(info)) {
      known.failing = blank().failing;
      // An answer that is still under way may be from before the end.
      await settled(known.query);
      this.ask(id, known);
      await settled(known.query);
      known.final = known.silent === null;
      known.status = closedStatus(known.status ?? bareStatus(info), info);
      return;
    }
    await this.readFailing(info, known);
    if (known.failing.why !== null) {
      // It cannot answer, and the question would wait as long as the task does.
      known.status ??= bareStatus(info);
      return;
    }
    const patience = known.status === null ? QUERY_MS + 1000 : PATIENCE_MS;
    await atMost(patience, known.query);
    known.status ??= bareStatus(info);
  }

  private async readFailing(info: Info, known: Known): Promise<void> {
    const attempt = info.raw.pendingWorkflowTask?.attempt ?? 1;
    if (attempt === known.failing.attempt) return;
    const why = isTriedAgain(info)
      ? await whyTaskFails(this.temporal, info.workflowId).catch(unreadable)
      : null;
    known.failing = { attempt, why };
  }

  private ask(id: string, known: Known): void {
    known.query ??= this.query(id)
      .then((status) => {
        known.status = status;
        known.silent = null;
      })
      .catch((err: unknown) => {
        known.silent = silence(err);
      })
      .finally(() => {
        known.query = null;
      });
  }

  private query(id: string): Promise<RunStatus> {
    const { connection, client } = this.temporal;
    const handle = client.workflow.getHandle(id, id === this.run ? this.runId : undefined);
    return within(connection, QUERY_MS, () => handle.query<RunStatus>(MESSAGES.status));
  }

  private async describe(id: string): Promise<Info | null> {
    const { connection, client } = this.temporal;
    const handle = client.workflow.getHandle(id, id === this.run ? this.runId : undefined);
    try {
      return await within(connection, DESCRIBE_MS, () => handle.describe());
    } catch (err) {
      // A child that is about to start, or one whose record is past its retention.
      if (err instanceof WorkflowNotFoundError) return null;
      throw err;
    }
  }
}

const leftOutText = ([id, ...more]: readonly string[]): string =>
  (more.length === 0
    ? 'one run inside it that is over was'
    : `${more.length + 1} runs inside it that are over were`) +
  ` not looked into; watari run show ${id ?? ''}`;

const settled = (query: Promise<void> | null): Promise<void> => query ?? Promise.resolve();

/** Waits for `deed`, but not longer; leaves no timer that would keep the process alive. */
async function atMost(ms: number, deed: Promise<void> | null): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([deed, patience]);
  clearTimeout(timer);
}

const blank = (): Known => ({
  status: null,
  tasks: [],
  final: false,
  query: null,
  silent: null,
  failing: { attempt: 1, why: null },
});

/** What fails is encrypted with a key that we lack: then that is what there is to say. */
function unreadable(err: unknown): string {
  if (err instanceof EncryptionKeyProblem) return err.message;
  throw err;
}

const standsStillText = (why: string): string =>
  `its program fails and is tried again and again: ${why}; shown is what the server knows`;

const pieces = (known: Known | undefined): RunPieces | null =>
  known?.status == null ? null : { status: known.status, tasks: known.tasks };

/** What a failed query means for the reader. The server tells some of the cases apart by words only (not localised). */
function silence(err: unknown): string {
  if (err instanceof EncryptionKeyProblem) return `its status cannot be read: ${err.message}`;
  const told = err instanceof Error && err.cause instanceof Error ? err.cause.message : '';
  if (/workflow task in failed state/i.test(told)) {
    return standsStillText("the workers' logs say why");
  }
  if (err instanceof Error && err.message.includes('TMPRL1100')) {
    return 'the worker that was asked is of another version of watari than the one that brought it here, and cannot tell; shown is what the server knows';
  }
  if (isOutage(err) || grpcCodeOf(err) === FAILED_PRECONDITION) {
    return 'no worker answers for it; shown is what the server knows';
  }
  return `its status cannot be read (${told || String(err)})`;
}

/** "No poller seen for task queue recently". */
const FAILED_PRECONDITION = 9;

/** What the server's own record tells about a run whose workflow cannot be asked. */
function bareStatus(info: Info): RunStatus {
  const { startedBy: by, reason } = info.memo ?? {};
  return {
    run: info.workflowId,
    runId: info.runId,
    workflow: workflowName(info.type),
    state: stateOfStatus(info.status.name, false),
    waitingFor: null,
    startedAt: info.startTime.toISOString(),
    endedAt: info.closeTime?.toISOString() ?? null,
    startedBy: typeof by === 'string' ? by : 'unknown',
    ...(typeof reason === 'string' ? { reason } : {}),
    title: info.workflowId,
    steps: [],
    children: [],
  };
}

/** Terminated and timed-out workflows had no chance to say so themselves. */
function closedStatus(status: RunStatus, info: Info): RunStatus {
  return {
    ...status,
    state: stateOfStatus(info.status.name, false),
    waitingFor: null,
    endedAt: status.endedAt ?? info.closeTime?.toISOString() ?? null,
  };
}

const workflowName = (type: string): WorkflowName =>
  WORKFLOWS.find((w) => w === type) ?? (type as WorkflowName);

function pendingTasks(info: Info, now: Date, { options }: Client): Promise<PendingTask[]> {
  const pending = (info.raw.pendingActivities ?? []).map(async (a): Promise<PendingTask> => {
    const since = millis(a.scheduledTime);
    return {
      type: a.activityType?.name ?? 'unknown',
      queue: a.activityOptions?.taskQueue?.name ?? null,
      scheduled: a.state === PENDING_SCHEDULED,
      attempt: a.attempt ?? 1,
      ageMs: since === null ? null : now.getTime() - since,
      beat: await decodeBeat(a.heartbeatDetails?.payloads?.[0], options.loadedDataConverter),
    };
  });
  return Promise.all(pending);
}

/** PENDING_ACTIVITY_STATE_SCHEDULED of the API. */
const PENDING_SCHEDULED = 1;

/** Seconds come as a 64-bit object; milliseconds of our times fit a number. */
interface Timestamp {
  seconds?: { toNumber(): number } | null;
  nanos?: number | null;
}

function millis(t: Timestamp | null | undefined): number | null {
  return t?.seconds == null ? null : t.seconds.toNumber() * 1000 + (t.nanos ?? 0) / 1e6;
}

/** Heartbeats of other programs' activities, or of another version of ours, are not ours to interpret. */
async function decodeBeat(
  payload: Payload | undefined,
  { payloadConverter, payloadCodecs }: LoadedDataConverter,
): Promise<Beat | null> {
  if (payload === undefined) return null;
  try {
    let decoded = [payload];
    // The server holds it as the worker wrote it; the SDK decodes what it returns itself, and this it does not.
    for (const codec of payloadCodecs.toReversed()) decoded = await codec.decode(decoded);
    const [plain] = decoded;
    const beat: unknown = plain === undefined ? null : payloadConverter.fromPayload(plain);
    return isBeat(beat) ? beat : null;
  } catch {
    return null;
  }
}

const isBeat = (x: unknown): x is Beat =>
  typeof x === 'object' &&
  x !== null &&
  'step' in x &&
  typeof x.step === 'string' &&
  'phase' in x &&
  'percent' in x &&
  'etaSeconds' in x &&
  'waitingFor' in x;
