// `schedule list`: a paragraph for each schedule, its times on the clock of its own zone.
import { wallTime } from '../../domain/fleet/wall-clock.ts';
import { durationText } from '../../domain/units.ts';
import type { PastRun, ScheduleListed } from '../schedules/schedules.ts';
import { missedWords } from '../schedules/words.ts';
import type { Colors } from '../terminal.ts';
import { pad, wrap } from './format.ts';

interface Options {
  columns: number;
  colors: Colors;
}

export function scheduleListLines(schedules: readonly ScheduleListed[], o: Options): string[] {
  if (schedules.length === 0) return ['No schedules. Add one with:  watari schedule add'];
  return schedules.flatMap((s, i) => [...(i === 0 ? [] : ['']), ...scheduleLines(s, o)]);
}

const LABEL = 9;

export function scheduleLines(s: ScheduleListed, { columns, colors }: Options): string[] {
  const row = (label: string, text: string): string[] =>
    wrap(text, columns, ' '.repeat(LABEL + 2)).map((line, i) =>
      i === 0 ? `  ${pad(label, LABEL)}${line.trimStart()}` : line,
    );
  const missed = missedWords(s);
  const isPaused = s.state === 'paused';
  const late = `at most ${durationText(s.lateSeconds * 1000)} late`;
  return [
    `${colors.bold(s.schedule)}  ${s.cluster}  ${isPaused ? colors.yellow('paused') : s.state}`,
    ...row('when', `${s.on ?? 'set elsewhere: see the Temporal UI'}, ${late}`),
    ...row('does', s.does),
    ...(s.reason === null ? [] : row('why', s.reason)),
    ...(s.note === '' ? [] : row('note', s.note)),
    ...row(isPaused ? 'would be' : 'next', nextTimes(s)),
    ...(s.latest.length === 0 ? row('latest', 'no run yet') : []),
    ...s.latest.flatMap((run, i) => row(i === 0 ? 'latest' : '', pastRunText(run, s.zone))),
    ...(missed === null ? [] : row('missed', colors.yellow(missed))),
  ];
}

export const nextTimes = ({ next, zone }: ScheduleListed): string =>
  next.length === 0
    ? 'never again'
    : `${next.map((at) => wallTime(Date.parse(at), zone)).join(', ')} (${zone})`;

function pastRunText({ dueAt, state, code, run }: PastRun, zone: string): string {
  const told = state === 'needs-operator' ? 'needs you' : state;
  const ended = code === null ? told : `${told} (${code})`;
  return `${wallTime(Date.parse(dueAt), zone)}  ${ended}  ${run}`;
}
