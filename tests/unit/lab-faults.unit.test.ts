// Faults of a scenario: each kind strikes where, when and as often as it says.
import { describe, expect, it } from 'vitest';
import { inProcessHost } from '../../lab/host.ts';
import { jumpingClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { labOf, THREE } from './lab-fixture.ts';

const withFaults = (...faults: string[]) =>
  labOf(`${THREE}\nfaults:\n${faults.map((fault) => `  - ${fault}`).join('\n')}\n`);

describe('a fault of an operation', () => {
  it('refuses with its signs as often as it says, and does nothing', () => {
    const t = withFaults(
      "{ on: startMove, vm: a, times: 2, error: { hresult: '0x80072746', eventId: 21502 } }",
    );
    const args = { vmId: t.role('a').vmId, node: 'HV2' };
    for (let i = 0; i < 2; i += 1)
      expect(t.error('HV1', 'startMove', args)).toEqual({
        op: 'startMove',
        node: 'HV1',
        outcome: 'refused',
        hresult: '0x80072746',
        eventId: 21502,
      });
    expect(t.count('move-started')).toBe(0);
    t.start('a', 'HV2');
    expect(t.count('move-started')).toBe(1);
    expect(t.count('fault', 'startMove')).toBe(2);
  });

  it('spares other VMs, other nodes and other operations', () => {
    const t = withFaults(
      '{ on: startMove, vm: a, error: { errorId: X } }',
      '{ on: readHost, node: hv2, error: { errorId: Y } }',
    );
    t.start('b', 'HV2');
    t.lab.call('HV1', 'readHost', {});
    expect(t.error('HV2', 'readHost', {}).errorId).toBe('Y');
    t.lab.call('HV2', 'readHost', {});
    expect(t.error('HV1', 'startMove', { vmId: t.role('a').vmId, node: 'HV2' }).errorId).toBe('X');
  });

  it('finds a VM that is only going to be created by its name', () => {
    const t = labOf(`${THREE}
disks: ['C:\\ClusterStorage\\Volume1\\web-1.vhdx']
faults:
  - { on: createVm, vm: WEB-1, error: { errorId: X } }
`);
    const info = t.error('HV1', 'createVm', {
      requestId: 'r',
      name: 'web-1',
      memoryBytes: 2 ** 30,
      vhd: 'C:\\ClusterStorage\\Volume1\\web-1.vhdx',
      switch: null,
      generation: 2,
      path: 'C:\\ClusterStorage\\Volume1',
    });
    expect(info.errorId).toBe('X');
    expect(t.count('vm-created')).toBe(0);
  });

  it('strikes always until it is cleared', () => {
    const t = withFaults('{ on: readHost, times: always, error: { errorId: X } }');
    for (let i = 0; i < 20; i += 1) expect(t.error('HV1', 'readHost', {}).errorId).toBe('X');
    expect(t.lab.state().faults[0]?.left).toBeNull();
    expect(t.lab.clearFaults()).toBe(1);
    t.lab.call('HV1', 'readHost', {});
  });

  it('waits for its second', () => {
    const t = withFaults('{ on: readHost, when: { seconds: 100 }, error: { errorId: X } }');
    t.lab.call('HV1', 'readHost', {});
    t.pass(100);
    expect(t.error('HV1', 'readHost', {}).errorId).toBe('X');
  });

  it('without an error is an answer that never comes', () => {
    const t = withFaults('{ on: pauseNode }');
    expect(t.error('HV1', 'pauseNode', { node: 'HV2' }).outcome).toBe('unknown');
    expect(t.count('node-paused')).toBe(0);
  });

  it('after the effect leaves the effect and loses the answer', () => {
    const t = withFaults('{ on: pauseNode, at: after-effect }');
    expect(t.error('HV1', 'pauseNode', { node: 'HV2' }).outcome).toBe('unknown');
    expect(t.count('node-paused', 'HV2')).toBe(1);
    expect(t.lab.call('HV1', 'pauseNode', { node: 'HV2' }).facts.changed).toBe(false);
  });

  it('that hangs answers rightly, and late', () => {
    const t = withFaults('{ on: pauseNode, hangSeconds: 30 }');
    const asked = t.lab.ask('HV1', 'pauseNode', { node: 'HV2' });
    expect(asked.readyAt).toBe(t.clock.now() + 30_000);
    expect(() => asked.settle()).toThrow(/ask for its answer later/);
    t.pass(30);
    expect(asked.settle().facts.changed).toBe(true);
  });

  it('that hangs is waited for by the in-process host', async () => {
    const yaml = `cluster: test\n${THREE}\nfaults: [{ on: readHost, hangSeconds: 30 }]\n`;
    const clock = jumpingClock();
    const lab = new Lab(parseScenario(yaml, 'test.yaml'), clock);
    const begin = clock.now();
    const { facts } = await inProcessHost(lab, 'HV1').readHost({});
    expect(facts.node).toBe('HV1');
    expect(clock.now() - begin).toBe(30_000);
  });

  it('that hangs ends with the node', async () => {
    const yaml = `cluster: test\n${THREE}
faults:
  - { on: readHost, hangSeconds: 3000 }
  - { on: nodeCrash, node: HV1, when: { seconds: 10 } }
`;
    const clock = jumpingClock();
    const lab = new Lab(parseScenario(yaml, 'test.yaml'), clock);
    const begin = clock.now();
    await expect(inProcessHost(lab, 'HV1').readHost({})).rejects.toMatchObject({
      info: { outcome: 'unknown' },
    });
    expect(clock.now() - begin).toBe(10_000);
  });
});

describe('a world event', () => {
  it('crashes a node at a percentage of a move', () => {
    const t = withFaults('{ on: nodeCrash, node: HV2, when: { vm: a, percent: 40 } }');
    t.start('a', 'HV2');
    t.pass(60);
    const { phase, percent } = t.move('a');
    expect({ phase, percent }).toEqual({ phase: 'failed', percent: 40 });
    expect(t.count('node-down', 'HV2')).toBe(1);
    t.pass(120);
    expect(t.count('node-up', 'HV2')).toBe(1);
    t.start('a', 'HV2');
    t.pass(60);
    expect(t.role('a').owner).toBe('HV2');
  });

  it.each([0, 5, 10, 55, 89, 90, 99])('fails a move at %d %%', (percent) => {
    const t = withFaults(
      `{ on: moveFails, vm: a, when: { vm: a, percent: ${percent} }, error: { hresult: '0x8007000e' } }`,
    );
    t.start('a', 'HV2');
    t.pass(60);
    expect(t.move('a')).toMatchObject({ phase: 'failed', percent });
    expect(t.events('HV1', 21502)[0]?.hresult).toBe('0x8007000E');
    expect(t.events('HV2', 21502)[0]?.hresult).toBe('0x8007000E');
    t.start('a', 'HV2');
    t.pass(60);
    expect(t.role('a').owner).toBe('HV2');
  });

  it('fails every move when it always does', () => {
    const t = withFaults('{ on: moveFails, vm: a, times: always }');
    for (let i = 1; i <= 3; i += 1) {
      t.start('a', 'HV2');
      t.pass(60);
      expect(t.count('move-failed', 'a')).toBe(i);
    }
  });

  it('can be added while a move runs', () => {
    const t = labOf(THREE);
    t.start('a', 'HV2');
    t.pass(4);
    t.lab.addFault({ on: 'moveFails', vm: 'a', times: 1, when: { vm: 'a', percent: 1 } });
    t.pass(0.001);
    expect(t.move('a').phase).toBe('failed');
  });

  it('cuts the power of a node until somebody switches it on', () => {
    const t = withFaults('{ on: nodePowerOff, node: HV2, when: { seconds: 10 } }');
    t.pass(9);
    expect(t.lab.isUp('HV2')).toBe(true);
    t.pass(5000);
    expect(t.lab.isUp('HV2')).toBe(false);
    expect(t.lab.powerOn('HV2')).toBe(true);
    t.pass(60);
    expect(t.lab.isUp('HV2')).toBe(true);
  });

  it('keeps a node from coming back after a restart', () => {
    const t = withFaults('{ on: bootFails, node: HV2 }');
    const { boot, bootTime } = t.lab.call('HV2', 'readHost', {}).facts;
    t.lab.call('HV2', 'restartNode', { ifBoot: boot, reason: 'test' });
    t.pass(5000);
    expect(t.error('HV2', 'readHost', {}).outcome).toBe('unknown');
    t.lab.powerOn('HV2');
    t.pass(100);
    expect(t.lab.call('HV2', 'readHost', {}).facts.bootTime > bootTime).toBe(true);
    expect(t.count('restart-requested', 'HV2')).toBe(1);
  });

  it('resets the moves of a node whose network goes down, and refuses new ones for a while', () => {
    const t = withFaults(
      '{ on: networkDown, node: HV2, seconds: 60, when: { vm: a, percent: 50 } }',
    );
    t.start('a', 'HV2');
    t.pass(30);
    expect(t.events('HV1', 21502)[0]?.hresult).toBe('0x80072746');
    const states = t.lab.call('HV1', 'readNetworks', {}).facts.map((n) => n.state);
    expect(states).toEqual(['Up', 'Partitioned']);
    t.start('a', 'HV2');
    t.pass(10);
    expect(t.events('HV1', 21502)[1]?.hresult).toBe('0x8007274C');
    expect(t.lab.call('HV1', 'readNodes', {}).facts.every((n) => n.state === 'Up')).toBe(true);
    t.pass(60);
    t.start('a', 'HV2');
    t.pass(30);
    expect(t.role('a').owner).toBe('HV2');
  });

  it('takes the quorum away for a while', () => {
    const t = withFaults('{ on: quorumLost, seconds: 60, when: { seconds: 10 } }');
    t.pass(11);
    expect(t.error('HV3', 'readNodes', {}).errorId).toBe('ClusterUnreachable');
    expect(t.vm('a').state).toBe('Off');
    t.pass(90);
    expect(t.role('a').state).toBe('Online');
    expect(t.count('vm-restarted', 'a')).toBe(1);
  });

  it('pauses the shared volumes for a while: no new VM, no move', () => {
    const t = withFaults('{ on: csvPaused, seconds: 60, when: { seconds: 10 } }');
    t.pass(11);
    expect(t.lab.call('HV1', 'readSharedVolumes', {}).facts[0]?.state).toBe('Paused');
    expect(t.events('HV2', 5120)).toHaveLength(1);
    t.start('a', 'HV2');
    t.pass(10);
    expect(t.events('HV1', 21502)[0]?.hresult).toBe('0x800705B4');
    t.pass(60);
    t.start('a', 'HV2');
    t.pass(30);
    expect(t.role('a').owner).toBe('HV2');
  });
});
