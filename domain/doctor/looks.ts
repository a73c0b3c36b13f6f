// Ways to look, of which most checks are made: at each of what the nodes told, at all of it together, at the cluster.
// The tables of checks call them; they know no check. Nobody told it: no finding, so that it counts as not checked.
import type { ClusterView, VmFacts } from '../facts.ts';
import { orFine, type Check, type Seen } from './check.ts';
import { clusteredVms, clusterView, views, type DoctorView, type Of } from './view.ts';

type Look = Check['look'];

type Told<T> = (v: DoctorView) => Of<T>[];

/** What was seen where all is well. */
type Fine<A extends unknown[]> = string | ((...about: A) => string);

const worded = <A extends unknown[]>(fine: Fine<A>, ...about: A): string =>
  typeof fine === 'string' ? fine : fine(...about);

/** All nodes are held against each other. */
export const together =
  <T>(
    told: Told<T>,
    judge: (all: Of<T>[], v: DoctorView) => Seen[],
    fine: Fine<[all: Of<T>[], v: DoctorView]>,
  ): Look =>
  (v) => {
    const all = told(v);
    return all.length === 0 ? [] : orFine(v, judge(all, v), worded(fine, all, v));
  };

/** Each node by itself. */
export const each = <T>(
  told: Told<T>,
  judge: (facts: T, node: string, v: DoctorView) => Seen | Seen[],
  fine: Fine<[all: Of<T>[], v: DoctorView]>,
): Look =>
  together(told, (all, v) => all.flatMap(({ node, facts }) => judge(facts, node, v)), fine);

/** `M` is `X`, or undefined too where it may be that nobody has any. */
interface Likeness<T, X, M extends X | undefined> {
  /** What is to be the same; undefined: the node does not tell. */
  pick: (facts: T) => X | undefined;
  /** What it is to be, made of what the nodes have. */
  model: (values: X[], v: DoctorView) => M;
  /** What is said of a node that has something else. */
  say: (facts: T, node: string, model: M, v: DoctorView) => Seen;
  fine: (model: M, all: Of<T>[]) => string;
}

/** All nodes have the same of something. */
export const alike =
  <T, X, M extends X | undefined>(
    told: Told<T>,
    { pick, model, say, fine }: Likeness<T, X, M>,
  ): Look =>
  (v) => {
    const values = told(v).map(({ facts }) => pick(facts));
    const wanted = model(
      values.filter((value) => value !== undefined),
      v,
    );
    return each(
      told,
      (facts, node) => {
        const own = pick(facts);
        return own === undefined || own === wanted ? [] : say(facts, node, wanted, v);
      },
      (all) => fine(wanted, all),
    )(v);
  };

/** Each VM of the cluster by itself. */
export const eachVm =
  (
    judge: (vm: VmFacts, node: string, v: DoctorView) => Seen | Seen[],
    fine: Fine<[vms: VmFacts[]]>,
  ): Look =>
  (v) => {
    if (views(v).length === 0) return [];
    const all = clusteredVms(v);
    const vms = all.map(({ vm }) => vm);
    return orFine(
      v,
      all.flatMap(({ vm, node }) => judge(vm, node, v)),
      vms.length === 0 ? 'no VM in the cluster' : worded(fine, vms),
    );
  };

/** What the cluster tells, whoever of its nodes was asked. */
export const inCluster =
  (
    judge: (view: ClusterView, v: DoctorView) => Seen[],
    fine: Fine<[view: ClusterView, v: DoctorView]>,
  ): Look =>
  (v) => {
    const view = clusterView(v);
    return view === null ? [] : orFine(v, judge(view, v), worded(fine, view, v));
  };

/** The value that most have; of several the one that came first. */
export function usual<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** Compares `10.0.26100` and the like part by part. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (let i = 0; i < Math.max(left?.length ?? 0, right?.length ?? 0); i += 1) {
    const difference = (left?.[i] || 0) - (right?.[i] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const newest = (versions: readonly string[]): string =>
  [...versions].sort(compareVersions).at(-1) ?? '';
