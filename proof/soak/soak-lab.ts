// The lab of the soak, as a process of its own with a worker process for each node: asked, struck and watched over its
// HTTP door. It outlives every worker and tells in the end what really happened.
import path from 'node:path';
import { LAB_PROGRAM } from '../../client/package-root.ts';
import { parseStarted } from '../../client/demo/lab-process.ts';
import type { Effect } from '../../lab/machine/records.ts';
import type { LabState } from '../../lab/machine/state.ts';
import type { Program, Programs } from '../rig/processes.ts';
import { waitFor } from '../rig/waiting.ts';

const READY_MS = 20_000;
const CLOCK_LOOKS = 5;

export interface SoakLabOptions {
  programs: Programs;
  folder: string;
  scenario: string;
  speed: number;
  env: Record<string, string>;
}

export class SoakLab {
  readonly url: string;
  private readonly program: Program;
  private clock = { real: 0, simulated: 0, speed: 1 };

  private constructor(program: Program, url: string) {
    this.program = program;
    this.url = url;
  }

  static async start(o: SoakLabOptions): Promise<SoakLab> {
    const program = o.programs.start(
      [
        ...[LAB_PROGRAM, 'start', '--scenario', o.scenario, '--port', '0', '--json', '--owned'],
        ...['--log-dir', path.join(o.folder, 'logs'), '--speed', String(o.speed), '--workers'],
      ],
      { cwd: o.folder, env: o.env },
    );
    const { url } = await waitFor('the lab to start', READY_MS, () => {
      if (program.isOver()) throw new Error(`the lab ended: ${program.stderr()}`);
      return parseStarted(program.stdout()) ?? undefined;
    });
    const lab = new SoakLab(program, url);
    await lab.setClock();
    return lab;
  }

  state = async (): Promise<LabState> => (await this.ask('/state')) as LabState;

  async effects(): Promise<Effect[]> {
    return ((await this.ask('/effects')) as { effects: Effect[] }).effects;
  }

  /** Process ids of the workers that run now, by node. */
  async workers(): Promise<Record<string, number>> {
    return ((await this.ask('/workers')) as { pids: Record<string, number> }).pids;
  }

  async control(action: object): Promise<void> {
    await this.ask('/control', action);
  }

  /** When something of this simulated time happened, by this computer's clock. */
  realMs(simulated: string): number {
    const { real, simulated: then, speed } = this.clock;
    return real + (Date.parse(simulated) - then) / speed;
  }

  stop(): Promise<void> {
    return this.program.end();
  }

  private async ask(route: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${this.url}${route}`, {
      signal: AbortSignal.timeout(15_000),
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const said: unknown = await answer.json();
    if (!answer.ok) throw new Error(`the lab refused ${route}: ${JSON.stringify(said)}`);
    return said;
  }

  /** From the quickest of some looks: its middle is nearest to the moment at which the lab read its clock. */
  private async setClock(): Promise<void> {
    let quickest = Infinity;
    for (let i = 0; i < CLOCK_LOOKS; i += 1) {
      const asked = performance.now();
      const askedAt = Date.now();
      const { now, speed } = await this.state();
      const took = performance.now() - asked;
      if (took >= quickest) continue;
      quickest = took;
      this.clock = { real: askedAt + took / 2, simulated: Date.parse(now), speed };
    }
  }
}
