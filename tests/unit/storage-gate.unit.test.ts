// Whether a node may be taken down, and whether storage is healed, as far as its facts tell.
import { describe, expect, it } from 'vitest';
import type { ClusterNodeFacts, SharedVolumeFacts } from '../../domain/facts.ts';
import type { StorageFacts } from '../../domain/storage-facts.ts';
import {
  mayTakeDown,
  notHealedYet,
  repairedBytes,
  repairStandsStill,
  type StorageView,
} from '../../domain/storage-gate.ts';

const node = (name: string, state: ClusterNodeFacts['state'] = 'Up'): ClusterNodeFacts => ({
  name,
  state,
  quarantined: false,
  nodeWeight: 1,
});
const volume = (more: Partial<SharedVolumeFacts> = {}): SharedVolumeFacts => ({
  name: 'Volume1',
  path: 'C:\\ClusterStorage\\Volume1',
  state: 'Online',
  owner: 'HV1',
  pausedOn: [],
  ...more,
});
const SAN: StorageFacts = {
  direct: false,
  virtualDisks: [],
  pools: [],
  jobs: [],
  inMaintenance: [],
};
const WHOLE: StorageFacts = {
  direct: true,
  virtualDisks: [{ name: 'Volume1', health: 'Healthy' }],
  pools: [{ name: 'S2D', health: 'Healthy' }],
  jobs: [],
  inMaintenance: [],
};
const NODES = [node('HV1'), node('HV2', 'Paused'), node('HV3')];
const view = (more: Partial<StorageView> = {}): StorageView => ({
  nodes: NODES,
  sharedVolumes: [volume()],
  storage: WHOLE,
  ...more,
});
const job = (suspended: boolean) => ({
  name: 'Volume1-Repair',
  suspended,
  bytesDone: 2 ** 30,
  bytesTotal: 20 * 2 ** 30,
});

const ILL: StorageFacts = {
  ...WHOLE,
  virtualDisks: [{ name: 'Volume1', health: 'Warning' }],
  jobs: [job(false)],
};

describe('the storage gate', () => {
  it.each<[string, StorageView, string[]]>([
    ['lets a node go when all is whole, paused as it is', view(), []],
    [
      'asks nothing of a SAN but its volumes',
      view({ storage: SAN, nodes: [node('HV1'), node('HV2'), node('HV3', 'Down')] }),
      [],
    ],
    [
      'sees a volume that some node cannot use',
      view({ storage: SAN, sharedVolumes: [volume({ pausedOn: ['HV3'] })] }),
      ['volume Volume1 cannot be used on HV3'],
    ],
    [
      'sees a volume that is not online',
      view({ sharedVolumes: [volume({ state: 'Failed' })] }),
      ['volume Volume1 is Failed'],
    ],
    [
      'never takes a second node',
      view({ nodes: [node('HV1'), node('HV2'), node('HV3', 'Down')] }),
      ['HV3 (Down) is not there'],
    ],
    [
      'takes the rest of the node itself for what it is',
      view({ storage: { ...WHOLE, inMaintenance: ['HV2'] } }),
      [],
    ],
    [
      'sees that another one rests',
      view({ storage: { ...WHOLE, inMaintenance: ['HV3'] } }),
      ['drives of HV3 are in maintenance mode'],
    ],
    [
      'waits for a repair',
      view({ storage: ILL }),
      ['virtual disk Volume1 is Warning', 'storage is at work: Volume1-Repair: 1 GB of 20 GB'],
    ],
    [
      'sees a pool that is not well',
      view({ storage: { ...WHOLE, pools: [{ name: 'S2D', health: 'Unhealthy' }] } }),
      ['pool S2D is Unhealthy'],
    ],
  ])('%s', (_, seen, problems) => {
    expect(mayTakeDown('hv2', seen)).toEqual(problems);
  });

  it('takes nothing for healed while any node rests or is away', () => {
    expect(notHealedYet(view())).toEqual([]);
    expect(notHealedYet(view({ storage: { ...WHOLE, inMaintenance: ['HV2'] } }))).toEqual([
      'drives of HV2 are in maintenance mode',
    ]);
    expect(notHealedYet(view({ nodes: [node('HV1'), node('HV2', 'Joining')] }))).toEqual([
      'HV2 is not back',
    ]);
    expect(notHealedYet(view({ storage: ILL }))).toHaveLength(2);
  });

  it('tells a repair that only a person brings on from one that gets on', () => {
    expect(repairStandsStill({ ...ILL, jobs: [job(true)] })).toBe(true);
    expect(repairStandsStill({ ...ILL, jobs: [job(true), job(false)] })).toBe(false);
    expect(repairStandsStill({ ...ILL, jobs: [] })).toBe(false);
    expect(repairStandsStill({ ...WHOLE, jobs: [job(true)] })).toBe(false);
    expect(repairedBytes({ ...ILL, jobs: [job(true), job(false)] })).toBe(2 * 2 ** 30);
  });
});
