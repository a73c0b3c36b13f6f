// The step table: one line per step, as wide as the window and never taller than it. The same lines are drawn in place
// by live.ts and printed once by `run show`.
import { durationText } from '../../domain/units.ts';
import { isSettled, type StepState } from '../../domain/status.ts';
import { stateOf, type RunView, type StepView } from '../runs/view.ts';
import type { Colors } from '../terminal.ts';
import { bar, clip, clipMiddle, oneLine, pad, stringWidth, wrap } from './format.ts';

export interface TableOptions {
  columns: number;
  /** Lines that may be used; Infinity prints everything. */
  rows: number;
  now: Date;
  colors: Colors;
}

export const STATE_WORDS: Record<StepState, string> = {
  pending: 'pending',
  running: 'running',
  waiting: 'waiting',
  'needs-operator': 'needs you',
  succeeded: 'done',
  skipped: 'skipped',
  failed: 'failed',
  undone: 'undone',
};

const STATE_WIDTH = 9;
/** `59 min 59 s` and a blank before it. */
const DURATION_WIDTH = 12;

export function paintState(state: StepState, text: string, c: Colors): string {
  switch (state) {
    case 'pending':
    case 'skipped':
      return c.dim(text);
    case 'running':
      return c.cyan(text);
    case 'waiting':
      return c.yellow(text);
    case 'needs-operator':
      return c.bold(c.yellow(text));
    case 'succeeded':
      return c.green(text);
    case 'failed':
      return c.bold(c.red(text));
    case 'undone':
      return c.magenta(text);
  }
}

/** For black-and-white terminals: the states that matter stand out in the first column too. */
const MARKERS: Record<StepState, string> = {
  pending: ' ',
  running: '>',
  waiting: '~',
  'needs-operator': '!',
  succeeded: ' ',
  skipped: '-',
  failed: 'x',
  undone: '<',
};

interface ActivityStyle {
  /** 0: the percentage alone. */
  barWidth: number;
  phase: boolean;
  more: boolean;
}

const ROOMY: ActivityStyle = { barWidth: 20, phase: true, more: true };
/** From roomy to tight: the first one that leaves the title whole is drawn. */
const BESIDE_TITLE: readonly ActivityStyle[] = [
  ROOMY,
  { barWidth: 10, phase: true, more: true },
  { barWidth: 10, phase: false, more: true },
];
/** Where there is no room for a title: the percentage is the last thing to go. */
const ALONE: readonly ActivityStyle[] = [
  ...BESIDE_TITLE.slice(0, 2),
  { barWidth: 0, phase: true, more: true },
  { barWidth: 0, phase: true, more: false },
  { barWidth: 0, phase: false, more: false },
];

const percentText = (percent: number): string =>
  `${Math.floor(Math.min(100, Math.max(0, percent)))} %`;

/** `[####----]  42 %  data-transfer, ~12 s left`, or what the step waits for, or nothing. */
export function activityText(step: StepView, style: ActivityStyle = ROOMY): string {
  if (step.state === 'needs-operator' || step.state === 'failed') {
    return step.failure === null ? '' : `${step.failure.code}: ${oneLine(step.failure.message)}`;
  }
  if (isSettled(step.state) || step.state === 'pending') return '';
  const parts: string[] = [];
  const p = step.progress;
  if (p?.percent != null) {
    parts.push(style.barWidth > 0 ? bar(p.percent, style.barWidth) : percentText(p.percent));
  }
  const phase = style.phase || p?.percent == null ? (p?.phase ?? '') : '';
  const more = style.more || p?.percent == null;
  const words = [
    ...(phase !== '' && step.waitingFor === null ? [oneLine(phase)] : []),
    ...(more && p?.etaSeconds != null ? [`~${durationText(p.etaSeconds * 1000)} left`] : []),
    ...(!more || step.waitingFor === null ? [] : [`waits for ${oneLine(step.waitingFor)}`]),
    ...(more && step.attempt > 1 ? [`attempt ${step.attempt}`] : []),
  ];
  if (words.length > 0) parts.push(words.join(', '));
  return parts.join('  ');
}

export function elapsedMs(
  span: { startedAt: string | null; endedAt: string | null },
  now: Date,
): number | null {
  if (span.startedAt === null) return null;
  const end = span.endedAt === null ? now.getTime() : Date.parse(span.endedAt);
  return Math.max(0, end - Date.parse(span.startedAt));
}

/** `vm/SRV0..hange/move`: what is cut is the name in the middle, never the deed. */
export function shortId(id: string, width: number): string {
  if (stringWidth(id) <= width) return id;
  const parts = id.split('/');
  const deed = parts.pop() ?? '';
  const name = parts.pop() ?? '';
  const lead = parts.map((part) => `${part}/`).join('');
  const room = width - stringWidth(deed) - 1;
  const inside = room - stringWidth(lead);
  if (inside >= NAME_WIDTH_MIN) return `${lead}${clipMiddle(name, inside)}/${deed}`;
  return room > 2 ? `${clipMiddle(name, room)}/${deed}` : clip(deed, width);
}

/** Less of a name tells no two apart. */
const NAME_WIDTH_MIN = 6;
/** `100 %`. */
const PERCENT_WIDTH = 5;

function stepLine(step: StepView, idWidth: number, o: TableOptions): string {
  const elapsed = elapsedMs(step, o.now);
  const time = elapsed === null || step.state === 'skipped' ? '' : durationText(elapsed);
  const isMeasured = step.progress?.percent != null && activityText(step) !== '';
  const full = `${MARKERS[step.state]} ${pad(STATE_WORDS[step.state], STATE_WIDTH)}`;
  const rest = o.columns - idWidth - 3;
  // The clock gives way to the percentage, and then the word of the state, which the marker says too.
  const hasRoom = (taken: number): boolean => !isMeasured || rest - taken >= PERCENT_WIDTH;
  const withTime = hasRoom(stringWidth(full) + DURATION_WIDTH);
  const lead = withTime || hasRoom(stringWidth(full)) ? full : MARKERS[step.state];
  const room = rest - stringWidth(lead) - (withTime ? DURATION_WIDTH : 0);
  const middle = room < (isMeasured ? PERCENT_WIDTH : 8) ? '' : middleText(step, room);
  const id = pad(shortId(oneLine(step.id), idWidth), idWidth);
  const body = `${id}  ${pad(middle, Math.max(0, room))}`;
  const tail =
    time === '' || !withTime ? body.trimEnd() : body + pad(time, DURATION_WIDTH, 'right');
  const line = `${paintState(step.state, lead, o.colors)} ${tail}`;
  return clip(step.state === 'pending' ? o.colors.dim(line) : line, o.columns);
}

/** The activity is news and the title is not: when both do not fit, the title gives way. */
function middleText(step: StepView, room: number): string {
  const title = oneLine(step.title);
  if (activityText(step) === '') return clip(title, room);
  const textsOf = (styles: readonly ActivityStyle[]) => styles.map((s) => activityText(step, s));
  const beside = textsOf(BESIDE_TITLE);
  const whole = beside.find((t) => stringWidth(title) + 2 + stringWidth(t) <= room);
  const activity = whole ?? beside.find((t) => stringWidth(t) + 2 + TITLE_WIDTH_MIN <= room);
  if (activity !== undefined) {
    return `${clip(title, room - stringWidth(activity) - 2)}  ${activity}`;
  }
  const alone = textsOf(ALONE);
  return clip(alone.find((t) => stringWidth(t) <= room) ?? alone.at(-1) ?? '', room);
}

/** Less of a title says nothing. */
const TITLE_WIDTH_MIN = 10;

export function headLine(view: RunView, o: TableOptions): string {
  const state = stateOf(view);
  const elapsed = durationText(elapsedMs(view, o.now) ?? 0);
  const done = view.steps.filter((s) => isSettled(s.state)).length;
  const count = `${done} of ${view.steps.length} steps`;
  const word = state === 'needs-operator' ? 'needs you' : state;
  const tail = `  ${word}, ${count}, ${elapsed}`;
  const title = clipMiddle(oneLine(view.title), Math.max(0, o.columns - stringWidth(tail)));
  return clip(o.colors.bold(title) + tail, o.columns);
}

/** Head line, step lines, notes. */
export function runLines(view: RunView, o: TableOptions): string[] {
  const notes = view.notes.flatMap((n) => noteLines(n, o));
  const waiting = view.waitingFor !== null && needsWord(view) ? [waitLine(view, o)] : [];
  const room = o.rows - 1 - notes.length - waiting.length;
  const shown = visibleSteps(view.steps, room);
  // Half of the window at most, so that one long VM name does not push everything else out.
  const widest = Math.max(0, ...shown.steps.map((s) => stringWidth(s.id)));
  const half = Math.max(12, Math.floor(o.columns / 2) - 10);
  const idWidth = Math.min(widest, half, Math.max(6, o.columns - 10));
  return [
    headLine(view, o),
    ...shown.steps.map((s) => stepLine(s, idWidth, o)),
    ...(shown.hidden === '' ? [] : [clip(o.colors.dim(`  ... ${shown.hidden}`), o.columns)]),
    ...waiting,
    ...notes,
  ];
}

/** In place a note must not push the steps away; on paper it is told in full. */
function noteLines(note: string, o: TableOptions): string[] {
  const text = `note: ${oneLine(note)}`;
  const lines = o.rows === Infinity ? wrap(text, o.columns, '  ') : [clip(`  ${text}`, o.columns)];
  return lines.map((line) => o.colors.yellow(line));
}

/** The run's own reason to wait is news only while no step gives one. */
const needsWord = (view: RunView): boolean =>
  !view.steps.some((s) => !isSettled(s.state) && s.state !== 'pending');

const waitLine = (view: RunView, o: TableOptions): string =>
  clip(`  waits for ${oneLine(view.waitingFor ?? '')}`, o.columns);

/** Keeps what moves, then what comes next, then what ended last; the rest is counted. */
export function visibleSteps(
  steps: readonly StepView[],
  rows: number,
): { steps: StepView[]; hidden: string } {
  if (steps.length <= rows) return { steps: [...steps], hidden: '' };
  const room = Math.max(1, rows - 1);
  const indexed = steps.map((step, i) => ({ step, i }));
  const settled = indexed.filter(({ step }) => isSettled(step.state)).reverse();
  const pending = indexed.filter(({ step }) => step.state === 'pending');
  const active = indexed.filter(({ step }) => !isSettled(step.state) && step.state !== 'pending');
  const kept = [...active, ...pending.slice(0, 2), ...settled, ...pending.slice(2)].slice(0, room);
  const keep = new Set(kept.map(({ i }) => i));
  const gone = indexed.filter(({ i }) => !keep.has(i));
  const count = (state: 'settled' | 'pending' | 'active'): number =>
    gone.filter(({ step: s }) =>
      state === 'settled'
        ? isSettled(s.state)
        : state === 'pending'
          ? s.state === 'pending'
          : !isSettled(s.state) && s.state !== 'pending',
    ).length;
  const parts = [
    [count('settled'), 'finished'],
    [count('active'), 'active'],
    [count('pending'), 'pending'],
  ] as const;
  const words = parts.filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}`);
  return {
    steps: steps.filter((_, i) => keep.has(i)),
    hidden: `${words.join(', ')} not shown: the window is too small`,
  };
}
