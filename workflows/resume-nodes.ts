// resumeNodes: a drained node takes part again. Only a pause that a drain of watari has made is taken back, and only
// what that drain has moved is brought back, where nobody has moved it since.
import type { PastMove } from '../domain/fleet/learned.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import type { ResumeNodesInput } from '../domain/spec.ts';
import { conduct, type Job } from './conduct.ts';
import { stepFailure } from './failure-of.ts';
import { withoutBalancer } from './fleet/balancer.ts';
import { bringBack } from './fleet/bring-back.ts';
import { resumeNow, stateOf } from './fleet/pause.ts';
import type { StepContext } from './run.ts';

export interface ResumeNodesResult {
  nodes: string[];
  /** Brought back by this run. */
  moves: PastMove[];
  left: string[];
}

export async function resumeNodes(input: ResumeNodesInput): Promise<ResumeNodesResult> {
  return conduct('resumeNodes', input, resume, ({ cluster, nodes, budgets }) => ({
    lock: runId.campaign(cluster),
    title: `Resume ${nodes.join(', ')}`,
    cluster,
    budgets,
    brakes: true,
  }));
}

type Resumption = Job<ResumeNodesInput>;

async function resume(job: Resumption): Promise<ResumeNodesResult> {
  const { run, input } = job;
  const { nodes } = input;
  const drained: PastMove[] = [];
  for (const node of nodes) {
    const step = { id: stepId.node(node, 'resume'), title: `Resume ${node} in the cluster` };
    drained.push(...(await run.step(step, (c) => resumeOne(job, node, c))));
  }
  if (input.bringBack !== true) return { nodes, moves: [], left: [] };
  const { moves, left } = await withoutBalancer(job, () => bringBack(job, drained));
  return { nodes, moves, left };
}

/** Answers what the drain has moved off it. */
async function resumeOne(
  { calls, input }: Resumption,
  node: string,
  c: StepContext,
): Promise<PastMove[]> {
  const drain = input.drained?.find((one) => sameName(one.node, node)) ?? null;
  c.evidence({ drain: drain?.run ?? null });
  const state = await stateOf(calls, node);
  if (state === 'Paused' && drain?.paused !== 'us' && input.force !== true) {
    const who = drain === null ? 'no drain of watari is on record' : `${drain.run} found it paused`;
    throw stepFailure('PauseOfOthers', `${node} is paused, and not by watari: ${who}`);
  }
  if (state === 'Up') c.evidence({ why: `${node} is Up already` });
  else c.evidence({ ...(await resumeNow(calls, node)) });
  return (drain?.moves ?? []).filter((move) => sameName(move.from, node));
}
