// scanUpdates on a real server: every node is asked by its own worker, nothing changes, and a node that does not answer
// is part of the picture.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { UpdateScan } from '../../domain/update-scan.ts';
import { labCluster, TEST_BUDGETS, TWO_NODES } from '../support/lab-cluster.ts';
import { endsWithTest } from '../support/ends.ts';

const ends = endsWithTest();

const SCENARIO = `${TWO_NODES}
updates:
  - { kb: KB5070001, title: Cumulative Update }
  - { kb: KB5070002, nodes: [HV2] }
`;

describe('scanUpdates', () => {
  it('tells what each node lacks, changes nothing, and refuses criteria that Windows does not take', async () => {
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario: SCENARIO }));
    const scan = async (nonce: string, more: object = {}): Promise<UpdateScan> => {
      const run = await c.start('scanUpdates', runId.scan(c.cluster, nonce), {
        budgets: { ...TEST_BUDGETS, answerSeconds: 8 },
        ...more,
      });
      return (await run.result()) as UpdateScan;
    };
    const all = await scan('all');
    const kbsOf = (node: string): string[] => {
      const told = all.nodes[node];
      const missing = told !== undefined && 'missing' in told ? told.missing : [];
      return missing.map((id) => all.updates.find((one) => one.id === id)?.kbs[0] ?? id);
    };
    expect(kbsOf('HV1')).toEqual(['KB5070001']);
    expect(kbsOf('HV2')).toEqual(['KB5070001', 'KB5070002']);
    expect(all.nodes['HV1']).toMatchObject({ build: '26100.4652', restartNeeded: false });

    const query = "KB='5070001'";
    const refused = await scan('refused', { nodes: ['hv1'], query });
    expect(refused.nodes).toMatchObject({ HV1: { noAnswer: { code: 'UpdateCriteriaRefused' } } });

    c.lab.powerOff('HV2');
    const some = await scan('some', { nodes: ['HV2', 'HV9'] });
    expect(some.nodes).toMatchObject({
      HV2: { noAnswer: { code: 'NodeUnreachable' } },
      HV9: { noAnswer: { code: 'NodeNotServed' } },
    });
    expect(c.lab.calls().every((call) => call.changed === null)).toBe(true);
  });
});
