// The histories that are kept, read: which workflow wrote each, how its run went, and which of them are still wanted.
// Nothing here believes a file's name.
import fs from 'node:fs';
import path from 'node:path';
import type { WorkflowName } from '../../domain/names.ts';
import { projectFiles, readProjectFile } from '../support/tree.ts';

export const HISTORIES = path.join(import.meta.dirname, 'histories');

/** How a run can go; one run can go in several of these ways, as one that crashed and was completed. */
export const OUTCOMES = ['completed', 'parked', 'cancelled', 'aborted', 'crashed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Part of an event as `temporal workflow show -o json` writes it. */
export interface HistoryEvent {
  eventId: string;
  eventType: string;
  userMetadata?: { summary?: { data?: string } };
  workflowExecutionStartedEventAttributes?: {
    workflowType: { name: string };
    workflowId: string;
    originalExecutionRunId: string;
  };
  workflowExecutionFailedEventAttributes?: {
    failure?: { applicationFailureInfo?: { type?: string } };
  };
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  activityTaskStartedEventAttributes?: {
    attempt?: number;
    lastFailure?: { timeoutFailureInfo?: object };
  };
  startChildWorkflowExecutionInitiatedEventAttributes?: {
    workflowType: { name: string };
    workflowId: string;
  };
  upsertWorkflowSearchAttributesEventAttributes?: {
    searchAttributes: { indexedFields: Record<string, { data?: string }> };
  };
  markerRecordedEventAttributes?: {
    markerName: string;
    details?: Record<string, { payloads?: { data?: string }[] }>;
  };
}

export interface KeptHistory {
  /** `0.1.0/migrateVm.completed.1ef69230.json`, with `/` everywhere. */
  file: string;
  workflow: string;
  workflowId: string;
  outcomes: Outcome[];
  /** Ids of the `patched()` that it shows. */
  patches: string[];
  events: HistoryEvent[];
}

/** A history as it lies in a file. */
export function readHistory(file: string, text: string): KeptHistory {
  const { events } = JSON.parse(text) as { events: HistoryEvent[] };
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  if (started === undefined) throw new Error(`${file} does not begin with the start of a run`);
  return {
    file,
    workflow: started.workflowType.name,
    workflowId: started.workflowId,
    outcomes: outcomesOf(events),
    patches: patchesOf(events),
    events,
  };
}

export const keptHistories = (): KeptHistory[] =>
  fs
    .readdirSync(HISTORIES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
    .map((file) => readHistory(file, fs.readFileSync(path.join(HISTORIES, file), 'utf8')));

export const textOf = (data: string | undefined): string =>
  Buffer.from(data ?? '', 'base64').toString('utf8');

function outcomesOf(events: readonly HistoryEvent[]): Outcome[] {
  const outcomes: Outcome[] = [];
  const last = events.at(-1);
  switch (last?.eventType) {
    case 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED':
      outcomes.push('completed');
      break;
    case 'EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED':
      outcomes.push('cancelled');
      break;
    case 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED': {
      const { failure } = last.workflowExecutionFailedEventAttributes ?? {};
      if (failure?.applicationFailureInfo?.type === 'Aborted') outcomes.push('aborted');
      break;
    }
    default:
      if (needsOperator(events)) outcomes.push('parked');
  }
  if (events.some(wasTakenOver)) outcomes.push('crashed');
  return outcomes;
}

/** As its run said last. */
function needsOperator(events: readonly HistoryEvent[]): boolean {
  const said = events.flatMap((event) => {
    const upserted = event.upsertWorkflowSearchAttributesEventAttributes;
    const field = upserted?.searchAttributes.indexedFields['WatariNeedsOperator'];
    return field === undefined ? [] : [textOf(field.data)];
  });
  return said.at(-1) === 'true';
}

/** The worker that had the activity fell silent, and another attempt was made. */
function wasTakenOver({ activityTaskStartedEventAttributes: started }: HistoryEvent): boolean {
  return (started?.attempt ?? 1) > 1 && started?.lastFailure?.timeoutFailureInfo !== undefined;
}

function patchesOf(events: readonly HistoryEvent[]): string[] {
  return events.flatMap(({ markerRecordedEventAttributes: marker }) => {
    if (marker?.markerName !== 'core_patch') return [];
    const [payload] = marker.details?.['patch-data']?.payloads ?? [];
    return [(JSON.parse(textOf(payload?.data)) as { id: string }).id];
  });
}

/** What cannot be, and why. A history of this kind would prove the reason wrong, and the test would say so. */
export const IMPOSSIBLE: Partial<Record<WorkflowName, Partial<Record<Outcome, string>>>> = {
  inspectCluster: {
    parked: 'it has no step: a failure goes to whoever asked',
    aborted: 'it has no step, so nobody is asked whether to abort',
  },
  surveyFleet: {
    parked: 'it has no step: a failure goes to whoever asked',
    aborted: 'it has no step, so nobody is asked whether to abort',
  },
  scheduledMaintenance: {
    parked: 'nobody is asked: who is needed is asked by the maintenance inside',
    aborted: 'nobody is asked, and only a step that asks can be aborted',
    crashed: 'it has no activity: all that is done is done by the maintenance inside',
  },
  scanUpdates: {
    parked: 'it has no step: a failure goes to whoever asked',
    aborted: 'it has no step, so nobody is asked whether to abort',
  },
  doctor: {
    parked: 'its steps ask nobody: what goes wrong is a part of the report',
    aborted: 'its steps ask nobody, and only a step that asks can be aborted',
  },
};

/** What they are for is to move VMs: one that was completed without a move shows next to nothing. */
const MOVERS = 'migrateVm drainNodes resumeNodes maintainNode balanceCluster'.split(' ');

const hasMoved = ({ events }: Pick<KeptHistory, 'events'>): boolean =>
  events.some((e) => e.activityTaskScheduledEventAttributes?.activityType.name === 'moveVm');

export interface Missing {
  workflow: WorkflowName;
  outcome: Outcome;
}

export function missingOf(
  kept: readonly Pick<KeptHistory, 'workflow' | 'outcomes' | 'events'>[],
  workflows: readonly WorkflowName[],
): Missing[] {
  const has = (workflow: string, outcome: Outcome): boolean =>
    kept.some(
      (h) =>
        h.workflow === workflow &&
        h.outcomes.includes(outcome) &&
        (outcome !== 'completed' || !MOVERS.includes(workflow) || hasMoved(h)),
    );
  return workflows.flatMap((workflow) =>
    OUTCOMES.filter(
      (outcome) => IMPOSSIBLE[workflow]?.[outcome] === undefined && !has(workflow, outcome),
    ).map((outcome) => ({ workflow, outcome })),
  );
}

/** Ids of `patched()` in today's workflows that no kept history shows. */
export function unseenPatches(): string[] {
  const inCode = projectFiles('workflows').flatMap((file) =>
    [...readProjectFile(file).matchAll(/\bpatched\(\s*'([^']+)'/g)].map(([, id = '']) => id),
  );
  const seen = new Set(keptHistories().flatMap((h) => h.patches));
  return [...new Set(inCode)].filter((id) => !seen.has(id));
}
