// One picture of a run and the runs inside it: statuses, heartbeats and waiting tasks put together. Pure; where the
// pieces come from is status.ts.
import type { Beat, RunStatus, StepStatus } from '../../domain/status.ts';

/** A step and the run that decides about it: `retry` of a child's step goes to the child. */
export interface StepView extends StepStatus {
  run: string;
}

/** RunStatus with the steps of child runs in the place of the step that started them; the shape of `--json`. */
export interface RunView extends RunStatus {
  steps: StepView[];
  /** What no step says: a task that no worker takes, a status that cannot be read. */
  notes: string[];
}

export interface PendingTask {
  type: string;
  queue: string | null;
  /** Not yet picked up by a worker. */
  scheduled: boolean;
  attempt: number;
  /** Milliseconds since it was (last) put on the queue. */
  ageMs: number | null;
  beat: Beat | null;
}

/** A task is normally taken within 10 ms; after this long the reader should know. */
const UNCLAIMED_AFTER_MS = 5_000;

/** What is known of one run: the last status that it gave and the tasks that the server holds for it. */
export interface RunPieces {
  status: RunStatus;
  tasks: PendingTask[];
}

export function mergeRun(root: RunPieces, children: ReadonlyMap<string, RunPieces>): RunView {
  const notes: string[] = [];
  return { ...root.status, steps: stepsOf(root, children, new Set(), notes), notes };
}

function stepsOf(
  pieces: RunPieces,
  children: ReadonlyMap<string, RunPieces>,
  above: Set<string>,
  notes: string[],
): StepView[] {
  const { status, tasks } = pieces;
  // A step that says what it waits for has said it better.
  const told = status.steps.some((s) => s.state === 'running' && s.waitingFor !== null);
  if (!told) notes.push(...unclaimed(tasks));
  const inside = new Set([...above, status.run]);
  return status.steps.flatMap((step) => {
    const own: StepView = { ...withBeat(step, tasks), run: status.run };
    const child =
      step.child === null || inside.has(step.child) ? undefined : children.get(step.child);
    if (child === undefined) return [own];
    const theirs = stepsOf(child, children, inside, notes);
    // A parent's step that waits for a person, failed or was decided about has something to say that its child does
    // not.
    const speaks = own.state === 'needs-operator' || own.state === 'failed';
    return speaks || own.evidence['decisions'] !== undefined ? [...theirs, own] : theirs;
  });
}

function withBeat(step: StepStatus, tasks: readonly PendingTask[]): StepStatus {
  if (step.state !== 'running' && step.state !== 'waiting') return step;
  const beat = tasks.find((t) => t.beat?.step === step.id)?.beat;
  if (beat === undefined || beat === null) return step;
  const { phase, percent, etaSeconds } = beat;
  return {
    ...step,
    progress: { phase, percent, etaSeconds },
    waitingFor: beat.waitingFor ?? step.waitingFor,
  };
}

function unclaimed(tasks: readonly PendingTask[]): string[] {
  return tasks
    .filter((t) => t.scheduled && t.attempt <= 1 && (t.ageMs ?? 0) > UNCLAIMED_AFTER_MS)
    .map((t) => {
      const queue = t.queue === null ? '' : ` (queue ${t.queue})`;
      return `no worker has taken the task ${t.type} yet${queue}`;
    });
}

/** Steps that wait for a person, children's included. */
export const needingOperator = (view: RunView): StepView[] =>
  view.steps.filter((s) => s.state === 'needs-operator');

/** A run that waits for a person anywhere inside says so, whatever its own state is. */
export function stateOf(view: RunView): RunStatus['state'] {
  return view.state === 'running' && needingOperator(view).length > 0
    ? 'needs-operator'
    : view.state;
}

export const isOver = (view: RunStatus): boolean =>
  view.state === 'succeeded' || view.state === 'failed' || view.state === 'cancelled';
