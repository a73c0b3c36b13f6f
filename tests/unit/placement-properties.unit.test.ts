// Placement over thousands of generated clusters: what must hold whatever the facts are.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterNodeFacts, NodeView, RoleFacts, Snapshot } from '../../domain/facts.ts';
import { explainPlacement, placeMove, placeNewVm } from '../../domain/placement.ts';
import { planCluster } from '../../domain/plan.ts';
import {
  aMove,
  aNode,
  aNodeView,
  aRole,
  aSnapshot,
  aSpec,
  aVm,
  GB,
} from '../support/snapshot-builder.ts';

const NAMES = ['HV1', 'HV2', 'HV3', 'HV4', 'HV5'];
const OPTIONS = { memoryReserveBytes: 2 * GB };
const nodeName = fc.constantFrom(...NAMES);

const cluster = fc.record({
  nodes: fc.array(
    fc.record({
      state: fc.constantFrom<ClusterNodeFacts['state']>('Up', 'Up', 'Up', 'Paused', 'Down'),
      quarantined: fc.constantFrom(false, false, false, true),
      answers: fc.constantFrom(true, true, true, false),
      freeGb: fc.integer({ min: 0, max: 64 }),
      cpuVendor: fc.constantFrom('GenuineIntel', 'GenuineIntel', 'AuthenticAMD'),
      cpuName: fc.constantFrom('A', 'B'),
      switches: fc.constantFrom<NodeView['switches']>(
        [{ name: 'LAN', type: 'External' }],
        [{ name: 'lan', type: 'External' }],
        [{ name: 'LAN', type: 'Private' }],
        [],
      ),
      pendingRestart: fc.boolean(),
    }),
    { minLength: NAMES.length, maxLength: NAMES.length },
  ),
  roles: fc.array(
    fc.record({
      owner: nodeName,
      target: fc.option(nodeName),
      classes: fc.subarray(['web', 'db']),
    }),
    { maxLength: 6 },
  ),
  owner: nodeName,
  preferredOwners: fc.shuffledSubarray(NAMES),
  possibleOwners: fc.subarray(NAMES),
  classes: fc.subarray(['web', 'db']),
  enforced: fc.boolean(),
  order: fc.shuffledSubarray(NAMES, { minLength: NAMES.length }),
  only: fc.option(nodeName, { nil: undefined }),
});

type Generated = typeof cluster extends fc.Arbitrary<infer T> ? T : never;

function build(g: Generated, order: string[]): Snapshot {
  const roles: RoleFacts[] = g.roles.map((r, i) =>
    aRole({
      vmId: `id-${i}`,
      name: `vm-${i}`,
      owner: r.owner,
      antiAffinityClassNames: r.classes,
      ...(r.target === null ? {} : { move: aMove(r.target) }),
    }),
  );
  roles.push(
    aRole({
      owner: g.owner,
      preferredOwners: g.preferredOwners,
      possibleOwners: g.possibleOwners,
      antiAffinityClassNames: g.classes,
    }),
  );
  return aSnapshot((s) => {
    s.view.cluster.enforcedAntiAffinity = g.enforced;
    s.view.roles = roles;
    s.view.nodes = [];
    s.nodes = {};
    for (const name of order) {
      const n = g.nodes[NAMES.indexOf(name)]!;
      s.view.nodes.push(aNode(name, { state: n.state, quarantined: n.quarantined }));
      const view = aNodeView(name, { switches: n.switches });
      view.vms = name === g.owner ? [aVm()] : [];
      Object.assign(view.host, {
        freeMemoryBytes: n.freeGb * GB,
        cpuVendor: n.cpuVendor,
        cpuName: n.cpuName,
        pendingRestart: n.pendingRestart,
      });
      s.nodes[name] = n.answers ? { view } : { noAnswer: { code: 'X', message: 'silent' } };
    }
  });
}

const options = (g: Generated) => ({
  ...OPTIONS,
  ...(g.only === undefined ? {} : { only: g.only }),
});

describe('a placement', () => {
  it('is the same whatever the order of the nodes', () => {
    fc.assert(
      fc.property(cluster, (g) => {
        const one = placeMove(build(g, NAMES), 'id-web-1', options(g));
        const other = placeMove(build(g, g.order), 'id-web-1', options(g));
        expect(other).toEqual(one);
      }),
    );
  });

  it('never chooses a node with a blocker, the owner, or another than the person named', () => {
    fc.assert(
      fc.property(cluster, (g) => {
        const s = build(g, NAMES);
        const p = placeMove(s, 'id-web-1', options(g));
        if (p.target === null) return;
        const winner = p.ranking.find((v) => v.node === p.target)!;
        const i = NAMES.indexOf(p.target);
        expect(winner.reasons.filter((r) => r.kind === 'blocker')).toEqual([]);
        expect(p.target).not.toBe(g.owner);
        if (g.only !== undefined) expect(p.target).toBe(g.only);
        // Told again from the facts, not from the verdict.
        expect(g.nodes[i]).toMatchObject({ state: 'Up', quarantined: false, answers: true });
        expect(g.nodes[i]!.freeGb).toBeGreaterThanOrEqual(12);
        expect(g.nodes[i]!.cpuVendor).toBe(g.nodes[NAMES.indexOf(g.owner)]!.cpuVendor);
        if (g.possibleOwners.length > 0) expect(g.possibleOwners).toContain(p.target);
      }),
    );
  });

  it('chooses some node whenever one is eligible, and the best of them', () => {
    let chosen = 0;
    fc.assert(
      fc.property(cluster, (g) => {
        const p = placeMove(build(g, NAMES), 'id-web-1', OPTIONS);
        const best = p.ranking.find((v) => v.eligible);
        expect(p.target).toBe(best?.node ?? null);
        if (p.target !== null) chosen += 1;
      }),
      // Enough runs that clusters with an eligible node are certainly among them.
      { numRuns: 300 },
    );
    expect(chosen).toBeGreaterThan(0);
  });

  it('has a verdict with ranks 1, 2, 3 … and a reason for every node, eligible ones first', () => {
    fc.assert(
      fc.property(cluster, (g) => {
        for (const p of [
          placeMove(build(g, NAMES), 'id-web-1', OPTIONS),
          placeNewVm(build(g, NAMES), aSpec().virtualMachines[0]!, OPTIONS),
        ]) {
          expect(p.ranking.map((v) => v.node).sort()).toEqual(NAMES);
          expect(p.ranking.map((v) => v.rank)).toEqual([1, 2, 3, 4, 5]);
          const eligible = p.ranking.map((v) => v.eligible);
          expect(eligible).toEqual([...eligible].sort((a, b) => Number(b) - Number(a)));
          for (const v of p.ranking) {
            if (!v.eligible) expect(v.reasons.some((r) => r.kind === 'blocker')).toBe(true);
            for (const r of v.reasons) expect(r.text).toMatch(/^\S.*[^.\s]$/);
          }
          expect(explainPlacement(p)).toHaveLength(NAMES.length);
        }
      }),
    );
  });
});

describe('a plan', () => {
  it('names no node in a step that did not answer', () => {
    fc.assert(
      fc.property(cluster, (g) => {
        const plan = planCluster(aSpec({ nodes: NAMES }), build(g, NAMES));
        const silent = NAMES.filter((_name, i) => !g.nodes[i]!.answers);
        const touched = plan.steps.filter((s) => s.kind.endsWith('settings')).map((s) => s.node);
        expect(silent.filter((name) => touched.includes(name))).toEqual([]);
        for (const name of silent) {
          expect(plan.blockers).toContainEqual(
            expect.objectContaining({ subject: name, code: 'no-answer' }),
          );
        }
      }),
    );
  });
});
