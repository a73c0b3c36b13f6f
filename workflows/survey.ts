// One look at the whole cluster for a plan: what the cluster tells, and what each node tells of itself in few words. A
// node that does not answer is part of the picture, not an error.
import { unpackNode } from '../domain/fleet/packed.ts';
import type { Survey } from '../domain/fleet/survey.ts';
import { includesName } from '../domain/names.ts';
import { askNodes } from './ask-nodes.ts';
import type { Calls } from './calls.ts';

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
  const asked = cluster.nodes
    .map(({ name }) => name)
    .filter((name) => includesName(request.nodes ?? [name], name));
  const answers = await askNodes(asked, cluster, async (name) => {
    const packed = await calls
      .onNode(name, {
        summary: `Survey of ${name}`,
        seconds: LOOK_SECONDS,
        takeWithinSeconds: Math.min(calls.budgets.answerSeconds, LOOK_WITHIN_SECONDS),
      })
      .surveyNode({ owners: includesName(request.owners ?? [name], name) });
    return { survey: unpackNode(packed) };
  });
  return { cluster, nodes: Object.fromEntries(answers) };
}
