// What a plan for many VMs is made from, asked of all nodes through their workers; changes nothing.
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { unpackNode } from '../../domain/fleet/packed.ts';
import type { Survey, SurveyAnswer } from '../../domain/fleet/survey.ts';
import { runId, SURVEY_PART } from '../../domain/names.ts';
import type { SurveyFleetInput } from '../../domain/spec.ts';
import type { SurveyFleetResult, SurveyPart } from '../../workflows/survey-fleet.ts';
import type { Context } from '../context.ts';
import type { Temporal } from '../temporal/connection.ts';
import { whoActs } from '../who.ts';
import { INSPECT_MS, lookBy } from './inspect.ts';

/** `owners`: nodes whose VMs' owners matter; absent: all. */
export function surveyFleet(
  ctx: Context,
  temporal: Temporal,
  request: { cluster: string; owners?: string[] },
): Promise<Survey> {
  const { cluster } = request;
  return lookBy<SurveyFleetInput, Survey>(ctx, temporal, {
    workflow: 'surveyFleet',
    id: runId.inspect(cluster, randomUUID().slice(0, 8)),
    summary: `Survey of cluster ${cluster}`,
    input: { ...request, startedBy: whoActs(ctx, temporal) },
    limitMs: INSPECT_MS,
    answer: readSurvey,
  });
}

async function readSurvey(handle: WorkflowHandle): Promise<Survey> {
  const { cluster, parts } = (await handle.result()) as SurveyFleetResult;
  const nodes: Record<string, SurveyAnswer> = {};
  for (let index = 0; index < parts; index += 1) {
    const part = await handle.query<SurveyPart | null, [number]>(SURVEY_PART, index);
    if (part === null) continue;
    const { node, answer } = part;
    nodes[node] = 'survey' in answer ? { survey: unpackNode(answer.survey) } : answer;
  }
  return { cluster, nodes };
}
