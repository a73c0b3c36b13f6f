// Waiting that always ends: with the answer, with its own limit, or with the time of the whole bench.

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

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Asks until the answer is neither undefined nor false. A question that fails is asked again. */
export async function waitFor<T>(
  what: string,
  limitMs: number,
  ask: () => T | Promise<T>,
  everyMs = 25,
): Promise<Exclude<T, undefined | false>> {
  const end = Date.now() + limitMs;
  let last = '';
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    } catch (err) {
      last = `; last error: ${err instanceof Error ? err.message : String(err)}`;
    }
    if (Date.now() > end) throw new Error(`waited ${String(limitMs / 1000)} s for ${what}${last}`);
    await sleep(everyMs);
  }
}
