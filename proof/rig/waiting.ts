// Waiting that always ends: with what was waited for, or with words about what was seen last. Used by everything in
// proof/ and by the tests.

/**
 * For what must happen: two cores and thirty programs that want them. Shorter only where the time itself is what is
 * tested or measured.
 */
export const PATIENCE_MS = 120_000;

export interface WaitOptions {
  /** Default: PATIENCE_MS. */
  withinMs?: number;
  everyMs?: number;
  /** What there is to see, for the message: the output of a process, for instance. */
  saw?: () => string;
}

/** Thrown by a question that need not be asked again: what is waited for can no longer come. */
export class Hopeless extends Error {}

/** Looks until what it sees will do. A look that fails is repeated. */
export async function waitUntil<T>(
  what: string,
  look: () => T | Promise<T>,
  willDo: (seen: T) => boolean,
  o: WaitOptions = {},
): Promise<T> {
  const { withinMs = PATIENCE_MS, everyMs = 25, saw } = o;
  const end = performance.now() + withinMs;
  const inVain = (why: string, last: string): Error =>
    new Error(`${why} for ${what}; seen last: ${last}${saw === undefined ? '' : `\n${saw()}`}`);
  for (;;) {
    let last: string;
    try {
      const seen = await look();
      if (willDo(seen)) return seen;
      last = seen === undefined ? 'nothing' : JSON.stringify(seen);
    } catch (err) {
      last = err instanceof Error ? err.message : String(err);
      if (err instanceof Hopeless) throw inVain('waited in vain', last);
    }
    if (performance.now() > end) throw inVain(`waited ${withinMs / 1000} s`, last);
    await sleep(everyMs);
  }
}

/** Asks until the answer is neither undefined, null nor false. */
export const waitFor = <T>(
  what: string,
  ask: () => T | Promise<T>,
  o?: WaitOptions,
): Promise<NonNullable<Exclude<T, false>>> =>
  waitUntil(what, ask, (answer) => answer != null && answer !== false, o) as Promise<
    NonNullable<Exclude<T, false>>
  >;

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Somebody has seen enough. */
export class Interrupted extends Error {}

/** Rejects at Ctrl+C: the processes have to end and the folders have to go all the same. */
export function whenInterrupted(): Promise<never> {
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        reject(new Interrupted(`ended by ${signal}`));
      });
    }
  });
  // Also when it happens while nobody waits for it.
  interrupted.catch(() => undefined);
  return interrupted;
}

/** The time of a whole bench. */
export class Deadline {
  readonly at: number;

  constructor(ms: number) {
    this.at = Date.now() + ms;
  }

  get leftMs(): number {
    return this.at - Date.now();
  }

  /** Rejects when the time of the bench is up. */
  async guard<T>(work: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => {
          reject(new Error('the time of the whole bench was up'));
        },
        Math.max(0, this.leftMs),
      );
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
