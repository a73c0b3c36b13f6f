// How the fuzz tests try random input: one seed for all chance, a limit on time, a count for the report. FUZZ_SEED and
// FUZZ_RUNS (npm run fuzz -- --runs N --seed N) go on from where npm test stops.
import fs from 'node:fs';
import process from 'node:process';
import fc from 'fast-check';
import { steers as steersOneLine } from '../../domain/steering.ts';
import { PATIENCE_MS } from '../../proof/rig/waiting.ts';

/** The same in every run of npm test, so that it fails for a change and never for bad luck. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_124);
/** Inputs for each property of share 1. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 100);

/** Of the processor's time, which others on the machine cannot make longer. No input of these sizes takes it. */
const CPU_MS_MAX = 5_000;
/** A promise that never settles is a hang, too. */
const SETTLED_MS_MAX = PATIENCE_MS;

export interface TryOptions<T> {
  /** Of the runs, for what takes longer than a millisecond. */
  share?: number;
  /** Inputs that once went wrong: tried first, always. */
  examples?: readonly T[];
}

/** What every object, list and function has; a reader that follows `__proto__` writes to it. */
const sharedKeys = (): string =>
  [Object.prototype, Array.prototype, Function.prototype, Object]
    .map((one) => Reflect.ownKeys(one).map(String).join())
    .join(';');

/** Fails with the smallest input found for which `property` throws or takes too long, and how to try it again. */
export async function tryAll<T>(
  area: string,
  inputs: fc.Arbitrary<T>,
  property: (input: T) => unknown,
  { share = 1, examples = [] }: TryOptions<T> = {},
): Promise<void> {
  const numRuns = Math.max(1, Math.ceil(RUNS * share)) + examples.length;
  let tried = 0;
  const shared = sharedKeys();
  const timed = fc.asyncProperty(inputs, async (input) => {
    tried += 1;
    const began = process.cpuUsage();
    await property(input);
    if (sharedKeys() !== shared) throw new Error('what all objects share was written to');
    const ms = process.cpuUsage(began).user / 1000;
    if (ms > CPU_MS_MAX) throw new Error(`took ${ms.toFixed(0)} ms of processor time`);
  });
  try {
    const details = await fc.check(timed, {
      seed: SEED,
      numRuns,
      examples: examples.map((one) => [one]),
      timeout: SETTLED_MS_MAX,
    });
    if (details.failed)
      throw new Error(
        `${fc.defaultReportMessage(details) ?? ''}\n${again(area)}\n${causeOf(details.errorInstance)}`,
      );
  } finally {
    report(area, tried);
  }
}

const causeOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message).slice(0, 3000) : String(error);

const again = (area: string): string =>
  `${area}: again with  npm run fuzz -- --seed ${SEED} --runs ${RUNS}`;

function report(area: string, tried: number): void {
  const file = process.env['FUZZ_REPORT'];
  if (file !== undefined) fs.appendFileSync(file, `${JSON.stringify({ area, tried })}\n`);
}

/** Throws unless `deed` succeeds or fails with one of these. */
export async function failsOnlyWith<E extends Error, T>(
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- constructors of errors take anything
  known: new (...args: any[]) => E,
  deed: () => T | Promise<T>,
): Promise<{ value: T; error?: never } | { value?: never; error: E }> {
  try {
    return { value: await deed() };
  } catch (error) {
    if (error instanceof known) return { error };
    throw error;
  }
}

/** Anything that steers a terminal, other than a line's end. */
export const steers = (text: string): boolean => text.split('\n').some(steersOneLine);

/** Throws when the text would steer a terminal, fill the screen, or tells of the code instead of the mistake. */
export function mustBeReadable(text: string): void {
  const lines = text.trimEnd().split('\n');
  if (steers(text)) throw new Error(`control characters in ${JSON.stringify(text)}`);
  if (lines.length > 24) throw new Error(`${lines.length} lines`);
  if (text.length > 8000) throw new Error(`${text.length} characters`);
  if (/\n\s+at .+:\d+:\d+/.test(text)) throw new Error(`a stack trace: ${text}`);
  if (/\[object |Cannot read prop|is not a function|is not iterable/.test(text)) {
    throw new Error(`words of the code: ${text}`);
  }
}
