// Windows Update of a node: what it is offered, what is in, what a restart makes of it. How long it takes and who asks
// is in update-jobs.ts; scenario keys are in scenario/update-schema.ts.
import { sameName } from '../../domain/names.ts';
import type { UpdateFacts } from '../../domain/update-facts.ts';
import type { Scenario } from '../scenario/schema.ts';
import { effect } from './records.ts';
import { HRESULTS_OF_UPDATES } from './update-results.ts';
import type { LabUpdate, LabUpdates, StepEnd } from './update-state.ts';
import { labId, type LabNode, type World } from './world.ts';

const timesOf = (times: number | 'always' | undefined): number =>
  times === 'always' ? Infinity : (times ?? 0);

export function makeUpdates(scenario: Scenario, node: string, revision: number): LabUpdates {
  const offers = scenario.updates
    .filter((is) => is.nodes?.some((name) => sameName(name, node)) ?? true)
    .map((is): LabUpdate => ({
      id: labId('update', is.kb),
      is,
      state: 'missing',
      downloaded: false,
      accepted: !is.eula,
      downloadFailsLeft: timesOf(is.downloadFails?.times),
      failsLeft: timesOf(is.fails?.times),
      rollsBackLeft: timesOf(is.rollsBack),
      diesLeft: timesOf(is.dies),
    }));
  return {
    offers,
    revision,
    job: null,
    folder: null,
    working: 0,
    committedBoot: '',
    servicingUntil: 0,
    notes: new Map(),
  };
}

/** What a search finds. One that waits for its predecessor is not offered yet. */
export const offered = ({ updates }: LabNode): LabUpdate[] =>
  updates.offers.filter(
    ({ is, state }) =>
      state === 'missing' &&
      (is.after === undefined ||
        updates.offers.some((one) => one.is.kb === is.after && one.state === 'installed')),
  );

export const updateFacts = ({ id, is, downloaded, accepted }: LabUpdate): UpdateFacts => ({
  id,
  revision: 200,
  title: is.title ?? is.kb,
  kbs: [is.kb],
  bytes: is.size,
  severity: is.severity,
  restart: is.restart,
  impact: is.impact,
  canRequestInput: is.canRequestInput,
  eulaAccepted: accepted,
  categories: [...is.categories],
  downloaded,
});

/** Nothing more is installed before the restart. */
export const restartFirst = ({ updates }: LabNode): boolean =>
  updates.offers.some(({ state, is }) => state === 'pending' && is.impact === 'exclusive');

export const isWorking = ({ updates }: LabNode): boolean => updates.working > 0;

/** A download that has taken its time. */
export function endDownload(world: World, node: LabNode, update: LabUpdate): StepEnd {
  if (update.downloadFailsLeft > 0) {
    update.downloadFailsLeft -= 1;
    return failedStep(update.is.downloadFails?.hresult);
  }
  if (!update.downloaded) effect(world, node.name, 'update-downloaded', update.is.kb);
  update.downloaded = true;
  return succeeded(false);
}

/** An installation that has taken its time. */
export function endInstall(world: World, node: LabNode, update: LabUpdate): StepEnd {
  if (restartFirst(node)) return failedStep(HRESULTS_OF_UPDATES.notAllowed);
  if (update.failsLeft > 0) {
    update.failsLeft -= 1;
    return failedStep(update.is.fails?.hresult);
  }
  const { kb, restart, comesBack } = update.is;
  const restarts = restart !== 'never';
  effect(world, node.name, 'update-installed', kb, restarts ? 'a restart is owed' : '');
  if (!restarts) finish(node, update);
  else update.state = 'pending';
  if (restarts) node.pendingRestart = true;
  if (comesBack) {
    update.state = 'missing';
    update.downloaded = false;
  }
  return succeeded(restarts);
}

function finish(node: LabNode, update: LabUpdate): void {
  update.state = 'installed';
  if (update.is.revision !== undefined)
    node.updates.revision = Math.max(node.updates.revision, update.is.revision);
}

const succeeded = (restartNeeded: boolean): StepEnd => ({
  result: 'succeeded',
  hresult: '0x00000000',
  restartNeeded,
});

export const failedStep = (hresult = '0x80070643'): StepEnd => ({
  result: 'failed',
  hresult,
  restartNeeded: false,
});

/** The machine goes down: what was under way is cut off. */
export function cutOffUpdates(world: World, { updates }: LabNode): void {
  if (updates.job !== null) {
    world.agenda.cancel(updates.job.entry);
    updates.job.entry = null;
  }
  updates.folder = null;
  updates.working = 0;
}

/** A boot finishes what waited for it, or takes it back. */
export function finishUpdates(world: World, node: LabNode): void {
  for (const update of node.updates.offers) {
    if (update.state !== 'pending') continue;
    if (update.rollsBackLeft > 0) {
      update.rollsBackLeft -= 1;
      update.state = 'missing';
      effect(world, node.name, 'update-rolled-back', update.is.kb);
      continue;
    }
    finish(node, update);
    const { servicingSeconds } = update.is;
    const until = world.time + servicingSeconds * 1000;
    if (servicingSeconds > 0)
      node.updates.servicingUntil = Math.max(node.updates.servicingUntil, until);
  }
}
