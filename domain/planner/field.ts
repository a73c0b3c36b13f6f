// A problem made ready for planning: nodes and VMs as objects that know each other, the hard rules that no moment
// changes, and what a move takes when both links are its own. Only this folder looks inside.
import { Flow } from './flow.ts';
import type { PlannedNode, PlannedVm, PlanProblem } from './problem.ts';

/** A node of a problem, numbered. */
export interface Site {
  index: number;
  node: PlannedNode;
  link: number;
  factor: number;
}

/** A VM of a problem, numbered, with the nodes that may ever hold it. */
export interface Guest {
  index: number;
  vm: PlannedVm;
  memory: number;
  home: Site;
  /** Hard: no two of one on a node. */
  classes: string[];
  /** Those, and what should be kept apart only. */
  rivalry: string[];
  together: readonly string[];
  mayBeOn: Site[];
  /** By index of a node: why it may never be there. */
  never: (string | null)[];
  copies: Map<number, Copy>;
}

/** A copy of all memory with its rounds, at a bandwidth that stays. */
export interface Copy {
  bytes: number;
  seconds: number;
}

export interface Field {
  problem: PlanProblem;
  sites: Site[];
  guests: Guest[];
  siteOf: (name: string) => Site;
  guestOf: (name: string) => Guest | undefined;
}

export function makeField(problem: PlanProblem): Field {
  const sites = problem.nodes.map((node, index) => ({
    index,
    node,
    link: node.linkBytesPerSecond,
    factor: problem.model.factors[node.performance],
  }));
  const byName = new Map(sites.map((site) => [site.node.name, site]));
  const siteOf = (name: string): Site => {
    const site = byName.get(name);
    if (site === undefined) throw new Error(`the problem names a node ${name} that it has not`);
    return site;
  };
  const guests = problem.vms.map((vm, index): Guest => {
    const home = siteOf(vm.owner);
    const never = sites.map((site) => whyNever(vm, home.node, site.node));
    const apart = vm.apart ?? [];
    return {
      index,
      vm,
      memory: vm.memoryBytes,
      home,
      classes: [...(problem.enforcedAntiAffinity ? vm.antiAffinityClassNames : []), ...apart],
      rivalry: [...vm.antiAffinityClassNames, ...apart, ...(vm.ratherApart ?? [])],
      together: vm.together ?? [],
      mayBeOn: sites.filter((site) => never[site.index] === null),
      never,
      copies: new Map(),
    };
  });
  const named = new Map(guests.map((guest) => [guest.vm.name, guest]));
  return { problem, sites, guests, siteOf, guestOf: (name) => named.get(name) };
}

/** Why a VM can never be live-migrated to a node, whatever the moment; null when it can. */
function whyNever(vm: PlannedVm, home: PlannedNode, node: PlannedNode): string | null {
  const bars = vm.never?.[node.name] ?? [];
  if (bars.length > 0) return `${node.name}: ${bars.map(({ text }) => text).join('; ')}`;
  if (!node.open) return `${node.name} takes no VMs`;
  if (vm.never !== undefined) return null;
  if (vm.possibleOwners.length > 0 && !vm.possibleOwners.includes(node.name))
    return `${node.name} is not a possible owner of ${vm.name}`;
  const missing = vm.switches.find((name) => !node.switches.includes(name));
  if (missing !== undefined) return `${node.name} has no virtual switch ${missing}`;
  if (node.cpuVendor !== home.cpuVendor)
    return `${node.name} has a processor of another vendor than ${home.name}`;
  if (node.cpuModel !== home.cpuModel && !vm.compatibility)
    return `${node.name} has another processor model than ${home.name}, and ${vm.name} is not in compatibility mode`;
  return null;
}

/** What a copy uses of each link, in bytes on the wire per second, when both are its own. */
export const wireRate = (from: Site, to: Site): number => Math.min(from.link, to.link);

/** The copy of a VM that has both links to itself from beginning to end. */
export function copyAlone(field: Field, guest: Guest, from: Site, to: Site): Copy {
  const bandwidth = wireRate(from, to) * from.factor;
  const known = guest.copies.get(bandwidth);
  if (known !== undefined) return known;
  const flow = new Flow(guest.memory, guest.vm.dirtyBytesPerSecond, field.problem.model, 0);
  flow.goOnAt(bandwidth, 0);
  const copy = { bytes: flow.ends * bandwidth, seconds: flow.ends };
  guest.copies.set(bandwidth, copy);
  return copy;
}

/** From the start of a move to its end, with both links to itself. */
export function moveSeconds(field: Field, guest: Guest, from: Site, to: Site): number {
  const { setupSeconds, handoverSeconds } = field.problem.model;
  return setupSeconds + copyAlone(field, guest, from, to).seconds + handoverSeconds;
}
