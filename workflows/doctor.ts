// doctor: looks at the cluster and lets every node examine itself, all at once, and says what would not work. Changes
// nothing. A node that does not answer is a finding after a bounded wait, never a hang, and nobody is asked anything.
import { isCancellation, patched } from '@temporalio/workflow';
import type { ExamRequest } from '../activities/examine.ts';
import { diagnose, type DoctorReport } from '../domain/doctor/diagnose.ts';
import { planSignIns, type SignIn } from '../domain/doctor/sign-ins.ts';
import {
  NODE_PORTS,
  toldView,
  withSignIns,
  type NodeExam,
  type Part,
} from '../domain/doctor/view.ts';
import type { ClusterView, NoAnswer, PeerFacts } from '../domain/facts.ts';
import { failureRow, isFailureCode } from '../domain/failures.ts';
import { includesName, runId, sameName, stepId } from '../domain/names.ts';
import type { DoctorInput } from '../domain/spec.ts';
import type { StorageView } from '../domain/storage-gate.ts';
import { conduct, type Job } from './conduct.ts';
import { failureOf } from './failure-of.ts';
import type { NeededStep, Run, StepContext } from './run.ts';
import { filesToAsk } from './snapshot.ts';

/** A worker that is just starting, or busy, still counts; a person who waits at a terminal does not wait longer. */
const TAKE_SECONDS = 45;
/** A node that is down for the cluster, and that nobody named: most likely it has no worker at all. */
const DOWN_SECONDS = 5;
/** Many VMs on a busy host take tens of seconds. */
const EXAM_SECONDS = 90;
/** The shell's own limit of a reading, and a little more. */
const SIGN_IN_SECONDS = 75;
const LOOK_SECONDS = 20;
const DAY_MS = 24 * 60 * 60 * 1000;

export async function doctor(input: DoctorInput): Promise<DoctorReport> {
  return conduct('doctor', input, examineCluster, ({ cluster, budgets }) => ({
    lock: runId.doctor(cluster),
    title: `Examine cluster ${cluster}`,
    cluster,
    budgets,
  }));
}

/** A round through the cluster. */
interface Round extends Job<DoctorInput> {
  readonly since: string;
  readonly exams: Map<string, Part<NodeExam>>;
}

async function examineCluster(job: Job<DoctorInput>): Promise<DoctorReport> {
  const since = new Date(Date.now() - DAY_MS).toISOString();
  const round: Round = { ...job, since, exams: new Map() };
  const { cluster, wanted = null, startedBy } = job.input;
  let view = await lookAtCluster(job);
  await examineNodes(round, view);
  const told = toldView(view, round.exams.values());
  if (told !== view) {
    view = told;
    await examineNodes(round, view);
  }
  const clusterStorage = patched('storage-of-the-cluster') ? await lookAtStorage(job) : undefined;
  if (patched('one-sign-in-for-each-node')) await signInEverywhere(round, view);
  const takenAt = new Date(Date.now()).toISOString();
  const nodes = Object.fromEntries(round.exams);
  return diagnose(
    { cluster, view, nodes, wanted, ...(clusterStorage && { clusterStorage }) },
    { run: runId.doctor(cluster), startedBy, takenAt },
  );
}

function lookAtCluster({ run, calls }: Job<DoctorInput>): Promise<Part<ClusterView>> {
  const title = `Look at cluster ${calls.cluster}`;
  return ask(run, { id: stepId.cluster('look'), title }, () =>
    calls
      .onCluster({
        summary: title,
        seconds: LOOK_SECONDS,
        takeWithinSeconds: Math.min(calls.budgets.answerSeconds, LOOK_SECONDS),
        allWithinSeconds: LOOK_SECONDS,
      })
      .viewCluster(),
  );
}

function lookAtStorage({ run, calls }: Job<DoctorInput>): Promise<Part<StorageView>> {
  const title = `Look at the storage of ${calls.cluster}`;
  const limits = { seconds: LOOK_SECONDS, allWithinSeconds: LOOK_SECONDS };
  return ask(run, { id: stepId.cluster('storage'), title }, () =>
    calls.onCluster({ summary: title, takeWithinSeconds: LOOK_SECONDS, ...limits }).viewStorage(),
  );
}

/** Every node that is known by now and was not examined yet. */
async function examineNodes(round: Round, view: Part<ClusterView>): Promise<void> {
  const members = 'facts' in view ? view.facts.nodes : [];
  const { nodes = [], unserved = [], wanted } = round.input;
  const named = [...nodes, ...unserved, ...(wanted?.nodes ?? [])];
  const all = members.map((n) => n.name);
  // Written as the cluster writes them, where it knows them.
  for (const name of named) if (!includesName(all, name)) all.push(name);
  const fresh = all.filter((name) => !includesName([...round.exams.keys()], name));
  round.run.expect(fresh.map(stepOf));
  const exams = await Promise.all(
    fresh.map(async (name): Promise<[string, Part<NodeExam>]> => {
      const down = members.some((n) => sameName(n.name, name) && n.state === 'Down');
      const patience = down && !includesName(named, name) ? DOWN_SECONDS : TAKE_SECONDS;
      const peers = all.filter((other) => !sameName(other, name));
      const request = requestFor(round, peers, all.indexOf(name), 'noAnswer' in view);
      return [name, await examineNode(round, name, request, patience)];
    }),
  );
  for (const [name, exam] of exams) round.exams.set(name, exam);
}

function requestFor(
  { input, since }: Round,
  peers: string[],
  nth: number,
  cluster: boolean,
): ExamRequest {
  const files = input.wanted?.virtualMachines.map((vm) => vm.vhd) ?? [];
  return {
    peers,
    ports: Object.values(NODE_PORTS),
    files: filesToAsk(files, nth),
    since,
    ...(cluster ? { cluster } : {}),
  };
}

function examineNode(
  { run, calls, input }: Round,
  node: string,
  request: ExamRequest,
  patienceSeconds: number,
): Promise<Part<NodeExam>> {
  const takeSeconds = Math.min(calls.budgets.answerSeconds, patienceSeconds);
  const step = stepOf(node);
  return ask(run, step, (c) => {
    c.evidence({ node });
    if (includesName(input.unserved ?? [], node)) {
      const message = `no worker of ${node} is running: nobody asks for its work`;
      return Promise.resolve({ noAnswer: { code: 'NodeNotServed', message } });
    }
    return calls
      .onNode(node, {
        summary: step.title,
        seconds: EXAM_SECONDS,
        takeWithinSeconds: takeSeconds,
        allWithinSeconds: takeSeconds + EXAM_SECONDS,
      })
      .examineNode(request);
  });
}

/** One sign-in at each node: planned when it is known who can ask, and where a wrong one could lock an account. */
async function signInEverywhere(round: Round, view: Part<ClusterView>): Promise<void> {
  const { cluster, wanted = null } = round.input;
  const nodes = Object.fromEntries(round.exams);
  const { asks } = planSignIns({ cluster, view, nodes, wanted });
  const byAsker = new Map<string, SignIn[]>();
  for (const one of asks) byAsker.set(one.asker, [...(byAsker.get(one.asker) ?? []), one]);
  const steps = [...byAsker].map(([asker, own]) => ({ asker, own, step: signInStep(asker, own) }));
  round.run.expect(steps.map(({ step }) => step));
  await Promise.all(
    steps.map(async ({ asker, own, step }) => {
      const told = await signInFrom(round, asker, own, step);
      const exam = round.exams.get(asker);
      if ('facts' in told && exam !== undefined)
        round.exams.set(asker, withSignIns(exam, told.facts));
    }),
  );
}

const signInStep = (asker: string, own: readonly SignIn[]): NeededStep => ({
  id: stepId.node(asker, 'sign-in'),
  title: `Sign in from ${asker} to ${own.map((one) => one.peer).join(', ')}`,
});

function signInFrom(
  { run, calls }: Round,
  asker: string,
  own: readonly SignIn[],
  step: NeededStep,
): Promise<Part<PeerFacts[]>> {
  const takeSeconds = Math.min(calls.budgets.answerSeconds, TAKE_SECONDS);
  const peers = own.map(({ peer, windowMinutes }) => ({ node: peer, windowMinutes }));
  return ask(run, step, (c) => {
    c.evidence({ node: asker });
    return calls
      .onNode(asker, {
        summary: step.title,
        seconds: SIGN_IN_SECONDS,
        takeWithinSeconds: takeSeconds,
        // Another try would be another sign-in.
        attemptsMax: 1,
      })
      .signIn({ peers });
  });
}

/** A step that never fails the run and never asks anybody: what went wrong is a part of the picture. */
async function ask<T extends object>(
  run: Run,
  step: NeededStep,
  question: (c: StepContext) => Promise<T | { noAnswer: NoAnswer }>,
): Promise<Part<T>> {
  const part = await run.step(step, async (c): Promise<Part<T>> => {
    try {
      const answer = await question(c);
      return 'noAnswer' in answer ? answer : { facts: answer };
    } catch (err) {
      const failure = isCancellation(err) ? undefined : failureOf(err);
      if (failure === undefined) throw err;
      return { noAnswer: { code: failure.code, message: failure.message } };
    }
  });
  if ('noAnswer' in part) markFailed(run, step.id, part.noAnswer);
  return part;
}

function markFailed(run: Run, id: string, { code, message }: NoAnswer): void {
  const step = run.status.steps.find((s) => s.id === id);
  if (step === undefined) return;
  step.state = 'failed';
  step.failure = { code, message, hint: isFailureCode(code) ? failureRow(code).hint : '' };
}

const stepOf = (node: string): NeededStep => ({
  id: stepId.node(node, 'examine'),
  title: `Examine ${node}`,
});
