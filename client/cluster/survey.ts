// What a plan for many VMs is made from, asked of all nodes through their workers; changes nothing.
import { unpackNode } from '../../domain/fleet/packed.ts';
import type { Survey, SurveyAnswer } from '../../domain/fleet/survey.ts';
import { SURVEY_PART } from '../../domain/names.ts';
import type { SurveyFleetResult, SurveyPart } from '../../workflows/survey-fleet.ts';
import type { Context } from '../context.ts';
import type { Temporal } from '../temporal/connection.ts';
import { look } from './inspect.ts';

/** `owners`: nodes whose VMs' owners matter; absent: all. */
export function surveyFleet(
  ctx: Context,
  temporal: Temporal,
  request: { cluster: string; owners?: string[] },
): Promise<Survey> {
  return look(ctx, temporal, 'surveyFleet', request, async (handle) => {
    const { cluster, parts } = (await handle.result()) as SurveyFleetResult;
    const nodes: Record<string, SurveyAnswer> = {};
    for (let index = 0; index < parts; index += 1) {
      const part = await handle.query<SurveyPart | null, [number]>(SURVEY_PART, index);
      if (part === null) continue;
      const { node, answer } = part;
      nodes[node] = 'survey' in answer ? { survey: unpackNode(answer.survey) } : answer;
    }
    return { cluster, nodes };
  });
}
