// Activities about updates of Windows on one machine, served only by that machine's worker on watari.<cluster>.<node>.
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { isSameBoot, type Boot } from '../domain/boot.ts';
import { boundedText } from '../domain/bounded.ts';
import { durationText } from '../domain/units.ts';
import type { ServicingFacts, UpdateJobFacts } from '../domain/update-facts.ts';
import type { NodeScan } from '../domain/update-scan.ts';
import { HypervError, type OpArgs, type UpdatesRequest } from '../hyperv/host.ts';
import { beating, pause, pauseAnyway, stopwatch, waits, type Beats } from './beats.ts';
import type { ClusterActivityDeps } from './cluster.ts';
import { failed, guarded } from './failing.ts';

/** A node that lacks more has not been updated for years; what it lacks of them comes with the next round. */
const UPDATES_MAX = 200;
const TITLE_CHARS_MAX = 200;
const CATEGORIES_MAX = 5;
const WARNINGS_MAX = 10;

/** Updates take minutes each, and every look starts a shell on some nodes. */
const RARER = 5;

export interface UpdateJobRequest extends UpdatesRequest {
  kind: UpdateJobFacts['kind'];
  /** As people know them, in the same order. */
  names: string[];
  step: string;
  /** So long without a change, and a person is asked. */
  standstillSeconds: number;
}

const isJobOf = (job: UpdateJobFacts, { kind, ids }: UpdateJobRequest): boolean =>
  job.kind === kind && job.ids.length === ids.length && ids.every((id) => job.ids.includes(id));

/** "2 of 5, KB5070001, for 12 min". */
function progress(
  { results }: UpdateJobFacts,
  { ids, names }: UpdateJobRequest,
  ms: number,
): string {
  const which = names[results.length] ?? 'the end';
  const nth = Math.min(results.length + 1, ids.length);
  return `${nth} of ${ids.length}, ${which}, for ${durationText(ms)}`;
}

/** Follows the job that is under way until it is over, however that is. */
async function seeThrough(
  deps: ClusterActivityDeps,
  request: UpdateJobRequest,
  { say }: Beats,
): Promise<UpdateJobFacts> {
  const { host } = deps;
  let seen = '';
  let stoodMs = stopwatch(deps);
  for (;;) {
    const { facts: job } = await host.readUpdateJob({});
    if (job === null || !isJobOf(job, request) || job.state === 'lost') {
      throw failed(
        'UpdateJobLost',
        `The process that was to ${request.kind} updates on ${host.node} ended before its work did`,
      );
    }
    if (job.state !== 'running') return job;
    if (job.changedAt !== seen) stoodMs = stopwatch(deps);
    seen = job.changedAt;
    const at = progress(job, request, stoodMs());
    if (stoodMs() > request.standstillSeconds * 1000) {
      throw failed(
        'UpdatesStandStill',
        `The ${request.kind} on ${host.node} gets no further: ${at}`,
      );
    }
    say(waits(request.step, request.kind, at));
    // An installation cannot be broken off, and a node that is resumed in the middle of one may restart under its VMs.
    if (request.kind === 'install') await pauseAnyway(deps, deps.lookEveryMs * RARER);
    else await pause(deps, deps.lookEveryMs * RARER);
    if (request.kind === 'download' && cancellationSignal().aborted) {
      throw new CancelledFailure('the wait for the download was cancelled');
    }
  }
}

export function createUpdateActivities(deps: ClusterActivityDeps) {
  const { host } = deps;
  return guarded({
    /** Changes nothing. Bounded, as it is kept in a run's history. */
    scanUpdates: (input: { criteria?: string }): Promise<NodeScan> =>
      beating(deps, async () => {
        const [search, servicing] = await Promise.all([
          host.readUpdates(input),
          host.readServicing({}),
        ]);
        const { result, warnings, updates } = search.facts;
        const { build, restartNeeded } = servicing.facts;
        return {
          build,
          restartNeeded,
          result,
          warnings: warnings.slice(0, WARNINGS_MAX),
          updates: updates.slice(0, UPDATES_MAX).map((update) => ({
            ...update,
            title: boundedText(update.title, TITLE_CHARS_MAX),
            categories: update.categories.slice(0, CATEGORIES_MAX),
          })),
        };
      }),

    /** Starts the job, or joins it where it is under way, and answers when it is over. */
    runUpdateJob: (request: UpdateJobRequest): Promise<UpdateJobFacts> =>
      beating(deps, async (beats) => {
        const { kind, ids, acceptEula } = request;
        const { facts: before } = await host.readUpdateJob({});
        // The restart that took this worker with it took the job, too: what it left is to be looked at, not done again.
        const isOurs = activityInfo().attempt > 1 && before !== null && isJobOf(before, request);
        if (isOurs && before.state === 'cut-off') return before;
        const op = kind === 'download' ? 'downloadUpdates' : 'installUpdates';
        await host[op]({ ids, acceptEula });
        const job = await seeThrough(deps, request, beats);
        if (cancellationSignal().aborted) throw new CancelledFailure(`the ${kind} is over`);
        if (job.error === null) return job;
        const { hresult, message } = job.error;
        throw new HypervError(message, { op, node: host.node, outcome: 'refused', hresult });
      }),

    viewServicing: (): Promise<ServicingFacts> =>
      beating(deps, async () => (await host.readServicing({})).facts),

    /** Until nothing is being serviced any more, by whomever. */
    awaitServicing: (input: { step: string; waitSeconds: number }): Promise<ServicingFacts> =>
      beating(deps, async ({ say }) => {
        const waitedMs = stopwatch(deps);
        for (;;) {
          const { facts } = await host.readServicing({});
          if (!facts.working && !facts.installerBusy) return facts;
          const what = facts.working ? 'Windows to finish its servicing' : 'another installation';
          if (waitedMs() > input.waitSeconds * 1000) {
            const waited = durationText(input.waitSeconds * 1000);
            throw failed('UpdatesStandStill', `${host.node} waited ${waited} for ${what}`);
          }
          say(waits(input.step, 'servicing', what));
          await pause(deps, deps.lookEveryMs * RARER);
          if (cancellationSignal().aborted) throw new CancelledFailure('the wait was cancelled');
        }
      }),

    /** Only for that boot: after its restart there is nothing to be said of any more. */
    commitUpdates: (input: { boot: Boot }): Promise<{ committed: boolean; cmdlets: string[] }> =>
      beating(deps, async () => {
        const { facts } = await host.readBoot({});
        if (!isSameBoot(facts, input.boot)) return { committed: false, cmdlets: [] };
        const { facts: done, cmdlets } = await host.commitUpdates({});
        return { committed: done.changed, cmdlets };
      }),

    installPackages: (input: OpArgs<'installPackages'>) =>
      beating(deps, async () => {
        const { facts, cmdlets } = await host.installPackages(input);
        return { ...facts, cmdlets };
      }),
  });
}
