// The updates of Windows on one node that is empty and paused: search, install, restart where Windows owes one, and
// search again until nothing is offered. That Windows says "installed" proves nothing: a restart may take everything
// back.
import type { ApplicationFailure } from '@temporalio/workflow';
import type { Boot } from '../domain/boot.ts';
import { classify, retryOf, type FailureCode } from '../domain/failures.ts';
import { stepId } from '../domain/names.ts';
import type { MaintainNodeInput } from '../domain/spec.ts';
import type { UpdateFacts, UpdateJobFacts, UpdateResult } from '../domain/update-facts.ts';
import {
  buildProblem,
  kbText,
  leftOutTexts,
  nextBatch,
  notInstalled,
  rolledBack,
  selectUpdates,
  stillMissing,
  type Round,
  type UpdateChoice,
} from '../domain/updates.ts';
import type { Calls } from './calls.ts';
import type { Job } from './conduct.ts';
import { stepFailure } from './failure-of.ts';
import { restartNode } from './restart-node.ts';
import type { StepContext } from './run.ts';
import { named, runUpdateJob, searchNode, updateRestartSeconds } from './update-calls.ts';

type Maintenance = Job<MaintainNodeInput>;

/** A servicing stack and what stands on it take two restarts; what is offered after three will be for ever. */
const ROUNDS_MAX = 3;
/** What servicing does after a restart takes minutes, hours on a slow disk. */
const SERVICING_SECONDS = 2 * 3600;
/** DISM works within one call. */
const PACKAGES_SECONDS = 4 * 3600;

/** What a round leaves to be done. */
interface RoundEnd {
  /** The boot that a restart is to end; undefined: none is owed. */
  owed: Boot | undefined;
  /** There may be more to install. */
  more: boolean;
}

/** What the rounds of a run share. */
interface Rounds {
  readonly choice: UpdateChoice;
  readonly done: Round[];
}

export async function installUpdates(job: Maintenance, choice: UpdateChoice): Promise<void> {
  const { run, calls } = job;
  const { node } = job.input;
  const rounds: Rounds = { choice, done: [] };
  for (let nth = 1; ; nth += 1) {
    const title = nth === 1 ? `Install updates on ${node}` : `Look again for updates of ${node}`;
    const step = { id: stepId.node(node, `install-${nth}`), title, skippable: true };
    const end = await run.step(step, (c) => installRound(job, rounds, step.id, c));
    // Skipped: what is not in stays out, but what is in gets the restart that it needs.
    const owed = end === undefined ? await restartOwed(calls, node) : end.owed;
    if (owed !== undefined) await restartAfter(job, nth, owed);
    if (end?.more !== true) return;
  }
}

/** Files in a folder of the node: nobody can tell beforehand what they bring, so nothing is searched for. */
export async function installPackages(job: Maintenance, folder: string): Promise<void> {
  const { run, calls } = job;
  const { node } = job.input;
  const title = `Install the packages in ${folder} on ${node}`;
  const step = { id: stepId.node(node, 'packages'), title, skippable: true };
  await run.step(step, async (c) => {
    await awaitServicing(calls, node, step.id);
    const call = { summary: title, seconds: PACKAGES_SECONDS };
    c.evidence({ ...(await calls.onNode(node, call).installPackages({ folder })) });
  });
  const owed = await restartOwed(calls, node);
  if (owed !== undefined) await restartAfter(job, 1, owed);
}

/** @returns the build of the node, which others of the cluster are to have as well. */
export function proveBuild({ run, calls, input }: Maintenance): Promise<string | undefined> {
  const { node, build: expected = null } = input;
  const step = { id: stepId.node(node, 'build'), title: `See which build ${node} has now` };
  return run.step({ ...step, skippable: true }, async (c) => {
    const { build } = await awaitServicing(calls, node, step.id);
    c.evidence({ build, ...(expected === null ? {} : { expected }) });
    const problem = buildProblem(node, build, expected);
    if (problem !== undefined) throw stepFailure('BuildNotExpected', problem);
    return build;
  });
}

async function installRound(
  { calls, input: { node } }: Maintenance,
  { choice, done }: Rounds,
  step: string,
  c: StepContext,
): Promise<RoundEnd> {
  const servicing = await awaitServicing(calls, node, step);
  if (servicing.restartFirst) {
    c.evidence({ why: 'Windows wants a restart before it installs more' });
    return { owed: await bootOf(calls, node), more: true };
  }
  const scan = await searchNode(calls, node, choice.query);
  const { chosen, leftOut } = selectUpdates(scan.updates, choice);
  c.evidence({ build: scan.build, leftOut: leftOutTexts(leftOut) });
  const back = rolledBack(done, chosen, servicing);
  if (back.length > 0 && !c.byOperator) {
    throw stepFailure(
      'UpdatesRolledBack',
      `${node} offers again after its restart: ${named(back)}`,
    );
  }
  const missing = stillMissing(done, chosen, servicing);
  if (missing.length === 0) {
    const owed = scan.restartNeeded ? await bootOf(calls, node) : undefined;
    return { owed, more: owed !== undefined };
  }
  if (done.length >= ROUNDS_MAX && !c.byOperator) {
    const rounds = `${done.length} rounds of installing`;
    throw stepFailure('UpdatesRemain', `After ${rounds} ${node} still lacks ${named(missing)}`);
  }
  const batch = nextBatch(missing);
  const job = await runUpdateJob(calls, node, 'install', batch, choice, step);
  const went = job.results.filter(({ result }) => result === 'succeeded').map(({ id }) => id);
  // A try in vain is no round.
  if (went.length > 0) done.push({ boot: servicing.boot, installed: went });
  c.evidence({ updates: batch.map((update) => resultText(update, job.results)) });
  // Windows restarted by itself in the middle: the next search tells what became of it.
  if (job.state === 'cut-off') return { owed: undefined, more: true };
  const failure = updateFailure(node, 'install', batch, notInstalled(job));
  if (failure !== undefined) throw failure;
  return { owed: await restartOwed(calls, node), more: true };
}

/** undefined where nothing failed. Whether those are in that Windows is not sure of, restart and next search show. */
export function updateFailure(
  node: string,
  kind: UpdateJobFacts['kind'],
  batch: readonly UpdateFacts[],
  ends: readonly UpdateResult[],
): ApplicationFailure | undefined {
  const failed = ends.filter((end) => codeOf(end) !== 'UpdateOutcomeOpen');
  const [first] = failed;
  if (first === undefined) return undefined;
  const which = batch.filter(({ id }) => failed.some((one) => one.id === id));
  const message = `${node} did not ${kind} ${named(which)} (${first.hresult})`;
  return stepFailure(codeOf(first), message);
}

/** Not all that fails has a code of its own. */
function codeOf({ hresult }: UpdateResult): FailureCode {
  const code = classify({ hresults: [hresult], eventIds: [], errorIds: [], outcome: 'refused' });
  return code === 'Unexpected' || retryOf(code) === 'expected' ? 'UpdatesFailed' : code;
}

function resultText(update: UpdateFacts, results: readonly UpdateResult[]): string {
  const end = results.find(({ id }) => id === update.id);
  if (end === undefined) return `${kbText(update)}: not begun`;
  const restart = end.restartNeeded ? ', a restart is owed' : '';
  return `${kbText(update)}: ${end.result} (${end.hresult})${restart}`;
}

/** Nothing is searched or installed while Windows still works on what a restart left to it. */
const awaitServicing = (calls: Calls, node: string, step: string) =>
  calls
    .onNode(node, {
      summary: `Servicing of ${node}`,
      seconds: SERVICING_SECONDS + 60,
      takeWithinSeconds: updateRestartSeconds(calls),
    })
    .awaitServicing({ step, waitSeconds: SERVICING_SECONDS });

async function bootOf(calls: Calls, node: string): Promise<Boot> {
  const { host } = await calls.onNode(node, { summary: `Boot of ${node}` }).viewNode({ vms: [] });
  return { boot: host.boot, bootTime: host.bootTime };
}

async function restartOwed(calls: Calls, node: string): Promise<Boot | undefined> {
  const summary = `Does ${node} owe a restart?`;
  const { restartNeeded } = await calls.onNode(node, { summary }).viewServicing();
  return restartNeeded ? bootOf(calls, node) : undefined;
}

function restartAfter({ run, calls, input }: Maintenance, nth: number, boot: Boot): Promise<void> {
  const { node } = input;
  const step = { id: stepId.node(node, `restart-${nth}`), title: `Restart ${node}` };
  return run.step(step, (c) =>
    restartNode(
      calls,
      {
        ...{ node, boot, reason: 'updates' },
        seconds: updateRestartSeconds(calls),
        // Some updates are not finished without it, and it has to be the last thing before the restart.
        before: async () => {
          const summary = `Tell Windows Update of ${node} that its restart comes`;
          c.evidence({ ...(await calls.onNode(node, { summary }).commitUpdates({ boot })) });
        },
      },
      c,
    ),
  );
}
