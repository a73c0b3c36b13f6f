// Several histories, of a run and of runs inside it, put together: every child gets its own record. Pure.
import { isOver, withInside, type ChildRun, type RunRecord } from './run-record.ts';

/** Hangs records into those that started them, and answers the ones that none of the others started. */
export function joinRuns(records: readonly RunRecord[]): RunRecord[] {
  const inside = new Set<RunRecord>();
  for (const parent of records) {
    for (const child of parent.children) {
      // Files of anybody could say that two runs started each other.
      const own = records.find(
        (r) => isOf(child, r) && !inside.has(r) && !withInside(r).includes(parent),
      );
      if (own === undefined) continue;
      child.record = own;
      inside.add(own);
      // The parent's history may have been taken before the child's was.
      if (isOver(own.state)) child.state = own.state;
      child.endedAt ??= own.endedAt;
      child.failure ??= own.failure;
    }
  }
  return records.filter((r) => !inside.has(r));
}

/** By the id of the one run where both say it: a workflow id is used again and again. */
function isOf(child: ChildRun, record: RunRecord): boolean {
  if (child.run !== record.run) return false;
  return child.runId === null || record.runId === null || child.runId === record.runId;
}
