// What people sent to a run, and what the run waited for: decisions, and the timers that say in their summaries why
// they are there. A signal may have been refused, and only what came after it tells.
import { isPlain, numberAt, part, payload, textAt, type HistoryEvent } from './event.ts';
import type { RecordDecision, Wait } from './run-record.ts';

/** Nobody else asks for a timer of years. */
const PERSON_SECONDS_MIN = 365 * 86_400;

export class Messages {
  readonly decisions: RecordDecision[] = [];
  readonly waits: Wait[] = [];
  /** Signals that the run has not seen yet, and those that it saw when it last went on. */
  private arrived: RecordDecision[] = [];
  private seen: RecordDecision[] = [];
  /** Since it last went on: waits for a person that ended, and updates that it took. */
  private ended = 0;
  private updates = 0;

  startTimer({ id, at, data, summary }: HistoryEvent): void {
    const seconds = parseFloat(textAt(data, 'startToFireTimeout') ?? '0');
    this.waits.push({ id, startedAt: at, endedAt: null, ...readWait(summary, seconds) });
  }

  endTimer({ at, data }: HistoryEvent): void {
    const wait = this.waits.find((w) => w.id === numberAt(data, 'startedEventId'));
    if (wait === undefined) return;
    wait.endedAt = at;
    if (wait.kind !== 'person') return;
    this.ended += 1;
    const decision = this.decisions.find(
      // What pauses a whole run ends no wait of a step.
      (d) => d.step !== null && d.waitedMs === null && d.taken !== false,
    );
    if (decision === undefined) return;
    decision.waitedMs = Math.max(0, Date.parse(decision.at) - Date.parse(wait.startedAt));
  }

  /** Any message that says what is to be done and who wants it. */
  update(event: HistoryEvent): void {
    const request = part(event.data, 'acceptedRequest');
    const sentBy = textAt(part(request, 'meta'), 'identity');
    const decision = readDecision(event, payload(part(request, 'input'), 'args'), sentBy);
    if (decision === null) return;
    this.decisions.push({ ...decision, taken: true });
    if (decision.step !== null) this.updates += 1;
  }

  signal(event: HistoryEvent): void {
    const sentBy = textAt(event.data, 'identity');
    const decision = readDecision(event, payload(event.data, 'input'), sentBy);
    if (decision === null) return;
    this.decisions.push(decision);
    this.arrived.push(decision);
  }

  /** The run goes on: what it saw before was taken if as many waits have ended since. */
  goOn(): void {
    const ended = this.ended - this.updates;
    if (ended <= 0 || ended >= this.seen.length) {
      for (const decision of this.seen) decision.taken = ended > 0;
    }
    this.seen = this.arrived;
    this.arrived = [];
    this.ended = 0;
    this.updates = 0;
  }

  hasAborted(): boolean {
    const isTaken = ({ taken }: RecordDecision): boolean => taken ?? this.ended > 0;
    return this.decisions.some((d) => d.action === 'abort' && isTaken(d));
  }
}

function readWait(summary: string | null, seconds: number): Pick<Wait, 'kind' | 'title' | 'code'> {
  const person = /^Needs you: (.*) \((\w+)\) - /s.exec(summary ?? '');
  if (person !== null) return { kind: 'person', title: person[1] ?? '', code: person[2] ?? null };
  const retry = /^(.*): (retry \d+ of \d+) after (\w+)$/s.exec(summary ?? '');
  if (retry !== null) {
    return { kind: 'retry', title: `${retry[1] ?? ''}: ${retry[2] ?? ''}`, code: retry[3] ?? null };
  }
  const kind = seconds >= PERSON_SECONDS_MIN ? 'person' : 'pause';
  return { kind, title: summary ?? (kind === 'person' ? 'a person' : 'a pause'), code: null };
}

function readDecision(
  { id, at }: HistoryEvent,
  said: unknown,
  sentBy: string | null,
): RecordDecision | null {
  if (!isPlain(said)) return null;
  const action = textAt(said, 'action');
  if (action === null) return null;
  return {
    id,
    at,
    step: textAt(said, 'step'),
    action,
    by: textAt(said, 'by') ?? '',
    reason: textAt(said, 'reason') ?? '',
    target: textAt(said, 'target'),
    sentBy,
    taken: null,
    waitedMs: null,
  };
}
