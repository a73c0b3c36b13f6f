// tuneCluster on a real server: the canaries go back and forth with each setting and with two numbers of moves at once,
// and everything is as it was, however the run ends.
import { describe, expect, inject, it } from 'vitest';
import type { TuneClusterResult } from '../../workflows/tune-cluster.ts';
import { ALONE } from '../../domain/fleet/tune.ts';
import { runId } from '../../domain/names.ts';
import { endsWithTest } from '../support/ends.ts';
import { handleOf, labCluster, type Handle, type LabCluster } from '../support/lab-cluster.ts';

const ends = endsWithTest();

const host = (name: string, performance: string, more = ''): string =>
  `  - { name: ${name}, memory: 64GB, features: [Hyper-V], switches: [LAN], migrationNetwork: 10Gbps, liveMigration: { enabled: true, performance: ${performance} }${more} }`;

const scenario = (performances: string[], more = ''): string => `
nodes:
${performances.map((one, i) => host(`HV${i + 1}`, one)).join('\n')}
virtualMachines:
  - { name: test-1, owner: HV1, memory: 16GB, dirtyRate: 20MB/s }
${more}`;

const PAIR = '  - { name: test-2, owner: HV1, memory: 16GB, dirtyRate: 20MB/s }\n';

/** For each move: was another one under way when it began. */
function overlaps(c: LabCluster): boolean[] {
  const moving = new Set<string>();
  return c.lab.effects().flatMap(({ kind, subject }) => {
    if (kind === 'move-finished') moving.delete(subject);
    if (kind !== 'move-started') return [];
    moving.add(subject);
    return [moving.size > 1];
  });
}

const cluster = async (text: string, speed = 60): Promise<LabCluster> =>
  ends(await labCluster({ temporal: inject('temporal'), scenario: text, speed }));

const tune = (c: LabCluster, input: object = {}): Promise<Handle> =>
  c.start('tuneCluster', runId.campaign(c.cluster), { vm: 'test-1', ...input });

const settingsOf = (c: LabCluster): string[] =>
  [...c.lab.world.nodes.values()].map((node) => node.migration.performance);

/** While the canary's move fails for ever: by a cancellation, or given up by a person, the move first. */
async function endEarly(
  c: LabCluster,
  run: Handle,
  { how, vm, step }: { how: 'cancel' | 'abort'; vm: string; step: string },
): Promise<void> {
  if (how === 'cancel') await run.raw.cancel();
  else {
    const move = handleOf(c.client.workflow.getHandle(runId.migrate(c.cluster, vm)));
    const parked = await move.until('a person to be needed', (s) => s.state === 'needs-operator');
    await move.decide({ step: parked.steps.at(-2)?.id ?? '', action: 'abort' });
    await run.until('the tuning to ask', (s) => s.state === 'needs-operator');
    await run.decide({ step, action: 'abort' });
  }
  await expect(run.result()).rejects.toThrow();
}

describe('a tuning', () => {
  it('moves the canary each way with each setting, tells what the moves took and keeps none', async () => {
    const c = await cluster(scenario(['TCPIP', 'TCPIP']));
    const run = await tune(c);
    const result = (await run.result()) as TuneClusterResult;
    expect(result).toMatchObject({ vm: 'test-1', between: ['HV1', 'HV2'] });
    expect(result.rows.map((row) => [row.choice, row.isNow, row.moves])).toEqual([
      ['TCPIP', true, 6],
      ['Compression', false, 6],
    ]);
    for (const row of result.rows) {
      expect(row.medianSeconds).toBeGreaterThan(0);
      expect(row.longestSeconds).toBeGreaterThanOrEqual(row.medianSeconds ?? Infinity);
      expect(row.worstBlackoutSeconds).toBeGreaterThan(0);
      expect(row.worstBlackoutSeconds).toBeLessThanOrEqual(0.3);
    }
    expect(result.advice).toContain(ALONE);
    expect(result.numbers).toBeUndefined();
    expect(c.count('move-started')).toBe(12);
    expect(c.count('vm-stopped')).toBe(0);
    expect(settingsOf(c)).toEqual(['TCPIP', 'TCPIP']);
    expect(await run.step('cluster/set-compression')).toMatchObject({
      evidence: { changed: true, nodes: ['HV1: Compression', 'HV2: Compression'] },
    });
  });

  it('knows nothing of how long the canary stood still where no event log tells it', async () => {
    const c = await cluster(scenario(['TCPIP', 'TCPIP'], 'migration: { blackoutAt: none }'));
    const run = await tune(c, { rounds: 1 });
    const result = (await run.result()) as TuneClusterResult;
    expect(result.rows.map((row) => [row.moves, row.worstBlackoutSeconds])).toEqual([
      [2, null],
      [2, null],
    ]);
    const { evidence } = await run.step('vm/test-1/tcpip-1-there');
    expect(evidence['blackoutSeconds']).toBeNull();
  });

  it('moves all canaries together with the present number of moves at once and one other', async () => {
    const text = scenario(['TCPIP', 'TCPIP'], `${PAIR}maximumParallelMigrations: 2`);
    const c = await cluster(text, 15);
    const run = await tune(c, { others: ['test-2'], rounds: 1 });
    const result = (await run.result()) as TuneClusterResult;
    expect(result).toMatchObject({ vm: 'test-1', others: ['test-2'], between: ['HV1', 'HV2'] });
    expect(result.numbers?.rows.map((row) => [row.choice, row.isNow, row.moves])).toEqual([
      [2, true, 2],
      [1, false, 2],
    ]);
    for (const row of result.numbers?.rows ?? []) {
      expect(row.medianSeconds).toBeGreaterThan(0);
      expect(row.worstBlackoutSeconds).not.toBeNull();
    }
    expect(result.advice).not.toContain(ALONE);
    // The first one alone with each setting; both with two at once, of which the second may be late; both with one.
    const found = overlaps(c);
    expect(found).toHaveLength(12);
    expect(found.slice(4, 8)).toContain(true);
    expect([...found.slice(0, 4), ...found.slice(8)]).not.toContain(true);
    expect(c.lab.world.cluster.maximumParallelMigrations).toBe(2);
    expect(settingsOf(c)).toEqual(['TCPIP', 'TCPIP']);
  });

  it.each(['cancel', 'abort'] as const)(
    'sets the number of moves at once back on %s',
    async (how) => {
      const c = await cluster(
        scenario(
          ['TCPIP', 'TCPIP'],
          `${PAIR}faults: [{ on: startMove, vm: test-2, times: always, error: { hresult: '0x80070032' } }]`,
        ),
      );
      const run = await tune(c, { others: ['test-2'], simultaneous: [3, 1], rounds: 1 });
      const step = 'vm/test-2/3-at-once-1-there';
      await run.until('the other canary to be moved', (s) =>
        s.steps.some((one) => one.id === step && one.state === 'running'),
      );
      expect(c.lab.world.cluster.maximumParallelMigrations).toBe(3);
      await endEarly(c, run, { how, vm: 'test-2', step });
      expect(c.lab.world.cluster.maximumParallelMigrations).toBe(1);
      expect(settingsOf(c)).toEqual(['TCPIP', 'TCPIP']);
    },
  );

  it('does without a number that Windows does not let anybody set, when a person says so', async () => {
    const c = await cluster(scenario(['TCPIP', 'TCPIP'], `${PAIR}build: 2022`));
    const run = await tune(c, { others: ['test-2'], rounds: 1 });
    const parked = await run.until('a person to be needed', (s) => s.state === 'needs-operator');
    const failed = parked.steps.find((one) => one.state === 'needs-operator');
    expect(failed).toMatchObject({
      id: 'cluster/set-2-at-once',
      failure: { code: 'WindowsTooOld' },
    });
    await run.decide({ step: 'cluster/set-2-at-once', action: 'skip' });
    const result = (await run.result()) as TuneClusterResult;
    expect(result.numbers?.rows.map((row) => [row.choice, row.moves])).toEqual([
      [1, 2],
      [2, 0],
    ]);
    expect(result.numbers?.recommended).toBeNull();
  });

  it.each(['cancel', 'abort'] as const)(
    'gives each node its own setting back on %s',
    async (how) => {
      const c = await cluster(
        scenario(
          ['SMB', 'Compression'],
          `faults: [{ on: startMove, vm: test-1, times: always, error: { hresult: '0x80070032' } }]`,
        ),
      );
      const run = await tune(c, { rounds: 1 });
      await run.until('every node to be set', (s) =>
        s.steps.some((one) => one.id === 'vm/test-1/tcpip-1-there' && one.state === 'running'),
      );
      expect(settingsOf(c)).toEqual(['TCPIP', 'TCPIP']);
      await endEarly(c, run, { how, vm: 'test-1', step: 'vm/test-1/tcpip-1-there' });
      expect(settingsOf(c)).toEqual(['SMB', 'Compression']);
    },
  );

  it.each([
    ['a canary that nobody knows', scenario(['TCPIP', 'TCPIP']), { vm: 'none-1' }, 'RoleMissing'],
    [
      'a canary that can go nowhere',
      scenario(['TCPIP', 'TCPIP']).replace('owner: HV1', 'owner: HV1, possibleOwners: [HV1]'),
      {},
      'NoEligibleNode',
    ],
    [
      'a canary that does not run',
      scenario(['TCPIP', 'TCPIP']).replace('owner: HV1', 'owner: HV1, state: Off'),
      {},
      'VmNotRunning',
    ],
    [
      'canaries on different nodes',
      scenario(['TCPIP', 'TCPIP'], PAIR.replace('owner: HV1', 'owner: HV2')),
      { others: ['test-2'] },
      'BadRequest',
    ],
    [
      'canaries that do not fit on any other node together',
      scenario(['TCPIP', 'TCPIP'], PAIR).replace('HV2, memory: 64GB', 'HV2, memory: 24GB'),
      { others: ['test-2'] },
      'NoEligibleNode',
    ],
  ])('touches nothing for %s', async (_what, text, input, code) => {
    const c = await cluster(text);
    const run = await tune(c, input);
    const parked = await run.until('a person to be needed', (s) => s.state === 'needs-operator');
    expect(parked.steps[0]?.failure?.code).toBe(code);
    expect(settingsOf(c)).toEqual(['TCPIP', 'TCPIP']);
    expect(c.count('move-started')).toBe(0);
    await run.decide({ step: 'cluster/canary', action: 'abort' });
    await expect(run.result()).rejects.toMatchObject({ cause: { type: 'Aborted' } });
  });

  it('does not begin while another VM moves', async () => {
    const other = '  - { name: web-1, owner: HV2, memory: 16GB, dirtyRate: 20MB/s }';
    const text = scenario(['TCPIP', 'TCPIP'], other).replaceAll('10Gbps', '10Mbps');
    const c = await cluster(text);
    const web = [...c.lab.world.vms.values()].find(({ name }) => name === 'web-1');
    c.lab.call('HV2', 'startMove', { vmId: web!.id, node: 'HV1' });
    const run = await tune(c, { budgets: { retrySeconds: 0.01 } });
    const parked = await run.until('a person to be needed', (s) => s.state === 'needs-operator');
    expect(parked.steps[0]?.failure).toMatchObject({ code: 'SlotsBusy' });
    expect(parked.steps[0]?.failure?.message).toContain('web-1 moves just now');
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(settingsOf(c)).toEqual(['TCPIP', 'TCPIP']);
  });

  it('does not begin while a node is not Up, which could not be set', async () => {
    const c = await cluster(scenario(['TCPIP', 'TCPIP', 'TCPIP']));
    c.lab.call('HV1', 'pauseNode', { node: 'HV3' });
    const run = await tune(c, { budgets: { retrySeconds: 0.01 } });
    const parked = await run.until('a person to be needed', (s) => s.state === 'needs-operator');
    expect(parked.steps[0]?.failure).toMatchObject({ code: 'OthersNotUp' });
    expect(parked.steps[0]?.failure?.message).toContain('HV3 is Paused');
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
  });
});
