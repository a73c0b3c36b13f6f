// Downloads and installations of updates as they take their time, step by step, and the operations of the port about
// them. The stand-ins of the COM objects begin single steps of the same kind (powershell/update-objects.ts).
import { sameName } from '../../domain/names.ts';
import type { UpdatesRequest } from '../../hyperv/host.ts';
import type { Act, Done } from './acts.ts';
import { bootOf, type LabNode, type World } from './world.ts';
import type { Instant } from './clock.ts';
import { beginRestart } from './nodes.ts';
import { effect } from './records.ts';
import { quote, refused, type Asked } from './refusal.ts';
import { HRESULTS_OF_UPDATES as CODES } from './update-results.ts';
import { jobState } from './update-reads.ts';
import type { LabFolderInstall, LabUpdate, LabUpdateJob, StepEnd } from './update-state.ts';
import { endDownload, endInstall, offered } from './updates.ts';

/** A step under way: `end` is there once its time has come. */
export interface Step {
  readonly readyAt: Instant;
  end: StepEnd | null;
}

export type StepKind = 'download' | 'install';

/** @param then called with the end, when it comes. */
export function beginStep(
  world: World,
  node: LabNode,
  update: LabUpdate,
  kind: StepKind,
  then: (end: StepEnd) => void = () => undefined,
): Step & { entry: LabUpdateJob['entry'] } {
  const { downloadSeconds, installSeconds } = update.is;
  const seconds = kind === 'download' ? downloadSeconds : installSeconds;
  node.updates.working += 1;
  const { losses } = node;
  const entry = world.agenda.add(world.time + seconds * 1000, () => {
    if (node.losses !== losses) return;
    node.updates.working -= 1;
    step.end =
      kind === 'download' ? endDownload(world, node, update) : endInstall(world, node, update);
    if (kind === 'install' && step.end.restartNeeded) armOrchestrator(world, node, update);
    then(step.end);
  });
  const step: Step & { entry: LabUpdateJob['entry'] } = { readyAt: entry.at, end: null, entry };
  return step;
}

/** Windows restarts by itself where nobody has told it not to: automatic updates off, or notify only. */
function armOrchestrator(world: World, node: LabNode, { is }: LabUpdate): void {
  const { noAutoUpdate, autoUpdateOption } = node.is.setup;
  if (is.restartsAfterSeconds === undefined || noAutoUpdate === 1 || autoUpdateOption === 2) return;
  const { losses } = node;
  world.agenda.add(world.time + is.restartsAfterSeconds * 1000, () => {
    if (node.losses === losses && node.power === 'running')
      beginRestart(world, node, 'Update Orchestrator');
  });
}

/** Begins a job, whatever ran before. */
export function beginJob(
  world: World,
  node: LabNode,
  request: UpdatesRequest & { kind: StepKind },
): void {
  const { kind, acceptEula } = request;
  const job: LabUpdateJob = {
    kind,
    ids: request.ids.map((id) => id.toLowerCase()),
    acceptEula,
    boot: bootOf(node),
    startedAt: world.time,
    changedAt: world.time,
    results: [],
    ended: false,
    entry: null,
  };
  node.updates.job = job;
  goOn(world, node, job);
}

function goOn(world: World, node: LabNode, job: LabUpdateJob): void {
  job.entry = null;
  job.changedAt = world.time;
  const id = job.ids[job.results.length];
  if (id === undefined) {
    job.ended = true;
    return;
  }
  const update = offered(node).find((one) => one.id === id);
  const end = (ended: StepEnd): void => {
    job.results.push({ id, ...ended });
    goOn(world, node, job);
  };
  if (update === undefined)
    end({ result: 'not-started', hresult: CODES.gone, restartNeeded: false });
  else if (!update.accepted && !job.acceptEula)
    end({ result: 'not-started', hresult: CODES.termsOpen, restartNeeded: false });
  else work(world, node, job, update, end);
}

function work(
  world: World,
  node: LabNode,
  job: LabUpdateJob,
  update: LabUpdate,
  end: (ended: StepEnd) => void,
): void {
  update.accepted = true;
  const install = (): void => {
    if (update.diesLeft > 0) {
      update.diesLeft -= 1;
      job.entry = null;
      effect(world, node.name, 'fault', 'update-job-dies', update.is.kb);
      return;
    }
    job.entry = beginStep(world, node, update, 'install', end).entry;
  };
  if (update.downloaded) {
    if (job.kind === 'install') install();
    else end({ result: 'succeeded', hresult: '0x00000000', restartNeeded: false });
    return;
  }
  const then = (ended: StepEnd): void => {
    if (job.kind === 'install' && ended.result === 'succeeded') install();
    else end(ended);
  };
  job.entry = beginStep(world, node, update, 'download', then).entry;
}

const startJob = (
  kind: StepKind,
  asked: Asked,
  request: UpdatesRequest,
): Done<{ changed: boolean }> => {
  const { world, node } = asked;
  const { job } = node.updates;
  const ids = request.ids.map((id) => id.toLowerCase());
  const answer = (changed: boolean) => ({
    facts: { changed },
    cmdlets: changed ? ['Start-UpdateTask'] : [],
  });
  const state = job === null ? null : jobState(node, job);
  const isSame =
    job?.kind === kind && job.ids.length === ids.length && ids.every((id) => job.ids.includes(id));
  if (state === 'running' && !isSame)
    throw refused(asked, `${node.name} is busy with another job for updates.`, {
      hresult: CODES.busy,
      errorId: 'UpdatesBusy',
    });
  const isDone =
    isSame &&
    state === 'ended' &&
    job.boot === bootOf(node) &&
    job.results.every(({ result }) => result === 'succeeded');
  if (isDone || state === 'running') return answer(false);
  beginJob(world, node, { ...request, kind });
  return answer(true);
};

export const downloadUpdates: Act<'downloadUpdates'> = (asked, request) =>
  startJob('download', asked, request);
export const installUpdates: Act<'installUpdates'> = (asked, request) =>
  startJob('install', asked, request);

export const commitUpdates: Act<'commitUpdates'> = ({ world, node }) => {
  const changed = node.updates.committedBoot !== bootOf(node);
  if (!changed) return { facts: { changed }, cmdlets: [] };
  commit(world, node);
  return { facts: { changed }, cmdlets: ['IUpdateInstaller4.Commit(0)'] };
};

export function commit(world: World, node: LabNode): void {
  node.updates.committedBoot = bootOf(node);
  effect(world, node.name, 'updates-committed', node.name);
}

/** DISM's own words for how it went. */
export const PACKAGES = { done: 3010, present: 0x00240006, missing: 2 } as const;

/** Who comes second finds DISM at work, and waits for the same end. */
export function beginFolder(world: World, node: LabNode, folder: string): LabFolderInstall {
  const { updates, losses } = node;
  if (updates.folder?.code === null) return updates.folder;
  const found = world.scenario.packages.find((one) => sameName(one.folder, folder));
  const due = updates.offers.filter(
    ({ is, state }) => found?.kbs.includes(is.kb) === true && state === 'missing',
  );
  if (due.length === 0) {
    const code = found === undefined ? PACKAGES.missing : PACKAGES.present;
    return { folder, readyAt: world.time, code };
  }
  const seconds = due.reduce((sum, { is }) => sum + is.installSeconds, 0);
  updates.working += 1;
  const entry = world.agenda.add(world.time + seconds * 1000, () => {
    if (node.losses !== losses) return;
    updates.working -= 1;
    install.code = codeOf(due.map((update) => endInstall(world, node, update)));
  });
  const install: LabFolderInstall = { folder, readyAt: entry.at, code: null };
  updates.folder = install;
  return install;
}

function codeOf(ends: readonly StepEnd[]): number {
  const failed = ends.find(({ result }) => result === 'failed');
  if (failed !== undefined) return Number.parseInt(failed.hresult, 16) | 0;
  return ends.some(({ restartNeeded }) => restartNeeded) ? PACKAGES.done : 0;
}

export const installPackages: Act<'installPackages'> = (asked, { folder }) => {
  const install = beginFolder(asked.world, asked.node, folder);
  const cmdlets = [`Install-UpdatePackage -Folder ${quote(folder)}`];
  const read = () => packagesEnd(asked, install);
  if (install.code !== null) return { facts: read(), cmdlets };
  // What it will be: only its end tells.
  const facts = { changed: true, restartNeeded: false };
  return { facts, cmdlets, readyAt: install.readyAt, read };
};

function packagesEnd(
  asked: Asked,
  { folder, code }: LabFolderInstall,
): { changed: boolean; restartNeeded: boolean } {
  if (code === PACKAGES.present) return { changed: false, restartNeeded: false };
  if (code === 0 || code === PACKAGES.done)
    return { changed: true, restartNeeded: code === PACKAGES.done };
  const hresult = `0x${((code ?? 0) >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;
  throw refused(asked, `DISM did not install the packages in ${folder}: code ${hresult}.`, {
    hresult,
    errorId: 'PackagesNotInstalled',
  });
}
