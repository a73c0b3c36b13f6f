// All activities, by the queue that carries them. Workflows import only the types of this file.
import { createClusterActivities, type ClusterActivityDeps } from './cluster.ts';
import { createExamActivities, type NodeActivityDeps } from './examine.ts';
import { createGroupActivities } from './group.ts';
import { createMoveActivities } from './move.ts';
import { createNodeActivities } from './node.ts';
import { createScriptActivities, type Scripts } from './scripts.ts';
import { createStorageActivities } from './storage.ts';
import { createSurveyClusterActivities, createSurveyNodeActivities } from './survey.ts';
import { createSlotActivities } from './slot.ts';
import { createTurnActivities } from './turns.ts';
import { createUpdateActivities } from './updates.ts';
import { createVmActivities } from './vm.ts';

export { createPeopleQueue } from './watch.ts';

/** Any live node of the cluster can do these: watari.<cluster>. */
export const createClusterQueue = (deps: ClusterActivityDeps) => ({
  ...createClusterActivities(deps),
  ...createGroupActivities(deps),
  ...createSlotActivities(deps),
  ...createStorageActivities(deps),
  ...createSurveyClusterActivities(deps),
  ...createMoveActivities(deps),
  ...createTurnActivities(deps),
});

/** Only the node itself can do these: watari.<cluster>.<node>. */
export const createNodeQueue = (deps: NodeActivityDeps & { scripts?: Scripts }) => ({
  ...createNodeActivities(deps),
  ...createScriptActivities(deps),
  ...createSurveyNodeActivities(deps),
  ...createExamActivities(deps),
  ...createVmActivities(deps),
  ...createUpdateActivities(deps),
});

export type ClusterQueue = ReturnType<typeof createClusterQueue>;
export type NodeQueue = ReturnType<typeof createNodeQueue>;
