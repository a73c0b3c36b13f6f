// Small words of the contract suite: a world per test, a VM by its name, an error by its signs.
import { afterEach, beforeEach, expect } from 'vitest';
import type { RoleFacts, VmFacts } from '../../domain/facts.ts';
import { HypervError, type CreateVmRequest, type HypervErrorInfo } from '../../hyperv/host.ts';
import { FREE_DISKS, GIGABYTE, VOLUME, type MakeWorld, type World } from './world.ts';

/** The world of the test that runs. */
export function freshWorld(makeWorld: MakeWorld): { readonly world: World } {
  const held: { world: World | null } = { world: null };
  beforeEach(async () => {
    held.world = await makeWorld();
  });
  afterEach(async () => {
    await held.world?.close();
  });
  return {
    get world() {
      if (held.world === null) throw new Error('There is no world outside a test.');
      return held.world;
    },
  };
}

export async function vmNamed(world: World, node: string, name: string): Promise<VmFacts> {
  const { facts } = await world.host(node).readVms({});
  const found = facts.find((vm) => vm.name === name);
  if (found === undefined) throw new Error(`${node} holds no VM ${name}`);
  return found;
}

export async function roleNamed(world: World, name: string): Promise<RoleFacts> {
  const { facts } = await world.host('HV2').readRoles({});
  const found = facts.find((role) => role.name === name);
  if (found === undefined) throw new Error(`the cluster has no role ${name}`);
  return found;
}

/** The HypervError that the promise is rejected with; anything else fails the test. */
export async function errorOf(promise: Promise<unknown>): Promise<HypervErrorInfo> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(HypervError);
  const { message, info } = outcome as HypervError;
  expect(message.length).toBeGreaterThan(10);
  return info;
}

export const request = (changes: Partial<CreateVmRequest> = {}): CreateVmRequest => ({
  requestId: 'req-1',
  name: 'new-1',
  memoryBytes: 4 * GIGABYTE,
  vhd: FREE_DISKS[0] ?? '',
  switch: 'LAN',
  generation: 2,
  path: VOLUME,
  ...changes,
});

/** A guid that no VM has. */
export const NOBODY = '00000000-0000-4000-8000-00000000dead';
