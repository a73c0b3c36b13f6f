// How long a person waits for an answer: commands as they are typed, each a process of its own, again and again while
// something else goes on; and the same without the process, through the client's own code.
import { summaryOf, type Summary } from '../rig/statistics.ts';
import { sleep } from '../rig/waiting.ts';
import type { RealLab } from '../rig/lab.ts';
import { listRuns } from '../../client/runs/list.ts';
import { RunTracker } from '../../client/runs/tracker.ts';

export const QUESTIONS = [
  'watari run list',
  'watari run show',
  'watari run watch, first lines',
  'list of runs',
  'status of a run',
] as const;
export type Question = (typeof QUESTIONS)[number];

export interface Answers {
  times: Record<Question, Summary | null>;
  /** What went wrong, each once. */
  failures: string[];
}

const PAUSE_MS = 300;
const PATIENCE_MS = 30_000;

export class AnswerTimes {
  private readonly lab: RealLab;
  private readonly run: () => string;
  private readonly times = Object.fromEntries(QUESTIONS.map((q) => [q, []])) as unknown as Record<
    Question,
    number[]
  >;
  private readonly failures = new Set<string>();
  private begun = false;
  private over = false;
  private asking: Promise<void> = Promise.resolve();

  /** @param run the id of a run to ask about, another one each time. */
  constructor(lab: RealLab, run: () => string) {
    this.lab = lab;
    this.run = run;
  }

  /** More than once is the same as once. */
  begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.asking = this.askOn();
  }

  async end(): Promise<Answers> {
    this.over = true;
    await this.asking;
    return this.answers();
  }

  answers(): Answers {
    const times = Object.fromEntries(
      QUESTIONS.map((q) => [q, summaryOf(this.times[q].map(Math.round))]),
    ) as Answers['times'];
    return { times, failures: [...this.failures] };
  }

  /** All questions once. */
  async askAll(): Promise<void> {
    const { temporal } = this.lab.server;
    const run = this.run();
    await this.time('list of runs', () =>
      listRuns(temporal, { cluster: this.lab.cluster, needsOperator: false, all: false }),
    );
    await this.time('status of a run', () =>
      new RunTracker(temporal, run, () => new Date()).lookPatiently(),
    );
    await this.time('watari run list', () => this.command('run', 'list'));
    await this.time('watari run show', () => this.command('run', 'show', run, '--json'));
    await this.time('watari run watch, first lines', () => this.firstLines('run', 'watch', run));
  }

  private async askOn(): Promise<void> {
    while (!this.over) {
      await this.askAll();
      await sleep(PAUSE_MS);
    }
  }

  private async time(question: Question, ask: () => Promise<unknown>): Promise<void> {
    const began = performance.now();
    try {
      await ask();
      this.times[question].push(performance.now() - began);
    } catch (err) {
      this.failures.add(`${question}: ${err instanceof Error ? err.message : String(err)}`);
    }
  }

  private async command(...words: string[]): Promise<void> {
    const program = this.lab.watari(...words);
    const code = await program.endedWithin(PATIENCE_MS);
    // 1 and 4 are answers: the run failed, or waits for a person.
    if (typeof code !== 'number') throw new Error(`no end within ${PATIENCE_MS / 1000} s`);
    if (![0, 1, 4].includes(code))
      throw new Error(`exit code ${code}: ${program.stderr()}${program.stdout()}`);
    if (program.stdout() === '') throw new Error(`said nothing: ${program.stderr()}`);
  }

  private async firstLines(...words: string[]): Promise<void> {
    const program = this.lab.watari(...words);
    const said = new Promise<void>((resolve) => {
      program.onOutput(() => {
        resolve();
      });
    });
    await Promise.race([said, program.endedWithin(PATIENCE_MS)]);
    const nothing = program.stdout() === '';
    await program.kill();
    if (nothing) throw new Error(`showed nothing: ${program.stderr()}`);
  }
}
