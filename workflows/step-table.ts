// What a run tells of itself: its steps in their order, how each of them stands, and what it waits for. The step engine
// writes it; the `status` query, the client and the Temporal UI read it. Decides nothing and asks nobody for anything.
import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { boundedEvidence, DECISIONS_KEPT } from '../domain/bounded.ts';
import type { Decision, RunStatus, StepStatus } from '../domain/status.ts';
import { detailsMarkdown } from './details.ts';

export interface StepSpec {
  id: string;
  title: string;
  /** May a person skip it: only where the rest still makes sense without it. */
  skippable?: boolean;
}

const now = (): string => new Date(Date.now()).toISOString();

export class StepTable {
  readonly status: RunStatus;

  constructor(run: Pick<RunStatus, 'workflow' | 'startedBy' | 'reason' | 'title'>) {
    const { workflowId, runId, startTime } = workflowInfo();
    this.status = {
      run: workflowId,
      runId,
      workflow: run.workflow,
      state: 'running',
      waitingFor: null,
      startedAt: startTime.toISOString(),
      endedAt: null,
      startedBy: run.startedBy,
      ...(run.reason === undefined ? {} : { reason: run.reason }),
      title: run.title,
      steps: [],
      children: [],
    };
  }

  step(id: string): StepStatus | undefined {
    return this.status.steps.find((s) => s.id === id);
  }

  /** The step of this id; a new one is pending. */
  add(spec: StepSpec): StepStatus {
    const known = this.step(spec.id);
    if (known !== undefined) return known;
    const step: StepStatus = {
      id: spec.id,
      title: spec.title,
      state: 'pending',
      attempt: 0,
      startedAt: null,
      endedAt: null,
      waitingFor: null,
      skippable: spec.skippable ?? false,
      progress: null,
      failure: null,
      evidence: {},
      child: null,
    };
    this.status.steps.push(step);
    return step;
  }

  enter(step: StepStatus, state: 'running' | 'waiting' | 'needs-operator'): void {
    step.state = state;
    step.startedAt ??= now();
    // A later step may have gone back to this one.
    step.endedAt = null;
    if (state === 'running') step.waitingFor = null;
    this.show();
  }

  leave(step: StepStatus, state: 'succeeded' | 'skipped' | 'failed'): void {
    step.state = state;
    step.endedAt = now();
    step.waitingFor = null;
    if (state === 'succeeded') step.failure = null;
    this.show();
  }

  /** What a step's body may say about it. */
  notes(step: StepStatus) {
    return {
      evidence: (part: Record<string, unknown>): void => {
        for (const [key, value] of Object.entries(part)) {
          step.evidence[key] = boundedEvidence(value);
        }
        this.show();
      },
      waitingFor: (what: string | null): void => {
        step.waitingFor = what;
        this.show();
      },
      child: (run: string): void => {
        step.child = run;
        if (!this.status.children.includes(run)) this.status.children.push(run);
        this.show();
      },
    };
  }

  /** When it is made and not when the step takes it: what comes in between must not lose who decided what. */
  record(decision: Decision): void {
    const evidence = this.step(decision.step)?.evidence ?? {};
    const made = (evidence['decisions'] ?? []) as unknown[];
    evidence['decisions'] = [...made, { ...decision, at: now() }].slice(-DECISIONS_KEPT);
  }

  show(): void {
    const { status } = this;
    if (status.endedAt !== null) return;
    const needy = status.steps.filter((s) => s.state === 'needs-operator');
    const waits = [...needy, ...status.steps].find((s) => s.waitingFor !== null);
    status.state = needy.length > 0 ? 'needs-operator' : 'running';
    status.waitingFor = waits === undefined ? null : `${waits.id}: ${waits.waitingFor ?? ''}`;
    setCurrentDetails(detailsMarkdown(status));
  }

  end(state: 'succeeded' | 'failed' | 'cancelled'): void {
    Object.assign(this.status, { state, endedAt: now(), waitingFor: null });
    setCurrentDetails(detailsMarkdown(this.status));
  }
}
