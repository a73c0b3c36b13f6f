// What every HypervHost must do, whatever is behind it. See world.ts for the cluster that the tests find.
import { describe } from 'vitest';
import { describeActs } from './acts.ts';
import { describeGroups } from './groups.ts';
import { describeMoves } from './moves.ts';
import { describeReads } from './reads.ts';
import { describeSetupReads } from './setup-reads.ts';
import { describeStorage } from './storage.ts';
import { describeUpdates } from './updates.ts';
import { describeVmActs } from './vm-acts.ts';
import type { MakeWorld } from './world.ts';

export function describeHypervHost(name: string, makeWorld: MakeWorld): void {
  describe(name, () => {
    describeReads(makeWorld);
    describeSetupReads(makeWorld);
    describeActs(makeWorld);
    describeVmActs(makeWorld);
    describeMoves(makeWorld);
    describeGroups(makeWorld);
    describeUpdates(makeWorld);
    describeStorage(makeWorld);
  });
}
