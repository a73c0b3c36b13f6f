// The worker processes of a stage, simulated or real: each node of the lab that is up has one. It is born when its node
// is, dies with it, and is started again by its service when it dies alone. It runs the product's own activities.
import { inProcessHost } from '../../lab/host.ts';
import type { LedgerDoor } from '../../activities/cluster.ts';
import type { Lab } from '../../lab/machine/lab.ts';
import type { Random } from '../rig/random.ts';
import { hostOfWorker, productParts, type Living, type Mutant, type WorkerParts } from './parts.ts';

export interface CrewMember extends Living {
  readonly node: string;
  readonly identity: string;
  /** The machine's clock is wrong by this. */
  clockOffsetMs: number;
  now(): Date;
  die(): unknown;
  /** It cannot reach the server. */
  cutOff(): void;
  reconnect(): void;
}

/** Stands between an activity and the port. */
export type Around<W> = (
  worker: W,
  op: string,
  args: object,
  call: () => Promise<unknown>,
) => Promise<unknown>;

export interface CrewOptions<W> {
  stage: {
    readonly lab: Lab;
    readonly clock: { now(): number; after(ms: number, call: () => void): unknown };
    tell(line: string): void;
  };
  random: Random;
  /** How often waiting activities look again. */
  lookEveryMs: number;
  mutant?: Mutant | undefined;
  around: Around<W>;
  /** The worker's way to the order of moves. */
  ledger: (worker: W) => LedgerDoor;
  /** @param incarnation counts the processes of this node */
  start: (node: string, incarnation: number) => W;
}

export class Crew<W extends CrewMember> {
  readonly workers = new Map<string, W>();
  /** Nodes whose calls take so many times as long. */
  readonly slow = new Map<string, number>();
  private readonly o: CrewOptions<W>;
  private readonly incarnations = new Map<string, number>();
  private readonly delays: Random;
  private readonly births: Random;

  constructor(options: CrewOptions<W>) {
    this.o = options;
    this.delays = options.random.branch('delays');
    this.births = options.random.branch('births');
  }

  begin(): void {
    const { lab, clock } = this.o.stage;
    for (const node of lab.nodes()) this.bear(node);
    lab.onNodeChange(({ node, up }) => {
      if (up) clock.after(this.births.int(500, 6000), () => this.bear(node));
      else this.kill(node);
    });
  }

  /** A worker process starts on this node, if the node runs and has none. */
  private bear(node: string): void {
    const { stage, start } = this.o;
    if (this.workers.has(node) || !stage.lab.isUp(node)) return;
    const incarnation = (this.incarnations.get(node) ?? 0) + 1;
    this.incarnations.set(node, incarnation);
    const worker = start(node, incarnation);
    this.workers.set(node, worker);
    stage.tell(`worker ${worker.identity} starts`);
  }

  private kill(node: string): void {
    const worker = this.workers.get(node);
    if (worker === undefined) return;
    this.workers.delete(node);
    this.o.stage.tell(`worker ${worker.identity} is dead`);
    worker.die();
  }

  /** Kills the process alone; its service starts it again. */
  killProcess(node: string): void {
    this.kill(node);
    this.o.stage.clock.after(this.births.int(3000, 8000), () => this.bear(node));
  }

  /** The node cannot reach the server for so long; false when it has no worker. */
  cutOff(node: string, seconds: number): boolean {
    const worker = this.workers.get(node);
    worker?.cutOff();
    if (worker !== undefined) this.o.stage.clock.after(seconds * 1000, () => worker.reconnect());
    return worker !== undefined;
  }

  /** The clock of the node's worker is wrong by this from now on. */
  stepClock(node: string, ms: number): void {
    const worker = this.workers.get(node);
    if (worker !== undefined) worker.clockOffsetMs += ms;
  }

  partsFor(worker: W): WorkerParts {
    const { stage, mutant, around, lookEveryMs } = this.o;
    const inLab = inProcessHost(stage.lab, worker.node);
    const delay = (): number =>
      Math.round(this.delays.int(1, 30) * (this.slow.get(worker.node) ?? 1));
    const host = hostOfWorker(mutant?.host?.(inLab) ?? inLab, worker, delay, (op, args, call) =>
      around(worker, op, args, call),
    );
    return productParts(
      {
        host,
        now: () => worker.now(),
        elapsedMs: () => stage.clock.now(),
        lookEveryMs,
        ledger: this.o.ledger(worker),
        after: (ms, call) => worker.after(ms, call),
        worker: { version: 'sim', node: process.versions.node, platform: 'sim', powershell: null },
      },
      mutant,
    );
  }
}
