// Small things that all ways of planning share: the order of two finished attempts, and chance with a seed, so that the
// same problem gives the same plan.

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A finished attempt, as far as attempts are compared. */
export interface Attempt {
  seconds: number;
  moves: readonly unknown[];
  /** VMs that end on none of their preferred owners, and soft anti-affinity conflicts. */
  wishes: number;
}

/** Durations this close count as equal: then fewer moves win, then wishes. */
export const EQUAL = 0.01;

export function better<T extends Attempt>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b;
  const shorter = Math.min(a.seconds, b.seconds);
  if (Math.max(a.seconds, b.seconds) > shorter * (1 + EQUAL)) return a.seconds <= b.seconds ? a : b;
  if (a.moves.length !== b.moves.length) return a.moves.length < b.moves.length ? a : b;
  if (a.wishes !== b.wishes) return a.wishes < b.wishes ? a : b;
  return a.seconds <= b.seconds ? a : b;
}
