// prepareNode: everything a node needs before VMs can live on it. Features, a restart that survives the restart of the
// very machine it runs on, services up, node Up. A node that holds VMs is drained first and resumed at the end.
import type { ClusterView, RoleFacts } from '../domain/facts.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import { quorumWithout } from '../domain/quorum.ts';
import { movesTo } from '../domain/slots.ts';
import { NODE_FEATURES, type MigrateVmInput, type PrepareNodeInput } from '../domain/spec.ts';
import { patched, sleep } from '@temporalio/workflow';
import { Calls } from './calls.ts';
import { checkInput } from './check-input.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { moveOff } from './move-off.ts';
import { all } from './all.ts';
import { Run, type StepContext } from './run.ts';

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
  checkInput('prepareNode', input);
  const calls = new Calls(input.cluster, input.budgets);
  const run = new Run({
    workflow: 'prepareNode',
    lock: runId.prepare(input.cluster, input.node),
    title: `Prepare node ${input.node}`,
    cluster: input.cluster,
    node: input.node,
    startedBy: input.startedBy,
    retrySeconds: calls.budgets.retrySeconds,
  });
  return run.conduct(() => new Preparation(run, calls, input).complete());
}

class Preparation {
  private readonly run: Run;
  private readonly calls: Calls;
  private readonly input: PrepareNodeInput;
  /** The boot that owes the restart; a retry cannot end another one, so it cannot restart the node a second time. */
  private bootTime = '';
  private drained = false;
  /** VMs can come to it: the Hyper-V role worked when the run began. */
  private takesVms = false;
  private readonly features: string[];

  constructor(run: Run, calls: Calls, input: PrepareNodeInput) {
    this.run = run;
    this.calls = calls;
    this.input = input;
    this.features = [...NODE_FEATURES, ...(input.features ?? [])];
  }

  async complete(): Promise<PrepareNodeResult> {
    const { node } = this.input;
    const missing =
      (await this.run.step(this.spec('inspect', `Look at ${node}`), (c) => this.inspect(c))) ?? [];
    if (missing.length === 0) {
      await this.ready();
      return { node, changed: false, restarted: false };
    }
    const restartNeeded = await this.install(missing);
    if (restartNeeded) {
      await this.consent();
      await this.drain();
      await this.run.step(this.spec('restart', `Restart ${node}`), (c) => this.restart(c));
    }
    await this.ready();
    if (this.drained) await this.resume();
    return { node, changed: true, restarted: restartNeeded };
  }

  private spec(deed: string, title: string) {
    return { id: stepId.node(this.input.node, deed), title };
  }

  private get here() {
    const { node } = this.input;
    return (summary: string, options: { seconds?: number } = {}) =>
      this.calls.onNode(node, { summary, ...options });
  }

  private async inspect(c: StepContext): Promise<string[]> {
    const view = await this.here(`Look at ${this.input.node}`).viewNode({
      features: this.input.features ?? [],
    });
    this.bootTime = view.host.bootTime;
    this.takesVms = view.features.some((f) => f.name === 'Hyper-V' && f.state === 'Installed');
    c.evidence({ features: view.features, bootTime: view.host.bootTime });
    const missing = this.features.filter(
      (name) => view.features.find((f) => f.name === name)?.state !== 'Installed',
    );
    return missing;
  }

  private async install(names: string[]): Promise<boolean> {
    const { node } = this.input;
    const spec = this.spec('install-features', `Install ${names.join(', ')} on ${node}`);
    const done = await this.run.step(spec, async (c) => {
      c.waitingFor(`Windows to install ${names.join(', ')} (minutes)`);
      const summary = `Install ${names.join(', ')} on ${node}`;
      const installed = await this.here(summary, { seconds: INSTALL_SECONDS }).installFeatures({
        names,
      });
      c.evidence({ ...installed });
      this.bootTime = installed.bootTime ?? this.bootTime;
      return installed;
    });
    return done?.restartNeeded ?? false;
  }

  /** Asked before the drain: without it the moves would be for nothing. */
  private async consent(): Promise<void> {
    const { node, restarts } = this.input;
    if (restarts === 'allowed') return;
    await this.run.step(this.spec('consent', `Consent to restart ${node}`), (c) => {
      if (c.byOperator) return Promise.resolve();
      throw stepFailure(
        'RestartNeedsConsent',
        `${node} must restart to finish the installation, and this run was started without the consent to restart`,
      );
    });
  }

  /**
   * Moves every VM off the node, so that its restart is nobody's outage. An empty node is paused as well: between a look
   * that finds it empty and its restart another run, the balancer or a failover could bring a VM.
   */
  private async drain(): Promise<void> {
    if (!patched('pause-before-looking')) {
      const held = await this.held();
      if (held.length > 0) {
        await this.pause(held);
        await this.moveOff(held);
      }
    } else if (this.takesVms) {
      await this.pause([]);
      await this.moveOff(await this.held());
    }
  }

  private async held(): Promise<RoleFacts[]> {
    const { node } = this.input;
    const look = this.spec('vms', `See which VMs ${node} holds`);
    const held = await this.run.step(look, async (c) => {
      const { roles } = await this.calls.onCluster({ summary: look.title }).viewCluster();
      const here = roles.filter((r) => sameName(r.owner, node));
      c.evidence({ vms: here.map((r) => r.name) });
      const coming = this.drained ? movesTo(roles, node) : [];
      if (coming.length > 0) {
        throw stepFailure(
          'MigrationInProgress',
          `${coming.join(', ')} was on its way to ${node} when that was paused; its arrival is waited for`,
        );
      }
      return here;
    });
    return held ?? [];
  }

  private async pause(held: RoleFacts[]): Promise<void> {
    const { node } = this.input;
    const pause = this.spec('pause', `Pause ${node} in the cluster`);
    this.run.expect([pause, ...held.map((role) => this.moveSpec(role))]);
    this.drained = true;
    this.run.hold(pause.id, `Resume ${node}`, () => this.resumeNow());
    await this.run.step(pause, async (c) => {
      const summary = `Pause ${node}`;
      c.evidence({ ...(await this.calls.onCluster({ summary }).pauseNode({ node })) });
    });
  }

  private moveSpec(role: RoleFacts) {
    return this.spec(`move-${role.name}`, `Move ${role.name} off ${this.input.node}`);
  }

  private async moveOff(held: RoleFacts[]): Promise<void> {
    const { cluster, node, startedBy, budgets, memoryReserveBytes } = this.input;
    this.run.expect(held.map((role) => this.moveSpec(role)));
    await all(
      held.map((role) => {
        const spec = this.moveSpec(role);
        const input: MigrateVmInput = {
          cluster,
          vm: role.name,
          startedBy: `${startedBy} (prepareNode ${node})`,
          ...(budgets === undefined ? {} : { budgets }),
          ...(memoryReserveBytes === undefined ? {} : { memoryReserveBytes }),
        };
        return this.run.step(spec, (c) =>
          moveOff(this.calls, { node, role, input, title: spec.title }, c),
        );
      }),
    );
  }

  private async restart(c: StepContext): Promise<void> {
    const { node } = this.input;
    const { nodes } = await this.guardQuorum();
    // A retry finds the node gone down already: there is nobody to ask, only a return to wait for.
    if (nodes.find((n) => sameName(n.name, node))?.state !== 'Down') {
      const asked = await this.here(`Restart ${node}`).requestRestart({
        ifBootTime: this.bootTime,
        reason: `watari: finish the installation of ${this.features.join(', ')}`,
      });
      c.evidence({ ...asked, bootTimeBefore: this.bootTime });
    }
    c.waitingFor(`${node} to come back (budget ${budgetText(this.calls.budgets.restartSeconds)})`);
    await sleep(GOING_DOWN_SECONDS * 1000, { summary: `${node} is going down` });
    c.evidence({ bootTimeAfter: await this.comeBack() });
  }

  private async guardQuorum(): Promise<ClusterView> {
    const { node } = this.input;
    const view = await this.calls.onCluster({ summary: `Quorum without ${node}` }).viewCluster();
    const forecast = quorumWithout(view, node);
    const down = view.nodes.find((n) => sameName(n.name, node))?.state === 'Down';
    if (forecast.survives || down) return view;
    throw stepFailure(
      'QuorumAtRisk',
      `Without ${node} the cluster would have ${String(forecast.remaining)} of ${String(forecast.total)} votes`,
    );
  }

  private async comeBack(): Promise<string> {
    const { node } = this.input;
    const { restartSeconds } = this.calls.budgets;
    try {
      const { bootTime } = await this.calls
        .onNode(node, {
          summary: `${node} is back`,
          seconds: 30,
          takeWithinSeconds: restartSeconds,
          allWithinSeconds: restartSeconds,
        })
        .confirmRestart({ ifBootTime: this.bootTime });
      return bootTime;
    } catch (err) {
      const failure = failureOf(err);
      if (failure?.code !== 'NodeNotServed' && failure?.code !== 'NotReady') throw err;
      const budget = budgetText(restartSeconds);
      throw failure.code === 'NotReady'
        ? stepFailure('RestartNotTaken', `${failure.message}, ${budget} after it was asked to`)
        : stepFailure(
            'NodeDidNotReturn',
            `${node} was restarted and its worker has taken no task for ${budget}`,
          );
    }
  }

  private async ready(): Promise<void> {
    const { node } = this.input;
    const spec = this.spec('ready', `Wait until ${node} is ready`);
    await this.run.step(spec, async (c) => {
      const ready = await this.here(`Services of ${node}`, {
        seconds: READY_SECONDS + 60,
      }).awaitReady({
        step: spec.id,
        features: this.features,
        mayBePaused: this.drained,
        waitSeconds: READY_SECONDS,
      });
      c.evidence({ ...ready });
    });
  }

  private async resume(): Promise<void> {
    const { node } = this.input;
    await this.run.step(this.spec('resume', `Resume ${node} in the cluster`), async (c) => {
      c.evidence({ ...(await this.resumeNow()) });
    });
  }

  private resumeNow() {
    const { node } = this.input;
    return this.calls.onCluster({ summary: `Resume ${node}` }).resumeNode({ node });
  }
}

const budgetText = (seconds: number): string =>
  seconds >= 120 ? `${String(Math.round(seconds / 60))} min` : `${String(seconds)} s`;
