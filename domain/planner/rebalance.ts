// The fewest and shortest moves that bring every node's memory into a band around the cluster's mean.
import type { Field, Guest, Site } from './field.ts';
import type { MovePlan } from './problem.ts';
import { better, seeded, type Attempt } from './search.ts';
import { Placement, type Step } from './sequence.ts';
import { runSequence, unmetWishes } from './timed.ts';
import type { Timeline } from './timeline.ts';

interface Balanced extends Attempt {
  timeline: Timeline;
}

/** Attempts, VMs and nodes multiplied. */
const WORK = 4_000_000;
const NONE: ReadonlySet<Site> = new Set();

export function planRebalance(field: Field, withinPercent: number): MovePlan {
  const open = field.sites.filter((site) => site.node.open);
  const total = field.guests
    .filter((g) => open.includes(g.home))
    .reduce((sum, g) => sum + g.memory, 0);
  const mean = total / open.reduce((sum, site) => sum + site.node.usableBytes, 0);
  const band: Band = {
    least: (site) => (mean - withinPercent / 100) * site.node.usableBytes,
    most: (site) => (mean + withinPercent / 100) * site.node.usableBytes,
    mean: (site) => mean * site.node.usableBytes,
  };
  const tries = Math.max(
    2,
    Math.min(300, Math.floor(WORK / (field.guests.length * open.length * 60))),
  );
  let best: Balanced | null = null;
  for (let seed = 0; seed < tries; seed += 1) {
    const steps = stepsInto(field, open, band, seed);
    if (steps === null) continue;
    for (const sharing of ['alone', 'filled'] as const) {
      const deadline = best === null ? Infinity : best.seconds * 1.01;
      const timeline = runSequence(field, NONE, steps, { sharing, deadline });
      if (timeline === null) continue;
      timeline.moves.sort((a, b) => a.startSeconds - b.startSeconds);
      const seconds = timeline.moves.reduce((latest, move) => Math.max(latest, move.endSeconds), 0);
      const wishes = unmetWishes(field, timeline);
      best = better(best, { timeline, seconds, moves: timeline.moves, wishes });
    }
  }
  if (best !== null)
    return { feasible: true, moves: best.timeline.moves, maintain: [], seconds: best.seconds };
  return {
    feasible: false,
    blocked: [],
    why: `no moves were found that bring every node within ${withinPercent} percentage points of the mean`,
    proven: false,
  };
}

interface Band {
  least: (site: Site) => number;
  most: (site: Site) => number;
  mean: (site: Site) => number;
}

/** From the node that is furthest out to or from one that bears it, until all are in the band. */
function stepsInto(field: Field, open: readonly Site[], band: Band, seed: number): Step[] | null {
  const random = seeded(seed + 1);
  const shake = seed === 0 ? 0 : 0.5;
  const placement = new Placement(field);
  const used = (site: Site): number => placement.usedOn(site);
  const off = (site: Site): number =>
    Math.max(used(site) - band.most(site), band.least(site) - used(site)) / site.link;
  const touched = new Map<Site, number>();
  const steps: Step[] = [];
  const moved = new Set<Guest>();
  for (let left = field.guests.length; left > 0; left -= 1) {
    const worst = [...open].sort((a, b) => off(b) - off(a))[0];
    if (worst === undefined || off(worst) <= 0) return steps;
    const over = used(worst) > band.most(worst);
    let best: { step: Step; key: number } | null = null;
    for (const guest of field.guests) {
      const from = placement.ownerOf(guest);
      if (moved.has(guest) || (over ? from !== worst : from === worst)) continue;
      for (const to of over ? guest.mayBeOn : [worst]) {
        if (to === from || !guest.mayBeOn.includes(to) || !placement.has(guest, to)) continue;
        if (used(to) + guest.memory > band.most(to)) continue;
        if (used(from) - guest.memory < band.least(from)) continue;
        const here = over ? used(worst) - band.most(worst) : band.least(worst) - used(worst);
        const there = over ? band.least(to) - used(to) : used(from) - band.most(from);
        // What it does too much or too little at this end, what it does not do for the other, and how busy that is.
        const key =
          (Math.abs(guest.memory - here) - Math.min(guest.memory, Math.max(0, there))) /
            worst.link +
          (touched.get(over ? to : from) ?? 0) * 0.5 +
          (shake * random() * guest.memory) / worst.link;
        if (best === null || key < best.key) best = { step: { guest, to }, key };
      }
    }
    if (best === null) return null;
    const { guest, to } = best.step;
    const from = placement.ownerOf(guest);
    for (const end of [from, to])
      touched.set(end, (touched.get(end) ?? 0) + guest.memory / Math.min(from.link, to.link));
    moved.add(guest);
    placement.move(best.step);
    steps.push(best.step);
  }
  return null;
}
