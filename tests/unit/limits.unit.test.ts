// What keeps runs small and workers free: bounded texts and evidence, small looks, and looks that take turns.
import { describe, expect, it } from 'vitest';
import { readNode } from '../../activities/node.ts';
import { readView } from '../../activities/cluster.ts';
import { LookGate } from '../../activities/look-gate.ts';
import { againMs } from '../../activities/again.ts';
import { manualClock } from '../../lab/machine/clock.ts';
import { inProcessHost } from '../../lab/host.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import {
  boundedEvidence,
  boundedText,
  EVIDENCE_CHARS_MAX,
  MESSAGE_CHARS_MAX,
} from '../../domain/bounded.ts';
import { refuseDecision } from '../../domain/decisions.ts';
import type { RunStatus } from '../../domain/status.ts';

describe('a text that Windows gave', () => {
  it('of usual length is kept as it is', () => {
    expect(boundedText('x'.repeat(MESSAGE_CHARS_MAX))).toBe('x'.repeat(MESSAGE_CHARS_MAX));
  });
  it('of a megabyte is cut, with a mark that says how much is left out', () => {
    const text = boundedText('x'.repeat(1_000_000));
    expect(text.length).toBeLessThan(MESSAGE_CHARS_MAX + 50);
    expect(text).toContain('(996000 more characters left out)');
  });
  it('is never cut through a character of two halves', () => {
    const text = boundedText(`${'x'.repeat(9)}\u{1F600}tail`, 10);
    expect(text).not.toMatch(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])/);
    expect(text.startsWith('xxxxxxxxx ...')).toBe(true);
  });
});

describe('evidence of a step', () => {
  it('that is small is kept as it is', () => {
    const list = [{ a: 1 }, { b: 2 }];
    expect(boundedEvidence(list)).toBe(list);
  });
  it('that is a long list loses its end and says how much', () => {
    const kept = boundedEvidence(Array.from({ length: 10_000 }, (_, i) => `step ${i}`)) as string[];
    expect(JSON.stringify(kept).length).toBeLessThan(EVIDENCE_CHARS_MAX + 100);
    expect(kept[0]).toBe('step 0');
    expect(kept.at(-1)).toBe(`and ${10_000 - (kept.length - 1)} more, left out`);
  });
  it('that is a large object is replaced by its size', () => {
    expect(boundedEvidence({ all: 'x'.repeat(50_000) })).toMatch(/^left out: 500\d\d characters/);
  });
});

describe('a decision', () => {
  it('with a reason of a book is refused in words', () => {
    const status = { run: 'r', endedAt: null, steps: [] } as unknown as RunStatus;
    const decision = { step: 's', action: 'retry', by: 'ito', reason: 'x'.repeat(5000) } as const;
    expect(refuseDecision(status, decision, () => undefined)).toContain(
      'The reason is too long: 5000 characters',
    );
  });
});

const SCENE = `
cluster: many
nodes:
${['HV1', 'HV2', 'HV3'].map((n) => `  - { name: ${n}, memory: 256GB, features: [Hyper-V], liveMigration: { enabled: true } }`).join('\n')}
virtualMachines:
${Array.from({ length: 100 }, (_, i) => `  - { name: vm-${i}, owner: HV${(i % 3) + 1}, memory: 1GB${i < 3 ? ', antiAffinity: [web]' : ''}${i === 50 ? ', possibleOwners: [HV1, HV3]' : i === 3 ? `, notes: '${'x'.repeat(5000)}'` : ''} }`).join('\n')}
`;

const lab = new Lab(parseScenario(SCENE, 'many.yaml'), manualClock());
const deps = (node: string) => ({
  host: inProcessHost(lab, node),
  now: () => new Date(0),
  lookEveryMs: 1,
});

describe('a look at a cluster with a hundred VMs', () => {
  it('about one role tells that role and those to be kept apart from it', async () => {
    const view = await readView(deps('HV1'), { about: 'VM-1' });
    expect(view.roles.map((r) => r.name).sort()).toEqual(['vm-0', 'vm-1', 'vm-2']);
    expect(view.rolesLeftOut).toBe(97);
  });
  it('about everything tells everything', async () => {
    const view = await readView(deps('HV1'));
    expect(view.roles).toHaveLength(100);
    expect(view.rolesLeftOut).toBeUndefined();
  });
  it('lists possible owners only where a node is missing among them', async () => {
    const view = await readView(deps('HV1'));
    const listed = view.roles.filter((r) => r.possibleOwners.length > 0);
    expect(listed.map((r) => r.name)).toEqual(['vm-50']);
    expect(listed[0]?.possibleOwners).toEqual(['HV1', 'HV3']);
  });
  it('at a node tells the beginning of long notes', async () => {
    const vm = (await readNode(deps('HV1'), { vms: ['vm-3'] })).vms[0];
    expect(vm?.notes).toBe(`${'x'.repeat(500)} ... (4500 more characters left out)`);
  });
  it('at a node tells the VMs asked for, by name or id', async () => {
    const d = deps('HV1');
    const all = (await readNode(d, {})).vms;
    const third = all.find((vm) => vm.name === 'vm-3');
    const some = await readNode(d, { vms: ['VM-0', third?.id ?? ''] });
    expect(some.vms.map((vm) => vm.name).sort()).toEqual(['vm-0', 'vm-3']);
    expect(JSON.stringify(some).length * 3).toBeLessThan(
      JSON.stringify(await readNode(d, {})).length,
    );
  });
});

describe('the gate of looks', () => {
  const at = (nodes: number) => {
    const time = { ms: 0 };
    const gate = new LookGate(() => time.ms);
    gate.noteNodes(nodes);
    const admitted = (): number => {
      let n = 0;
      while (gate.admits()) n += 1;
      return n;
    };
    return { time, gate, admitted };
  };
  it('lets the first ones pass at once', () => {
    expect(at(4).admitted()).toBe(9);
    expect(at(2).admitted()).toBe(18);
  });
  it('lets through a share that gets smaller with the cluster, since each look asks every node', () => {
    for (const nodes of [2, 8, 16]) {
      const { time, admitted } = at(nodes);
      admitted();
      let later = 0;
      for (let second = 0; second < 60; second += 1) {
        time.ms += 1000;
        later += admitted();
      }
      expect(later).toBe((60 * 12) / nodes);
    }
  });
  it('lets looks through even in the largest cluster', () => {
    const { time, admitted } = at(64);
    admitted();
    time.ms += 16_000;
    expect(admitted()).toBe(1);
  });
  it('is closed while the queue of its own node is long, whatever the clocks say', () => {
    const { time, gate } = at(4);
    const serverAhead = 7_000;
    gate.noteQueue(time.ms + serverAhead);
    expect(gate.admits()).toBe(true);
    gate.noteQueue(time.ms + serverAhead - 3_000);
    expect(gate.admits()).toBe(false);
    gate.noteQueue(time.ms + serverAhead - 100);
    expect(gate.admits()).toBe(true);
    gate.noteQueue(time.ms + serverAhead - 3_000);
    time.ms += 6_000;
    expect(gate.admits()).toBe(true);
  });
});

describe('what has to come again', () => {
  it('comes later each time, up to a limit, and not all at the same moment', () => {
    const info = (attempt: number, workflowId: string) =>
      againMs({ attempt, workflowExecution: { workflowId } });
    expect(info(2, 'a')).toBeGreaterThan(info(1, 'a'));
    expect(info(1000, 'a')).toBeLessThanOrEqual(32_000);
    const moments = Array.from({ length: 50 }, (_, i) => info(1, `watari/c/vm/vm-${i}/migrate`));
    expect(new Set(moments.map(Math.round)).size).toBeGreaterThan(40);
  });
});
