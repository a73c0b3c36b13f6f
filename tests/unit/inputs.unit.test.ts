// What is asked of an input that can be read: no field that nobody knows, no VM that Windows could not have.
import { describe, expect, it } from 'vitest';
import { refuseStrangeField } from '../../domain/decisions.ts';
import { refuseInput, refuseMeaning } from '../../domain/inputs.ts';
import type { WorkflowName } from '../../domain/names.ts';
import { aSpec } from '../support/snapshot-builder.ts';

const started = { cluster: 'own-1', startedBy: 'i@A' };
const migrate = { ...started, vm: 'db-1' };
const vm = {
  name: 'n1',
  memoryBytes: 2 ** 30,
  vhd: 'C:\\ClusterStorage\\Volume1\\n1.vhdx',
  switch: null,
  generation: 2,
  node: null,
};
const create = { ...started, vm };

const refusal = (workflow: WorkflowName, input: object): string | undefined =>
  refuseInput(workflow, input) ?? refuseMeaning(workflow, input);

describe('a field that nobody knows', () => {
  it.each<[WorkflowName, object, string]>([
    [
      'migrateVm',
      { ...migrate, target: 'HV3' },
      'input has the field "target", which is not known; did you mean to?',
    ],
    [
      'migrateVm',
      { ...migrate, node: 'HV3' },
      'input has the field "node", which is not known; did you mean to?',
    ],
    ['migrateVm', { ...migrate, To: 'HV3' }, 'did you mean to?'],
    [
      'migrateVm',
      { ...migrate, budgets: { slot: 3600 } },
      'input.budgets has the field "slot", which is not known; did you mean slotSeconds?',
    ],
    [
      'createVm',
      { ...started, vm: { ...vm, memory: '1GB' } },
      'input.vm has the field "memory", which is not known; did you mean memoryBytes?',
    ],
    [
      'prepareNode',
      { ...started, node: 'HV1', restarts: 'ask', restart: 1 },
      'did you mean restarts?',
    ],
    [
      'applyCluster',
      { spec: aSpec({}), restarts: 'ask', startedBy: 'i@A', prove: true },
      'did you mean proveAlways?',
    ],
    ['migrateVm', { ...migrate, zzzzzzzz: 1 }, 'known here: cluster, startedBy, vm, to'],
  ])('of %s is refused with the one that was meant: %#', (workflow, input, said) => {
    expect(refusal(workflow, input)).toContain(said);
  });

  it('is let through by its name', () => {
    const newer = { ...migrate, budgets: { warp: 9 }, via: 'HV2' };
    expect(refusal('migrateVm', newer)).toBeDefined();
    expect(refusal('migrateVm', { ...newer, mayIgnore: ['via', 'warp'] })).toBeUndefined();
    expect(refusal('migrateVm', { ...newer, mayIgnore: ['via'] })).toContain('"warp"');
  });

  it('of a decision is refused likewise', () => {
    const decision = { step: 'x', action: 'retry', reason: '', by: 'me' } as const;
    expect(refuseStrangeField(decision)).toBeUndefined();
    expect(refuseStrangeField({ ...decision, target: 'HV2' })).toBeUndefined();
    const strange = { ...decision, node: 'HV2' };
    expect(refuseStrangeField(strange)).toBe(
      'A decision has no field "node"; did you mean target?',
    );
    expect(refuseStrangeField({ ...strange, mayIgnore: ['node'] })).toBeUndefined();
  });
});

describe('a maintenance that waits for a person', () => {
  const wait = { ...started, action: { kind: 'wait' } };

  it('is refused where nodes may fail, because nobody is asked there', () => {
    expect(refusal('maintainCluster', { ...wait, maxFailed: 1 })).toBe(
      'input.action waits for a person, and with input.maxFailed nobody is asked',
    );
  });

  it.each([
    wait,
    { ...wait, maxFailed: 0 },
    { ...started, action: { kind: 'restart' }, maxFailed: 1 },
  ])('is taken otherwise: %j', (input) => {
    expect(refusal('maintainCluster', input)).toBeUndefined();
  });
});

describe('an outlook that somebody has made', () => {
  const node = { name: 'HV1', closed: null, freeMiB: 1, linkBytesPerSecond: null };
  const outlook = { at: '2026-12-01T13:00:00.000Z', slots: 2, nodes: [node] };
  const input = { ...started, action: { kind: 'none' } };

  it.each([
    [{ ...outlook, nodes: [{ ...node, vms: [['web-1', 8192]], bound: ['web-1'] }] }, undefined],
    [{ ...outlook, nodes: [{ ...node, vms: ['web-1'] }] }, 'vms[0] must be a name and MiB'],
    [{ ...outlook, nodes: [{ ...node, closed: 1 }] }, 'closed must be text'],
    [{ ...outlook, slots: 0 }, 'slots must be a whole number'],
  ])('is taken, or refused where it cannot be read: %#', (given, said) => {
    const told = refusal('maintainCluster', { ...input, outlook: given });
    if (said === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(said);
  });
});

describe('the canaries of a tuning', () => {
  const tune = { ...started, vm: 'a' };

  it.each([
    [{ others: ['b'] }, undefined],
    [{ others: ['b'], simultaneous: [2, 4] }, undefined],
    [{ others: ['b', 'A'] }, 'others names a canary twice'],
    [{ simultaneous: [1, 2] }, 'one canary alone stays below every limit'],
    [{ others: ['b'], simultaneous: [2, 2] }, 'must be two numbers that differ'],
    [{ others: ['b'], simultaneous: [1, 2, 3] }, 'must be two numbers that differ'],
  ])('are taken or refused: %j', (more, said) => {
    const told = refusal('tuneCluster', { ...tune, ...more });
    if (said === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(said);
  });
});

describe('a VM that is to be made', () => {
  it.each([
    [{ name: 'a/b' }, 'input.vm.name: "a/b" is not a name for a new VM'],
    [{ name: '..\\..\\x' }, 'is not a name for a new VM'],
    [{ name: 'CON' }, 'is a device name of Windows'],
    [{ name: 'dc-2 ' }, 'begins or ends with a space'],
    [
      { memoryBytes: 1073741825 },
      'must be a multiple of 2 MB; the next one is 1026MB (1075838976 bytes)',
    ],
    [{ memoryBytes: 1 }, 'must be between 32MB and 240TB'],
    [{ memoryBytes: 2 ** 41, generation: 1 }, 'a VM of generation 1 takes at most 1TB'],
    [{ vhd: 'D:\\n1.vhdx' }, 'is on a disk of one node'],
    [{ vhd: 'C:\\ClusterStorage\\Volume1\\n1.vhd' }, 'of generation 2 cannot start from a .vhd'],
    [{ vhd: 'C:\\ClusterStorage\\Volume1\\..\\n1.vhdx' }, 'is not a path of Windows'],
  ])('follows the rules of cluster.yaml in JSON too: %j', (change, said) => {
    expect(refusal('createVm', { ...started, vm: { ...vm, ...change } })).toContain(said);
  });

  it('is taken when it follows them, and one that only moves may be called anything', () => {
    expect(refusal('createVm', create)).toBeUndefined();
    for (const name of ['SRV01 / Exchange', 'web: front', 'dc-2 ', 'CON', '..\\x']) {
      expect(refusal('migrateVm', { ...migrate, vm: name })).toBeUndefined();
    }
  });
});
