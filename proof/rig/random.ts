// The only source of chance in a simulation: one seed gives one sequence, and each part of the simulation draws from a
// branch of its own, so that leaving out one fault does not change what the others draw.

export class Random {
  private state: number;
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.state = this.seed;
  }

  /** A generator of its own for what `name` says; the order of branching does not matter. */
  branch(name: string): Random {
    // FNV-1a over the name, started from the seed.
    let hash = 0x811c9dc5 ^ this.seed;
    for (let i = 0; i < name.length; i += 1) {
      hash ^= name.charCodeAt(i);
      hash = Math.imul(hash, 0x01000193);
    }
    const branch = new Random(hash);
    // Neighbouring seeds differ in few bits; the first numbers of a generator would show it.
    branch.next();
    branch.next();
    return branch;
  }

  /** 0 <= x < 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.int(0, items.length - 1)];
    if (items.length === 0 || item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** `count` different items, in an order of chance. */
  some<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    const taken: T[] = [];
    while (taken.length < count && rest.length > 0) {
      taken.push(...rest.splice(this.int(0, rest.length - 1), 1));
    }
    return taken;
  }
}
