// prepareNode: everything a node needs before VMs can live on it. Features, a restart that survives the restart of the
// very machine it runs on, services up, node Up. A node that holds VMs is drained first and resumed at the end.
import type { BootToEnd } from '../activities/node.ts';
import type { Boot } from '../domain/boot.ts';
import type { ClusterView, RoleFacts } from '../domain/facts.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import { quorumWithout } from '../domain/quorum.ts';
import { movesTo } from '../domain/slots.ts';
import { durationText } from '../domain/units.ts';
import { NODE_FEATURES, type MigrateVmInput, type PrepareNodeInput } from '../domain/spec.ts';
import { patched, sleep } from '@temporalio/workflow';
import { conduct, type Job } from './conduct.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { moveOff } from './move-off.ts';
import { all } from './all.ts';
import type { NeededStep } from './run.ts';

export interface PrepareNodeResult {
  node: string;
  changed: boolean;
  restarted: boolean;
}

/** Installing the Hyper-V role takes minutes, on old disks many. */
const INSTALL_SECONDS = 3600;
/** For Windows to begin its shutdown: asking earlier would only find the old boot. */
const GOING_DOWN_SECONDS = 2;
/** From "the worker answers" to "the cluster counts the node as Up". */
const READY_SECONDS = 600;

export async function prepareNode(input: PrepareNodeInput): Promise<PrepareNodeResult> {
  return conduct('prepareNode', input, prepare, ({ cluster, node, budgets }) => ({
    lock: runId.prepare(cluster, node),
    title: `Prepare node ${node}`,
    cluster,
    node,
    budgets,
  }));
}

type Preparation = Job<PrepareNodeInput>;

async function prepare(job: Preparation): Promise<PrepareNodeResult> {
  const { node } = job.input;
  const seen = await inspect(job);
  if (seen.missing.length === 0) {
    await ready(job, false);
    return { node, changed: false, restarted: false };
  }
  const { restartNeeded, owing } = await install(job, seen);
  let isDrained = false;
  if (restartNeeded) {
    await consent(job);
    isDrained = await drain(job, seen.takesVms);
    await restart(job, owing);
  }
  await ready(job, isDrained);
  if (isDrained) await resume(job);
  return { node, changed: true, restarted: restartNeeded };
}

const stepOf = ({ input }: Preparation, deed: string, title: string): NeededStep => ({
  id: stepId.node(input.node, deed),
  title,
});

const wantedFeatures = ({ features = [] }: PrepareNodeInput): string[] => [
  ...NODE_FEATURES,
  ...features,
];

interface Seen {
  missing: string[];
  /** The boot that owes the restart; a retry cannot end another one, so it cannot restart the node a second time. */
  boot: Boot;
  /** VMs can come to it: the Hyper-V role works. */
  takesVms: boolean;
}

function inspect(job: Preparation): Promise<Seen> {
  const { node, features = [] } = job.input;
  const step = stepOf(job, 'inspect', `Look at ${node}`);
  return job.run.step(step, async (c) => {
    const view = await job.calls.onNode(node, { summary: step.title }).viewNode({ features });
    const { host: boot, features: seen } = view;
    c.evidence({ features: seen, bootTime: boot.bootTime });
    const has = (name: string): boolean =>
      view.features.some((f) => f.name === name && f.state === 'Installed');
    const missing = wantedFeatures(job.input).filter((name) => !has(name));
    return { missing, boot, takesVms: has('Hyper-V') };
  });
}

function install(
  job: Preparation,
  { missing: names, boot }: Seen,
): Promise<{ restartNeeded: boolean; owing: Boot }> {
  const { node } = job.input;
  const step = stepOf(job, 'install-features', `Install ${names.join(', ')} on ${node}`);
  return job.run.step(step, async (c) => {
    c.waitingFor(`Windows to install ${names.join(', ')} (minutes)`);
    const installed = await job.calls
      .onNode(node, { summary: step.title, seconds: INSTALL_SECONDS })
      .installFeatures({ names });
    c.evidence({ ...installed });
    const { restartNeeded, bootTime } = installed;
    const owing = bootTime === undefined ? boot : { boot: installed.boot, bootTime };
    return { restartNeeded, owing };
  });
}

/** Asked before the drain: without it the moves would be for nothing. */
async function consent(job: Preparation): Promise<void> {
  const { node, restarts } = job.input;
  if (restarts === 'allowed') return;
  await job.run.step(stepOf(job, 'consent', `Consent to restart ${node}`), (c) => {
    if (c.byOperator) return Promise.resolve();
    throw stepFailure(
      'RestartNeedsConsent',
      `${node} must restart to finish the installation, and this run was started without the consent to restart`,
    );
  });
}

/**
 * Moves every VM off the node, so that its restart is nobody's outage. An empty node is paused as well: between a look
 * that finds it empty and its restart another run, the balancer or a failover could bring a VM. Was it paused?
 */
async function drain(job: Preparation, takesVms: boolean): Promise<boolean> {
  if (!patched('pause-before-looking')) {
    const held = await vmsHeld(job, false);
    if (held.length === 0) return false;
    await pause(job, held);
    await moveAllOff(job, held);
    return true;
  }
  if (!takesVms) return false;
  await pause(job, []);
  await moveAllOff(job, await vmsHeld(job, true));
  return true;
}

function vmsHeld(job: Preparation, isPaused: boolean): Promise<RoleFacts[]> {
  const { node } = job.input;
  const step = stepOf(job, 'vms', `See which VMs ${node} holds`);
  return job.run.step(step, async (c) => {
    const { roles } = await job.calls.onCluster({ summary: step.title }).viewCluster();
    const held = roles.filter((r) => sameName(r.owner, node));
    c.evidence({ vms: held.map((r) => r.name) });
    const coming = isPaused ? movesTo(roles, node) : [];
    if (coming.length > 0) {
      throw stepFailure(
        'MigrationInProgress',
        `${coming.join(', ')} was on its way to ${node} when that was paused; its arrival is waited for`,
      );
    }
    return held;
  });
}

async function pause(job: Preparation, held: RoleFacts[]): Promise<void> {
  const { node } = job.input;
  const step = stepOf(job, 'pause', `Pause ${node} in the cluster`);
  job.run.expect([step, ...held.map((role) => moveStep(job, role))]);
  await job.run.step(step, async (c) => {
    c.hold(`Resume ${node}`, () => resumeNow(job));
    const summary = `Pause ${node}`;
    c.evidence({ ...(await job.calls.onCluster({ summary }).pauseNode({ node })) });
  });
}

const moveStep = (job: Preparation, { name }: RoleFacts): NeededStep =>
  stepOf(job, `move-${name}`, `Move ${name} off ${job.input.node}`);

async function moveAllOff(job: Preparation, held: RoleFacts[]): Promise<void> {
  const { cluster, node, startedBy, budgets, memoryReserveBytes } = job.input;
  job.run.expect(held.map((role) => moveStep(job, role)));
  await all(
    held.map((role) => {
      const step = moveStep(job, role);
      const input: MigrateVmInput = {
        cluster,
        vm: role.name,
        startedBy: `${startedBy} (prepareNode ${node})`,
        ...(budgets === undefined ? {} : { budgets }),
        ...(memoryReserveBytes === undefined ? {} : { memoryReserveBytes }),
      };
      return job.run.step(step, (c) =>
        moveOff(job.calls, { node, role, input, title: step.title }, c),
      );
    }),
  );
}

async function restart(job: Preparation, { boot, bootTime }: Boot): Promise<void> {
  const { calls, input } = job;
  const { node } = input;
  const ending: BootToEnd = { ifBoot: boot, ifBootTime: bootTime };
  await job.run.step(stepOf(job, 'restart', `Restart ${node}`), async (c) => {
    const { nodes } = await guardQuorum(job);
    // A retry finds the node gone down already: there is nobody to ask, only a return to wait for.
    if (nodes.find((n) => sameName(n.name, node))?.state !== 'Down') {
      const asked = await calls.onNode(node, { summary: `Restart ${node}` }).requestRestart({
        ...ending,
        reason: `watari: finish the installation of ${wantedFeatures(input).join(', ')}`,
      });
      c.evidence({ ...asked, bootTimeBefore: bootTime });
    }
    c.waitingFor(
      `${node} to come back (budget ${durationText(calls.budgets.restartSeconds * 1000)})`,
    );
    await sleep(GOING_DOWN_SECONDS * 1000, { summary: `${node} is going down` });
    c.evidence({ bootTimeAfter: await comeBack(job, ending) });
  });
}

async function guardQuorum({ calls, input: { node } }: Preparation): Promise<ClusterView> {
  const view = await calls.onCluster({ summary: `Quorum without ${node}` }).viewCluster();
  const forecast = quorumWithout(view, node);
  const down = view.nodes.find((n) => sameName(n.name, node))?.state === 'Down';
  if (forecast.survives || down) return view;
  throw stepFailure(
    'QuorumAtRisk',
    `Without ${node} the cluster would have ${forecast.remaining} of ${forecast.total} votes`,
  );
}

async function comeBack({ calls, input }: Preparation, ending: BootToEnd): Promise<string> {
  const { node } = input;
  const { restartSeconds } = calls.budgets;
  try {
    const { bootTime } = await calls
      .onNode(node, {
        summary: `${node} is back`,
        seconds: 30,
        takeWithinSeconds: restartSeconds,
        allWithinSeconds: restartSeconds,
      })
      .confirmRestart(ending);
    return bootTime;
  } catch (err) {
    const failure = failureOf(err);
    if (failure?.code !== 'NodeNotServed' && failure?.code !== 'NotReady') throw err;
    const budget = durationText(restartSeconds * 1000);
    throw failure.code === 'NotReady'
      ? stepFailure('RestartNotTaken', `${failure.message}, ${budget} after it was asked to`)
      : stepFailure(
          'NodeDidNotReturn',
          `${node} was restarted and its worker has taken no task for ${budget}`,
        );
  }
}

async function ready(job: Preparation, mayBePaused: boolean): Promise<void> {
  const { node } = job.input;
  const step = stepOf(job, 'ready', `Wait until ${node} is ready`);
  await job.run.step(step, async (c) => {
    const services = { summary: `Services of ${node}`, seconds: READY_SECONDS + 60 };
    const ready = await job.calls.onNode(node, services).awaitReady({
      step: step.id,
      features: wantedFeatures(job.input),
      mayBePaused,
      waitSeconds: READY_SECONDS,
    });
    c.evidence({ ...ready });
  });
}

async function resume(job: Preparation): Promise<void> {
  const { node } = job.input;
  await job.run.step(stepOf(job, 'resume', `Resume ${node} in the cluster`), async (c) => {
    c.evidence({ ...(await resumeNow(job)) });
  });
}

const resumeNow = ({ calls, input: { node } }: Preparation) =>
  calls.onCluster({ summary: `Resume ${node}` }).resumeNode({ node });
