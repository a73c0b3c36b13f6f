// When an activity that cannot be done yet is tried again: later each time, and not all at the same moment.

/** Every attempt costs the server some writes: the longer the line, the rarer. */
const AGAIN_MS = { first: 2_000, max: 30_000, spread: 2_000 };

/** The spread comes from the run's id and not from chance: it only has to differ from run to run. */
export function againMs(info: {
  attempt: number;
  workflowExecution?: { workflowId: string };
}): number {
  const id = info.workflowExecution?.workflowId ?? '';
  let sum = 0;
  for (let i = 0; i < id.length; i += 1) sum = (sum * 31 + id.charCodeAt(i)) % 1000;
  return Math.min(AGAIN_MS.first * info.attempt, AGAIN_MS.max) + (AGAIN_MS.spread * sum) / 1000;
}
