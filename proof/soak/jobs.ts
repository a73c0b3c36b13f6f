// The work that goes on while things are killed: commands as people type them, and preparations of nodes, which no
// command starts by itself.
import fs from 'node:fs';
import path from 'node:path';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { ATTRIBUTE, clusterQueue, runId, sameName } from '../../domain/names.ts';
import type { PrepareNodeInput } from '../../domain/spec.ts';
import { isOutage } from '../../client/temporal/connection.ts';
import type { RealLab } from '../rig/lab.ts';
import { sleep } from '../rig/waiting.ts';
import { clusterText, RESTART_FEATURE } from './cast.ts';
import type { Clients } from './clients.ts';
import type { Job, Wish } from './schedule.ts';

export interface Surroundings {
  lab: RealLab;
  clients: Clients;
  say: (line: string) => void;
}

/** Beyond that a small machine only measures itself. */
const COMMANDS_AT_ONCE = 4;
/** So long a drain waits for its turn: one node at a time is away. */
const DRAIN_PATIENCE_MS = 30_000;
/** What still stands then waits for a person, who comes when nothing is killed any more. */
const CAMPAIGN_PATIENCE_MS = 60_000;
const CALL_MS = 5_000;

export class Workload {
  /** Of the last `apply` that was asked for: what the cluster has to be in the end. */
  wish: Wish;
  skipped = 0;
  /** All nodes were restarted in the latest round. */
  isMaintained = false;
  private readonly around: Surroundings;
  private files = 0;
  private readonly drains: Promise<void>[] = [];

  constructor(around: Surroundings, wish: Wish) {
    this.around = around;
    this.wish = wish;
  }

  /** Resolves when everything of the round has been asked for; what was asked for goes on. */
  async run(jobs: readonly Job[], startedMs: number): Promise<void> {
    for (const job of jobs) {
      await sleep(Math.max(0, startedMs + job.atMs - Date.now()));
      const isTooMuch = this.around.clients.busy >= COMMANDS_AT_ONCE && job.kind !== 'drain';
      if (isTooMuch) this.skipped += 1;
      else await this.begin(job);
    }
    await Promise.all(this.drains);
  }

  /** A cluster.yaml for this wish. */
  fileFor(wish: Wish): string {
    this.files += 1;
    const { folder, cluster } = this.around.lab;
    const file = path.join(folder, `cluster-${this.files}.yaml`);
    fs.writeFileSync(file, clusterText(cluster, wish));
    return file;
  }

  /** A node that has VMs just then is emptied and brought back; then all nodes are restarted, one after the other. */
  private async campaigns({ pick }: Job): Promise<void> {
    const node = await this.fullNode(pick);
    this.isMaintained =
      node !== undefined &&
      (await this.campaign(['node', 'drain', node])) &&
      (await this.campaign(['node', 'resume', node, '--bring-back'])) &&
      (await this.campaign(['cluster', 'maintain', '--restart', '--yes']));
    if (!this.isMaintained) this.skipped += 1;
  }

  private async fullNode(pick: number): Promise<string | undefined> {
    const end = Date.now() + DRAIN_PATIENCE_MS;
    while (Date.now() < end) {
      const { nodes, vms } = await this.around.lab.state();
      const full = nodes.filter((node) => vms.some((vm) => sameName(vm.owner, node.name)));
      const node = full[Math.floor(pick * full.length)];
      if (node !== undefined && nodes.every(({ state }) => state === 'Up')) return node.name;
      await sleep(1_000);
    }
    return undefined;
  }

  /** False where it could not begin, or stands. */
  private async campaign(words: readonly string[]): Promise<boolean> {
    const { clients, say } = this.around;
    say(words.join(' '));
    const end = Date.now() + CAMPAIGN_PATIENCE_MS;
    let hasBegun = false;
    while (Date.now() < end) {
      // Its server or its workers may be dead just now; whoever means it asks again.
      hasBegun ||= (await clients.run([...words, '--detach'])).code === 0;
      await sleep(1_000);
      if (hasBegun && (await this.hasEnded())) return true;
    }
    return false;
  }

  private async hasEnded(): Promise<boolean> {
    const { cluster, server } = this.around.lab;
    const { client, connection } = server.temporal;
    try {
      const { status } = await connection.withDeadline(Date.now() + CALL_MS, () =>
        client.workflow.getHandle(runId.campaign(cluster)).describe(),
      );
      return status.name !== 'RUNNING';
    } catch (err) {
      if (!isOutage(err)) throw err;
      return false;
    }
  }

  private async begin(job: Job): Promise<void> {
    const { say } = this.around;
    const { vm, node, killAfterMs } = job;
    const how = job.detach ? ['--detach'] : [];
    switch (job.kind) {
      case 'move':
        say(`vm migrate ${vm}`);
        this.command(['vm', 'migrate', vm, '--json', ...how], killAfterMs);
        return;
      case 'move-to':
        say(`vm migrate ${vm} --to ${node}`);
        this.command(['vm', 'migrate', vm, '--to', node, ...how], killAfterMs);
        return;
      case 'apply': {
        say(`cluster apply ${JSON.stringify(job.wish)}`);
        this.wish = job.wish;
        const file = this.fileFor(job.wish);
        this.command(['cluster', 'apply', '-f', file, '--yes', '--json'], killAfterMs);
        return;
      }
      case 'watch':
        return this.onSomeRun(job, (run) => ['run', 'watch', run]);
      case 'cancel':
        return this.onSomeRun(job, (run) => ['run', 'cancel', run]);
      case 'drain':
        // Waits for its turn; what comes after it does not.
        this.drains.push(this.campaigns(job));
        return;
      case 'prepare':
        if (!(await this.prepare(node))) this.skipped += 1;
        return;
    }
  }

  private command(words: string[], killAfterMs: number | null): void {
    void this.around.clients.run(words, killAfterMs);
  }

  /** Chosen when its time has come: which runs there are is not in the seed's hand. */
  private async onSomeRun(job: Job, words: (run: string) => string[]): Promise<void> {
    const runs = await this.running(
      job.kind === 'cancel' ? "WorkflowType = 'migrateVm' AND ParentWorkflowId IS NULL" : null,
    );
    const run = runs[Math.floor(job.pick * runs.length)];
    if (run === undefined) {
      this.skipped += 1;
      return;
    }
    const line = words(run);
    this.around.say(line.join(' '));
    this.command(line, job.killAfterMs);
  }

  private async running(which: string | null): Promise<string[]> {
    const { cluster, server } = this.around.lab;
    const { temporal } = server;
    const only = which === null ? '' : ` AND ${which}`;
    const query = `${ATTRIBUTE.cluster} = '${cluster}' AND ExecutionStatus = 'Running'${only}`;
    const runs: string[] = [];
    try {
      await temporal.connection.withDeadline(Date.now() + CALL_MS, async () => {
        for await (const { workflowId, type } of temporal.client.workflow.list({ query })) {
          if (type !== 'inspectCluster') runs.push(workflowId);
        }
      });
    } catch (err) {
      if (!isOutage(err)) throw err;
    }
    return runs.sort();
  }

  /**
   * Something is missing on the node, so it is installed, the node drained and restarted. One node at a time: false
   * when another has its turn.
   */
  private async prepare(node: string): Promise<boolean> {
    const { lab, say } = this.around;
    const { cluster } = lab;
    const { temporal } = lab.server;
    const others = await this.running(
      "WorkflowType IN ('prepareNode', 'applyCluster', 'drainNodes', 'maintainCluster')",
    );
    if (others.length > 0) return false;
    await lab.control({ action: 'remove-feature', node, feature: RESTART_FEATURE });
    const input: PrepareNodeInput = {
      cluster,
      node,
      features: [RESTART_FEATURE],
      restarts: 'allowed',
      startedBy: 'soak',
    };
    say(`prepareNode ${node}`);
    try {
      await temporal.connection.withDeadline(Date.now() + CALL_MS, () =>
        temporal.client.workflow.start('prepareNode', {
          workflowId: runId.prepare(cluster, node),
          taskQueue: clusterQueue(cluster),
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
        }),
      );
    } catch (err) {
      // The list of runs is a second behind.
      if (err instanceof WorkflowExecutionAlreadyStartedError) return false;
      if (!isOutage(err)) throw err;
    }
    return true;
  }
}
