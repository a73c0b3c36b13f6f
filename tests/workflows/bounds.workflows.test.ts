// What runs do at their bounds: a history that Temporal would soon end, a cluster that does not fit into one result.
// The real bounds take hours and thousands of VMs to reach, so the workflows of this test have lower ones.
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { MESSAGE_CHARS_MAX } from '../../domain/bounded.ts';
import type { EventFacts } from '../../domain/event-facts.ts';
import type { DoctorReport } from '../../domain/doctor/diagnose.ts';
import { runId } from '../../domain/names.ts';
import { labCluster, TWO_NODES, type Handle, type LabCluster } from '../support/lab-cluster.ts';
import { variantBundle } from '../support/variants.ts';
import { endsWithAll } from '../support/ends.ts';

const EVENTS = 80;
const ends = endsWithAll();
let cluster: LabCluster;

beforeAll(async () => {
  const workflowCode = await variantBundle([
    { file: 'domain/bounded.ts', from: 'events: 40_000', to: `events: ${EVENTS}` },
    { file: 'workflows/inspect-cluster.ts', from: 'MAX = 1_500_000', to: 'MAX = 2_000' },
  ]);
  const scenario = TWO_NODES.replace('owner: HV1,', 'owner: HV1, possibleOwners: [HV1],');
  cluster = ends(await labCluster({ temporal: inject('temporal'), scenario, workflowCode }));
});

it('a run with a full history takes no further attempt, says why, and can be aborted', async () => {
  const run = await cluster.start('migrateVm', runId.migrate(cluster.cluster, 'web-1'), {
    vm: 'web-1',
    to: 'HV2',
  });
  const step = 'vm/web-1/choose';
  let retries = 0;
  for (;;) {
    const { waitingFor } = await run.until(
      'the run to need a person',
      (s) => s.state === 'needs-operator' && s.steps[0]?.attempt === retries + 1,
    );
    if (waitingFor?.includes('retry') !== true) break;
    await run.decide({ step, action: 'retry' });
    retries += 1;
    expect(retries).toBeLessThan(EVENTS);
  }
  expect(retries).toBeGreaterThan(1);
  expect((await run.status()).waitingFor).toBe(`${step}: a person: abort`);
  await expect(run.decide({ step, action: 'retry' })).rejects.toMatchObject({
    cause: { message: expect.stringContaining('too long for another attempt') as string },
  });
  const { historyLength } = await run.raw.describe();
  expect(historyLength).toBeGreaterThanOrEqual(EVENTS);
  expect(historyLength).toBeLessThan(EVENTS * 2);
  await run.decide({ step, action: 'abort' });
  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'Aborted' } });
});

it('a cluster too large for one look is refused in words', async () => {
  const run = await cluster.start('inspectCluster', runId.inspect(cluster.cluster, 'large'), {});
  await expect(run.result()).rejects.toMatchObject({
    cause: {
      type: 'BadRequest',
      message: expect.stringMatching(
        /with 1 VM roles on 2 nodes, is too large to be looked at in one piece: \d+ KB, of at most 2 KB/,
      ) as string,
    },
  });
});

/** In Windows' own words, a megabyte of them. */
const MEGABYTE = 'x'.repeat(1_000_000);
const LOG = 'Microsoft-Windows-Hyper-V-VMMS-Admin';
const loudNode = (name: string): string =>
  JSON.stringify({
    name,
    memory: '64GB',
    features: ['Hyper-V'],
    switches: ['LAN'],
    liveMigration: { enabled: true },
    events: [21_024, 21_502].map((id) => ({ log: LOG, id, hoursAgo: 0, message: MEGABYTE })),
  });
/** Answers with megabytes wherever a text is Windows' own. */
const LOUD = `
nodes: [${loudNode('HV1')}, ${loudNode('HV2')}]
virtualMachines:
  - { name: web-1, owner: HV1, memory: 512MB, notes: ${MEGABYTE} }
faults:
  - { on: readVmStorage, node: HV2, times: always, error: { hresult: '0x80041001', message: ${MEGABYTE} } }
  - { on: moveFails, vm: web-1, times: always, error: { hresult: '0x80072746', message: ${MEGABYTE} } }
`;

describe('where Windows says a megabyte', () => {
  let loud: LabCluster;
  beforeAll(async () => {
    // Slow enough for the events to have been logged a moment ago when the move fails.
    loud = ends(await labCluster({ temporal: inject('temporal'), scenario: LOUD, speed: 2 }));
  });

  const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
  const historyBytes = async (run: Handle): Promise<number> => {
    const { raw } = await run.raw.describe();
    return Number(String(raw.workflowExecutionInfo?.historySizeBytes ?? NaN));
  };

  it('doctor tells the beginning of it, and its run stays small', async () => {
    const run = await loud.start('doctor', runId.doctor(loud.cluster), {});
    const report = (await run.result()) as DoctorReport;
    const events = report.findings.filter((f) => f.check === 'events');
    expect(events.map((f) => f.subject)).toEqual(['HV1', 'HV2']);
    for (const { seen } of events) {
      expect(seen).toContain('xxx..');
      expect(seen.length).toBeLessThan(500);
    }
    expect(JSON.stringify(report)).toContain('more characters left out');
    expect(bytes(report)).toBeLessThan(100_000);
    expect(bytes(await run.status())).toBeLessThan(20_000);
    expect(await historyBytes(run)).toBeLessThan(200_000);
  });

  it('a move that fails tells the beginning of it, in its status and its evidence', async () => {
    const run = await loud.start('migrateVm', runId.migrate(loud.cluster, 'web-1'), {
      vm: 'web-1',
      to: 'HV2',
    });
    await run.until('the move to have failed', (s) =>
      s.steps.some((step) => step.evidence['events'] !== undefined && step.failure !== null),
    );
    const { failure, evidence } = await run.step('vm/web-1/move');
    expect(failure?.message).toContain('more characters left out');
    expect(failure?.message.length).toBeLessThan(MESSAGE_CHARS_MAX + 50);
    const events = evidence['events'] as EventFacts[];
    expect(events.map((e) => e.id)).toContain(21_502);
    for (const { message } of events) expect(message.length).toBeLessThan(1_050);
    expect(bytes(await run.status())).toBeLessThan(50_000);
    expect(await historyBytes(run)).toBeLessThan(500_000);
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
  });
});
