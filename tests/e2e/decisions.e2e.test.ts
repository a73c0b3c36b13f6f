// A step that needs a person: what it says, and that retry, skip and abort do what they say from watari, from the
// temporal command and from the signal alike.
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { RunRecord } from '../../domain/report/run-record.ts';
import { start } from '../support/processes.ts';
import { realCluster, type RealCluster } from '../support/real-cluster.ts';
import { endsWithAll } from '../support/ends.ts';

/** Refused for good: the node is no possible owner. */
const REFUSED = { on: 'startMove', times: 'always', error: { hresult: '0x80071398' } };
const STEP = 'vm/web-1/move';

const ends = endsWithAll();
let c: RealCluster;
beforeAll(async () => {
  c = ends(
    await realCluster({
      temporal: inject('temporal'),
      speed: 100,
      scenario: `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 8GB, dirtyRate: 50MB/s }
`,
    }),
  );
});

/** A migration of web-1 that is parked at its move. */
async function parked() {
  await c.control({ action: 'add-fault', fault: REFUSED });
  const run = await c.start('migrateVm', runId.migrate(c.cluster, 'web-1'), { vm: 'web-1' });
  await run.until('the move to need a person', (s) => s.state === 'needs-operator');
  return run;
}

async function temporal(...args: string[]): Promise<{ code: number | string; output: string }> {
  const { cliPath, address, namespace } = inject('temporal');
  const tool = start(cliPath, [...args, '--address', address, '--namespace', namespace]);
  return { code: await tool.ended, output: tool.stdout() + tool.stderr() };
}

const decision = (action: string, part: object = {}): string =>
  JSON.stringify({ step: STEP, action, reason: 'mended', by: 'ito@HV1', ...part });

describe('a step that needs a person', () => {
  it('says code, what happened and the remedy, and exits with 4 where nobody can be asked', async () => {
    const run = await parked();
    const watch = c.watari('run', 'watch', run.id);
    expect(await watch.ended).toBe(4);
    const text = watch.stdout() + watch.stderr();
    expect(text).toContain('NotPossibleOwner');
    expect(text).toContain('0x80071398');
    expect(text).toContain('Set-ClusterOwnerNode');
    expect(text).toContain(`run retry ${run.id}`);
    const list = c.watari('run', 'list', '--needs-operator', '--json');
    expect(await list.ended).toBe(0);
    await c.control({ action: 'clear-faults' });
    const retry = c.watari('run', 'retry', run.id, '--reason', 'owners set');
    expect(await retry.ended, retry.stderr()).toBe(0);
    expect(await run.result()).toMatchObject({ changed: true });
    const { evidence } = await run.step(STEP);
    expect(evidence['decisions']).toMatchObject([{ action: 'retry', reason: 'owners set' }]);
  });

  it('takes retry from `temporal workflow update execute`, and refuses the second with a reason', async () => {
    const run = await parked();
    await c.control({ action: 'clear-faults' });
    // While nobody works, so that the run cannot end, or be about to, before the second has come.
    await c.control({ action: 'stop-workers' });
    const update = ['workflow', 'update', 'execute', '--workflow-id', run.id, '--name', 'decide'];
    const answers = ['one', 'two'].map((id) =>
      temporal(...update, '--update-id', id, '--input', decision('retry')),
    );
    await Promise.all(['one', 'two'].map((id) => run.arrived(id)));
    await c.control({ action: 'start-workers' });
    const [first, second] = (await Promise.all(answers)).sort((a) => (a.code === 0 ? -1 : 1));
    expect(first?.code, first?.output).toBe(0);
    expect(second?.code).not.toBe(0);
    expect(second?.output).toContain('ito@HV1 has just decided about vm/web-1/move');
    expect(second?.output).not.toContain('run.ts');
    expect(await run.result()).toMatchObject({ changed: true });
  });

  it('takes retry from `temporal workflow signal`, to another node', async () => {
    const run = await parked();
    await c.control({ action: 'clear-faults' });
    const { owner } = (await c.state()).roles[0] ?? {};
    const signal = ['workflow', 'signal', '--workflow-id', run.id, '--name', 'decide'];
    const other = owner === 'HV1' ? 'HV2' : 'HV1';
    const sent = await temporal(...signal, '--input', decision('retry', { target: other }));
    expect(sent.code, sent.output).toBe(0);
    expect(await run.result()).toMatchObject({ changed: true, to: other });
  });

  it('is refused a skip where the rest depends on it, and ends on abort without a trace', async () => {
    const run = await parked();
    const skip = c.watari('run', 'skip', run.id, '--reason', 'no');
    expect(await skip.ended).toBe(1);
    expect(skip.stderr()).toContain('cannot be skipped');
    const before = await c.effects('move-started');
    const abort = c.watari('run', 'abort', run.id, '--reason', 'not today');
    expect(await abort.ended, abort.stderr()).toBe(0);
    await expect(run.result()).rejects.toMatchObject({
      cause: { type: 'Aborted', message: expect.stringContaining('not today') as string },
    });
    expect(await c.effects('move-started')).toEqual(before);
    // While it lasted a worker was needed; for what it was, the server is enough.
    await c.control({ action: 'stop-workers' });
    const report = c.watari('run', 'report', run.id, '--json');
    expect(await report.ended, report.stderr()).toBe(0);
    const told = JSON.parse(report.stdout()) as RunRecord;
    expect(told.acts.find((a) => a.kind === 'move')?.why.join()).toContain('free memory');
    expect(told).toMatchObject({
      state: 'aborted',
      startedBy: 'test@e2e',
      decisions: [{ action: 'abort', step: STEP, reason: 'not today', taken: true }],
    });
    await c.control({ action: 'start-workers' });
    await c.control({ action: 'clear-faults' });
  });
});

describe('the same migration twice', () => {
  it('is refused the second time, with who, since when and how to watch', async () => {
    const run = await parked();
    const again = c.watari('vm', 'migrate', 'web-1');
    expect(await again.ended).toBe(1);
    expect(again.stderr()).toMatch(/already running since .*, started by test@e2e/);
    expect(again.stderr()).toContain(`run watch ${run.id}`);
    await c.control({ action: 'clear-faults' });
    await run.decide({ step: STEP, action: 'retry' });
    await run.result();
  });
});
