// Runs that a person asks to try again, a thousand times and more, up to the bounds that runs really have: on the
// simulated server, where a retry takes a moment. What the bounds are there for is that a run can still be taken back.
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { HISTORY_FULL } from '../../domain/bounded.ts';
import { clusterQueue, runId } from '../../domain/names.ts';
import type { DecisionAction, RunStatus } from '../../domain/status.ts';
import { scenarioSchema } from '../../lab/scenario/schema.ts';
import { Random } from '../../proof/rig/random.ts';
import type { UpdateAnswer } from '../../proof/sim/temporal/seen-run.ts';
import type { ServerRun } from '../../proof/sim/temporal/server-run.ts';
import { SimCluster } from '../../proof/sim/sim-cluster.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll, endsWithTest } from '../support/ends.ts';

/** What Temporal takes of one run: tests/long/temporal-limits.long.test.ts shows it. */
const TEMPORAL = { events: 51_200, decisions: 2_000 };
const CLUSTER = 'retries';
const VHD = 'C:\\ClusterStorage\\Volume1\\new-1.vhdx';

const ends = endsWithAll();
const endsEach = endsWithTest();
let host: WorkflowHost;
let c: SimCluster;
beforeAll(async () => {
  host = ends(await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js')));
});

function build(nodes: number, parts: object): void {
  const scenario = scenarioSchema.parse({
    cluster: CLUSTER,
    nodes: Array.from({ length: nodes }, (_, i) => ({
      name: `HV${i + 1}`,
      memory: '64GB',
      features: ['Hyper-V'],
      switches: ['LAN'],
      liveMigration: { enabled: true },
    })),
    ...parts,
  });
  c = endsEach(new SimCluster({ scenario, host, random: new Random(1), lookEveryMs: 1000 }));
}

function begin(type: string, id: string, input: object): ServerRun {
  const queue = clusterQueue(CLUSTER);
  const request = { cluster: CLUSTER, startedBy: 'test', ...input };
  const run = c.server.start({ type, id, queue, input: request });
  if (run === undefined) throw new Error(`${id} is under way`);
  return run;
}

const statusOf = (run: ServerRun): RunStatus | undefined => run.cached?.status() ?? run.lastStatus;

async function decide(run: ServerRun, step: string, action: DecisionAction): Promise<UpdateAnswer> {
  let answer: UpdateAnswer | undefined;
  const decision = { step, action, by: 'ito@HV1', reason: 'the cause is still there' };
  c.server.update(run.id, decision, (given) => (answer = given));
  await c.until(() => answer !== undefined, 60);
  if (answer === undefined) throw new Error('no answer came');
  return answer;
}

/** Asks for another try for as long as one is granted; how often it was. */
async function retryToTheEnd(run: ServerRun, step: string): Promise<number> {
  const waits = (): boolean =>
    statusOf(run)?.steps.some((s) => s.id === step && s.state === 'needs-operator') === true;
  for (let retries = 0; ; retries += 1) {
    expect(await c.until(waits, 3600)).toBe(true);
    const answer = await decide(run, step, 'retry');
    if (!('refused' in answer)) continue;
    expect(answer.refused).toContain('has become too long for another attempt');
    expect(statusOf(run)?.waitingFor).toBe(`${step}: a person: abort`);
    return retries;
  }
}

async function abort(run: ServerRun, step: string): Promise<void> {
  expect(await decide(run, step, 'abort')).toHaveProperty('accepted');
  expect(await c.until(() => run.state !== 'open', 3600)).toBe(true);
  expect(run.failure?.applicationFailureInfo?.type).toBe('Aborted');
  expect(run.events.length).toBeLessThan(TEMPORAL.events - 10_000);
}

describe('a step that a person retries again and again', () => {
  it('is not tried again after 1,000 decisions, and what was done is still taken back', async () => {
    build(2, {
      disks: [VHD],
      faults: [{ on: 'addRole', times: 'always', error: { hresult: '0x80070005' } }],
    });
    const vm = { name: 'new-1', memoryBytes: 2 ** 30, vhd: VHD, switch: 'LAN', generation: 2 };
    const run = begin('createVm', runId.create(CLUSTER, 'new-1'), { vm: { ...vm, node: 'HV1' } });
    const step = 'vm/new-1/register';
    expect(await retryToTheEnd(run, step)).toBe(HISTORY_FULL.decisions);
    expect(HISTORY_FULL.decisions).toBeLessThan(TEMPORAL.decisions - 500);
    expect(c.lab.effects().filter((e) => e.kind === 'vm-created')).toHaveLength(1);
    await abort(run, step);
    expect(c.lab.effects().filter((e) => e.kind === 'vm-removed')).toHaveLength(1);
  });

  it('is not tried again at 40,000 events either, where every try asks sixteen nodes', async () => {
    build(16, {
      virtualMachines: [{ name: 'web-1', owner: 'HV1', memory: '1GB', possibleOwners: ['HV1'] }],
    });
    const run = begin('migrateVm', runId.migrate(CLUSTER, 'web-1'), { vm: 'web-1', to: 'HV2' });
    const step = 'vm/web-1/choose';
    const retries = await retryToTheEnd(run, step);
    expect(retries).toBeGreaterThan(500);
    expect(retries).toBeLessThan(HISTORY_FULL.decisions);
    expect(run.events.length).toBeGreaterThanOrEqual(HISTORY_FULL.events);
    await abort(run, step);
  });
});
