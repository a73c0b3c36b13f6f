// The patient operator: looks, through the real command, at what waits for a person, and decides. Works only while
// nothing is killed, as somebody who has been called and first mends the cause.
import { sleep } from '../rig/waiting.ts';
import type { Clients, Command } from './clients.ts';

interface Listed {
  run: string;
  state: string;
}

interface Shown {
  steps: {
    id: string;
    run: string;
    state: string;
    skippable: boolean;
    waitingFor: string | null;
    failure: { code: string; message: string } | null;
  }[];
}

/** Codes that a retry cannot cure: the VM did restart, with the node that crashed, and its uptime is what it is. */
const BEYOND_RETRY = ['VmRestarted'];

/** The node that a move asks for may not be prepared yet: the cause is mended first. */
const NEEDS_APPLY = 'TargetNotEligible';

const LOOK_EVERY_MS = 1_500;

export class Operator {
  readonly decisions = { retry: 0, skip: 0 };
  private readonly clients: Clients;
  private readonly say: (line: string) => void;

  private readonly clusterFile: () => string;

  /** @param clusterFile the cluster.yaml that the cluster should be like. */
  constructor(clients: Clients, clusterFile: () => string, say: (line: string) => void) {
    this.clients = clients;
    this.clusterFile = clusterFile;
    this.say = say;
  }

  /** Decides until nothing runs any more. Answers what still stood when the time was up. */
  async settleAll(limitMs: number): Promise<string[]> {
    const end = Date.now() + limitMs;
    for (;;) {
      const runs = await this.list([]);
      // The list is a second behind: empty counts when it is so twice.
      if (runs?.length === 0) {
        await sleep(LOOK_EVERY_MS);
        if ((await this.list([]))?.length === 0) return [];
        continue;
      }
      if (Date.now() > end) return this.stillThere(runs ?? []);
      for (const { run } of (await this.list(['--needs-operator'])) ?? []) await this.decide(run);
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Nodes that drains have left paused take part again. */
  async resume(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) {
      this.say(`node resume ${node} by the operator`);
      await this.clients.run(['node', 'resume', node, '--bring-back']);
    }
  }

  /** What a round of killing has not let begin. */
  async maintain(): Promise<void> {
    this.say('cluster maintain by the operator');
    await this.clients.run(['cluster', 'maintain', '--restart', '--yes', '--detach']);
  }

  private async list(more: string[]): Promise<Listed[] | null> {
    const { code, stdout } = await this.clients.run(['run', 'list', '--json', ...more]);
    return code === 0 ? (JSON.parse(stdout) as { runs: Listed[] }).runs : null;
  }

  private async show(run: string): Promise<Shown | null> {
    const shown: Command = await this.clients.run(['run', 'show', run, '--json']);
    if (shown.code !== 0 && shown.code !== 4) return null;
    return JSON.parse(shown.stdout) as Shown;
  }

  private async decide(run: string): Promise<void> {
    const waiting = ((await this.show(run))?.steps ?? []).filter(
      (step) => step.state === 'needs-operator',
    );
    for (const step of waiting) {
      const code = step.failure?.code ?? '';
      if (code === NEEDS_APPLY) await this.apply();
      const action = step.skippable && BEYOND_RETRY.includes(code) ? 'skip' : 'retry';
      const words = ['run', action, step.run, '--step', step.id, '--reason', `soak: ${code}`];
      const decided = await this.clients.run(words);
      if (decided.code !== 0) continue;
      this.decisions[action] += 1;
      this.say(`${words.slice(0, 5).join(' ')} (${code})`);
    }
  }

  async apply(): Promise<void> {
    const words = ['cluster', 'apply', '-f', this.clusterFile(), '--yes', '--detach'];
    const { code, stdout, stderr } = await this.clients.run(words);
    const [said = ''] = (code === 0 ? stdout : stderr || stdout).trim().split('\n');
    this.say(`cluster apply by the operator: ${String(code)} ${said}`);
  }

  private async stillThere(runs: Listed[]): Promise<string[]> {
    const lines: string[] = [];
    for (const { run, state } of runs) {
      const open = ((await this.show(run))?.steps ?? [])
        .filter((s) => ['running', 'waiting', 'needs-operator'].includes(s.state))
        .map(
          (s) =>
            `${s.id} ${s.state}, ${s.failure?.code ?? s.waitingFor ?? ''} ${s.failure?.message ?? ''}`,
        );
      lines.push(`${run} is ${state}: ${open.join('; ')}`);
    }
    return lines;
  }
}
