// What the measurement found: the lines for a terminal, and what must not have happened.
import type { Summary } from '../rig/statistics.ts';
import { QUESTIONS, type Answers } from './answers.ts';
import type { ActivityFigures } from './histories.ts';
import type { LargeReport } from './large.ts';
import type { LoadReport, WaveReport } from './load.ts';

/** Empty when all runs ended well and the client could be used all the time. */
export function problemsOf(report: LoadReport): string[] {
  const waves = report.waves.flatMap((wave, i) => {
    const name = `wave ${i + 1}`;
    const ended = wave.states['Completed'] ?? 0;
    return [
      ...(ended === wave.runs ? [] : [`${name}: ${ended} of ${wave.runs} runs succeeded`]),
      ...(wave.parkedMax === 0 ? [] : [`${name}: ${wave.parkedMax} runs asked a person`]),
      ...wave.refused.map((text) => `${name}: a start was refused: ${text}`),
      ...wave.answers.failures.map((text) => `${name}: ${text}`),
    ];
  });
  const large = report.large.flatMap(({ name, state, said, answers, harm }) => [
    ...(state === 'COMPLETED' ? [] : [`${name}: ${state}: ${said}`]),
    ...[...answers.failures, ...harm].map((text) => `${name}: ${text}`),
  ]);
  return [...waves, ...large];
}

const ms = (n: number): string => (n >= 1000 ? `${(n / 1000).toFixed(2)} s` : `${n.toFixed(0)} ms`);

const summary = (s: Summary | null): string =>
  s === null
    ? 'not measured'
    : `p50 ${ms(s.p50)}, ${s.p95 === null ? '' : `p95 ${ms(s.p95)}, `}max ${ms(s.max)} (${s.n})`;

const kb = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KB`;

const answerLines = ({ times }: Answers): string[] =>
  QUESTIONS.map((question) => `    ${question.padEnd(32)}${summary(times[question])}`);

/** Workers are many and alike: the largest and the sum. */
function memoryLine(mb: Record<string, number>): string {
  const workers = Object.entries(mb).filter(([name]) => name.startsWith('worker'));
  const sizes = workers.map(([, size]) => size);
  if (Object.keys(mb).length === 0) return 'not measured on this system';
  const sum = sizes.reduce((total, size) => total + size, 0);
  return (
    `server ${mb['server'] ?? 0} MB, lab ${mb['lab'] ?? 0} MB, largest worker ` +
    `${Math.max(0, ...sizes)} MB (${sizes.length} together ${sum} MB)`
  );
}

function activityLines(a: ActivityFigures): string[] {
  const longest = Object.entries(a.longestWaitMs).map(([type, wait]) => `${type} ${ms(wait)}`);
  return [
    `  activities waited for a worker  ${summary(a.waitMs)}`,
    `    longest                       ${longest.join(', ')}`,
    `  of ${a.runs} histories: steps retried ${a.stepRetries}, attempts beyond the first ` +
      `${a.attemptsBeyondFirst}, timeouts ${a.timeouts}, largest payload ${kb(a.payloadBytesMax)}`,
  ];
}

function waveLines(wave: WaveReport, i: number): string[] {
  const { histories: h } = wave;
  const states = Object.entries(wave.states).map(([state, n]) => `${state} ${n}`);
  const busy = Object.entries(wave.processorSeconds).filter(([name]) => !name.startsWith('worker'));
  const workers = Object.entries(wave.processorSeconds)
    .filter(([name]) => name.startsWith('worker'))
    .reduce((sum, [, seconds]) => sum + seconds, 0);
  return [
    '',
    `Wave ${i + 1}: ${wave.runs} moves at once`,
    `  all started after               ${wave.startSeconds.toFixed(1)} s`,
    `  all ended after                 ${wave.seconds.toFixed(1)} s: ${states.join(', ')}; at ` +
      `most ${wave.parkedMax} asked a person`,
    `  memory at its peak              ${memoryLine(wave.memoryPeakMb)}`,
    `  processor time                  ${busy.map(([name, s]) => `${name} ${s} s`).join(', ')}, workers ${workers} s`,
    `  database grew by                ${wave.databaseGrowthMb} MB`,
    `  histories                       at most ${h.eventsMax} events and ${kb(h.bytesMax)}, ` +
      `together ${kb(h.bytesTotal)}`,
    ...activityLines(wave.activities),
    '  answers meanwhile',
    ...answerLines(wave.answers),
  ];
}

function largeLines(large: LargeReport): string[] {
  return [
    '',
    `${large.name}: ${large.vms} VMs on ${large.nodes} nodes: ${large.state} after ${large.seconds.toFixed(1)} s`,
    `  its own history                 ${large.events} events, ${kb(large.bytes)}; its status ${kb(large.statusBytes)}`,
    `  histories of ${String(large.histories.runs).padEnd(19)}at most ` +
      `${large.histories.eventsMax} events and ${kb(large.histories.bytesMax)}, together ` +
      kb(large.histories.bytesTotal),
    `  memory at its peak              ${memoryLine(large.memoryPeakMb)}`,
    `  database grew by                ${large.databaseGrowthMb} MB`,
    ...activityLines(large.activities),
    '  answers meanwhile',
    ...answerLines(large.answers),
  ];
}

export function reportLines(report: LoadReport): string[] {
  const { scene } = report;
  return [
    `${scene.nodes} nodes with a worker process each, ${scene.vms} VMs, ${scene.parallel} ` +
      `moves at once per node, time ${report.speed} times as fast`,
    '',
    'Before',
    `  memory                          ${memoryLine(report.idle.memoryMb)}`,
    '  answers',
    ...answerLines(report.idle.answers),
    ...report.waves.flatMap(waveLines),
    '',
    'After the last wave',
    `  memory                          ${memoryLine(report.after.memoryMb)}`,
    `  database                        ${report.after.databaseMb} MB`,
    ...report.large.flatMap(largeLines),
  ];
}
