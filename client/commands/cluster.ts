// `watari cluster plan|apply|show`: cluster.yaml against what is there. `cluster doctor` is in doctor.ts.
import type { Command } from 'commander';
import { runId } from '../../domain/names.ts';
import { planCluster, type ClusterPlan } from '../../domain/plan.ts';
import type { ApplyClusterInput, ClusterSpec } from '../../domain/spec.ts';
import { clusterName, loadSpec, namedCluster, type ClusterOptions } from '../cluster/name.ts';
import type { Temporal } from '../temporal/connection.ts';
import { finish, talk, type Context, type Talk } from '../context.ts';
import { badInput } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { inspectCluster, requireWorkers } from '../cluster/inspect.ts';
import { readServing } from '../cluster/serving.ts';
import { blockerLines, planLines, restartsOf } from '../render/plan.ts';
import { snapshotLines } from '../render/snapshot.ts';
import { startRun, type StartRequest } from '../runs/start.ts';
import { watchRun, type Watched } from '../watch.ts';
import { runDoctor } from './doctor.ts';
import { whoActs } from '../who.ts';
import { DETACH, launch } from './launch.ts';
import { REASON, type ReasonOption } from './reason.ts';
import { leaf, withTemporal, type ContextSource, type JsonOption } from './leaf.ts';

interface PlanOptions extends ClusterOptions, JsonOption {
  prove?: boolean;
}

interface ApplyOptions extends PlanOptions, ReasonOption {
  yes?: boolean;
  detach?: boolean;
}

export function addClusterCommands(program: Command, context: ContextSource): Command {
  const cluster = program.command('cluster').description('look at a cluster, plan and apply');
  const FILE = ['-f, --file <file>', 'the desired state (default: cluster.yaml)'] as const;
  const CLUSTER = ['-c, --cluster <name>', 'name of the cluster'] as const;
  const PROVE = [
    '--prove',
    'live-migrate the VMs under "prove" even when nothing changed',
  ] as const;
  leaf(cluster, 'doctor', 'examine every node; changes nothing (exit code 1: blockers)', [
    'watari cluster doctor',
    'watari cluster doctor -c hv-lab --json',
  ])
    .option(...FILE)
    .option(...CLUSTER)
    .action((o: ClusterOptions & JsonOption) => runDoctor(context(), o));
  leaf(cluster, 'plan', 'show what apply would do (exit code 5: something, 0: nothing)', [
    'watari cluster plan -f cluster.yaml',
  ])
    .option(...FILE)
    .option(...PROVE)
    .action((o: PlanOptions) => runPlan(context(), o));
  leaf(cluster, 'apply', 'make the cluster what the file says', [
    'watari cluster apply -f cluster.yaml',
    'watari cluster apply --yes --json',
  ])
    .option(...FILE)
    .option(...PROVE)
    .option('-y, --yes', 'do not ask before nodes restart')
    .option(...DETACH)
    .option(...REASON)
    .action((o: ApplyOptions) => runApply(context(), o));
  leaf(cluster, 'show', 'show nodes, virtual machines and settings as they are now', [
    'watari cluster show -c hv-lab',
  ])
    .option(...FILE)
    .option(...CLUSTER)
    .action((o: ClusterOptions & JsonOption) => runShow(context(), o));
  return cluster;
}

async function makePlan(
  ctx: Context,
  temporal: Temporal,
  spec: ClusterSpec,
  o: PlanOptions,
): Promise<ClusterPlan> {
  await requireWorkers(ctx, temporal, spec.cluster, spec.nodes);
  const snapshot = await inspectCluster(ctx, temporal, {
    cluster: spec.cluster,
    nodes: spec.nodes,
    files: spec.virtualMachines.map((vm) => vm.vhd),
    budgets: spec.budgets,
  });
  return planCluster(spec, snapshot, { proveAlways: o.prove === true });
}

export async function runPlan(ctx: Context, o: PlanOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const spec = loadSpec(ctx, o);
  const code = await withTemporal(ctx, async (temporal) => {
    const plan = await makePlan(ctx, temporal, spec, o);
    out.result({ cluster: spec.cluster, ...plan });
    if (!out.json) out.say(planLines(spec.cluster, plan, out));
    return planExitCode(plan);
  });
  finish(code);
}

export function planExitCode(plan: ClusterPlan): ExitCode {
  if (plan.blockers.length > 0) return EXIT.failed;
  return plan.steps.length > 0 ? EXIT.changesPending : EXIT.done;
}

export async function runApply(ctx: Context, o: ApplyOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const spec = loadSpec(ctx, o);
  const code = await withTemporal(ctx, async (temporal) => {
    const plan = await makePlan(ctx, temporal, spec, o);
    if (plan.blockers.length > 0) {
      out.result({ cluster: spec.cluster, ...plan });
      out.say(blockerLines(plan.blockers, out));
      return EXIT.failed;
    }
    if (plan.steps.length === 0) {
      out.result({ cluster: spec.cluster, ...plan });
      out.say([
        `Cluster ${spec.cluster} already is as wanted; nothing to do, nothing was started.`,
      ]);
      return EXIT.done;
    }
    if (!out.json) out.say([...planLines(spec.cluster, plan, out), '']);
    if (!(await mayRestart(ctx, restartsOf(plan), o))) {
      out.say(['Nothing was started.']);
      return EXIT.failed;
    }
    return launch(ctx, temporal, applyRequest(ctx, temporal, spec, o), { ...o, talk: out });
  });
  finish(code);
}

/** Restarting a node is somebody's outage: it needs a yes, from a person or from the command line. */
export async function mayRestart(
  ctx: Context,
  nodes: readonly string[],
  o: { yes?: boolean; json?: boolean },
): Promise<boolean> {
  if (nodes.length === 0 || o.yes === true) return true;
  if (!ctx.terminal.canAsk || o.json === true) {
    throw badInput(
      `${nodes.join(', ')} will restart, and there is nobody to ask`,
      'Add --yes to allow the restarts, or run it in a terminal.',
      'RestartNotAllowed',
    );
  }
  const answer = await ctx.terminal.ask(`${nodes.join(', ')} will restart. Go on? [y/N] `);
  return /^\s*(y|yes)\s*$/i.test(answer);
}

const applyRequest = (
  ctx: Context,
  temporal: Temporal,
  spec: ClusterSpec,
  o: PlanOptions,
): StartRequest => {
  const startedBy = whoActs(ctx, temporal);
  const input: ApplyClusterInput = {
    spec,
    restarts: 'allowed',
    ...(o.prove === true ? { proveAlways: true } : {}),
    startedBy,
  };
  return {
    workflow: 'applyCluster',
    id: runId.apply(spec.cluster),
    cluster: spec.cluster,
    summary: `Apply ${spec.cluster}`,
    startedBy,
    input,
  };
};

/** Starts the run with restarts allowed, and watches it; the caller says how it ended. */
export async function applyAndWatch(
  ctx: Context,
  temporal: Temporal,
  spec: ClusterSpec,
  o: { prove?: boolean },
  out: Talk,
  signal: AbortSignal,
): Promise<Watched> {
  const started = await startRun(temporal, applyRequest(ctx, temporal, spec, o), ctx.clock);
  return watchRun(ctx, temporal, { ...started, talk: out, signal });
}

async function runShow(ctx: Context, o: ClusterOptions & JsonOption): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  namedCluster(ctx, o);
  await withTemporal(ctx, async (temporal) => {
    const cluster = await clusterName(ctx, temporal, o);
    await requireWorkers(ctx, temporal, cluster, []);
    const { present } = await readServing(temporal, cluster, [], ctx.clock.now());
    const snapshot = await inspectCluster(ctx, temporal, { cluster, nodes: present });
    out.result({ cluster, workers: present, ...snapshot });
    if (!out.json) out.say(snapshotLines(snapshot, present, out));
  });
}
