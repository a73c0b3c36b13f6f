// The lab at one moment as plain JSON: what GET /state answers and `watari lab show` prints.
import type {
  ClusterFacts,
  ClusterNodeFacts,
  GroupFacts,
  IsoTime,
  RoleFacts,
  VmFacts,
} from '../../domain/facts.ts';
import type { StorageFacts } from '../../domain/storage-facts.ts';
import type { Fault } from '../scenario/fault-schema.ts';
import { iso } from './clock.ts';
import { clusterFacts, clusterNodeFacts, groupFacts, roleFacts, vmFacts } from './reads.ts';
import { storageFacts } from './storage.ts';
import { bootOf, bootTimeOf, freeMemory, slotsOf, type Power, type World } from './world.ts';

export interface LabState {
  now: IsoTime;
  startedAt: IsoTime;
  /** 0: the clock is moved by hand. */
  speed: number;
  cluster: ClusterFacts & { quorate: boolean };
  nodes: (ClusterNodeFacts & {
    power: Power;
    boot: string;
    bootTime: IsoTime;
    services: string;
    features: Record<string, string>;
    memoryBytes: number;
    freeMemoryBytes: number;
    /** Moves that it takes part in at once. */
    slots: number;
    /** By wrong sign-ins. */
    lockedAccounts: string[];
  })[];
  vms: (VmFacts & { owner: string })[];
  roles: RoleFacts[];
  /** With those roles among them. */
  groups: GroupFacts[];
  storage: StorageFacts;
  moves: { vm: string; from: string; to: string; phase: string; percent: number; by: string }[];
  /** Faults that can still strike. `left`: how often; null for always. */
  faults: { fault: Fault; left: number | null }[];
  lastEffect: number;
}

export function labState(world: World, speed: number): LabState {
  return {
    now: iso(world.time),
    startedAt: iso(world.startedAt),
    speed,
    cluster: { ...clusterFacts(world), quorate: world.quorate },
    nodes: world.nodes.map((node) => ({
      ...clusterNodeFacts(node),
      power: node.power,
      boot: bootOf(node),
      bootTime: iso(bootTimeOf(node)),
      services: node.services,
      features: Object.fromEntries(node.features),
      memoryBytes: node.is.memory,
      freeMemoryBytes: Math.max(0, freeMemory(world, node)),
      slots: slotsOf(world, node),
      lockedAccounts: [...node.wrongSignIns]
        .filter(([, { lockedUntil }]) => lockedUntil > world.time)
        .map(([account]) => account),
    })),
    vms: [...world.vms.values()].map((vm) => ({ ...vmFacts(world, vm), owner: vm.owner })),
    roles: [...world.roles.values()].map((role) => roleFacts(world, role)),
    groups: groupFacts(world),
    storage: storageFacts({ world }),
    moves: world.moves.map((move) => {
      const role = world.roles.get(move.vmId);
      const percent = role === undefined ? 0 : roleFacts(world, role).move.percent;
      const vm = world.vms.get(move.vmId)?.name ?? move.vmId;
      return { vm, from: move.from, to: move.to, phase: move.phase, percent, by: move.by };
    }),
    faults: world.faults.map(({ fault, left }) => ({
      fault,
      left: Number.isFinite(left) ? left : null,
    })),
    lastEffect: world.records.effectSeq,
  };
}
