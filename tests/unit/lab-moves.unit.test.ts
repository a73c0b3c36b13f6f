// Live migrations in the lab: pre-copy arithmetic, shared bandwidth, slots at both ends, the queue, sticky states and
// the failures that follow from state.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GROUP_STATUS } from '../../domain/facts.ts';
import {
  advancePrecopy,
  remainingPrecopy,
  startPrecopy,
  type PrecopyPlan,
} from '../../lab/machine/precopy.ts';
import { host, labOf, THREE, vm } from './lab-fixture.ts';

const MB = 2 ** 20;
const GB = 2 ** 30;

describe('pre-copy', () => {
  const plan = (memoryBytes: number, dirtyRate: number, more = {}): PrecopyPlan => ({
    memoryBytes,
    dirtyRate,
    blackoutSeconds: 0.5,
    roundsMax: 10,
    ...more,
  });
  // Seconds of all rounds: memory/bandwidth x (1 + r + r² + …), where r is dirty rate/bandwidth.
  const table: [string, PrecopyPlan, number, number][] = [
    ['an idle VM is copied once', plan(8 * GB, 0), GB, 8],
    ['a quarter of the bandwidth: 8 + 2, then 0.5 s of blackout', plan(8 * GB, GB / 4), GB, 10.5],
    ['half: 8 + 4 + 2 + 1, then 0.5 s', plan(8 * GB, GB / 2), GB, 15.5],
    ['as fast as the link: ten rounds of everything, then stop', plan(GB, GB), GB, 11],
    ['faster than the link: no more than all memory per round', plan(GB, 9 * GB), GB, 11],
    ['two rounds at most', plan(8 * GB, GB / 2, { roundsMax: 2 }), GB, 8 + 4 + 2],
    ['a slow link', plan(100 * MB, 0), 10 * MB, 10],
  ];
  it.each(table)('%s', (_name, of, bandwidth, seconds) => {
    const rest = remainingPrecopy(of, startPrecopy(of), bandwidth);
    expect(rest.ms / 1000).toBeCloseTo(seconds, 6);
    expect(rest.bytes / bandwidth).toBeCloseTo(seconds, 6);
    const end = advancePrecopy(of, startPrecopy(of), bandwidth, rest.ms + 0.001);
    expect(end.done).toBe(true);
    expect(end.copied / bandwidth).toBeCloseTo(seconds, 6);
  });

  it('does not depend on how often it is looked at', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 30 }),
        (gigabytes, dirtyMegabytes, steps) => {
          const of = plan(gigabytes * GB, dirtyMegabytes * MB);
          const total = steps.reduce((a, b) => a + b, 0);
          const once = advancePrecopy(of, startPrecopy(of), GB, total);
          const often = steps.reduce(
            (state, ms) => advancePrecopy(of, state, GB, ms),
            startPrecopy(of),
          );
          expect(often.copied / MB).toBeCloseTo(once.copied / MB, 2);
        },
      ),
    );
  });
});

describe('the time of a move', () => {
  // Setup 3 s, moving the group 2 s; 10 Gbit/s are 1.25e9 bytes per second.
  const copySeconds = (4 * GB) / 1.25e9;

  it('is setup, copy and moving the group', () => {
    const t = labOf(THREE);
    t.start('a', 'HV2');
    t.pass(60);
    expect(t.when('move-finished', 'a')).toBeCloseTo(3 + copySeconds + 2, 2);
  });

  it.each([
    ['Compression', 2],
    ['SMB', 1.5],
  ])('shrinks with %s', (performance, factor) => {
    const t = labOf(THREE);
    t.lab.call('HV1', 'configureMigration', { performance: performance as 'SMB' });
    t.start('a', 'HV2');
    t.pass(60);
    expect(t.when('move-finished', 'a')).toBeCloseTo(3 + copySeconds / factor + 2, 2);
  });

  it('is decided by the slower end', () => {
    const t = labOf(THREE.replace(host('HV2'), host('HV2', 'migrationNetwork: 1Gbps')));
    t.start('a', 'HV2');
    t.pass(120);
    expect(t.when('move-finished', 'a')).toBeCloseTo(3 + copySeconds * 10 + 2, 2);
  });

  it('doubles the copy for two moves that share a link from start to end', () => {
    const t = labOf(`maximumParallelMigrations: 2${THREE}`);
    t.start('a', 'HV2');
    t.start('b', 'HV3');
    t.pass(60);
    expect(t.when('move-finished', 'a')).toBeCloseTo(3 + copySeconds * 2 + 2, 2);
    expect(t.when('move-finished', 'b')).toBeCloseTo(3 + copySeconds * 2 + 2, 2);
  });

  it('shares a link only while both copy', () => {
    const t = labOf(`maximumParallelMigrations: 2${THREE}`);
    t.start('a', 'HV2');
    t.pass(2);
    t.start('b', 'HV3');
    t.pass(60);
    // For 2 s a copies alone, then both at half speed until a is done, then b alone.
    expect(t.when('move-finished', 'a')).toBeCloseTo(3 + 2 + (copySeconds - 2) * 2 + 2, 2);
    expect(t.when('move-finished', 'b')).toBeCloseTo(5 + (copySeconds - 2) * 2 + 2 + 2, 2);
  });

  it('gets the whole link back when the other move is cancelled', () => {
    const t = labOf(`maximumParallelMigrations: 2${THREE}`);
    t.start('a', 'HV2');
    t.start('b', 'HV3');
    t.pass(4);
    t.lab.call('HV1', 'cancelMove', { vmId: t.role('b').vmId });
    t.pass(60);
    // One second at half speed, the rest alone.
    expect(t.when('move-finished', 'a')).toBeCloseTo(3 + 1 + (copySeconds - 0.5) + 2, 2);
  });

  it('is not shared between different pairs of nodes', () => {
    const t = labOf(`
nodes:
${['HV1', 'HV2', 'HV3', 'HV4'].map((name) => host(name)).join('\n')}
virtualMachines:
${vm('a', 'HV1')}
${vm('b', 'HV3')}
`);
    t.start('a', 'HV2');
    t.start('b', 'HV4');
    t.pass(60);
    expect(t.when('move-finished', 'a')).toBeCloseTo(3 + copySeconds + 2, 2);
    expect(t.when('move-finished', 'b')).toBeCloseTo(3 + copySeconds + 2, 2);
  });

  it('ends with a warning, not a failure, when the blackout was long', () => {
    const busy = vm('a', 'HV1').replace('0MB/s', '2GB/s').replace('4GB', '32GB');
    const t = labOf(THREE.replace(vm('a', 'HV1'), busy));
    t.start('a', 'HV2');
    t.pass(600);
    expect(t.role('a').owner).toBe('HV2');
    expect(t.events('HV2', 20417)).toHaveLength(1);
    const [long] = t.blackouts('HV2');
    expect(long?.seconds).toBeGreaterThan(5);
  });

  it.each([
    ['target', [], [0.1]],
    ['source', [0.1], []],
    ['none', [], []],
  ])('tells how long the VM stood still, to a tenth: %s', (at, source, target) => {
    const t = labOf(`${THREE.replace('0MB/s', '200MB/s')}\nmigration: { blackoutAt: ${at} }\n`);
    t.start('a', 'HV2');
    t.pass(600);
    const told = (node: string) => t.blackouts(node).map(({ seconds }) => seconds);
    expect([told('HV1'), told('HV2')]).toEqual([source, target]);
  });

  it('is told by the clock of the node whose log it is', () => {
    const ahead = host('HV2', 'setup: { clockAheadSeconds: 900 }');
    const t = labOf(THREE.replace(host('HV2'), ahead));
    const { now } = t.lab.call('HV2', 'readHost', {}).facts;
    t.start('a', 'HV2');
    t.pass(600);
    const [one] = t.blackouts('HV2', now);
    expect(one?.vmId).toBe(t.role('a').vmId);
  });
});

describe('the percentage', () => {
  it('shows each phase in its range and ends with the owner changed', () => {
    const t = labOf(THREE);
    t.start('a', 'HV2');
    const seen: string[] = [];
    for (let i = 0; i < 100 && t.move('a').phase !== 'none'; i += 1) {
      const { phase, percent, target } = t.move('a');
      const [low, high] = { setup: [0, 10], 'data-transfer': [10, 90], 'moving-group': [90, 100] }[
        phase as 'setup'
      ] as [number, number];
      expect(percent).toBeGreaterThanOrEqual(low);
      expect(percent).toBeLessThanOrEqual(high);
      expect(target).toBe('HV2');
      if (seen.at(-1) !== phase) seen.push(phase);
      t.pass(0.2);
    }
    expect(seen).toEqual(['setup', 'data-transfer', 'moving-group']);
    expect(t.role('a').owner).toBe('HV2');
  });
});

describe('slots', () => {
  const queued = (t: ReturnType<typeof labOf>, name: string): boolean =>
    (t.role(name).status & GROUP_STATUS.queuedForMove) !== 0;
  const wide = `
nodes:
${['HV1', 'HV2', 'HV3', 'HV4'].map((name) => host(name)).join('\n')}
virtualMachines:
${vm('a', 'HV1')}
${vm('b', 'HV2')}
${vm('c', 'HV3')}
${vm('d', 'HV1')}
`;

  it('are counted at the target too', () => {
    const t = labOf(wide);
    t.start('a', 'HV4');
    t.start('b', 'HV4');
    expect(queued(t, 'b')).toBe(true);
    t.pass(60);
    expect(t.when('move-started', 'b')).toBe(t.when('move-finished', 'a'));
  });

  it('are counted at a node that is source of one move and target of another', () => {
    const t = labOf(wide);
    t.start('a', 'HV2');
    t.start('b', 'HV3');
    expect(queued(t, 'b')).toBe(true);
  });

  it('go to who came first, and a waiting move never holds up other nodes', () => {
    const t = labOf(wide);
    t.start('a', 'HV2');
    t.start('d', 'HV2');
    t.start('b', 'HV1');
    t.start('c', 'HV4');
    expect(['a', 'd', 'b', 'c'].map((name) => queued(t, name))).toEqual([false, true, true, false]);
    t.pass(200);
    const order = t.story('move-started').map((line) => line.split(' ')[1]);
    expect(order).toEqual(['a', 'c', 'd', 'b']);
  });

  it('have to be free at both ends before a waiting move starts', () => {
    const t = labOf(wide.replace(vm('c', 'HV3'), vm('c', 'HV3').replace('4GB', '40GB')));
    t.start('a', 'HV2');
    t.start('c', 'HV4');
    t.start('d', 'HV4');
    t.pass(300);
    expect(t.when('move-finished', 'a')).toBeLessThan(t.when('move-finished', 'c'));
    expect(t.when('move-started', 'd')).toBe(t.when('move-finished', 'c'));
  });

  it("follow the cluster's number, not the host's", () => {
    const t = labOf(wide);
    t.lab.call('HV1', 'configureMigration', { maximumMigrations: 10 });
    t.start('a', 'HV2');
    t.start('d', 'HV3');
    expect(queued(t, 'd')).toBe(true);
    t.lab.call('HV4', 'configureCluster', { maximumParallelMigrations: 2 });
    expect(queued(t, 'd')).toBe(false);
    expect(t.move('d').phase).toBe('setup');
  });

  it('are freed by a failure and by a cancellation', () => {
    const t = labOf(wide);
    t.start('a', 'HV2');
    t.start('d', 'HV2');
    t.lab.call('HV1', 'cancelMove', { vmId: t.role('a').vmId });
    expect(t.move('d').phase).toBe('setup');
  });

  it('can be refused at once instead, with event 21501', () => {
    const t = labOf(`migration: { whenFull: refuse }${wide}`);
    t.start('a', 'HV2');
    t.start('d', 'HV2');
    expect(t.move('d')).toMatchObject({ phase: 'failed', failureReason: '0x80004005' });
    expect(t.events('HV1', 21501)).toHaveLength(1);
    expect(t.count('move-started', 'd')).toBe(0);
  });

  it('lets a queued move be cancelled', () => {
    const t = labOf(wide);
    t.start('a', 'HV2');
    t.start('d', 'HV2');
    expect(t.lab.call('HV1', 'cancelMove', { vmId: t.role('d').vmId }).facts.changed).toBe(true);
    t.pass(100);
    expect(t.role('d')).toMatchObject({ owner: 'HV1', move: { phase: 'cancelled' } });
    expect(t.count('move-started', 'd')).toBe(0);
  });
});

describe('a move fails', () => {
  const two = (first: string, second: string, machine: string): string => `
nodes:
${first}
${second}
virtualMachines:
${machine}
disks: ['C:\\ClusterStorage\\Volume1\\x.iso']
`;
  const one = host('HV1');
  const rows: [string, string, string | null, number[]][] = [
    [
      'without the switch on the target',
      two(one, host('HV2').replace('LAN', 'WAN'), vm('a', 'HV1')),
      null,
      [21502, 21159],
    ],
    [
      'with a switch that is not External',
      two(one, host('HV2').replace('[LAN]', '[{ name: LAN, type: Internal }]'), vm('a', 'HV1')),
      null,
      [21502],
    ],
    [
      'without memory on the target',
      two(one, host('HV2').replace('64GB', '6GB'), vm('a', 'HV1')),
      '0x800705AA',
      [21502],
    ],
    [
      'with a mounted local ISO',
      two(one, host('HV2'), vm('a', 'HV1', "dvds: ['D:\\x.iso']")),
      '0xC03A0014',
      [21502],
    ],
    [
      'when migration is off at the source',
      two(one.replace('enabled: true', 'enabled: false'), host('HV2'), vm('a', 'HV1')),
      '0x8007274D',
      [21502],
    ],
    [
      'when migration is off at the target',
      two(one, host('HV2').replace('enabled: true', 'enabled: false'), vm('a', 'HV1')),
      '0x8007274D',
      [21502],
    ],
    [
      'between processors of two manufacturers',
      two(
        one,
        host('HV2', 'cpuVendor: AuthenticAMD'),
        vm('a', 'HV1', 'compatibilityForMigration: true'),
      ),
      null,
      [21502],
    ],
    [
      'between processor models without compatibility mode',
      two(one, host('HV2', 'cpuName: older'), vm('a', 'HV1')),
      null,
      [21502],
    ],
    [
      'to a host that does not know the VM version',
      two(one, host('HV2', "vmVersions: ['10.0', '11.0']"), vm('a', 'HV1')),
      null,
      [21502, 10698],
    ],
    [
      'while the VM is being backed up',
      two(one, host('HV2'), vm('a', 'HV1', 'busy: true')),
      '0x800700AA',
      [21502],
    ],
    [
      'with a disk that is on its host only',
      two(one, host('HV2'), vm('a', 'HV1', "disks: ['D:\\a.vhdx']")),
      '0x80070003',
      [21502, 20413],
    ],
    [
      'without a cluster network',
      `networks: [{ name: N, excludedFromMigration: true }]${two(one, host('HV2'), vm('a', 'HV1'))}`,
      '0x000013AB',
      [21502],
    ],
  ];
  it.each(rows)('%s, below 10 %, and sticks', (_name, yaml, hresult, ids) => {
    const t = labOf(yaml);
    const before = t.vm('a').uptimeSeconds;
    t.start('a', 'HV2');
    t.pass(600);
    const { phase, percent, failureReason } = t.move('a');
    expect(phase).toBe('failed');
    expect(percent).toBeLessThan(10);
    expect(['0x80004005', '0x800700AA']).toContain(failureReason);
    for (const id of ids)
      expect(t.events('HV2', id).map((event) => event.hresult)).toEqual([hresult]);
    expect(t.events('HV1', 21502)).toHaveLength(1);
    expect(t.vm('a')).toMatchObject({ owner: 'HV1', state: 'Running' });
    expect(t.vm('a').uptimeSeconds).toBe(before + 600);
  });

  it('does not fail with compatibility mode, or an ISO on a shared volume', () => {
    const shared = "dvds: ['C:\\ClusterStorage\\Volume1\\x.iso'], compatibilityForMigration: true";
    const t = labOf(two(one, host('HV2', 'cpuName: older'), vm('a', 'HV1', shared)));
    t.start('a', 'HV2');
    t.pass(600);
    expect(t.role('a').owner).toBe('HV2');
  });

  it('forgets the failure with the next start', () => {
    const t = labOf(
      two(one, host('HV2').replace('enabled: true', 'enabled: false'), vm('a', 'HV1')),
    );
    t.start('a', 'HV2');
    t.pass(600);
    t.lab.call('HV2', 'configureMigration', { enabled: true });
    t.start('a', 'HV2');
    expect(t.move('a')).toMatchObject({ phase: 'setup', failureReason: '0x00000000' });
    t.pass(600);
    expect(t.role('a')).toMatchObject({ owner: 'HV2', move: { phase: 'none' } });
  });

  it('reserves memory on the target, so two moves cannot both take the last of it', () => {
    const t = labOf(`
maximumParallelMigrations: 2
nodes:
${host('HV1')}
${host('HV2').replace('64GB', '10GB')}
virtualMachines:
${vm('a', 'HV1')}
${vm('b', 'HV1')}
`);
    t.start('a', 'HV2');
    t.start('b', 'HV2');
    t.pass(600);
    expect([t.role('a').owner, t.role('b').owner]).toEqual(['HV2', 'HV1']);
    expect(t.events('HV2', 21502)[0]?.hresult).toBe('0x800705AA');
  });
});

describe('the cluster refuses', () => {
  it('a target that breaks enforced anti-affinity', () => {
    const t = labOf(`
enforcedAntiAffinity: true
nodes:
${host('HV1')}
${host('HV2')}
virtualMachines:
${vm('a', 'HV1', 'antiAffinity: [dc]')}
${vm('b', 'HV2', 'antiAffinity: [dc]')}
`);
    const info = t.error('HV1', 'startMove', { vmId: t.role('a').vmId, node: 'HV2' });
    expect(info).toMatchObject({ outcome: 'refused', hresult: '0x80071398' });
  });

  it('a target that is not a possible owner', () => {
    const t = labOf(THREE.replace(vm('a', 'HV1'), vm('a', 'HV1', 'possibleOwners: [HV1, HV3]')));
    const info = t.error('HV1', 'startMove', { vmId: t.role('a').vmId, node: 'HV2' });
    expect(info).toMatchObject({ outcome: 'refused', hresult: '0x80071398' });
  });
});
