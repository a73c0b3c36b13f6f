// doctor: looks at the cluster and lets every node examine itself, all at once, and says what would not work. Changes
// nothing. A node that does not answer is a finding after a bounded wait, never a hang, and nobody is asked anything.
import { isCancellation } from '@temporalio/workflow';
import type { ExamRequest } from '../activities/examine.ts';
import { diagnose, type DoctorReport } from '../domain/doctor/diagnose.ts';
import { NODE_PORTS, toldView, type NodeExam, type Part } from '../domain/doctor/view.ts';
import type { ClusterView } from '../domain/facts.ts';
import { failureRow, isFailureCode } from '../domain/failures.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import type { DoctorInput } from '../domain/spec.ts';
import { Calls } from './calls.ts';
import { checkInput } from './check-input.ts';
import { failureOf } from './failure-of.ts';
import { Run } from './run.ts';
import { filesToAsk } from './snapshot.ts';

/** A worker that is just starting, or busy, still counts; a person who waits at a terminal does not wait longer. */
const TAKE_SECONDS = 45;
/** A node that is down for the cluster, and that nobody named: most likely it has no worker at all. */
const DOWN_SECONDS = 5;
/** Signing in to a peer that is silent takes tens of seconds; many VMs on a busy host as long. */
const EXAM_SECONDS = 90;
const LOOK_SECONDS = 20;
const DAY_MS = 24 * 60 * 60 * 1000;

export async function doctor(input: DoctorInput): Promise<DoctorReport> {
  checkInput('doctor', input);
  const calls = new Calls(input.cluster, input.budgets);
  const run = new Run({
    workflow: 'doctor',
    lock: runId.doctor(input.cluster),
    title: `Examine cluster ${input.cluster}`,
    cluster: input.cluster,
    startedBy: input.startedBy,
    retrySeconds: calls.budgets.retrySeconds,
  });
  return run.conduct(() => new Round(run, calls, input).report());
}

class Round {
  private readonly run: Run;
  private readonly calls: Calls;
  private readonly input: DoctorInput;
  private readonly nodes = new Map<string, Part<NodeExam>>();
  private readonly since = new Date(Date.now() - DAY_MS).toISOString();

  constructor(run: Run, calls: Calls, input: DoctorInput) {
    this.run = run;
    this.calls = calls;
    this.input = input;
  }

  async report(): Promise<DoctorReport> {
    const { cluster, wanted = null, startedBy } = this.input;
    let view = await this.lookAtCluster();
    await this.examine(view);
    const told = toldView(view, this.nodes.values());
    if (told !== view) {
      view = told;
      await this.examine(view);
    }
    const takenAt = new Date(Date.now()).toISOString();
    const nodes = Object.fromEntries(this.nodes);
    return diagnose(
      { cluster, view, nodes, wanted },
      { run: runId.doctor(cluster), startedBy, takenAt },
    );
  }

  private lookAtCluster(): Promise<Part<ClusterView>> {
    const { cluster } = this.input;
    const title = `Look at cluster ${cluster}`;
    return this.step({ id: stepId.cluster('look'), title, node: null }, () =>
      this.calls
        .onCluster({
          summary: title,
          seconds: LOOK_SECONDS,
          takeWithinSeconds: Math.min(this.calls.budgets.answerSeconds, LOOK_SECONDS),
          allWithinSeconds: LOOK_SECONDS,
        })
        .viewCluster(),
    );
  }

  /** Every node that is known by now and was not examined yet. */
  private async examine(view: Part<ClusterView>): Promise<void> {
    const members = 'facts' in view ? view.facts.nodes : [];
    const { nodes = [], unserved = [], wanted } = this.input;
    const named = [...nodes, ...unserved, ...(wanted?.nodes ?? [])];
    const all = members.map((n) => n.name);
    // Written as the cluster writes them, where it knows them.
    for (const name of named) if (!has(all, name)) all.push(name);
    const fresh = all.filter((name) => !has([...this.nodes.keys()], name));
    this.run.expect(fresh.map((name) => ({ id: idOf(name), title: titleOf(name) })));
    const exams = await Promise.all(
      fresh.map(async (name): Promise<[string, Part<NodeExam>]> => {
        const down = members.some((n) => sameName(n.name, name) && n.state === 'Down');
        const patience = down && !has(named, name) ? DOWN_SECONDS : TAKE_SECONDS;
        const peers = all.filter((other) => !sameName(other, name));
        const asked = this.requestFor(peers, all.indexOf(name), 'noAnswer' in view);
        return [name, await this.examineNode(name, asked, patience)];
      }),
    );
    for (const [name, exam] of exams) this.nodes.set(name, exam);
  }

  private requestFor(peers: string[], nth: number, cluster: boolean): ExamRequest {
    const files = this.input.wanted?.virtualMachines.map((vm) => vm.vhd) ?? [];
    return {
      peers,
      ports: Object.values(NODE_PORTS),
      files: filesToAsk(files, nth),
      since: this.since,
      ...(cluster ? { cluster } : {}),
    };
  }

  private examineNode(
    node: string,
    request: ExamRequest,
    patienceSeconds: number,
  ): Promise<Part<NodeExam>> {
    const takeSeconds = Math.min(this.calls.budgets.answerSeconds, patienceSeconds);
    return this.step({ id: idOf(node), title: titleOf(node), node }, () => {
      if (has(this.input.unserved ?? [], node)) {
        const message = `no worker of ${node} is running: nobody asks for its work`;
        return Promise.resolve({ noAnswer: { code: 'NodeNotServed', message } });
      }
      return this.calls
        .onNode(node, {
          summary: titleOf(node),
          seconds: EXAM_SECONDS,
          takeWithinSeconds: takeSeconds,
          allWithinSeconds: takeSeconds + EXAM_SECONDS,
        })
        .examineNode(request);
    });
  }

  /** A step that never fails the run and never asks anybody: what went wrong is a part of the picture. */
  private async step<T extends object>(
    { id, title, node }: { id: string; title: string; node: string | null },
    ask: () => Promise<T | { noAnswer: { code: string; message: string } }>,
  ): Promise<Part<T>> {
    const part = await this.run.step({ id, title }, async (context): Promise<Part<T>> => {
      if (node !== null) context.evidence({ node });
      try {
        const answer = await ask();
        return 'noAnswer' in answer ? answer : { facts: answer };
      } catch (err) {
        const failure = isCancellation(err) ? undefined : failureOf(err);
        if (failure === undefined) throw err;
        return { noAnswer: { code: failure.code, message: failure.message } };
      }
    });
    if (part === undefined) throw new Error(`${id} was skipped, and nobody could have`);
    if ('noAnswer' in part) this.markFailed(id, part.noAnswer);
    return part;
  }

  private markFailed(id: string, { code, message }: { code: string; message: string }): void {
    const step = this.run.status.steps.find((s) => s.id === id);
    if (step === undefined) return;
    step.state = 'failed';
    step.failure = { code, message, hint: isFailureCode(code) ? failureRow(code).hint : '' };
  }
}

const has = (names: readonly string[], name: string): boolean =>
  names.some((known) => sameName(known, name));
const idOf = (node: string): string => stepId.node(node, 'examine');
const titleOf = (node: string): string => `Examine ${node}`;
