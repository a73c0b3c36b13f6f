// The same calls at the same times give the same effects, however often somebody looks in between.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HypervError, type Op } from '../../hyperv/host.ts';
import { manualClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { host, vm } from './lab-fixture.ts';

const YAML = `
cluster: test
maximumParallelMigrations: 2
autoBalancer: { mode: 2, intervalSeconds: 97 }
nodes:
${['HV1', 'HV2', 'HV3'].map((name) => host(name)).join('\n')}
virtualMachines:
${vm('a', 'HV1').replace('0MB/s', '300MB/s')}
${vm('b', 'HV2').replace('4GB', '30GB').replace('0MB/s', '900MB/s')}
${vm('c', 'HV2').replace('4GB', '25GB')}
faults:
  - { on: nodeCrash, node: HV3, when: { vm: a, percent: 61 } }
  - { on: moveFails, vm: b, when: { vm: b, percent: 33 } }
  - { on: networkDown, node: HV1, seconds: 20, when: { seconds: 50 } }
`;

interface Step {
  waitMs: number;
  act: string;
  vm: 'a' | 'b' | 'c';
  node: 'HV1' | 'HV2' | 'HV3';
}

const step = fc.record<Step>({
  waitMs: fc.integer({ min: 0, max: 20_000 }),
  act: fc.constantFrom('move', 'move', 'move', 'cancel', 'crash', 'restart', 'off', 'on', 'limit'),
  vm: fc.constantFrom('a', 'b', 'c'),
  node: fc.constantFrom('HV1', 'HV2', 'HV3'),
});

/** Refusals are part of the story; anything else is a mistake of the lab. */
function attempt(deed: () => unknown): void {
  try {
    deed();
  } catch (error) {
    if (!(error instanceof HypervError)) throw error;
  }
}

function perform(lab: Lab, { act, vm: name, node }: Step): void {
  const vmId = lab.state().vms.find((v) => v.name === name)?.id ?? '';
  const deeds: Record<string, () => unknown> = {
    move: () => lab.call('HV1', 'startMove', { vmId, node }),
    cancel: () => lab.call('HV2', 'cancelMove', { vmId }),
    limit: () => lab.call('HV3', 'configureCluster', { maximumParallelMigrations: 3 }),
    restart: () => {
      const { boot } = lab.call(node, 'readBoot', {}).facts;
      return lab.call(node, 'restartNode', { ifBoot: boot, reason: 'test' });
    },
    crash: () => lab.crash(node),
    off: () => lab.powerOff(node),
    on: () => lab.powerOn(node),
  };
  attempt(deeds[act]!);
}

const LOOKS: Op[] = ['readRoles', 'readNodes', 'readVms', 'readHost'];

/** `lookEveryMs` 0: never. */
function play(steps: Step[], lookEveryMs: number): { effects: unknown; end: unknown } {
  const clock = manualClock();
  const lab = new Lab(parseScenario(YAML, 'test.yaml'), clock);
  const wait = (ms: number): void => {
    if (lookEveryMs === 0) clock.advance(ms);
    else
      for (let rest = ms; rest > 0; rest -= lookEveryMs) {
        clock.advance(Math.min(rest, lookEveryMs));
        for (const op of LOOKS) attempt(() => lab.call('HV2', op as 'readRoles', {}));
      }
  };
  for (const one of steps) {
    wait(one.waitMs);
    perform(lab, one);
  }
  wait(400_000);
  return { effects: lab.effects(), end: lab.state() };
}

describe('the lab', () => {
  it('gives the same effects and the same end however often it is looked at', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 20 }),
        fc.integer({ min: 1500, max: 30_000 }),
        (steps, lookEveryMs) => {
          expect(play(steps, lookEveryMs)).toEqual(play(steps, 0));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('never breaks its own rules: one owner, memory that fits, slots, roles that match their VMs', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const clock = manualClock();
        const lab = new Lab(parseScenario(YAML, 'test.yaml'), clock);
        for (const one of steps) {
          clock.advance(one.waitMs);
          perform(lab, one);
          const { nodes, vms, roles, moves, cluster } = lab.state();
          for (const node of nodes) {
            const here = moves.filter(
              (m) => m.phase !== 'queued' && (m.from === node.name || m.to === node.name),
            );
            expect(here.length).toBeLessThanOrEqual(cluster.maximumParallelMigrations);
            const used = vms
              .filter((v) => v.owner === node.name)
              .reduce((sum, v) => sum + v.memoryAssignedBytes, 0);
            expect(used).toBeLessThanOrEqual(node.memoryBytes);
            // Nothing runs on a machine without power.
            if (node.power === 'off' || node.power === 'booting') expect(used).toBe(0);
          }
          for (const role of roles) {
            const machine = vms.find((v) => v.id === role.vmId);
            expect(role.owner).toBe(machine?.owner);
            if (role.state === 'Online') expect(machine?.state).toBe('Running');
          }
          for (const move of moves) {
            const machine = vms.find((v) => v.name === move.vm);
            expect(machine).toMatchObject({ state: 'Running', owner: move.from });
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
