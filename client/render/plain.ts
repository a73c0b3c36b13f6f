// A run as lines for logs, pipes and screen readers: one line per change of a step's state and per 10 % of progress.
import { durationText } from '../../domain/units.ts';
import { isSettled } from '../../domain/status.ts';
import type { RunView, StepView } from '../runs/view.ts';
import { endedBy } from './evidence.ts';
import { oneLine } from './format.ts';
import { timeOfDay } from '../words.ts';
import { STATE_WORDS, elapsedMs } from './steps.ts';

/** Below every tenth, so that the first known percentage is news. */
const UNKNOWN = -1;

interface Seen {
  state: string;
  attempt: number;
  tenth: number;
  saidWait: boolean;
}

/** Remembers what was said; `lines` answers only what is new. */
export class PlainReporter {
  private readonly seen = new Map<string, Seen>();
  private readonly notes = new Set<string>();

  lines(view: RunView, now: Date): string[] {
    const lines = view.steps.flatMap((step) => this.stepLines(step, now));
    for (const note of view.notes) {
      if (this.notes.has(note)) continue;
      lines.push(`${timeOfDay(now)} note       ${oneLine(note)}`);
    }
    this.notes.clear();
    for (const note of view.notes) this.notes.add(note);
    return lines;
  }

  private stepLines(step: StepView, now: Date): string[] {
    const key = `${step.run} ${step.id}`;
    const before = this.seen.get(key);
    const percent = step.progress?.percent ?? null;
    const running = step.state === 'running' || step.state === 'waiting';
    const tenth = running && percent !== null ? Math.floor(percent / 10) : UNKNOWN;
    const changed =
      before === undefined
        ? step.state !== 'pending'
        : before.state !== step.state || (running && before.attempt !== step.attempt);
    const seen: Seen = {
      state: step.state,
      attempt: step.attempt,
      // The estimate of Windows may go backwards; a log that repeats 30 % and 40 % would mislead.
      tenth: changed ? tenth : Math.max(before?.tenth ?? UNKNOWN, tenth),
      saidWait: (changed ? false : (before?.saidWait ?? false)) || step.waitingFor !== null,
    };
    this.seen.set(key, seen);
    const advanced = before !== undefined && seen.tenth > before.tenth;
    const waits = running && before !== undefined && !before.saidWait && step.waitingFor !== null;
    return changed || advanced || waits ? [plainLine(step, now)] : [];
  }
}

function plainLine(step: StepView, now: Date): string {
  const head = `${timeOfDay(now)} ${STATE_WORDS[step.state].padEnd(9)}  ${step.id}`;
  return [head, oneLine(step.title), ...details(step, now)].join('  ');
}

function details(step: StepView, now: Date): string[] {
  const texts: string[] = [];
  const p = step.progress;
  const live = !isSettled(step.state) && step.state !== 'pending';
  if (live && p?.percent != null) texts.push(`${Math.floor(p.percent)} % ${p.phase}`.trim());
  if (live && p?.etaSeconds != null) texts.push(`~${durationText(p.etaSeconds * 1000)} left`);
  const waits = live && step.state !== 'needs-operator';
  if (waits && step.waitingFor !== null) texts.push(`waits for ${oneLine(step.waitingFor)}`);
  if (step.attempt > 1) texts.push(`attempt ${step.attempt}`);
  // One that runs has not failed: what it still carries is the failure of the attempt before.
  if (step.failure !== null && step.state !== 'succeeded' && step.state !== 'running') {
    texts.push(`${step.failure.code}: ${oneLine(step.failure.message)}`);
  }
  const decision = isSettled(step.state) ? endedBy(step.evidence) : null;
  if (decision !== null) texts.push(decision);
  const elapsed = elapsedMs(step, now);
  if (isSettled(step.state) && elapsed !== null) texts.push(`(${durationText(elapsed)})`);
  return texts;
}
