// Surveys and problems as they travel: what many VMs share is said once. A payload of Temporal should stay below 256
// KB, and every one is kept in a history.
import type { Bar, PlannedVm, PlanProblem } from '../planner/problem.ts';
import type { NodeSurvey, SurveyedVm } from './survey.ts';

type SurveyedKind = Omit<SurveyedVm, 'name' | 'vmId' | 'memoryBytes'>;

export interface PackedNodeSurvey extends Omit<NodeSurvey, 'vms'> {
  kinds: SurveyedKind[];
  /** Name, id, memory, place of its kind. */
  vms: [string, string, number, number][];
}

export function packNode({ vms, ...node }: NodeSurvey): PackedNodeSurvey {
  const kinds = new Kinds<SurveyedKind>();
  const rows = vms.map(({ name, vmId, memoryBytes, ...kind }): PackedNodeSurvey['vms'][number] => [
    name,
    vmId,
    memoryBytes,
    kinds.placeOf(kind),
  ]);
  return { ...node, kinds: kinds.list, vms: rows };
}

export const unpackNode = ({ kinds, vms, ...node }: PackedNodeSurvey): NodeSurvey => ({
  ...node,
  vms: vms.map(([name, vmId, memoryBytes, at]) => ({
    ...found(kinds, at),
    name,
    vmId,
    memoryBytes,
  })),
});

/** A division that loses nothing, and six digits less of each VM. */
const MIB = 2 ** 20;

type Shared = 'never' | 'avoid' | 'switches' | 'possibleOwners' | 'preferredOwners';
interface PlannedKind extends Omit<PlannedVm, 'name' | 'owner' | 'memoryBytes' | Shared> {
  /** Places of the bars, each with the place of the list of nodes that they are about. */
  never?: [number, number][];
  /** Places of lists. */
  avoid?: number;
  possible: number;
  preferred: number;
  switches: number;
}

export interface PackedProblem extends Omit<PlanProblem, 'vms'> {
  bars: (readonly Bar[])[];
  /** Of places of nodes. */
  lists: number[][];
  switches: string[][];
  kinds: PlannedKind[];
  /** Name, place of the owner, memory in MiB, place of its kind. */
  vms: [string, number, number, number][];
}

export function packProblem({ vms, ...problem }: PlanProblem): PackedProblem {
  const places = new Map(problem.nodes.map(({ name }, at) => [name, at]));
  const placeOf = (name: string): number => places.get(name) ?? -1;
  const bars = new Kinds<readonly Bar[]>();
  const lists = new Kinds<number[]>();
  const switches = new Kinds<string[]>();
  const kinds = new Kinds<PlannedKind>();
  const listOf = (nodes: readonly string[]): number => lists.placeOf(nodes.map(placeOf));
  // VMs of one kind share one record: it is packed once.
  const records = new Map<object, [number, number][]>();
  const packed = (never: NonNullable<PlannedVm['never']>): [number, number][] => {
    const known = records.get(never);
    if (known !== undefined) return known;
    const nodes = new Map<number, string[]>();
    for (const [node, list] of Object.entries(never)) {
      const at = bars.placeOf(list);
      nodes.set(at, [...(nodes.get(at) ?? []), node]);
    }
    const rows = [...nodes].map(([at, of]): [number, number] => [at, listOf(of)]);
    records.set(never, rows);
    return rows;
  };
  const rows = vms.map((vm): [string, number, number, number] => {
    const { name, owner, memoryBytes, never, avoid, possibleOwners, preferredOwners, ...rest } = vm;
    const kind: PlannedKind = {
      ...rest,
      switches: switches.placeOf(vm.switches),
      possible: listOf(possibleOwners),
      preferred: listOf(preferredOwners),
      ...(avoid === undefined ? {} : { avoid: listOf(avoid) }),
      ...(never === undefined ? {} : { never: packed(never) }),
    };
    return [name, placeOf(owner), memoryBytes / MIB, kinds.placeOf(kind)];
  });
  const { list } = kinds;
  return {
    ...problem,
    bars: bars.list,
    lists: lists.list,
    switches: switches.list,
    kinds: list,
    vms: rows,
  };
}

export function unpackProblem(packed: PackedProblem): PlanProblem {
  const { bars, lists, switches, kinds, vms, ...problem } = packed;
  const nodeAt = (at: number): string => found(problem.nodes, at).name;
  const nodesOf = (at: number): string[] => found(lists, at).map(nodeAt);
  const whole = kinds.map(({ never, avoid, possible, preferred, ...kind }) => ({
    ...kind,
    switches: found(switches, kind.switches),
    possibleOwners: nodesOf(possible),
    preferredOwners: nodesOf(preferred),
    ...(avoid === undefined ? {} : { avoid: nodesOf(avoid) }),
    ...(never === undefined
      ? {}
      : {
          never: Object.fromEntries(
            never.flatMap(([list, nodes]) =>
              nodesOf(nodes).map((name) => [name, found(bars, list)] as const),
            ),
          ),
        }),
  }));
  return {
    ...problem,
    vms: vms.map(([name, owner, memory, at]) => ({
      ...found(whole, at),
      name,
      owner: nodeAt(owner),
      memoryBytes: memory * MIB,
    })),
  };
}

class Kinds<T> {
  readonly list: T[] = [];
  private readonly places = new Map<string, number>();

  placeOf(one: T): number {
    const key = JSON.stringify(one);
    const known = this.places.get(key);
    if (known !== undefined) return known;
    this.places.set(key, this.list.length);
    return this.list.push(one) - 1;
  }
}

function found<T>(list: readonly T[], at: number): T {
  const one = list[at];
  if (one === undefined) throw new Error(`a packed list has no place ${at}`);
  return one;
}
