// Who asks for work: which nodes, and whether for one cluster or for several of one name.
import type { NativeConnection } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { clustersServed, liveIdentities, workerIdentity } from '../../domain/pollers.ts';
import { Colleagues } from '../../workers/serving.ts';
import { Calls } from '../../workflows/calls.ts';
import { aSnapshot } from '../support/snapshot-builder.ts';

describe('those who ask for work', () => {
  it('are alive for as long as they ask', () => {
    const now = new Date('2026-11-24T09:00:00Z');
    const ago = (seconds: number) => ({ seconds: now.getTime() / 1000 - seconds });
    expect(
      liveIdentities(
        [
          { identity: 'HV1/node/1', lastAccessTime: ago(60) },
          { identity: 'HV2/node/2', lastAccessTime: ago(100) },
          { identity: '', lastAccessTime: ago(1) },
          {},
        ],
        now,
      ),
    ).toEqual(['HV1/node/1']);
  });

  it('serve two clusters of one name when their ids differ', () => {
    const served = clustersServed([
      workerIdentity('TKY1', 'cluster', 1, 'AA'),
      workerIdentity('TKY2', 'cluster', 2, 'aa'),
      workerIdentity('tky1', 'node', 3, 'aa'),
      workerIdentity('OSK1', 'cluster', 4, 'bb'),
      workerIdentity('NEW1', 'cluster', 5, undefined),
    ]);
    expect([...served]).toEqual([
      ['aa', ['TKY1', 'TKY2']],
      ['bb', ['OSK1']],
    ]);
  });
});

describe('what a worker asks about its colleagues', () => {
  /** A server whose clock is two hours behind the one here, as far as that may be trusted. */
  const colleagues = (queues: Record<string, [identity: string, secondsAgo: number][]>) => {
    const theirs = Date.now() / 1000 - 7200;
    const describeTaskQueue = ({ taskQueue }: { taskQueue: { name: string } }) =>
      Promise.resolve({
        pollers: (queues[taskQueue.name] ?? []).map(([identity, ago]) => ({
          identity,
          lastAccessTime: { seconds: Math.floor(theirs - ago) },
        })),
      });
    const connection = { workflowService: { describeTaskQueue } } as unknown as NativeConnection;
    return new Colleagues(connection, 'default', 'hv-lab');
  };

  it('is measured by the clock of the server, which wrote the times', async () => {
    const asked = colleagues({
      'watari.hv-lab': [
        ['HV1/cluster/1/aa', 2],
        ['OSK1/cluster/1/bb', 30],
        ['OSK2/cluster/1/bb', 200],
      ],
      'watari.hv-lab.hv1': [['HV1/node/1/aa', 40]],
      'watari.hv-lab.hv2': [['HV2/node/2/aa', 200]],
    });
    expect(await asked.unserved(['HV1', 'HV2', 'HV3'])).toEqual(['HV2', 'HV3']);
    expect(await asked.ofOtherClusters('aa')).toEqual(['OSK1']);
  });
});

describe('a run', () => {
  const { cluster } = aSnapshot().view;

  it('goes on with the cluster that it began with, and with no other of its name', () => {
    const calls = new Calls('twins-1');
    calls.heed({ ...cluster, id: 'aa' });
    calls.heed({ ...cluster, id: 'aa' });
    expect(() => {
      calls.heed({ ...cluster, id: 'bb' });
    }).toThrow(/its id is bb, and this run began with aa/);
  });

  it('takes what a worker of an earlier version tells, which knows no id', () => {
    const calls = new Calls('twins-1');
    calls.heed(cluster);
    calls.heed({ ...cluster, id: 'aa' });
    expect(() => {
      calls.heed(cluster);
    }).not.toThrow();
  });
});
