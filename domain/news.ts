// What of the runs of a cluster people are told: a pure function from what was told and what is seen to what is news.
// Read by the activity that watches runs. Knows no channel and no secret: all of this stands in heartbeats.
import { boundedText } from './bounded.ts';
import type { IsoTime } from './facts.ts';
import { LEDGER_WORKFLOW, LOOKS, scheduleName } from './names.ts';
import { isSettled, type Decision, type RunStatus, type StepStatus } from './status.ts';

export const NEWS_KINDS = ['started', 'needs', 'solved', 'ended', 'missed'] as const;
export type NewsKind = (typeof NEWS_KINDS)[number];

export interface News {
  /** Order of telling, within the cluster. */
  seq: number;
  /** The same when it is told once more: by it a receiver knows a message again. */
  id: string;
  kind: NewsKind;
  at: IsoTime;
  /** Of a schedule that has missed a run: the id of the schedule. */
  run: string;
  /** Empty for a schedule. */
  runId: string;
  title: string;
  /** null for the whole run, and where the run does not answer. */
  step: string | null;
  code: string | null;
  skippable: boolean;
  /** What happened; empty when there is no more to say. */
  text: string;
  outcome: Outcome | null;
}

const OUTCOMES = ['succeeded', 'failed', 'cancelled', 'terminated'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** A run as the server's list has it; its times are the server's. */
export interface SeenRun {
  run: string;
  runId: string;
  workflow: string;
  /** `continued`: the same run goes on under another run id, because its history was long. */
  state: 'running' | 'needs-operator' | 'continued' | Outcome;
  startedAt: IsoTime;
  endedAt: IsoTime | null;
  parent: string | null;
}

/** A schedule as the server counts for it, from its beginning. */
export interface SeenSchedule {
  /** Its id. */
  schedule: string;
  /** Runs whose time passed while the server was away. */
  missed: number;
  /** Runs that were left out because the one before still went on. */
  skipped: number;
}

interface Need {
  run: string;
  runId: string;
  title: string;
  step: string | null;
  code: string | null;
  /** The run was last asked what it needs. */
  askedAt: IsoTime;
  /** Nobody is needed any more since. */
  goneAt: IsoTime | null;
}

/** What the watcher knows; survives it as heartbeat, or as the input of the next. */
export interface Watched {
  /** Of the server's clock. What began or ended before is no news. */
  since: IsoTime;
  /** Told starts and ends that are later than `since`, with their times. */
  told: Record<string, IsoTime>;
  needs: Record<string, Need>;
  /** By id, what was told of schedules. Workers of earlier versions looked at none. */
  schedules?: Record<string, Pick<SeenSchedule, 'missed' | 'skipped'>>;
  /** Not taken by every channel yet. */
  news: News[];
  nextSeq: number;
  /** By channel: the last news that it has taken, and how many of its news were left out after that. */
  channels: Record<string, { taken: number; leftOut: number }>;
}

/** The server's list is a second behind, a busy one's more. */
const LIST_LAG_MS = 120_000;
/** A step that needs somebody again so soon after a decision has not been solved: what was told last is still true. */
const SETTLED_MS = 30_000;
/** A run that waits is asked again for what: another of its steps may wait too by now. */
const ASK_AGAIN_MS = 60_000;
/** Of one look; the others are asked at the next. */
const ASKED_MAX = 20;
/** Some 100 KB of a heartbeat at most. */
const NEWS_MAX = 100;
const TEXT_CHARS_MAX = 700;
const TITLE_CHARS_MAX = 200;

/** Who started a look waits for its answer; the ledger of moves is nobody's. */
const QUIET: readonly string[] = [...LOOKS, 'scanUpdates', 'doctor', LEDGER_WORKFLOW];

export const nothingWatched = (since: IsoTime): Watched => ({
  since,
  told: {},
  needs: {},
  news: [],
  nextSeq: 1,
  channels: {},
});

export interface Look {
  runs: readonly SeenRun[];
  /** By run id: what those runs say that were asked. */
  statuses: ReadonlyMap<string, RunStatus>;
  /** All there are; absent when they were not looked at. */
  schedules?: readonly SeenSchedule[] | undefined;
  /** Of the computer that looks; only told and compared with itself. */
  now: Date;
}

const keyOf = (runId: string, step: string | null): string => `${runId} ${step ?? ''}`;
const isOver = (run: SeenRun): boolean => run.endedAt !== null;
const isNews = (run: SeenRun): boolean =>
  !QUIET.includes(run.workflow) && run.state !== 'continued';
/** Runs inside others are the others' news, but a node that has failed: its maintenance may go on with the next one. */
const isEndNews = ({ parent, workflow, state }: SeenRun): boolean =>
  parent === null || (workflow === 'maintainNode' && state === 'failed');
const msBetween = (from: IsoTime, to: Date): number => to.getTime() - Date.parse(from);

/** Which runs to ask for their status, so that what is told can say what happened. */
export function runsToAsk(watched: Watched, runs: readonly SeenRun[], now: Date): SeenRun[] {
  const asks = (run: SeenRun): boolean => {
    const needs = Object.values(watched.needs).filter((need) => need.runId === run.runId);
    if (isOver(run)) return needs.length > 0 || (isEndNews(run) && isUntold(watched, run, 'ended'));
    if (run.state === 'needs-operator')
      return (
        needs.length === 0 ||
        needs.some((n) => n.goneAt !== null || msBetween(n.askedAt, now) >= ASK_AGAIN_MS)
      );
    return needs.length > 0 || (run.parent === null && isUntold(watched, run, 'started'));
  };
  return runs.filter((run) => isNews(run) && asks(run)).slice(0, ASKED_MAX);
}

function isUntold({ since, told }: Watched, run: SeenRun, kind: 'started' | 'ended'): boolean {
  const at = kind === 'started' ? run.startedAt : (run.endedAt ?? '');
  return at > since && told[`${run.runId} ${kind}`] === undefined;
}

/** What was known, and what is seen now: what is known then, with its news at the end of those that wait. */
export function digest(before: Watched, look: Look): Watched {
  const digestion = new Digestion(structuredClone(before), look);
  const runs = look.runs.filter(isNews).sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  for (const run of runs) digestion.take(run);
  digestion.forgetGone(new Set(runs.map((r) => r.runId)));
  digestion.moveOn(runs);
  if (look.schedules !== undefined) digestion.takeSchedules(look.schedules);
  return digestion.watched;
}

class Digestion {
  readonly watched: Watched;
  private readonly look: Look;

  constructor(watched: Watched, look: Look) {
    this.watched = watched;
    this.look = look;
  }

  take(run: SeenRun): void {
    if (run.parent === null && isUntold(this.watched, run, 'started')) this.tellStart(run);
    this.takeNeeds(run);
    if (isOver(run) && isEndNews(run) && isUntold(this.watched, run, 'ended')) this.tellEnd(run);
  }

  /** Needs of runs that the server no longer lists: somebody deleted them. */
  forgetGone(listed: ReadonlySet<string>): void {
    for (const [key, need] of Object.entries(this.watched.needs)) {
      if (listed.has(need.runId)) continue;
      const goesOn = this.look.runs.some((r) => r.runId === need.runId && r.state === 'continued');
      // Under its new id the run says again what it needs.
      if (goesOn) this.forget(key);
      else this.settle(key, need, 'Its run is no longer there.', false);
    }
  }

  /** Times of the server alone: the clock here may be set. */
  moveOn(runs: readonly SeenRun[]): void {
    const { watched } = this;
    const latest = Math.max(
      0,
      ...runs.flatMap((r) => [Date.parse(r.startedAt), Date.parse(r.endedAt ?? r.startedAt)]),
    );
    const since = new Date(Math.max(0, latest - LIST_LAG_MS)).toISOString();
    if (since > watched.since) watched.since = since;
    const told = Object.entries(watched.told).filter(([, at]) => at > watched.since);
    watched.told = Object.fromEntries(told);
  }

  /** Only what is counted while somebody looks: of what was before, nobody knows when it was. */
  takeSchedules(seen: readonly SeenSchedule[]): void {
    const known = this.watched.schedules ?? {};
    for (const { schedule, missed, skipped } of seen) {
      const before = known[schedule] ?? { missed, skipped };
      this.tellMissed(schedule, missed - before.missed, 'time');
      this.tellMissed(schedule, skipped - before.skipped, 'overlap');
    }
    this.watched.schedules = Object.fromEntries(
      seen.map(({ schedule, missed, skipped }) => [schedule, { missed, skipped }]),
    );
  }

  /** Fewer than before: it was removed, and added anew. */
  private tellMissed(schedule: string, count: number, cause: keyof typeof MISSED): void {
    if (count <= 0) return;
    const at = this.look.now.toISOString();
    const runs = count === 1 ? '1 run was' : `${count} runs were`;
    this.tell(
      { run: schedule, runId: '', title: `schedule ${scheduleName(schedule)}` },
      { kind: 'missed', at, text: `${runs} ${MISSED[cause]}`, mark: `${schedule}/${cause}/${at}` },
    );
  }

  private tellStart(run: SeenRun): void {
    this.watched.told[`${run.runId} started`] = run.startedAt;
    const goesOn = this.look.runs.some(
      (r) => r.state === 'continued' && r.run === run.run && (r.endedAt ?? '') <= run.startedAt,
    );
    if (goesOn) return;
    const { startedBy: by, reason } = this.look.statuses.get(run.runId) ?? {};
    const why = reason === undefined ? '' : `: ${reason}`;
    const text = by === undefined ? '' : `Started by ${by}${why}.`;
    this.tell(run, { kind: 'started', at: run.startedAt, text });
  }

  private tellEnd(run: SeenRun): void {
    const at = run.endedAt ?? '';
    this.watched.told[`${run.runId} ended`] = at;
    const failed = this.look.statuses
      .get(run.runId)
      ?.steps.find((s) => s.state === 'failed' && s.failure !== null);
    const outcome = OUTCOMES.find((one) => one === run.state) ?? null;
    this.tell(run, {
      kind: 'ended',
      at,
      outcome,
      code: failed?.failure?.code ?? null,
      step: failed?.id ?? null,
      text: failed?.failure?.message ?? '',
    });
  }

  private takeNeeds(run: SeenRun): void {
    const status = this.look.statuses.get(run.runId);
    const waiting = run.state === 'needs-operator' ? status?.steps.filter(waitsForPerson) : [];
    const known = Object.entries(this.watched.needs).filter(([, n]) => n.runId === run.runId);
    // It does not answer: somebody is needed, and what was known of it holds.
    if (waiting === undefined) {
      if (known.length === 0) this.need(run, undefined);
      return;
    }
    for (const step of waiting) this.need(run, step);
    for (const [key, need] of known) {
      if (waiting.some((step) => keyOf(run.runId, step.id) === key)) continue;
      const step = status?.steps.find((s) => s.id === need.step);
      // Told before the run could say which step it was: the need of that step is what stands now.
      if (need.step === null && waiting.length > 0) this.forget(key);
      else this.settle(key, need, solutionOf(step), isOver(run) || isDone(step));
    }
  }

  private need(run: SeenRun, step: StepStatus | undefined): void {
    const { watched, look } = this;
    const key = keyOf(run.runId, step?.id ?? null);
    const now = look.now.toISOString();
    const code = step?.failure?.code ?? null;
    const known = watched.needs[key];
    const title = this.titleOf(run);
    watched.needs[key] = {
      ...{ run: run.run, runId: run.runId, title, step: step?.id ?? null, code },
      ...{ askedAt: now, goneAt: null },
    };
    if (known !== undefined && known.code === code) return;
    this.tell(run, {
      kind: 'needs',
      at: now,
      step: step?.id ?? null,
      code,
      skippable: step?.skippable ?? false,
      text: step?.failure?.message ?? '',
      mark: `${step?.id ?? ''}/${step?.attempt ?? 0}`,
    });
  }

  /** @param atOnce the same need cannot come back, so nothing is gained by waiting. */
  private settle(key: string, need: Need, text: string, atOnce: boolean): void {
    const { look } = this;
    need.goneAt ??= look.now.toISOString();
    if (!atOnce && msBetween(need.goneAt, look.now) < SETTLED_MS) return;
    this.forget(key);
    const { step, code, goneAt } = need;
    this.tell(need, {
      kind: 'solved',
      at: goneAt,
      step,
      code,
      text,
      mark: `${step ?? ''}/${goneAt}`,
    });
  }

  private forget(key: string): void {
    this.watched.needs = without(this.watched.needs, key);
  }

  private titleOf({ run, runId }: { run: string; runId: string }): string {
    return boundedText(this.look.statuses.get(runId)?.title ?? run, TITLE_CHARS_MAX);
  }

  private tell(
    about: { run: string; runId: string; title?: string },
    { mark = '', ...said }: Pick<News, 'kind' | 'at' | 'text'> & Partial<News> & { mark?: string },
  ): void {
    const { watched } = this;
    const { run, runId } = about;
    watched.news.push({
      ...{ step: null, code: null, skippable: false, outcome: null },
      ...said,
      ...{ run, runId, title: about.title ?? this.titleOf(about) },
      seq: watched.nextSeq,
      id: [runId, said.kind, mark].filter((part) => part !== '').join('/'),
      text: boundedText(said.text, TEXT_CHARS_MAX),
    });
    watched.nextSeq += 1;
  }
}

/** What became of it, and why. */
const MISSED = {
  time: 'missed: the time passed while the Temporal server was away, for longer than the schedule may be late.',
  overlap: 'left out: the run before still goes on, or waits for a person.',
} as const;

const isDone = (step: StepStatus | undefined): boolean =>
  step !== undefined && isSettled(step.state);

const waitsForPerson = (step: StepStatus): boolean => step.state === 'needs-operator';

/** What somebody decided, in their words. */
function solutionOf(step: StepStatus | undefined): string {
  const decisions = step?.evidence['decisions'];
  const last = (Array.isArray(decisions) ? decisions.at(-1) : undefined) as Decision | undefined;
  if (last === undefined) return '';
  const why = last.reason === '' ? '' : `: ${last.reason}`;
  return `${last.by} decided ${last.action}${why}.`.replace(/\.\.$/, '.');
}

const without = <T>(record: Record<string, T>, key: string): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([other]) => other !== key));

/** The channels there are now: a new one is told from here on, one that is gone is forgotten. */
export function withChannels(watched: Watched, names: readonly string[]): Watched {
  const last = watched.nextSeq - 1;
  const channels = Object.fromEntries(
    names.map((name) => [name, watched.channels[name] ?? { taken: last, leftOut: 0 }]),
  );
  return trimmed({ ...watched, channels });
}

/** Without what every channel has taken, and without the oldest of what is too much: that is counted. */
export function trimmed(watched: Watched): Watched {
  const channels = Object.values(watched.channels);
  const taken = Math.min(watched.nextSeq, ...channels.map((c) => c.taken));
  const waiting = watched.news.filter((n) => n.seq > taken);
  const news = waiting.slice(-NEWS_MAX);
  const lost = waiting.slice(0, waiting.length - news.length);
  return {
    ...watched,
    news,
    channels: Object.fromEntries(
      Object.entries(watched.channels).map(([name, c]) => {
        const missed = lost.filter((n) => n.seq > c.taken).length;
        const upTo = lost.at(-1)?.seq ?? 0;
        return [name, missed === 0 ? c : { taken: upTo, leftOut: c.leftOut + missed }];
      }),
    ),
  };
}
