// Every cut of every story: the worker dies before, during and after each acting call, a question or an answer is lost,
// a result never arrives; the workflow worker forgets its runs or dies after each workflow task; and both at once. The
// cuts are counted in an uncut telling, not listed by hand: a new operation is cut the day a story uses it.
import { activityInfo } from '@temporalio/activity';
import { ACT_OPS, HypervError, type ActOp } from '../../hyperv/host.ts';
import type { LabState } from '../../lab/machine/state.ts';
import { Random } from '../rig/random.ts';
import type { Mutant } from './parts.ts';
import { isActing } from './rules/ledger.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimWorker } from './sim-worker.ts';
import { STORIES, type Story } from './stories.ts';
import type { WorkflowHost } from './temporal/workflow-host.ts';
import { watchedCluster } from './watched-cluster.ts';

export const CALL_CUTS = [
  'dies before',
  'dies during',
  'dies after',
  'question lost',
  'answer lost',
  'result lost',
] as const;
export type CallCut = (typeof CALL_CUTS)[number];

export const TASK_CUTS = ['forgotten', 'dies'] as const;
export type TaskCut = (typeof TASK_CUTS)[number];

export interface Cut {
  /** The n-th acting call of the story, from 1. */
  call?: { index: number; how: CallCut };
  /** After the n-th workflow task of the story; 0: after each of them. */
  task?: { index: number; how: TaskCut };
}

export interface Telling {
  /** The acting calls in their order. */
  calls: { op: ActOp; activity: string }[];
  /** Types of the activities that ran. */
  activities: string[];
  /** Types of the runs, in order of their starts. */
  workflows: string[];
  tasks: number;
  /** Effects and end state without what differs from telling to telling: times, and who did it. */
  outcome: string;
  violations: string[];
  trace: string[];
}

const SEED = 7;

/** Tells a story once, cut or not. */
export async function tell(
  story: Story,
  host: WorkflowHost,
  cut: Cut = {},
  mutant?: Mutant,
): Promise<Telling> {
  const calls: Telling['calls'] = [];
  const doomed = new Set<string>();
  const activities = new Set<string>();
  let isLost = false;
  const { c } = watchedCluster({
    scenario: story.scenario,
    host,
    random: new Random(SEED),
    lookEveryMs: 1000,
    mutant,
    around: (worker, op, args, call) => {
      if (!isActing(op)) return call();
      calls.push({ op, activity: activityInfo().activityType });
      return cut.call?.index === calls.length
        ? cutCall(cut.call.how, { c, worker, op, call, doomed })
        : call();
    },
    onActivity: async (worker, type, args, deed) => {
      activities.add(type);
      try {
        return await deed(...args);
      } finally {
        if (doomed.has(attemptKey(worker))) c.crew.killProcess(worker.node);
      }
    },
    onTask: (run) => {
      const { task } = cut;
      if (task?.how === 'forgotten' && (task.index === 0 || task.index === c.server.tasks))
        c.server.evict(run);
    },
    losesTask: () => {
      const { task } = cut;
      if (task?.how !== 'dies' || isLost || c.server.tasks + 1 !== task.index) return false;
      isLost = true;
      return true;
    },
  });
  const ended = await story.play(c);
  if (!ended && c.violations.length === 0) c.violated('the story comes to its end: it did not');
  // A worker that was killed at the very end comes back, so that the end is the same.
  await c.until(() => false, 60);
  const outcome = outcomeOf(c);
  await c.stop();
  return {
    calls,
    activities: [...activities],
    workflows: c.server.runs.map((run) => run.type),
    tasks: c.server.tasks,
    outcome,
    violations: c.violations,
    trace: c.trace,
  };
}

const attemptKey = (worker: SimWorker): string => {
  const { workflowExecution, activityId, attempt } = activityInfo();
  return `${worker.identity} ${workflowExecution?.runId ?? ''} ${activityId} ${attempt}`;
};

const never = (): Promise<never> => new Promise(() => undefined);

async function cutCall(
  how: CallCut,
  at: {
    c: SimCluster;
    worker: SimWorker;
    op: string;
    call: () => Promise<unknown>;
    doomed: Set<string>;
  },
): Promise<unknown> {
  const { c, worker, op, call, doomed } = at;
  c.tell(`CUT at ${op}: ${how}`);
  const lost = (): HypervError =>
    new HypervError(`${worker.node} did not answer ${op} (a cut).`, {
      op: op as ActOp,
      node: worker.node,
      outcome: 'unknown',
    });
  switch (how) {
    case 'dies before':
      c.crew.killProcess(worker.node);
      return never();
    case 'dies during':
      call().catch(() => undefined);
      c.crew.killProcess(worker.node);
      return never();
    case 'dies after':
      await call();
      c.crew.killProcess(worker.node);
      return never();
    case 'question lost':
      throw lost();
    case 'answer lost':
      await call();
      throw lost();
    case 'result lost':
      doomed.add(attemptKey(worker));
      return call();
  }
}

/** The end, and what happened on the way, as lines that can be compared. */
function outcomeOf(c: SimCluster): string {
  const effects = c.lab
    .effects()
    .filter((e) => e.kind !== 'fault')
    .map((e) => `${e.kind} ${e.subject}`)
    .sort();
  const { cluster, nodes, vms, roles, moves }: LabState = c.lab.state();
  const end = [
    `limit ${cluster.maximumParallelMigrations}`,
    ...nodes.map(
      (n) =>
        `${n.name} ${n.power} ${n.state} ${JSON.stringify(n.features)} ` +
        JSON.stringify(c.lab.call(n.name, 'readHost', {}).facts.pendingRestart),
    ),
    ...vms.map((vm) => `${vm.name} on ${vm.owner} ${vm.state} ${String(vm.clustered)}`).sort(),
    ...roles.map((r) => `${r.name} on ${r.owner} ${r.state}`).sort(),
    ...moves.map((m) => `${m.vm} still moves`),
  ];
  return [...effects, ...end].join('\n');
}

export interface CutReport {
  cuts: number;
  /** By story, for the closing line. */
  perStory: Record<string, number>;
  failures: string[];
  unusedOps: ActOp[];
}

/** All cuts of one story, from its uncut telling. */
export function cutsOf(telling: Telling): Cut[] {
  const cuts: Cut[] = [];
  for (let index = 1; index <= telling.calls.length; index += 1) {
    for (const how of CALL_CUTS) {
      cuts.push({ call: { index, how } });
      // With every run thrown out of memory after each of its tasks.
      cuts.push({ call: { index, how }, task: { index: 0, how: 'forgotten' } });
    }
  }
  for (let index = 1; index <= telling.tasks; index += 1) {
    for (const how of TASK_CUTS) cuts.push({ task: { index, how } });
  }
  return cuts;
}

export const describeCut = (story: Story, { call, task }: Cut, telling: Telling): string => {
  const parts = [story.name];
  if (call !== undefined) {
    const { op, activity } = telling.calls[call.index - 1] ?? { op: '?', activity: '?' };
    parts.push(`call ${call.index} (${op} of ${activity}) ${call.how}`);
  }
  if (task !== undefined)
    parts.push(
      task.index === 0
        ? 'every run forgotten after every task'
        : `workflow task ${task.index} ${task.how}`,
    );
  return parts.join(', ');
};

/** What is wrong with one cut; undefined when it is as if nothing had happened. */
export async function judge(
  story: Story,
  host: WorkflowHost,
  uncut: Telling,
  cut: Cut,
): Promise<string | undefined> {
  const telling = await tell(story, host, cut);
  const [violation] = telling.violations;
  const what =
    violation ??
    (telling.outcome === uncut.outcome
      ? undefined
      : `ends differently: ${difference(uncut.outcome, telling.outcome)}`);
  return what === undefined ? undefined : `${describeCut(story, cut, uncut)}: ${what}`;
}

function difference(expected: string, got: string): string {
  const count = (text: string): Map<string, number> => {
    const lines = new Map<string, number>();
    for (const line of text.split('\n')) lines.set(line, (lines.get(line) ?? 0) + 1);
    return lines;
  };
  const [want, have] = [count(expected), count(got)];
  const more = [...have]
    .filter(([line, n]) => n > (want.get(line) ?? 0))
    .map(([line]) => `+ ${line}`);
  const less = [...want]
    .filter(([line, n]) => n > (have.get(line) ?? 0))
    .map(([line]) => `- ${line}`);
  return [...more, ...less].join(' | ');
}

/** Operations of the port that no story uses: they would not be cut. */
export const unusedOps = (tellings: readonly Telling[]): ActOp[] =>
  ACT_OPS.filter((op) => !tellings.some((t) => t.calls.some((call) => call.op === op)));

export async function runAllCuts(
  host: WorkflowHost,
  say: (line: string) => void,
): Promise<CutReport> {
  const report: CutReport = { cuts: 0, perStory: {}, failures: [], unusedOps: [] };
  const started = performance.now();
  const tellings: Telling[] = [];
  for (const story of STORIES) {
    const uncut = await tell(story, host);
    tellings.push(uncut);
    if (uncut.violations.length > 0) {
      report.failures.push(`${story.name}, uncut: ${uncut.violations[0] ?? ''}`);
      continue;
    }
    const cuts = cutsOf(uncut);
    for (const cut of cuts) {
      const what = await judge(story, host, uncut, cut);
      if (what !== undefined) report.failures.push(what);
    }
    report.cuts += cuts.length;
    report.perStory[story.name] = cuts.length;
    say(
      `${cuts.length} cuts of "${story.name}": ${uncut.calls.length} acting calls, ${uncut.tasks} workflow tasks`,
    );
  }
  report.unusedOps = unusedOps(tellings);
  for (const op of report.unusedOps)
    report.failures.push(`no story uses the operation ${op}, so it was not cut`);
  const seconds = (performance.now() - started) / 1000;
  say(`${report.cuts} cuts in ${seconds.toFixed(1)} s, ${report.failures.length} failed`);
  return report;
}
