// The activity that watches the runs of a cluster and tells people what is new, for hours, on a worker that has the
// settings for it. What it knows is in its heartbeats, so the next worker goes on where this one ended. It never
// changes a run.
import {
  activityInfo,
  cancellationDetails,
  cancellationSignal,
  heartbeat,
} from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { messageOf, type UiPlace } from '../domain/message.ts';
import {
  digest,
  nothingWatched,
  runsToAsk,
  trimmed,
  withChannels,
  type SeenRun,
  type SeenSchedule,
  type Watched,
} from '../domain/news.ts';
import type { RunStatus } from '../domain/status.ts';
import { pause, stopwatch, type Waiting } from './beats.ts';
import { notYet } from './failing.ts';
import { Telling, type ToldChannel } from './notify/telling.ts';

/** The server, as far as it knows of runs. */
export interface RunsSource {
  /** Those that are open, and those that ended later than this. */
  list: (endedAfter: string) => Promise<SeenRun[]>;
  /** What the run says of itself; undefined when it does not answer in time. */
  status: (run: SeenRun) => Promise<RunStatus | undefined>;
  /** All schedules of the cluster. */
  schedules: () => Promise<SeenSchedule[]>;
}

export interface PeopleDeps extends Waiting {
  channels: readonly ToldChannel[];
  source: RunsSource;
  place: UiPlace;
  log: (line: string) => void;
  now: () => Date;
  /** Tests are in a hurry. */
  pace?: WatchPace;
}

export interface WatchPace {
  lookEveryMs: number;
  schedulesEveryMs: number;
  watchMs: number;
}

export interface WatchRequest {
  cluster: string;
  /** What the one before knew; null for the first. */
  watched: Watched | null;
}

const PACE: WatchPace = {
  // A person who is called does not mind; a list costs the server a query.
  lookEveryMs: 5_000,
  // What was missed is hours old.
  schedulesEveryMs: 60_000,
  // Then its workflow begins a new history; until then this one has four events.
  watchMs: 12 * 60 * 60 * 1000,
};
/** How soon another worker goes on when this one ends. */
const HAND_ON_MS = 100;

export const createPeopleQueue = (deps: PeopleDeps) => ({
  watchRuns: (request: WatchRequest): Promise<Watched> => new Watch(deps, request).run(),
});

export type PeopleQueue = ReturnType<typeof createPeopleQueue>;

class Watch {
  private watched: Watched;
  private readonly deps: PeopleDeps;
  private readonly telling: Telling;
  private readonly sinceStart: () => number;
  private listProblem = '';
  private schedulesProblem = '';
  private schedulesAt = -Infinity;

  constructor(deps: PeopleDeps, { cluster, watched }: WatchRequest) {
    const info = activityInfo();
    this.deps = deps;
    this.watched = withChannels(
      // By the server's clock, as all times of runs are.
      (info.heartbeatDetails as Watched | undefined) ??
        watched ??
        nothingWatched(new Date(info.scheduledTimestampMs).toISOString()),
      deps.channels.map(({ channel }) => channel.name),
    );
    this.sinceStart = stopwatch(deps);
    this.telling = new Telling({
      ...deps,
      elapsedMs: this.sinceStart,
      watched: () => this.watched,
      took: (channel, seq, told) => this.took(channel, seq, told),
      message: (news, leftOut) => messageOf(news, cluster, deps.place, leftOut),
      pause: (ms) => pause(deps, ms),
      signal: cancellationSignal(),
    });
  }

  async run(): Promise<Watched> {
    const { lookEveryMs, watchMs } = this.deps.pace ?? PACE;
    while (this.sinceStart() < watchMs && !cancellationSignal().aborted) {
      await this.look();
      this.telling.goOn();
      await pause(this.deps, lookEveryMs);
    }
    await this.telling.ended();
    this.beat();
    if (!cancellationSignal().aborted) return this.watched;
    if (cancellationDetails()?.cancelRequested === true)
      throw new CancelledFailure('people are not told any more');
    throw notYet(
      'this worker ends; another one tells people, or this one when it is back',
      HAND_ON_MS,
    );
  }

  private async look(): Promise<void> {
    const { source, log, now } = this.deps;
    try {
      const runs = await source.list(this.watched.since);
      const asked = runsToAsk(this.watched, runs, now());
      const answers = await Promise.all(asked.map((run) => source.status(run)));
      const statuses = new Map(
        answers.filter((s) => s !== undefined).map((status) => [status.runId, status]),
      );
      const schedules = await this.schedules();
      this.watched = trimmed(digest(this.watched, { runs, statuses, schedules, now: now() }));
      this.listProblem = '';
    } catch (err) {
      const problem = err instanceof Error ? err.message : String(err);
      if (problem !== this.listProblem) log(`runs cannot be watched now: ${problem}`);
      this.listProblem = problem;
    }
    this.beat();
  }

  /** undefined when it is not time yet, and when they cannot be read: runs are told all the same. */
  private async schedules(): Promise<SeenSchedule[] | undefined> {
    const { schedulesEveryMs } = this.deps.pace ?? PACE;
    if (this.sinceStart() - this.schedulesAt < schedulesEveryMs) return undefined;
    this.schedulesAt = this.sinceStart();
    try {
      const seen = await this.deps.source.schedules();
      this.schedulesProblem = '';
      return seen;
    } catch (err) {
      const problem = err instanceof Error ? err.message : String(err);
      if (problem !== this.schedulesProblem)
        this.deps.log(`schedules cannot be watched now: ${problem}`);
      this.schedulesProblem = problem;
      return undefined;
    }
  }

  private took(channel: string, seq: number, told: boolean): void {
    const { channels } = this.watched;
    const leftOut = told ? 0 : (channels[channel]?.leftOut ?? 0);
    this.watched = trimmed({
      ...this.watched,
      channels: { ...channels, [channel]: { taken: seq, leftOut } },
    });
    this.beat();
  }

  private beat(): void {
    heartbeat(this.watched);
  }
}
