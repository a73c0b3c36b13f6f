// What a maintenance counts on, as it was seen when it was planned, carried on by what it moves itself. Plain data,
// small enough to travel with a run; differences.ts makes it and compares.
import type { IsoTime } from '../facts.ts';
import { sameName } from '../names.ts';
import { sizeText } from '../units.ts';
import type { PastMove } from './learned.ts';

export interface OutlookNode {
  name: string;
  /** Why no VM may come there; null: some may. */
  closed: string | null;
  /** null: not told, as with the next one. */
  freeMiB: number | null;
  linkBytesPerSecond: number | null;
  /** Name and MiB of those that run there; absent where they do not matter or nobody has told. */
  vms?: [string, number][];
  /** Of these, those that can be moved nowhere as long as somebody does not change them. */
  bound?: string[];
}

/** As it travels with a run: some 25 bytes for each VM. */
export interface Outlook {
  at: IsoTime;
  /** MaximumParallelMigrations. */
  slots: number;
  nodes: OutlookNode[];
}

const MIB = 2 ** 20;
export const inMiB = (bytes: number): number => Math.round(bytes / MIB);
export const mibText = (mib: number): string => sizeText(mib * MIB);

/** What is to be expected once these moves are made. */
export function afterMoves(before: Outlook, moves: readonly PastMove[]): Outlook {
  const nodes = before.nodes.map((node) => ({ ...node }));
  const change = (name: string, mib: number, vms: (list: [string, number][]) => typeof list) => {
    const node = nodes.find((one) => sameName(one.name, name));
    if (node === undefined) return;
    if (node.freeMiB !== null) node.freeMiB += mib;
    if (node.vms !== undefined) node.vms = vms(node.vms);
  };
  for (const { vm, from, to, bytes } of moves) {
    const mib = inMiB(bytes);
    const without = (list: [string, number][]) => list.filter(([name]) => !sameName(name, vm));
    change(from, mib, without);
    change(to, -mib, (list) => [...without(list), [vm, mib]]);
  }
  return { ...before, nodes };
}

/** Of all VMs only those of this node: what its own run has to know. */
export const outlookFor = (whole: Outlook, name: string): Outlook => ({
  ...whole,
  nodes: whole.nodes.map((node) => {
    if (sameName(node.name, name)) return node;
    const { name: other, closed, freeMiB, linkBytesPerSecond } = node;
    return { name: other, closed, freeMiB, linkBytesPerSecond };
  }),
});

/** `HV2: 3 VMs, 24 GB`, of the nodes whose VMs are counted. */
export const outlookLines = ({ nodes }: Outlook): string[] =>
  nodes.flatMap(({ name, vms }) => {
    if (vms === undefined) return [];
    const count = `${vms.length} ${vms.length === 1 ? 'VM' : 'VMs'}`;
    return [`${name}: ${count}${vms.length === 0 ? '' : `, ${mibText(memoryOf(vms))}`}`];
  });

/** In MiB. */
export const memoryOf = (vms: readonly (readonly [string, number])[]): number =>
  vms.reduce((sum, [, mib]) => sum + mib, 0);
