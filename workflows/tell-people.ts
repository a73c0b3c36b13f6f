// tellPeople: one of each cluster where people are told. It holds nothing but the place of whoever watches the runs:
// there is one at a time, and when its worker is gone the next goes on with what it knew. Started by workers; touches
// no run.
import { ActivityCancellationType, continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { PeopleQueue, WatchRequest } from '../activities/watch.ts';
import { peopleQueue } from '../domain/names.ts';

export async function tellPeople(request: WatchRequest): Promise<never> {
  const { watchRuns } = proxyActivities<PeopleQueue>({
    taskQueue: peopleQueue(request.cluster),
    summary: `Watch the runs of ${request.cluster} and tell people`,
    // A little more than it watches by itself.
    startToCloseTimeout: '13 hours',
    heartbeatTimeout: '30s',
    // Without an end: while no worker has the settings, it waits for one.
    retry: { initialInterval: '1s', maximumInterval: '10s' },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  const watched = await watchRuns(request);
  return continueAsNew<typeof tellPeople>({ cluster: request.cluster, watched });
}
