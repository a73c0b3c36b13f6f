// prepareNode: everything a node needs before VMs can live on it. Features, a restart that survives the restart of the
// very machine it runs on, services up, node Up. A node that holds VMs is drained first and resumed at the end.
import type { Boot } from '../domain/boot.ts';
import type { RoleFacts } from '../domain/facts.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import type { FailureCode } from '../domain/failures.ts';
import { isMoving, isQueued, movesTo } from '../domain/slots.ts';
import { NODE_FEATURES, type MigrateVmInput, type PrepareNodeInput } from '../domain/spec.ts';
import { patched } from '@temporalio/workflow';
import { conduct, type Job } from './conduct.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { emptyNodes } from './fleet/empty-nodes.ts';
import { healStorage, requireWholeStorage, restDrives } from './fleet/storage.ts';
import { moveOff } from './move-off.ts';
import { restartNode } from './restart-node.ts';
import { all } from './all.ts';
import type { NeededStep } from './run.ts';

export interface PrepareNodeResult {
  node: string;
  changed: boolean;
  restarted: boolean;
}

/** Installing the Hyper-V role takes minutes, on old disks many. */
const INSTALL_SECONDS = 3600;
/** From "the worker answers" to "the cluster counts the node as Up". */
const READY_SECONDS = 600;
/** Windows lists its features in minutes after a restart (hyperv/powershell/host.ts). */
const FEATURES_SECONDS = 7 * 60;

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

const restart = (job: Preparation, boot: Boot): Promise<void> => {
  const { run, calls, input } = job;
  const { node } = input;
  const step = stepOf(job, 'restart', `Restart ${node}`);
  const reason = `finish the installation of ${wantedFeatures(input).join(', ')}`;
  return run.step(step, (c) => restartNode(calls, { node, boot, reason }, c));
};

async function prepare(job: Preparation): Promise<PrepareNodeResult> {
  const { node } = job.input;
  const seen = await inspect(job);
  if (seen.missing.length === 0) {
    await ready(job, seen.wasPaused);
    if (seen.wasPaused) await leavePaused(job);
    return { node, changed: false, restarted: false };
  }
  const { restartNeeded, owing } = await install(job, seen);
  let hold: Hold = seen.wasPaused ? 'of others' : 'none';
  const isStorageSeen = restartNeeded && patched('storage-around-a-preparation');
  if (restartNeeded) {
    await consent(job);
    if (isStorageSeen) await wholeStorage(job);
    hold = await drain(job, seen.takesVms, hold);
    if (isStorageSeen) await restDrives(job, node);
    await restart(job, owing);
  }
  const wentBack = await ready(job, hold !== 'none', async () => {
    const again = await install(job, seen);
    if (again.restartNeeded) await restart(job, again.owing);
  });
  if (hold === 'ours') await resume(job);
  if (isStorageSeen) await healStorage(job, node);
  if (hold === 'of others') await leavePaused(job);
  return { node, changed: true, restarted: restartNeeded || wentBack };
}

/** Who paused the node, if anybody did: what this run has not paused it does not resume. */
type Hold = 'none' | 'ours' | 'of others';

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
  /** In the cluster, by somebody else. */
  wasPaused: boolean;
}

function inspect(job: Preparation): Promise<Seen> {
  const { node } = job.input;
  const step = stepOf(job, 'inspect', `Look at ${node}`);
  return job.run.step(step, async (c) => {
    const view = await job.calls.onNode(node, { summary: step.title }).viewNode({});
    const { host: boot, features: seen } = view;
    c.evidence({ features: seen, bootTime: boot.bootTime });
    const has = (name: string): boolean =>
      view.features.some((f) => f.name === name && f.state === 'Installed');
    const missing = wantedFeatures(job.input).filter((name) => !has(name));
    const wasPaused = patched('leave-others-paused') && (await isPaused(job));
    return { missing, boot, takesVms: has('Hyper-V'), wasPaused };
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

/** Before anything moves: another node may have come back a minute ago, and what it missed is not repaired yet. */
const wholeStorage = (job: Preparation): Promise<boolean> => {
  const { node } = job.input;
  const step = stepOf(job, 'gate', `See whether the storage stands the restart of ${node}`);
  return job.run.step(step, () => requireWholeStorage(job.calls, node, step.id));
};

/**
 * Moves every VM off the node, so that its restart is nobody's outage; what does not run stays where it is. An empty
 * node is paused as well: between a look that finds it empty and its restart another run, the balancer or a failover
 * could bring a VM.
 */
async function drain(job: Preparation, takesVms: boolean, before: Hold): Promise<Hold> {
  if (takesVms && patched('one-drain')) {
    const { node } = job.input;
    const { paused } = await emptyNodes(job, [node], { offStays: true });
    return paused[node] === 'us' ? 'ours' : 'of others';
  }
  if (!patched('pause-before-looking')) {
    const held = await vmsHeld(job, false);
    if (held.length === 0) return before;
    await pause(job, held);
    await moveAllOff(job, held);
    return 'ours';
  }
  if (!takesVms) return before;
  const hold = await pause(job, []);
  await moveAllOff(job, await vmsHeld(job, true));
  return hold;
}

async function isPaused({ calls, input: { node } }: Preparation): Promise<boolean> {
  const { nodes } = await calls.onCluster({ summary: `Is ${node} paused?` }).viewCluster();
  return nodes.find((n) => sameName(n.name, node))?.state === 'Paused';
}

function vmsHeld(job: Preparation, isPaused: boolean): Promise<RoleFacts[]> {
  const { node } = job.input;
  const step = stepOf(job, 'vms', `See which VMs ${node} holds`);
  return job.run.step(step, async (c) => {
    const { roles } = await job.calls.onCluster({ summary: step.title }).viewCluster();
    const all = roles.filter((r) => sameName(r.owner, node));
    const off = all.filter(doesNotRun);
    // In runs of earlier versions the drain stood still at these.
    const held = off.length > 0 && patched('leave-what-is-off') ? without(all, off) : all;
    c.evidence({ vms: held.map((r) => r.name) });
    if (held.length < all.length) c.evidence({ leftOff: off.map((r) => r.name) });
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

const doesNotRun = (role: RoleFacts): boolean =>
  (role.state === 'Offline' || role.state === 'Failed') && !isMoving(role) && !isQueued(role);

const without = <T>(list: readonly T[], some: readonly T[]): T[] =>
  list.filter((one) => !some.includes(one));

async function pause(job: Preparation, held: RoleFacts[]): Promise<Hold> {
  const { node } = job.input;
  let wasPaused: boolean | undefined;
  const step = stepOf(job, 'pause', `Pause ${node} in the cluster`);
  job.run.expect([step, ...held.map((role) => moveStep(job, role))]);
  await job.run.step(step, async (c) => {
    // Once: a later attempt may find what an earlier one has done.
    if (patched('leave-others-paused')) wasPaused ??= await isPaused(job);
    if (wasPaused === true) {
      c.evidence({ why: pausedByOthers(node) });
      return;
    }
    c.hold(`Resume ${node}`, () => resumeNow(job));
    const summary = `Pause ${node}`;
    c.evidence({ ...(await job.calls.onCluster({ summary }).pauseNode({ node })) });
  });
  return wasPaused === true ? 'of others' : 'ours';
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

/** Restarted, and not finished: waiting longer would not help, installing again may. */
const UNFINISHED: readonly (FailureCode | undefined)[] = ['FeatureReverted', 'RestartStillOwed'];

/**
 * Answers whether a person had it go back: `finish` installs again what a restart did not finish, and restarts once
 * more, to which the retry agrees.
 */
async function ready(
  job: Preparation,
  mayBePaused: boolean,
  finish?: () => Promise<void>,
): Promise<boolean> {
  const { node } = job.input;
  const step = stepOf(job, 'ready', `Wait until ${node} is ready`);
  let isUnfinished = false;
  let wentBack = false;
  await job.run.step(step, async (c) => {
    if (isUnfinished && finish !== undefined) {
      c.waitingFor(`${node} to be installed and restarted once more`);
      wentBack = true;
      isUnfinished = false;
      await finish();
    }
    const services = {
      summary: `Services of ${node}`,
      seconds: READY_SECONDS + FEATURES_SECONDS + 60,
    };
    try {
      const ready = await job.calls.onNode(node, services).awaitReady({
        step: step.id,
        features: wantedFeatures(job.input),
        mayBePaused,
        waitSeconds: READY_SECONDS,
      });
      c.evidence({ ...ready });
    } catch (err) {
      isUnfinished = UNFINISHED.includes(failureOf(err)?.code);
      throw err;
    }
  });
  return wentBack;
}

/** The end of the run says what it has not done. */
async function leavePaused(job: Preparation): Promise<void> {
  const { node } = job.input;
  await job.run.step(stepOf(job, 'resume', `Leave ${node} paused in the cluster`), (c) => {
    c.evidence({ why: pausedByOthers(node) });
    return Promise.resolve();
  });
}

const pausedByOthers = (node: string): string => `${node} was paused before, not by this run`;

async function resume(job: Preparation): Promise<void> {
  const { node } = job.input;
  await job.run.step(stepOf(job, 'resume', `Resume ${node} in the cluster`), async (c) => {
    c.evidence({ ...(await resumeNow(job)) });
  });
}

const resumeNow = ({ calls, input: { node } }: Preparation) =>
  calls.onCluster({ summary: `Resume ${node}` }).resumeNode({ node });
