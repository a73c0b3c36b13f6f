// Makes a failing seed small: leaves out work and faults, many at a time and then one by one, as long as the same rule
// is still broken. What is left is what a person has to understand.
import type { Plan, PlannedFault, Work } from './plan.ts';

/** Indexes into a plan's lists: small enough for a command line. */
export interface Kept {
  faults: number[];
  work: number[];
}

export const everything = (plan: Plan): Kept => ({
  faults: plan.faults.map((_, i) => i),
  work: plan.work.map((_, i) => i),
});

const chosen = <T>(items: readonly T[], indexes: readonly number[]): T[] =>
  indexes.map((i) => items[i]).filter((item) => item !== undefined);

export const reduced = (plan: Plan, kept: Kept): Plan => ({
  ...plan,
  faults: chosen<PlannedFault>(plan.faults, kept.faults),
  work: chosen<Work>(plan.work, kept.work),
});

/** The rule of a violation: what stands before its details. */
export const ruleOf = (violation: string): string => violation.split(': ')[0] ?? violation;

/** @param fails the rule that a plan breaks, or undefined */
export async function shrink(
  plan: Plan,
  rule: string,
  fails: (plan: Plan) => Promise<string | undefined>,
): Promise<Kept> {
  let kept = everything(plan);
  const stillFails = async (less: Kept): Promise<boolean> =>
    (await fails(reduced(plan, less))) === rule;
  for (const list of ['work', 'faults'] as const) {
    for (
      let size = Math.ceil(kept[list].length / 2);
      size >= 1;
      size = size === 1 ? 0 : Math.ceil(size / 2)
    ) {
      for (let from = 0; from < kept[list].length;) {
        const rest = kept[list].filter((_, i) => i < from || i >= from + size);
        const less = { ...kept, [list]: rest };
        const isEnough = list === 'faults' || rest.length > 0;
        if (isEnough && (await stillFails(less))) kept = less;
        else from += size;
      }
    }
  }
  return kept;
}
