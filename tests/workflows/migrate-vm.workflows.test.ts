// migrateVm against a real server and the lab: what it proves, what it refuses, and what it waits for.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { HypervError, type HypervHost } from '../../hyperv/host.ts';
import type { MigrateVmResult } from '../../workflows/migrate-vm.ts';
import { labCluster, TWO_NODES, type LabCluster } from '../support/lab-cluster.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';

const ends = endsWithTest();

const cluster = async (
  scenario: string,
  speed?: number,
  disturb?: (host: HypervHost) => HypervHost,
): Promise<LabCluster> =>
  ends(
    await labCluster({
      temporal: inject('temporal'),
      scenario,
      ...(speed === undefined ? {} : { speed }),
      ...(disturb === undefined ? {} : { disturb }),
    }),
  );

const migrate = (c: LabCluster, input: object = {}) =>
  c.start('migrateVm', runId.migrate(c.cluster, 'web-1'), { vm: 'web-1', ...input });

describe('migrateVm', () => {
  it('moves the VM to the other node and proves that it never stopped', async () => {
    const c = await cluster(TWO_NODES);
    const run = await migrate(c);
    const result = (await run.result()) as MigrateVmResult;
    expect(result).toMatchObject({ vm: 'web-1', changed: true, from: 'HV1', to: 'HV2' });
    expect(result.bytes).toBe(8 * 1024 ** 3);
    expect(result.seconds).toBeGreaterThan(0);
    expect(c.count('move-started', 'web-1')).toBe(1);
    const status = await run.status();
    expect(status.state).toBe('succeeded');
    expect(status.steps.map((s) => [s.id, s.state])).toEqual([
      ['vm/web-1/choose', 'succeeded'],
      ['vm/web-1/slot', 'succeeded'],
      ['vm/web-1/move', 'succeeded'],
      ['vm/web-1/verify', 'succeeded'],
    ]);
    expect(status.steps[0]?.evidence).toMatchObject({ owner: 'HV1', target: 'HV2' });
    expect(status.steps[3]?.evidence).toMatchObject({ owner: 'HV2', after: { state: 'Running' } });
  });

  it.each([
    ['of the node that it leaves, whose clock is behind', 'source', 'HV1', -900],
    ['of the node that it comes to, whose clock is ahead', 'target', 'HV2', 900],
  ])('tells how long the VM stood still by the log %s', async (_what, at, node, clockAhead) => {
    const off = `name: ${node}, setup: { clockAheadSeconds: ${clockAhead} }`;
    const c = await cluster(
      `${TWO_NODES.replace(`name: ${node}`, off)}migration: { blackoutAt: ${at} }\n`,
    );
    const vmId = [...c.lab.world.vms.values()].find(({ name }) => name === 'web-1')!.id;
    const told = () =>
      c.lab.call(node, 'readBlackouts', { since: '2000-01-01T00:00:00.000Z', max: 9 }).facts;
    for (const [i, to] of ['HV2', 'HV1', 'HV2'].entries()) {
      const run = await migrate(c, { to });
      const { blackoutSeconds } = (await run.result()) as MigrateVmResult;
      const mine = told().filter((one) => one.vmId === vmId);
      // Back again it is the other node's log, and never that of an earlier move.
      expect(mine).toHaveLength(i === 2 ? 2 : 1);
      expect(blackoutSeconds).toEqual(expect.any(Number));
      const { evidence } = await run.step('vm/web-1/verify');
      expect(evidence['blackoutSeconds']).toBe(blackoutSeconds);
    }
  });

  it('does not know how long the VM stood still where no log tells it', async () => {
    const c = await cluster(`${TWO_NODES}migration: { blackoutAt: none }\n`);
    const run = await migrate(c);
    expect(await run.result()).not.toHaveProperty('blackoutSeconds');
    const { evidence } = await run.step('vm/web-1/verify');
    expect(evidence).toMatchObject({ blackout: expect.stringContaining('not known') as string });
  });

  it('does nothing when the VM is where it should go', async () => {
    const c = await cluster(TWO_NODES);
    const run = await migrate(c, { to: 'HV1' });
    expect(await run.result()).toMatchObject({ changed: false, to: 'HV1' });
    expect(c.count('move-started')).toBe(0);
  });

  it('waits for a person when the chosen node cannot take the VM, and moves after the retry', async () => {
    const c = await cluster(TWO_NODES);
    c.lab.call('HV1', 'pauseNode', { node: 'HV2' });
    const run = await migrate(c, { to: 'HV2' });
    const parked = await run.until(
      'the step to need a person',
      (s) => s.state === 'needs-operator',
    );
    const [step] = parked.steps;
    expect(step?.failure?.code).toBe('TargetNotEligible');
    expect(step?.failure?.message).toContain('HV2');
    await expect(run.decide({ step: 'vm/web-1/choose', action: 'skip' })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('cannot be skipped') as string },
    });
    c.lab.call('HV1', 'resumeNode', { node: 'HV2' });
    await run.decide({ step: 'vm/web-1/choose', action: 'retry' });
    expect(await run.result()).toMatchObject({ changed: true, to: 'HV2' });
  });

  it('names the cause from the event logs when the cluster only says that the move failed', async () => {
    const c = await cluster(`${TWO_NODES}
faults:
  - { on: moveFails, vm: web-1, times: 1, when: { vm: web-1, percent: 5 }, error: { hresult: '0x80071398', eventId: 21502 } }
`);
    const run = await migrate(c);
    const parked = await run.until(
      'the move to need a person',
      (s) => s.state === 'needs-operator',
    );
    const step = parked.steps.find((s) => s.id === 'vm/web-1/move');
    expect(step?.failure?.code).toBe('NotPossibleOwner');
    expect(step?.failure?.message).toContain('0x80071398');
    expect(step?.evidence['events']).not.toHaveLength(0);
    await run.decide({ step: 'vm/web-1/move', action: 'retry' });
    expect(await run.result()).toMatchObject({ to: 'HV2' });
    expect(c.count('move-started', 'web-1')).toBe(2);
  });

  describe('a move that failed', () => {
    const failing = (error: string): string =>
      `faults:\n  - { on: moveFails, vm: web-1, times: always, when: { vm: web-1, percent: 3 }, error: ${error} }\n`;
    const generic = failing("{ hresult: '0x80004005', message: '特定できないエラーです' }");

    it.each([
      [
        'a refused sign-in, which is tried once',
        TWO_NODES + failing("{ hresult: '0x8007052E' }"),
        'SignInRefused',
      ],
      [
        'differing processors, which the choice of the node had seen',
        TWO_NODES.replace('name: HV2,', "name: HV2, cpuName: 'Intel(R) Xeon(R) Gold 6430',") +
          generic,
        'CpuFeaturesDiffer',
      ],
      [
        'differing mitigations before a fault of a storage that is none',
        TWO_NODES + failing("{ hresult: '0x80048054' }"),
        'CpuFeaturesDiffer',
      ],
    ])('asks a person because of %s', async (_name, scenario, code) => {
      const c = await cluster(scenario);
      const run = await migrate(c);
      const { steps } = await run.until('a person', (s) => s.state === 'needs-operator');
      expect(steps.find((s) => s.id === 'vm/web-1/move')?.failure?.code).toBe(code);
      expect(c.count('move-started', 'web-1')).toBe(1);
      await run.decide({ step: 'vm/web-1/move', action: 'abort' });
      await expect(run.result()).rejects.toThrow();
    });

    it("is not blamed on an entry that may be another VM's and was there before", async () => {
      const entry = `{ log: Microsoft-Windows-FailoverClustering/Operational, id: 1069, hoursAgo: 0, hresult: '0xC03A0014', message: '仮想マシン db-9' }`;
      const c = await cluster(
        TWO_NODES.replace('name: HV1,', `name: HV1, events: [${entry}],`) +
          failing("{ hresult: '0x80070569', message: '特定できないエラーです' }"),
        1,
      );
      const run = await migrate(c);
      const { steps } = await run.until('a person', (s) => s.state === 'needs-operator');
      const failure = steps.find((s) => s.id === 'vm/web-1/move')?.failure;
      expect(failure?.code).toBe('LogonRightMissing');
      expect(failure?.message).toMatch(/Event 21502 on HV\d \(0x80070569\)/);
      expect(failure?.message).toContain('perhaps not about web-1 and not counted: Event 1069');
    });
  });

  it('says from where the VM came when somebody else has moved it meanwhile', async () => {
    const c = await cluster(`${TWO_NODES}
faults:
  - { on: startMove, vm: web-1, times: 1, error: { hresult: '0x80071398' } }
`);
    const run = await migrate(c);
    await run.until('the move to need a person', (s) => s.state === 'needs-operator');
    const { vmId } = c.lab.state().roles.find((r) => r.name === 'web-1')!;
    c.lab.call('HV1', 'startMove', { vmId, node: 'HV2' });
    await waitFor('web-1 to be on HV2', () =>
      c.lab.state().roles.some((r) => r.vmId === vmId && r.owner === 'HV2'),
    );
    await run.decide({ step: 'vm/web-1/move', action: 'retry' });
    expect(await run.result()).toMatchObject({
      vm: 'web-1',
      changed: true,
      from: 'HV1',
      to: 'HV2',
    });
    expect(c.count('move-started', 'web-1')).toBe(1);
  });

  it('follows the VM that its target lost: says that it restarted, and not that it is nowhere', async () => {
    const crash = { done: false };
    const c = await cluster(TWO_NODES, undefined, (host) => ({
      ...host,
      readVm: (args) => {
        if (host.node === 'HV2' && !crash.done && c.count('move-finished') === 1) {
          crash.done = true;
          c.lab.crash('HV2');
        }
        return host.readVm(args);
      },
    }));
    const run = await migrate(c);
    const parked = await run.until('a person to be needed', (s) => s.state === 'needs-operator');
    const verify = parked.steps.find((s) => s.id === 'vm/web-1/verify');
    expect(verify?.failure?.code).toBe('VmRestarted');
    expect(verify?.failure?.message).toContain('web-1 runs on HV1');
    await run.decide({ step: 'vm/web-1/verify', action: 'skip' });
    expect(await run.result()).toMatchObject({ changed: true, from: 'HV1', to: 'HV2' });
  });

  it('proves a VM that somebody moved on at once, where it is', async () => {
    const c = await cluster(TWO_NODES, undefined, (host) => ({
      ...host,
      readVm: (args) => {
        const arrivals = c.count('move-finished');
        if (host.node === 'HV2' && arrivals === 1 && c.count('move-started') === 1) {
          const [role] = c.lab.state().roles;
          c.lab.call('HV2', 'startMove', { vmId: role!.vmId, node: 'HV1' });
        }
        if (arrivals !== 1) return host.readVm(args);
        const info = { op: 'readVm', node: host.node, outcome: 'unknown' } as const;
        return Promise.reject(new HypervError('no answer yet', info));
      },
    }));
    const run = await migrate(c, { to: 'HV2' });
    expect(await run.result()).toMatchObject({ changed: true, from: 'HV1', to: 'HV2' });
    const verify = (await run.status()).steps.find((s) => s.id === 'vm/web-1/verify');
    expect(verify?.evidence).toMatchObject({ owner: 'HV1', arrivedOn: 'HV2' });
  });

  it('retries a transient failure by itself', async () => {
    const c = await cluster(`${TWO_NODES}
faults:
  - { on: startMove, vm: web-1, times: 2, error: { hresult: '0x80072746', eventId: 21502 } }
`);
    const run = await migrate(c);
    expect(await run.result()).toMatchObject({ to: 'HV2' });
    expect((await run.step('vm/web-1/move')).attempt).toBe(3);
    expect(c.count('move-started', 'web-1')).toBe(1);
  });

  it('cancels the move when the run is cancelled, and the VM stays where it was', async () => {
    // Longer than any test waits.
    const slow = TWO_NODES.replaceAll(
      'bootSeconds: 60',
      'bootSeconds: 60, migrationNetwork: 10Mbps',
    );
    const c = await cluster(slow, 2);
    const run = await migrate(c);
    await run.until('the move to run', () => c.count('move-started', 'web-1') === 1);
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect((await run.status()).state).toBe('cancelled');
    expect(c.count('move-cancelled', 'web-1')).toBe(1);
    expect(c.count('vm-stopped')).toBe(0);
  });
});
