// What people see of a running activity on a real server: the last heartbeat that arrived. Looked at now and then, so
// some are missed; where a move was asked for anew is known from the call itself.
import { defaultPayloadConverter } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { temporal } from '@temporalio/proto';
import type { Beat } from '../rules/rule.ts';
import type { SeenRun } from '../temporal/seen-run.ts';

type Pending = temporal.api.workflow.v1.IPendingActivityInfo;

/** So long a heartbeat of before may still be on its way: the throttle of a worker, and the way itself. */
const LATE_MS = 500;

export class Beats {
  private readonly told: (run: SeenRun, activityId: string, beat: Beat) => void;
  /** By run and activity: when it last asked for a move. */
  private readonly asked = new Map<string, number>();

  constructor(told: (run: SeenRun, activityId: string, beat: Beat) => void) {
    this.told = told;
  }

  asksForMove(run: SeenRun, activityId: string): void {
    this.asked.set(`${run.runId} ${activityId}`, Date.now());
    this.told(run, activityId, { phase: 'starting', percent: null });
  }

  look(run: SeenRun, pending: readonly Pending[]): void {
    for (const { activityId, heartbeatDetails, lastHeartbeatTime } of pending) {
      const [details] = heartbeatDetails?.payloads ?? [];
      if (details === undefined || activityId == null || lastHeartbeatTime == null) continue;
      const asked = this.asked.get(`${run.runId} ${activityId}`) ?? -Infinity;
      if (tsToMs(lastHeartbeatTime) < asked + LATE_MS) continue;
      this.told(run, activityId, defaultPayloadConverter.fromPayload(details));
    }
  }
}
