// Nodes of the lab: boots, crashes, failover, quorum, the auto-balancer.
import { describe, expect, it } from 'vitest';
import { beginRestart } from '../../lab/machine/nodes.ts';
import { nodeOf, type NodeChange } from '../../lab/machine/world.ts';
import { host, labOf, THREE, vm } from './lab-fixture.ts';

describe('a restart', () => {
  const bare = `
nodes:
${host('HV1')}
  - { name: HV2, memory: 64GB, switches: [LAN], bootSeconds: 60, shutdownSeconds: 10, installSeconds: 40, serviceSeconds: 5 }
`;

  it('takes the time of its parts: shutdown, boot, services', () => {
    const t = labOf(bare);
    const { boot, bootTime } = t.lab.call('HV2', 'readHost', {}).facts;
    t.lab.call('HV2', 'restartNode', { ifBoot: boot, reason: 'test' });
    const states: [number, string][] = [];
    for (let second = 0; second <= 80; second += 1) {
      const state = t.lab.call('HV1', 'readNodes', {}).facts[1]?.state ?? '';
      if (states.at(-1)?.[1] !== state) states.push([second, state]);
      t.pass(1);
    }
    expect(states).toEqual([
      [0, 'Up'],
      [10, 'Down'],
      [70, 'Joining'],
      [75, 'Up'],
    ]);
    expect(t.lab.call('HV2', 'readHost', {}).facts.bootTime > bootTime).toBe(true);
  });

  it('tells watchers when the node goes down and when it has booted', () => {
    const t = labOf(bare);
    const begin = t.clock.now();
    const seen: NodeChange[] = [];
    t.lab.onNodeChange((change) => seen.push(change));
    const { boot } = t.lab.call('HV2', 'readHost', {}).facts;
    t.lab.call('HV2', 'restartNode', { ifBoot: boot, reason: 'test' });
    t.pass(200);
    expect(seen).toEqual([
      { node: 'HV2', up: false, at: begin + 10_000 },
      { node: 'HV2', up: true, at: begin + 70_000 },
    ]);
  });

  it('makes an installed Hyper-V work, and its switches appear', () => {
    const t = labOf(bare);
    const asked = t.lab.ask('HV2', 'installFeatures', { names: ['Hyper-V'] });
    t.pass(39);
    expect(t.count('feature-installed')).toBe(0);
    t.pass(1);
    expect(asked.settle().facts).toEqual({ changed: true, restartNeeded: true });
    expect(t.error('HV2', 'readSwitches', {}).errorId).toBe('HyperVMissing');
    const { boot } = t.lab.call('HV2', 'readHost', {}).facts;
    t.lab.call('HV2', 'restartNode', { ifBoot: boot, reason: 'test' });
    t.pass(200);
    expect(t.lab.call('HV2', 'readSwitches', {}).facts).toEqual([
      { name: 'LAN', type: 'External' },
    ]);
    expect(t.lab.call('HV2', 'readHost', {}).facts.pendingRestart).toBe(false);
  });

  it('leaves Hyper-V silent until its service runs', () => {
    const t = labOf(THREE);
    t.lab.crash('HV2');
    t.pass(61);
    for (const op of ['readSwitches', 'readMigrationSettings', 'readVms', 'readVmStorage'] as const)
      expect(t.error('HV2', op, {})).toMatchObject({ errorId: 'HyperVNotReady' });
    expect(t.lab.call('HV2', 'readHost', {}).facts.vmVersions).toEqual([]);
    t.pass(10);
    expect(t.lab.call('HV2', 'readVms', {}).facts).toEqual([]);
  });

  it('gives a node a clock that can be set, with which its boot time moves and its boot does not', () => {
    const t = labOf(THREE);
    const before = t.lab.call('HV2', 'readHost', {}).facts;
    expect(t.lab.shiftClock('HV2', -20)).toBe(true);
    const after = t.lab.call('HV2', 'readHost', {}).facts;
    expect(after.boot).toBe(before.boot);
    expect(Date.parse(after.bootTime)).toBe(Date.parse(before.bootTime) - 20_000);
    expect(Date.parse(after.now)).toBe(Date.parse(before.now) - 20_000);
    const [peer] = t.lab.call('HV1', 'readPeers', { nodes: ['HV2'], ports: [] }).facts;
    expect(peer?.clockAheadSeconds).toBe(-20);
  });

  it('loses an installation that a crash interrupts, and its answer', () => {
    const t = labOf(bare);
    const asked = t.lab.ask('HV2', 'installFeatures', { names: ['Hyper-V'] });
    t.pass(20);
    t.lab.crash('HV2');
    t.pass(200);
    expect(() => asked.settle()).toThrow(/went down/);
    const { facts } = t.lab.call('HV2', 'readFeatures', { names: ['Hyper-V'] });
    expect(facts[0]?.state).toBe('Available');
  });

  it('saves what still ran there, loudly, and the cluster restarts it elsewhere', () => {
    const t = labOf(THREE);
    // The port refuses it; Windows does not.
    beginRestart(t.lab.world, nodeOf(t.lab.world, 'HV1'), 'by hand');
    t.pass(300);
    expect(t.story('vm-saved', 'vm-restarted')).toEqual([
      'vm-saved a saved: HV1 was restarted while it ran there',
      'vm-saved b saved: HV1 was restarted while it ran there',
      'vm-restarted a by failover from HV1',
      'vm-restarted b by failover from HV1',
    ]);
    expect(t.vm('a').uptimeSeconds).toBeLessThan(300);
  });
});

describe('a crash', () => {
  it('fails VMs over after the delay, to preferred owners first, with a new uptime', () => {
    const t = labOf(THREE.replace(vm('a', 'HV1'), vm('a', 'HV1', 'preferredOwners: [HV3, HV2]')));
    t.lab.crash('HV1');
    expect(t.role('a')).toMatchObject({ state: 'Pending', owner: 'HV1' });
    t.pass(29);
    expect(t.role('a').owner).toBe('HV1');
    t.pass(10);
    expect(t.role('a')).toMatchObject({ state: 'Online', owner: 'HV3' });
    expect(t.role('b')).toMatchObject({ state: 'Online', owner: 'HV2' });
    expect(t.vm('a').uptimeSeconds).toBeLessThan(10);
    expect(t.story('vm-stopped')[0]).toContain('HV1 went down while it ran there');
  });

  it('leaves roles that were offline off, but takes them over', () => {
    const t = labOf(THREE.replace(vm('a', 'HV1'), vm('a', 'HV1', 'state: Off')));
    t.lab.powerOff('HV1');
    t.pass(60);
    expect(t.role('a')).toMatchObject({ state: 'Offline', owner: 'HV2' });
    expect(t.vm('a').state).toBe('Off');
  });

  it('spares paused nodes and nodes without enough memory', () => {
    const yaml = `
nodes:
${host('HV1')}
${host('HV2', 'paused: true')}
${host('HV3').replace('64GB', '6GB')}
virtualMachines:
${vm('a', 'HV1')}
`;
    const t = labOf(yaml);
    t.lab.powerOff('HV1');
    t.pass(60);
    expect(t.role('a').state).toBe('Failed');
    t.lab.powerOn('HV1');
    t.pass(120);
    expect(t.role('a')).toMatchObject({ state: 'Online', owner: 'HV1' });
  });

  it('of the source fails the move, and the VM restarts elsewhere', () => {
    const t = labOf(THREE);
    t.start('a', 'HV2');
    t.pass(4);
    t.lab.crash('HV1');
    expect(t.move('a')).toMatchObject({ phase: 'failed', failureReason: '0x80004005' });
    expect(t.events('HV2', 21502)[0]?.hresult).toBe('0x80072746');
    t.pass(60);
    expect(t.role('a').state).toBe('Online');
    expect(t.count('vm-restarted', 'a')).toBe(1);
  });

  it('of the target fails the move, and the VM runs on at the source', () => {
    const t = labOf(THREE);
    const before = t.vm('a').uptimeSeconds;
    t.start('a', 'HV2');
    t.pass(4);
    t.lab.crash('HV2');
    t.pass(60);
    expect(t.vm('a')).toMatchObject({ owner: 'HV1', state: 'Running', uptimeSeconds: before + 64 });
    expect(t.count('vm-restarted')).toBe(0);
    expect(t.events('HV1', 1135)).toHaveLength(1);
  });

  it('lets its host restart a VM that is not clustered', () => {
    const t = labOf(THREE.replace(vm('a', 'HV1'), vm('a', 'HV1', 'clustered: false')));
    t.lab.crash('HV1');
    t.pass(120);
    expect(t.vm('a')).toMatchObject({ owner: 'HV1', state: 'Running' });
    expect(t.vm('a').uptimeSeconds).toBeLessThan(120);
  });
});

describe('quorum', () => {
  it('is lost with the votes, and the service, the roles and the moves go with it', () => {
    const t = labOf(`witness: { kind: None }${THREE}`);
    t.start('a', 'HV3');
    t.lab.powerOff('HV2');
    expect(t.role('a').move.phase).toBe('setup');
    t.lab.powerOff('HV3');
    expect(t.error('HV1', 'readRoles', {}).errorId).toBe('ClusterUnreachable');
    expect(t.lab.call('HV1', 'readServices', { names: ['ClusSvc'] }).facts[0]?.state).toBe(
      'Stopped',
    );
    expect(t.vm('a').state).toBe('Off');
    expect(t.events('HV1', 1177)).toHaveLength(1);
    t.lab.powerOn('HV3');
    t.pass(120);
    expect(t.role('a').state).toBe('Online');
    expect(t.story('quorum-lost', 'quorum-regained')).toHaveLength(2);
  });

  it('survives the same with a witness when one node is left of two', () => {
    const t = labOf(`
nodes:
${host('HV1')}
${host('HV2')}
virtualMachines:
${vm('a', 'HV1')}
`);
    t.lab.powerOff('HV2');
    expect(t.lab.call('HV1', 'readNodes', {}).facts.map((n) => n.state)).toEqual(['Up', 'Down']);
    expect(t.vm('a').state).toBe('Running');
  });
});

describe('the auto-balancer', () => {
  const full = (balancer: string): string => `
${balancer}
nodes:
${host('HV1')}
${host('HV2')}
virtualMachines:
${vm('big', 'HV1').replace('4GB', '40GB')}
${vm('small', 'HV1').replace('4GB', '16GB')}
`;

  it('is off unless the scenario says otherwise', () => {
    const t = labOf(full(''));
    t.pass(10_000);
    expect(t.count('move-started')).toBe(0);
  });

  it('moves the smallest VM off a full node by itself', () => {
    const t = labOf(full('autoBalancer: { mode: 2 }'));
    t.pass(1801);
    expect(t.story('move-started')).toEqual(['move-started small HV1 -> HV2 by the auto-balancer']);
    t.pass(4000);
    expect(t.count('move-started')).toBe(1);
  });
});
