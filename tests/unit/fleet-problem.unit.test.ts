// From a survey to the planner's question: the same rules as for a single move, and payloads that Temporal takes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AffinityRuleFacts, NodeState, Snapshot } from '../../domain/facts.ts';
import { outlookOf } from '../../domain/fleet/differences.ts';
import { outlookFor } from '../../domain/fleet/outlook.ts';
import { packNode, packProblem, unpackNode, unpackProblem } from '../../domain/fleet/packed.ts';
import { askOf, waysOf, wholeProblem } from '../../domain/fleet/problem.ts';
import { surveyedVms, type NodeSurvey, type Survey } from '../../domain/fleet/survey.ts';
import { placeMove } from '../../domain/placement.ts';
import { planMoves } from '../../domain/planner/plan.ts';
import {
  aNode,
  aNodeView,
  aRole,
  aSnapshot,
  aVm,
  GB,
  viewIn,
} from '../support/snapshot-builder.ts';
import { surveyFrom } from '../support/survey-builder.ts';

const NAMES = ['HV1', 'HV2', 'HV3', 'HV4'];
const RESERVE = 2 * GB;
const rare = <T>(usual: T, seldom: T): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 19 }, fc.constant(seldom));

const someNode = fc.record({
  state: rare<NodeState>('Up', 'Paused'),
  status: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 32),
  quarantined: rare(false, true),
  answers: rare(true, false),
  freeGb: fc.integer({ min: 0, max: 40 }),
  vendor: rare('GenuineIntel', 'AuthenticAMD'),
  model: fc.constantFrom('A', 'B'),
  switchType: rare<'External' | 'Internal'>('External', 'Internal'),
  migrates: rare(true, false),
  vmms: rare<'Running' | 'Stopped'>('Running', 'Stopped'),
  versions: rare(['11.0', '12.0'], ['11.0']),
  hasHyperV: rare(true, false),
});

const someVm = fc.record({
  owner: fc.constantFrom(...NAMES),
  gb: fc.integer({ min: 1, max: 20 }),
  switches: fc.constantFrom<string[]>([], ['LAN'], ['lan']),
  compatibility: fc.boolean(),
  possible: fc.oneof(fc.constant<string[]>([]), fc.subarray(NAMES)),
  classes: fc.subarray(['web', 'DB']),
  disk: rare('C:\\ClusterStorage\\Volume1\\a.vhdx', 'D:\\local\\a.vhdx'),
  dvds: rare<string[]>([], ['D:\\iso\\a.iso']),
  devices: rare<string[]>([], ['GPU']),
  locked: rare(0, 1),
});

const someCluster = fc.record({
  nodes: fc.array(someNode, { minLength: 4, maxLength: 4 }),
  vms: fc.array(someVm, { minLength: 1, maxLength: 6 }),
  enforced: fc.boolean(),
  rule: fc.constantFrom<AffinityRuleFacts['type']>(
    'DifferentNode',
    'SameNode',
    'DifferentFaultDomain',
  ),
  ruled: fc.subarray(['vm-0', 'vm-1', 'vm-2', 'vm-3']),
  network: rare<'Up' | 'Down'>('Up', 'Down'),
  volume: fc.constantFrom<string[]>([], [], ['HV2']),
});
type SomeCluster = typeof someCluster extends fc.Arbitrary<infer T> ? T : never;

const clusterOf = (g: SomeCluster): Snapshot =>
  aSnapshot((s) => {
    s.view.cluster.enforcedAntiAffinity = g.enforced;
    s.view.cluster.affinityRules = [{ name: 'r', type: g.rule, groups: g.ruled }];
    s.view.networks[0]!.state = g.network;
    s.view.sharedVolumes[0]!.pausedOn = g.volume;
    s.view.nodes = g.nodes.map(({ state, status, quarantined }, i) =>
      aNode(NAMES[i]!, { state, status, quarantined }),
    );
    s.view.roles = g.vms.map((vm, i) =>
      aRole({
        vmId: `id-${i}`,
        name: `vm-${i}`,
        owner: vm.owner,
        status: vm.locked,
        possibleOwners: vm.possible,
        antiAffinityClassNames: vm.classes,
      }),
    );
    s.nodes = Object.fromEntries(
      g.nodes.map((n, i): [string, Snapshot['nodes'][string]] => {
        const name = NAMES[i]!;
        if (!n.answers) return [name, { noAnswer: { code: 'X', message: 'silent' } }];
        const view = aNodeView(name, { switches: [{ name: 'LAN', type: n.switchType }] });
        Object.assign(view.host, {
          freeMemoryBytes: n.freeGb * GB,
          cpuVendor: n.vendor,
          cpuName: n.model,
          vmVersions: n.hasHyperV ? n.versions : [],
        });
        view.features[0]!.state = n.hasHyperV ? 'Installed' : 'Available';
        view.migration!.enabled = n.migrates;
        view.services[0]!.state = n.vmms;
        view.vms = g.vms.flatMap((vm, at) =>
          vm.owner === name
            ? [
                aVm({
                  id: `id-${at}`,
                  name: `vm-${at}`,
                  memoryAssignedBytes: vm.gb * GB,
                  switches: vm.switches,
                  compatibilityForMigration: vm.compatibility,
                  disks: [vm.disk],
                  dvds: vm.dvds,
                  passThroughDevices: vm.devices,
                }),
              ]
            : [],
        );
        return [name, { view }];
      }),
    );
  });

describe('the rules of a plan', () => {
  it('let a VM go exactly where a single move of it may go', () => {
    let ways = 0;
    fc.assert(
      fc.property(someCluster, (g) => {
        const s = clusterOf(g);
        const survey = surveyFrom(s);
        for (const placed of surveyedVms(survey)) {
          const { ranking } = placeMove(s, placed.vm.vmId, { memoryReserveBytes: RESERVE });
          const single = ranking.filter((v) => v.eligible).map((v) => v.node);
          const planned = waysOf(survey, placed, { reserveBytes: RESERVE, closed: [] });
          expect(planned.ways.map(({ node }) => node).sort()).toEqual(single.sort());
          if (single.length === 0) expect(planned.why).not.toBe('');
          ways += single.length;
        }
      }),
      { numRuns: 500 },
    );
    expect(ways).toBeGreaterThan(100);
  });

  it('leave out of the plan what nothing can move, and say why', () => {
    const s = aSnapshot((one) => {
      viewIn(one, 'HV1').vms[0]!.dvds = ['D:\\iso\\setup.iso'];
    });
    const asked = askOf(surveyFrom(s), { kind: 'empty', nodes: ['HV1'] }, { reserveBytes: GB });
    expect(asked.problem.vms).toEqual([]);
    expect(asked.stuck.map(({ why }) => why)).toEqual([
      'the DVD image D:\\iso\\setup.iso is mounted, which other nodes cannot read',
    ]);
  });

  it('keep what is on its way where it goes, and no place for it where it was', () => {
    const s = aSnapshot((one) => {
      one.view.roles[0]!.move = {
        phase: 'data-transfer',
        percent: 1,
        failureReason: '',
        target: 'HV2',
      };
    });
    const asked = askOf(surveyFrom(s), { kind: 'empty', nodes: ['HV1'] }, { reserveBytes: GB });
    expect(asked.moving.map(({ vm }) => vm.target)).toEqual(['HV2']);
    expect(asked.problem.vms.map(({ owner }) => owner)).toEqual(['HV2']);
    expect(planMoves(asked.problem)).toMatchObject({ feasible: true, moves: [] });
  });
});

/** Names as people give them, one VM in twenty with owners of its own, three kinds of machines. */
function largeSurvey(): Survey {
  const names = Array.from(
    { length: 64 },
    (_, i) => `HYPERV-NODE-${String(i + 1).padStart(2, '0')}`,
  );
  const base = surveyFrom(aSnapshot());
  const nodes = names.map((name, n): [string, { survey: NodeSurvey }] => {
    const first = base.nodes['HV1'];
    if (first === undefined || !('survey' in first)) throw new Error('no survey');
    const like = first.survey.vms[0]!;
    const vms = Array.from({ length: 63 }, (_, i) => ({
      ...like,
      name: `application-server-${String(n * 63 + i).padStart(4, '0')}`,
      vmId: `8b0c5e1a-0000-4000-8000-${String(n * 63 + i).padStart(12, '0')}`,
      memoryBytes: (4 + (i % 7)) * GB,
      switches: ['vm-network-production', ...(i % 3 === 0 ? ['vm-network-backup'] : [])],
      possibleOwners: i % 20 === 0 ? names.filter((_n, at) => (at + n + i) % 3 > 0) : [],
      preferredOwners: i % 10 === 0 ? [names[(n + 1) % 64]!] : [],
      antiAffinityClassNames: i % 5 === 0 ? [`class-${n % 8}`] : [],
      priority: [1000, 2000, 3000][i % 3]!,
    }));
    const cpuName = ['A', 'B', 'C'][n % 3]!;
    const switches = ['vm-network-production', 'vm-network-backup'];
    return [name, { survey: { ...first.survey, cpuName, switches, freeBytes: 256 * GB, vms } }];
  });
  const cluster = { ...base.cluster, nodes: names.map((name) => aNode(name)) };
  return { cluster, nodes: Object.fromEntries(nodes) };
}

const KB = 1000;
const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

describe('what travels of 64 nodes and 4,000 VMs', () => {
  const survey = largeSurvey();
  const task = { kind: 'empty' as const, nodes: Object.keys(survey.nodes).slice(0, 16) };

  it('fits: the survey of a node, the problem, and the plan of a quarter of the cluster', () => {
    for (const answer of Object.values(survey.nodes)) {
      if (!('survey' in answer)) throw new Error('no survey');
      expect(sizeOf(packNode(answer.survey))).toBeLessThan(12 * KB);
    }
    const problem = wholeProblem(survey, task, { reserveBytes: RESERVE });
    expect(problem.vms).toHaveLength(64 * 63);
    expect(sizeOf(packProblem(problem))).toBeLessThan(250 * KB);
    expect(sizeOf(problem)).toBeGreaterThan(1000 * KB);
    const plan = planMoves(problem);
    if (!plan.feasible) throw new Error(plan.why);
    expect(sizeOf(plan)).toBeLessThan(250 * KB);
  });

  it('fits: what a maintenance of all of it counts on, and what the run of one node knows of that', () => {
    const nodes = Object.keys(survey.nodes);
    const whole = outlookOf(survey, nodes);
    expect(sizeOf(whole)).toBeLessThan(200 * KB);
    const own = whole.nodes.map(({ name }) => sizeOf(outlookFor(whole, name)));
    expect(Math.max(...own)).toBeLessThan(12 * KB);
  });

  it('is what it was when it is unpacked', () => {
    const problem = wholeProblem(survey, task, { reserveBytes: RESERVE });
    expect(unpackProblem(structuredClone(packProblem(problem)))).toEqual(problem);
    const answer = Object.values(survey.nodes)[0]!;
    if (!('survey' in answer)) throw new Error('no survey');
    expect(unpackNode(packNode(answer.survey))).toEqual(answer.survey);
  });
});
