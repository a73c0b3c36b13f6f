// maintainCluster: one node after the other is emptied, worked on and brought back. Each is a run of its own; this one
// decides which is next and whether it may begin: not outside its window, not while a person has paused the run.
import { patched, sleep } from '@temporalio/workflow';
import { readWindows, windowState, type MaintenanceWindow } from '../domain/fleet/window.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import type { MaintainClusterInput, MaintainNodeInput } from '../domain/spec.ts';
import { newerBuild } from '../domain/updates.ts';
import { runChild } from './child.ts';
import { conduct, type Job } from './conduct.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { findUpdates } from './find-updates.ts';
import { withoutBalancer } from './fleet/balancer.ts';
import { Foresight } from './fleet/foresight.ts';
import { orderNodes } from './fleet/order.ts';
import { soak, soakStep } from './fleet/canary.ts';
import type { MaintainNodeResult } from './maintain-node.ts';
import type { StepContext } from './run.ts';

export interface MaintainClusterResult {
  cluster: string;
  maintained: string[];
  failed: string[];
  skipped: string[];
  /** Nodes that lacked no update and were left alone. */
  upToDate?: string[];
}

interface Outcome {
  outcome: 'maintained' | 'failed' | 'skipped';
  build?: string | undefined;
}

/** A window is looked at again at least so often: clocks are set, and people change their minds. */
const LOOK_AGAIN_MS = 3600_000;

export async function maintainCluster(input: MaintainClusterInput): Promise<MaintainClusterResult> {
  return conduct('maintainCluster', input, maintain, ({ cluster, budgets, nodes, maxFailed }) => ({
    lock: runId.campaign(cluster),
    title: `Maintain ${nodes === undefined ? `all nodes of ${cluster}` : nodes.join(', ')}`,
    cluster,
    budgets,
    brakes: true,
    unattended: (maxFailed ?? 0) > 0,
  }));
}

type Maintenance = Job<MaintainClusterInput>;

async function maintain(job: Maintenance): Promise<MaintainClusterResult> {
  const { run, input } = job;
  const { action, canary, soakSeconds, maxFailed = 0 } = input;
  const order = { id: stepId.cluster('order'), title: 'Decide the order of the nodes' };
  const all = await run.step(order, (c) => orderNodes(job.calls, input, c));
  const foresight = patched('foresight') ? new Foresight(job.calls, all, input.outlook) : undefined;
  if (foresight !== undefined) {
    const see = { id: stepId.cluster('foresight'), title: 'See what will leave each node' };
    await run.step(see, (c) => foresight.look(c));
  }
  const nodes = action.kind === 'updates' ? await findUpdates(job, all, action.choice) : all;
  const upToDate = all.filter((node) => !nodes.includes(node));
  return withoutBalancer(job, async () => {
    run.expect(nodes.flatMap((node) => expected(node, nodes, input)));
    const result = emptyResult(input.cluster, upToDate);
    let build: string | undefined;
    for (const node of nodes) {
      const isCanary = isNamed(canary, node);
      // What the canary does not stand, no other node gets.
      const mayFail = !isCanary && result.failed.length < maxFailed;
      const { outcome, ...done } = await maintainOne(job, node, { build, mayFail, foresight });
      result[outcome].push(node);
      build = newerBuild(build, done.build);
      const isLast = node === nodes.at(-1);
      if (input.pauseAfterEach === true && !isLast) {
        run.brakes.pause('--pause-after-each', `${node} is done`);
      }
      if (isCanary && soakSeconds !== undefined && outcome === 'maintained' && !isLast) {
        await soak(job, node, soakSeconds);
      }
    }
    return result;
  });
}

const isNamed = (canary: string | undefined, node: string): boolean =>
  canary !== undefined && sameName(canary, node);

const expected = (
  node: string,
  nodes: readonly string[],
  { canary, soakSeconds }: MaintainClusterInput,
) =>
  isNamed(canary, node) && soakSeconds !== undefined && nodes.length > 1
    ? [stepOf(node), soakStep(node, soakSeconds)]
    : [stepOf(node)];

const emptyResult = (cluster: string, upToDate: string[]): MaintainClusterResult => ({
  ...{ cluster, maintained: [], failed: [], skipped: [] },
  ...(upToDate.length === 0 ? {} : { upToDate }),
});

const stepOf = (node: string) => ({
  id: stepId.node(node, 'maintain'),
  title: `Maintain ${node}`,
  skippable: true,
});

async function maintainOne(
  { run, input }: Maintenance,
  node: string,
  {
    build,
    mayFail,
    foresight,
  }: { build: string | undefined; mayFail: boolean; foresight: Foresight | undefined },
): Promise<Outcome> {
  const windows = windowsOf(input);
  const child: MaintainNodeInput = {
    ...shared(input),
    node,
    action: input.action,
    ...(build === undefined ? {} : { build }),
    ...(input.bringBack === true ? { bringBack: true } : {}),
    ...((input.maxFailed ?? 0) > 0 ? { unattended: true } : {}),
  };
  const step = stepOf(node);
  try {
    const done = await run.step(step, async (c) => {
      await mayBegin(run.brakes, windows, c);
      const lock = runId.maintain(input.cluster, node);
      const outlook = await foresight?.of(node, c);
      // A worker of an older version goes on without it.
      const told = outlook === undefined ? child : { ...child, outlook, mayIgnore: ['outlook'] };
      const ended = runChild(c, 'maintainNode', lock, told, step.title);
      const result = await ended.catch((err: unknown) => {
        foresight?.lose();
        // It has tried what helps by itself, and is not begun again without a person.
        const failure = child.unattended === true ? failureOf(err) : undefined;
        if (failure === undefined || failure.code === 'Cancelled') throw err;
        // What stays on this node would meet the next one fuller still.
        const isDrain = failure.code === 'DrainFailed';
        throw stepFailure(isDrain ? 'DrainFailed' : 'ChildFailed', failure.message);
      });
      const { moves, returned = [] } = result as MaintainNodeResult;
      foresight?.moved([...moves, ...returned]);
      return result as MaintainNodeResult;
    });
    if (done === undefined) return { outcome: 'skipped' };
    return { outcome: 'maintained', build: done.build };
  } catch (err) {
    if (mayFail && failureOf(err)?.code === 'ChildFailed') return { outcome: 'failed' };
    throw err;
  }
}

const windowsOf = ({ window }: MaintainClusterInput): MaintenanceWindow[] => {
  const windows = window === undefined ? [] : readWindows(window);
  // What cannot be read was refused with the input.
  return 'wrong' in windows ? [] : windows;
};

/** The window is looked at after a pause too: it may have closed meanwhile. */
async function mayBegin(
  brakes: Maintenance['run']['brakes'],
  windows: readonly MaintenanceWindow[],
  c: StepContext,
): Promise<void> {
  for (;;) {
    await brakes.pass((what) => {
      c.waitingFor(what);
    });
    const now = Date.now();
    const state = windowState(windows, now);
    if (state.open) {
      c.waitingFor(null);
      return;
    }
    const opens = state.opensAt === null ? 'never' : new Date(state.opensAt).toISOString();
    c.waitingFor(`the maintenance window, which opens at ${opens}`);
    const wait = Math.min((state.opensAt ?? Infinity) - now, LOOK_AGAIN_MS);
    await sleep(wait, { summary: `The maintenance window opens at ${opens}` });
  }
}

/** What every node's run has of this one. */
const shared = ({ cluster, startedBy, budgets, memoryReserveBytes }: MaintainClusterInput) => ({
  cluster,
  startedBy: `${startedBy} (maintainCluster)`,
  ...(budgets === undefined ? {} : { budgets }),
  ...(memoryReserveBytes === undefined ? {} : { memoryReserveBytes }),
});
