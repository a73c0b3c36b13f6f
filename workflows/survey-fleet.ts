// surveyFleet: what plans for many VMs are made from, for whoever wants to see a plan before anything runs. Changes
// nothing and locks nothing. The answer is asked for in parts: that of 64 nodes would be too much for one message.
import { defineQuery, setHandler } from '@temporalio/workflow';
import { packNode, type PackedNodeSurvey } from '../domain/fleet/packed.ts';
import type { ClusterSurvey } from '../domain/fleet/survey.ts';
import type { NoAnswer } from '../domain/facts.ts';
import { refuseInput } from '../domain/inputs.ts';
import { SURVEY_PART } from '../domain/names.ts';
import type { SurveyFleetInput } from '../domain/spec.ts';
import { Calls } from './calls.ts';
import { stepFailure } from './failure-of.ts';
import { takeSurvey } from './survey.ts';

/** One node of the answer. */
export interface SurveyPart {
  node: string;
  answer: { survey: PackedNodeSurvey } | { noAnswer: NoAnswer };
}

export interface SurveyFleetResult {
  cluster: ClusterSurvey;
  /** How many parts there are to ask for, from 0. */
  parts: number;
}

const partQuery = defineQuery<SurveyPart | null, [number]>(SURVEY_PART);

export async function surveyFleet(input: SurveyFleetInput): Promise<SurveyFleetResult> {
  const refusal = refuseInput('surveyFleet', input);
  if (refusal !== undefined) {
    throw stepFailure('BadRequest', `surveyFleet cannot run with this input: ${refusal}`);
  }
  let parts: SurveyPart[] = [];
  setHandler(partQuery, (index) => parts[index] ?? null);
  const { cluster, budgets, owners } = input;
  const survey = await takeSurvey(
    new Calls(cluster, budgets),
    owners === undefined ? {} : { owners },
  );
  parts = Object.entries(survey.nodes).map(([node, answer]) => ({
    node,
    answer: 'survey' in answer ? { survey: packNode(answer.survey) } : answer,
  }));
  return { cluster: survey.cluster, parts: parts.length };
}
