// May this node be taken down, as far as the storage of the cluster goes, and is it healed after one came back? Pure;
// whoever restarts nodes asks before and after, and shows the words.
import type { ClusterNodeFacts, SharedVolumeFacts } from './facts.ts';
import { sameName } from './names.ts';
import type { StorageFacts, StorageJobFacts } from './storage-facts.ts';
import { sizeText } from './units.ts';

export interface StorageView {
  nodes: readonly ClusterNodeFacts[];
  sharedVolumes: readonly SharedVolumeFacts[];
  storage: StorageFacts;
}

/** Everything that speaks against it, each as a clause; none: it may be. */
export type StorageVerdict = string[];

const listed = (names: readonly string[]): string => names.join(', ');

function volumeProblems(volumes: readonly SharedVolumeFacts[]): string[] {
  return volumes.flatMap(({ name, state, pausedOn = [] }) => {
    if (state !== 'Online') return [`volume ${name} is ${state}`];
    return pausedOn.length > 0 ? [`volume ${name} cannot be used on ${listed(pausedOn)}`] : [];
  });
}

/** "repair of Volume1: 12 GB of 20 GB". */
export function jobWords({ name, suspended, bytesDone, bytesTotal }: StorageJobFacts): string {
  const done = bytesTotal > 0 ? `: ${sizeText(bytesDone)} of ${sizeText(bytesTotal)}` : '';
  return `${name}${done}${suspended ? ', suspended' : ''}`;
}

function spaceProblems({ virtualDisks, pools, jobs }: StorageFacts): string[] {
  const sick = (what: string, list: StorageFacts['pools']): string[] =>
    list
      .filter(({ health }) => health !== 'Healthy')
      .map(({ name, health }) => `${what} ${name} is ${health}`);
  return [
    ...sick('virtual disk', virtualDisks),
    ...sick('pool', pools),
    ...jobs.map((job) => `storage is at work: ${jobWords(job)}`),
  ];
}

/**
 * Before a node goes down. On Storage Spaces Direct a second node that is away may take the last copy of data with it,
 * so everything must be whole first.
 */
export function mayTakeDown(node: string, view: StorageView): StorageVerdict {
  const { nodes, sharedVolumes, storage } = view;
  const others = nodes.filter((one) => !sameName(one.name, node));
  const away = others.filter(({ state }) => state !== 'Up' && state !== 'Paused');
  const resting = storage.inMaintenance.filter((name) => !sameName(name, node));
  return [
    ...(storage.direct && away.length > 0
      ? [`${listed(away.map(({ name, state }) => `${name} (${state})`))} is not there`]
      : []),
    ...(resting.length > 0 ? [`drives of ${listed(resting)} are in maintenance mode`] : []),
    ...volumeProblems(sharedVolumes),
    ...spaceProblems(storage),
  ];
}

/** Nothing else speaks against it than repairs, and they get on by themselves. */
export function isHealing(node: string, view: StorageView): boolean {
  const { storage } = view;
  const repaired = { ...storage, virtualDisks: [], pools: [], jobs: [] };
  return (
    storage.jobs.some(({ suspended }) => !suspended) &&
    storage.inMaintenance.length === 0 &&
    mayTakeDown(node, { ...view, storage: repaired }).length === 0
  );
}

/** After a node came back: what is still to be waited for before the next one may go. */
export function notHealedYet(view: StorageView): StorageVerdict {
  const { nodes, sharedVolumes, storage } = view;
  const away = nodes.filter(({ state }) => state !== 'Up' && state !== 'Paused');
  return [
    ...(storage.direct && away.length > 0
      ? [`${listed(away.map(({ name }) => name))} is not back`]
      : []),
    ...(storage.inMaintenance.length > 0
      ? [`drives of ${listed(storage.inMaintenance)} are in maintenance mode`]
      : []),
    ...volumeProblems(sharedVolumes),
    ...spaceProblems(storage),
  ];
}

/**
 * Only suspended jobs are left and a virtual disk is not whole: Windows will not go on by itself, and a person decides
 * whether to start Repair-VirtualDisk.
 */
export const repairStandsStill = ({ virtualDisks, jobs }: StorageFacts): boolean =>
  virtualDisks.some(({ health }) => health !== 'Healthy') &&
  jobs.length > 0 &&
  jobs.every(({ suspended }) => suspended);

/** What has been repaired so far: a wait is at a standstill when this does not grow. */
export const repairedBytes = ({ jobs }: StorageFacts): number =>
  jobs.reduce((sum, { bytesDone }) => sum + bytesDone, 0);
