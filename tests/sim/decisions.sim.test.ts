// Who decided what about a step stays told, whatever is decided after it: an abort is the last word about a run, and
// not the only one.
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DECISIONS_KEPT } from '../../domain/bounded.ts';
import { clusterQueue, runId } from '../../domain/names.ts';
import { DEFAULT_BUDGETS } from '../../domain/spec.ts';
import type { Decision, DecisionAction, StepStatus } from '../../domain/status.ts';
import { scenarioSchema } from '../../lab/scenario/schema.ts';
import { Random } from '../../proof/rig/random.ts';
import type { ServerRun } from '../../proof/sim/temporal/server-run.ts';
import { SimCluster } from '../../proof/sim/sim-cluster.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';

const CLUSTER = 'decided';
const [HV1, HV2] = ['hv1/migration-settings', 'hv2/migration-settings'];
const SPEC = {
  cluster: CLUSTER,
  nodes: ['HV1', 'HV2'],
  liveMigration: {
    simultaneousMigrations: 1,
    simultaneousStorageMigrations: 3,
    performance: 'SMB',
  },
  virtualMachines: [],
  prove: [],
  memoryReserveBytes: 0,
  budgets: DEFAULT_BUDGETS,
};
/** Both nodes refuse their settings for ever, so that two steps of one run wait for a person at once. */
const SCENARIO = scenarioSchema.parse({
  cluster: CLUSTER,
  nodes: ['HV1', 'HV2'].map((name) => ({ name, memory: '64GB', features: ['Hyper-V'] })),
  faults: [{ on: 'configureMigration', times: 'always', error: { hresult: '0x80070005' } }],
});

let host: WorkflowHost;
let c: SimCluster;
let run: ServerRun;
beforeAll(async () => {
  host = await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js'));
});
afterEach(() => c.stop());
afterAll(() => host.close());

const step = (id: string): StepStatus | undefined => run.status()?.steps.find((s) => s.id === id);

/** An apply that has come to both steps. */
async function begin(): Promise<void> {
  c = new SimCluster({ scenario: SCENARIO, host, random: new Random(1), lookEveryMs: 1000 });
  run = c.server.start({
    type: 'applyCluster',
    id: runId.apply(CLUSTER),
    queue: clusterQueue(CLUSTER),
    input: { spec: SPEC, restarts: 'allowed', startedBy: 'test' },
  })!;
  await waits(HV1);
  await waits(HV2);
}

const waits = async (id: string): Promise<void> => {
  expect(await c.until(() => step(id)?.state === 'needs-operator', 600), id).toBe(true);
};

const decision = (by: string, action: DecisionAction, id: string): Decision => ({
  step: id,
  action,
  by,
  reason: `${by} wants it`,
});

async function decide(by: string, action: DecisionAction, id: string): Promise<void> {
  let accepted = false;
  c.server.update(run.id, decision(by, action, id), (answer) => (accepted = 'accepted' in answer));
  expect(await c.until(() => accepted, 60)).toBe(true);
}

const ends = async (): Promise<void> => {
  expect(await c.until(() => run.state !== 'open', 3600)).toBe(true);
  expect(run.failure?.applicationFailureInfo?.type).toBe('Aborted');
};

const told = (id: string): unknown =>
  (step(id)?.evidence['decisions'] as (Decision & { at: string })[] | undefined)?.map(
    ({ by, action, reason, at }) => [by, action, reason, new Date(at).getTime() > 0],
  );

describe('the evidence of a step', () => {
  it('tells every decision about it in order, with an abort at the end', async () => {
    await begin();
    await decide('ito', 'retry', HV1);
    await waits(HV1);
    await decide('sato', 'abort', HV1);
    await ends();
    expect(told(HV1)).toEqual([
      ['ito', 'retry', 'ito wants it', true],
      ['sato', 'abort', 'sato wants it', true],
    ]);
    expect(told(HV2)).toBeUndefined();
  });

  it('tells the newest of them when there were many', async () => {
    await begin();
    for (let retries = 0; retries < DECISIONS_KEPT + 3; retries += 1) {
      await decide(`ito-${retries}`, 'retry', HV1);
      await waits(HV1);
    }
    await decide('sato', 'abort', HV1);
    await ends();
    const by = (told(HV1) as string[][]).map(([who]) => who);
    expect(by).toHaveLength(DECISIONS_KEPT);
    expect(by.slice(-2)).toEqual([`ito-${DECISIONS_KEPT + 2}`, 'sato']);
  });

  // Signals that reach the run at once: nothing has come of the first when the second is taken.
  it.each<[string, [string, DecisionAction, string][]]>([
    [
      'and an abort of another step at once',
      [
        ['ito', 'retry', HV1],
        ['sato', 'abort', HV2],
      ],
    ],
    [
      'that the abort of another step has overtaken',
      [
        ['sato', 'abort', HV2],
        ['ito', 'retry', HV1],
      ],
    ],
    [
      'of two who abort at once, of whom the first has ended the run',
      [
        ['ito', 'abort', HV1],
        ['sato', 'abort', HV1],
      ],
    ],
  ])('tells a decision %s', async (_what, decisions) => {
    await begin();
    for (const [by, action, id] of decisions) c.server.signal(run.id, decision(by, action, id));
    await ends();
    for (const id of [HV1, HV2]) {
      const about = decisions.filter(([, , about]) => about === id);
      const list = about.map(([by, action]) => [by, action, `${by} wants it`, true]);
      expect(told(id) ?? []).toEqual(list);
    }
    const [by, , id] = decisions.find(([, action]) => action === 'abort')!;
    expect(run.failure?.message).toContain(`${by} aborted the run at step ${id}`);
  });
});
