// Instances and plans of the evacuation benchmark as JSON (schema 1): read into the planner's problem, written from its
// plan, so that an independent scorer can judge it.
import type { MigrationPerformance } from '../../domain/facts.ts';
import type { MovePlan, PlanProblem, PlanTask } from '../../domain/planner/problem.ts';

const MIB = 1024 * 1024;

export interface Instance {
  schema: 1;
  name: string;
  model: PlanProblem['model'];
  slots: number;
  reserveMiB: number;
  enforcedAntiAffinity: boolean;
  nodes: {
    name: string;
    memoryMiB: number;
    hostReservedMiB: number;
    linkBytesPerSecond: number;
    performance: MigrationPerformance;
    cpuVendor: string;
    cpuModel: string;
    switches: string[];
    state?: string;
  }[];
  vms: {
    name: string;
    owner: string;
    memoryMiB: number;
    dirtyBytesPerSecond: number;
    switches?: string[];
    compatibility?: boolean;
    possibleOwners?: string[];
    preferredOwners?: string[];
    antiAffinity?: string[];
  }[];
  task: PlanTask;
}

export const problemOf = (instance: Instance): PlanProblem => ({
  model: instance.model,
  slots: instance.slots,
  reserveBytes: instance.reserveMiB * MIB,
  enforcedAntiAffinity: instance.enforcedAntiAffinity,
  nodes: instance.nodes.map((node) => ({
    name: node.name,
    usableBytes: (node.memoryMiB - node.hostReservedMiB) * MIB,
    linkBytesPerSecond: node.linkBytesPerSecond,
    performance: node.performance,
    cpuVendor: node.cpuVendor,
    cpuModel: node.cpuModel,
    switches: node.switches,
    open: (node.state ?? 'Up') === 'Up',
  })),
  vms: instance.vms.map((vm) => ({
    name: vm.name,
    owner: vm.owner,
    memoryBytes: vm.memoryMiB * MIB,
    dirtyBytesPerSecond: vm.dirtyBytesPerSecond,
    switches: vm.switches ?? [],
    compatibility: vm.compatibility ?? false,
    possibleOwners: vm.possibleOwners ?? [],
    preferredOwners: vm.preferredOwners ?? [],
    antiAffinityClassNames: vm.antiAffinity ?? [],
  })),
  task: instance.task,
});

/** Start times as `notBefore`: the scorer's greedy dispatch then does exactly this schedule. */
export const planJson = (instance: Instance, plan: MovePlan): object =>
  plan.feasible
    ? {
        instance: instance.name,
        moves: plan.moves.map((move, id) => ({
          id,
          vm: move.vm,
          to: move.to,
          notBefore: Number(move.startSeconds.toFixed(6)),
        })),
        ...(plan.maintain.length > 0
          ? { maintain: plan.maintain.map((node) => ({ node, after: [] })) }
          : {}),
      }
    : { instance: instance.name, infeasible: true, blocked: plan.blocked, why: plan.why };
