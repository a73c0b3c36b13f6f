// How workflows call activities: which queue, how long, under which summary. Every number has its reason here.
import {
  ActivityCancellationType,
  proxyActivities,
  type ActivityInterfaceFor,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { ClusterQueue, NodeQueue } from '../activities/index.ts';
import type { ClusterFacts } from '../domain/facts.ts';
import { clusterQueue, nodeQueue } from '../domain/names.ts';
import { DEFAULT_BUDGETS, type Budgets } from '../domain/spec.ts';
import { stepFailure } from './failure-of.ts';

export interface CallOptions {
  /** Shown on the Timeline of the Temporal UI. */
  summary: string;
  /** Longest run of one attempt. */
  seconds?: number;
  /** Longest wait for a worker to take it; `answerSeconds` of the budgets unless given. */
  takeWithinSeconds?: number;
  /** Longest for all attempts together; also lets `NotReady` be asked again and again. */
  allWithinSeconds?: number;
  /** For what must not be done twice, whatever became of the answer. */
  attemptsMax?: number;
}

/**
 * A cmdlet on a busy host takes seconds, a feature installation minutes; those say so. Without an answer for this long
 * the worker is alive (it beats) but its cmdlet hangs.
 */
const ATTEMPT_SECONDS = 120;
/** Where many runs wait for the same workers and nothing is lost by waiting, a task waits so many times as long. */
const PATIENCE = 5;
/** Only dead workers and lost answers are retried by Temporal; failures with a code go to the step engine. */
const ATTEMPTS_MAX = 10;

const options = (taskQueue: string, budgets: Budgets, call: CallOptions): ActivityOptions => ({
  taskQueue,
  summary: call.summary,
  startToCloseTimeout: `${call.seconds ?? ATTEMPT_SECONDS}s`,
  scheduleToStartTimeout: `${call.takeWithinSeconds ?? budgets.answerSeconds}s`,
  heartbeatTimeout: `${budgets.heartbeatSeconds}s`,
  ...(call.allWithinSeconds === undefined
    ? {}
    : { scheduleToCloseTimeout: `${call.allWithinSeconds}s` }),
  retry: {
    // A dead worker has been waited for long enough already.
    initialInterval: '200ms',
    backoffCoefficient: 2,
    maximumInterval: '15s',
    ...(call.allWithinSeconds === undefined || call.attemptsMax !== undefined
      ? { maximumAttempts: call.attemptsMax ?? ATTEMPTS_MAX }
      : {}),
  },
  // An undo must never overlap the act that it takes back.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** The activities of a run: on the cluster's queue, or on one node's. */
export class Calls {
  readonly cluster: string;
  readonly budgets: Budgets;
  private clusterId: string | undefined;

  constructor(cluster: string, budgets: Partial<Budgets> = {}) {
    this.cluster = cluster;
    this.budgets = { ...DEFAULT_BUDGETS, ...budgets };
  }

  /** A run that has begun with one cluster goes on with no other, whatever its name. */
  heed({ id, name }: ClusterFacts): void {
    this.clusterId ??= id;
    if (id === undefined || id === this.clusterId) return;
    throw stepFailure(
      'OtherCluster',
      `Another cluster named ${name} answered: its id is ${id}, and this run began with ${this.clusterId ?? ''}`,
    );
  }

  /** For a task that comes late rather than never when hundreds of runs work at once. */
  get patientSeconds(): number {
    return this.budgets.answerSeconds * PATIENCE;
  }

  onCluster(call: CallOptions): ActivityInterfaceFor<ClusterQueue> {
    return proxyActivities<ClusterQueue>(options(clusterQueue(this.cluster), this.budgets, call));
  }

  onNode(node: string, call: CallOptions): ActivityInterfaceFor<NodeQueue> {
    return proxyActivities<NodeQueue>(options(nodeQueue(this.cluster, node), this.budgets, call));
  }
}
