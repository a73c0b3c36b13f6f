// Carries out the strikes of a round at their moments: kill -9 of processes, power cuts of nodes. Knows how long each
// thing stays away, and waits at the end until everything that it took down is up again.
import type { RealLab } from '../rig/lab.ts';
import { sleep, waitFor } from '../rig/waiting.ts';
import type { Strike, StrikeKind } from './schedule.ts';
import type { SoakServer } from './servers.ts';

export interface Struck {
  kind: StrikeKind;
  /** This computer's clock. */
  atMs: number;
  /** Node, or the server. */
  whom: string;
}

export class Killer {
  readonly struck: Struck[] = [];
  /** Strikes that found nothing that they may take down just then. */
  skipped = 0;
  longestOutageMs = 0;
  private readonly lab: RealLab;
  private readonly server: SoakServer;
  private readonly say: (line: string) => void;

  constructor(lab: RealLab, server: SoakServer, say: (line: string) => void) {
    this.lab = lab;
    this.server = server;
    this.say = say;
  }

  /** Resolves when the round is over and everything is up. */
  async run(strikes: readonly Strike[], startedMs: number): Promise<void> {
    const returns: Promise<unknown>[] = [];
    // What befalls the server comes one after the other: a server that is away cannot be killed.
    let server = Promise.resolve();
    for (const strike of strikes) {
      await sleep(Math.max(0, startedMs + strike.atMs - Date.now()));
      if (strike.kind === 'worker') await this.worker(strike);
      else if (strike.kind === 'node-crash' || strike.kind === 'node-power-off') {
        await this.node(strike, returns);
      } else {
        const { kind, awayMs } = strike;
        server = server.then(() => this.strikeServer(kind, awayMs));
        returns.push(server);
        server.catch(() => undefined);
      }
    }
    await Promise.all(returns);
    await this.allUp();
  }

  private note(kind: StrikeKind, whom: string): void {
    this.struck.push({ kind, atMs: Date.now(), whom });
    this.say(`${kind} ${whom}`);
  }

  private async worker({ pick }: Strike): Promise<void> {
    const running = Object.entries(await this.lab.workerPids());
    const victim = running[Math.floor(pick * running.length)];
    if (victim === undefined) {
      this.miss('worker');
      return;
    }
    const [node, pid] = victim;
    try {
      process.kill(pid, 'SIGKILL');
      this.note('worker', node);
    } catch {
      // It had just died by itself, or with its node.
      this.miss('worker');
    }
  }

  private miss(kind: StrikeKind): void {
    this.skipped += 1;
    this.say(`${kind}: nobody to strike`);
  }

  /**
   * One node at a time: two and a restart that watari does itself would cost the quorum, which is no crash but the end
   * of the cluster.
   */
  private async node({ kind, pick, awayMs }: Strike, returns: Promise<unknown>[]): Promise<void> {
    const { nodes } = await this.lab.state();
    const up = nodes.filter((n) => n.power === 'running' && n.services === 'Running');
    const victim = up[Math.floor(pick * up.length)];
    if (up.length < nodes.length || victim === undefined) {
      this.miss(kind);
      return;
    }
    const { name } = victim;
    this.note(kind, name);
    if (kind === 'node-crash') {
      await this.lab.control({ action: 'crash', node: name });
      return;
    }
    await this.lab.control({ action: 'power-off', node: name });
    returns.push(sleep(awayMs).then(() => this.lab.control({ action: 'power-on', node: name })));
  }

  private async strikeServer(kind: StrikeKind, awayMs: number): Promise<void> {
    this.note(kind, 'the server');
    const lasted = await this.server.strike(kind, awayMs);
    this.longestOutageMs = Math.max(this.longestOutageMs, lasted);
  }

  private allUp(): Promise<unknown> {
    return waitFor(
      'all nodes and their workers to be back',
      async () => {
        const { nodes } = await this.lab.state();
        const pids = await this.lab.workerPids();
        return nodes.every((n) => n.services === 'Running' && pids[n.name] !== undefined);
      },
      { everyMs: 200 },
    );
  }
}
