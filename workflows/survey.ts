// One look at the whole cluster for a plan: what the cluster tells, and what each node tells of itself in few words. A
// node that does not answer is part of the picture, not an error.
import { isCancellation } from '@temporalio/workflow';
import { unpackNode } from '../domain/fleet/packed.ts';
import type { Survey, SurveyAnswer } from '../domain/fleet/survey.ts';
import { includesName } from '../domain/names.ts';
import type { Calls } from './calls.ts';
import { failureOf } from './failure-of.ts';

/** A live worker takes a look within milliseconds; this bridges the restart of one. */
const LOOK_WITHIN_SECONDS = 15;
/** Of each VM its owners are asked, one after the other. */
const LOOK_SECONDS = 300;

export interface SurveyRequest {
  /** Nodes to ask; absent: all. Of none the cluster alone tells. */
  nodes?: readonly string[];
  /** Nodes whose VMs' owners matter; absent: all that are asked. */
  owners?: readonly string[];
}

export async function takeSurvey(calls: Calls, request: SurveyRequest = {}): Promise<Survey> {
  const cluster = await calls
    .onCluster({ summary: `Survey of cluster ${calls.cluster}`, seconds: LOOK_SECONDS })
    .surveyCluster();
  calls.heed(cluster.cluster);
  const asked = cluster.nodes.filter(({ name }) => includesName(request.nodes ?? [name], name));
  const answers = await Promise.all(
    asked.map(async ({ name, state }): Promise<[string, SurveyAnswer]> => {
      if (state === 'Down') return [name, silent('NodeUnreachable', `${name} is down`)];
      if (includesName(cluster.unserved ?? [], name)) {
        const message = `no worker of ${name} asks for work (watari worker status on ${name})`;
        return [name, silent('NodeNotServed', message)];
      }
      const owners = includesName(request.owners ?? [name], name);
      return [name, await askNode(calls, name, owners)];
    }),
  );
  return { cluster, nodes: Object.fromEntries(answers) };
}

const silent = (code: string, message: string): SurveyAnswer => ({ noAnswer: { code, message } });

async function askNode(calls: Calls, node: string, owners: boolean): Promise<SurveyAnswer> {
  try {
    const packed = await calls
      .onNode(node, {
        summary: `Survey of ${node}`,
        seconds: LOOK_SECONDS,
        takeWithinSeconds: Math.min(calls.budgets.answerSeconds, LOOK_WITHIN_SECONDS),
      })
      .surveyNode({ owners });
    return { survey: unpackNode(packed) };
  } catch (err) {
    const failure = isCancellation(err) ? undefined : failureOf(err);
    if (failure === undefined) throw err;
    return silent(failure.code, failure.message);
  }
}
