// The single rules of placement: each looks at one node for one VM and tells its reasons.
// placement.ts adds them up.
import { NODE_STATUS, type ClusterNodeFacts, type NodeView, type Snapshot } from './facts.ts';
import { includesName, sameName } from './names.ts';
import { answerOf, hasHyperV, slotsUsed } from './snapshot.ts';
import { sharedVolumeOf } from './storage.ts';
import { listed, listText, sizeText } from './units.ts';

/** What the VM asks of a node, from its facts (a move) or from its specification (a new VM). */
export interface Need {
  vmId: string | null;
  /** null for a VM that does not exist yet. */
  owner: string | null;
  /** 0 when it takes no further memory on the node. */
  memoryBytes: number;
  reserveBytes: number;
  switches: string[];
  version: string | null;
  cpu: { vendor: string; name: string; mustMatchModel: boolean } | null;
  possibleOwners: string[];
  preferredOwners: string[];
  antiAffinityClassNames: string[];
  /** It comes by live migration, so the node must accept those. */
  moves: boolean;
  /** An existing disk that the node must see; null when that is known already. */
  vhd: string | null;
  /** Where it is on its way to already: its memory there is taken, and so is the slot. */
  comingTo: string | null;
  /** Its role, for the affinity rules; null before it has one. */
  roleName: string | null;
  /** Its disks. */
  disks: string[];
  /** The only node that can have it, because an unclustered VM of that name is there. */
  boundTo: string | null;
}

export interface PlacementReason {
  /** `blocker`: cannot go there. `minus` and `plus` change the order. `note` does neither. */
  kind: 'blocker' | 'minus' | 'plus' | 'note';
  /** Stable word: `node-paused`, `memory`, `switch-missing`, `no-free-slot`, … */
  code: string;
  text: string;
}

/** A reason and what it adds to the score. */
export interface Finding {
  reason: PlacementReason;
  points: number;
}

/**
 * Points of the soft rules. The order of the numbers is what matters: what an administrator has
 * written down beats what we measure, a separation beats a wait, a wait beats a nuance of hardware,
 * and free memory decides between equals.
 */
export const WEIGHTS = {
  /** It is on its way there: more than all others together, since a second move would undo the first. */
  underWay: 10_000,
  /** A rule would like it together with a VM that is elsewhere, or in another fault domain than one that is there. */
  affinityRule: -55,
  /** Last of the preferred owners. */
  preferred: 100,
  /** For each place further up in their list; more than memory can weigh, so the order holds. */
  preferredStep: 45,
  /** Shares an anti-affinity class with a VM there, and the cluster does not enforce it. */
  antiAffinity: -60,
  /** The move would have to wait. A wait is short compared with months on the wrong node. */
  noFreeSlot: -50,
  /** The node is going to be restarted soon, so the VM would move twice. */
  pendingRestart: -45,
  /** Another processor model of the same vendor: the move may be refused. */
  cpuModel: -42,
  /** All memory free after the move; half of it for half. Evens out memory over the nodes. */
  memory: 40,
} as const;

const blocker = (code: string, text: string): Finding => ({
  reason: { kind: 'blocker', code, text },
  points: 0,
});
const minus = (code: string, text: string, points: number): Finding => ({
  reason: { kind: 'minus', code, text },
  points,
});
const plus = (code: string, text: string, points: number): Finding => ({
  reason: { kind: 'plus', code, text },
  points,
});
const note = (code: string, text: string): Finding => ({
  reason: { kind: 'note', code, text },
  points: 0,
});

function stateFindings(node: ClusterNodeFacts, need: Pick<Need, 'owner'>): Finding[] {
  const out: Finding[] = [];
  if (need.owner !== null && sameName(need.owner, node.name)) {
    out.push(blocker('current-owner', 'the VM is on this node now'));
  }
  if (node.state === 'Paused') {
    out.push(blocker('node-paused', 'the node is paused and takes no VMs'));
  } else if (node.state !== 'Up') {
    out.push(blocker('node-not-up', `the node is ${node.state}, not Up`));
  }
  if (node.quarantined) {
    out.push(blocker('node-quarantined', 'the cluster has quarantined the node'));
  }
  for (const [bit, code, text] of STATUS_BLOCKERS) {
    if (((node.status ?? 0) & bit) !== 0) out.push(blocker(code, text));
  }
  return out;
}

/** Why no VM may move to the node at all, whatever the VM; null: it takes VMs. */
export const closedBecause = (node: ClusterNodeFacts): string | null =>
  stateFindings(node, { owner: null })[0]?.reason.text ?? null;

const STATUS_BLOCKERS = [
  [NODE_STATUS.isolated, 'node-isolated', 'the cluster has isolated the node'],
  [NODE_STATUS.drainInProgress, 'node-draining', 'the node is being drained'],
  [
    NODE_STATUS.avoidPlacement,
    'node-avoided',
    'the cluster avoids placing VMs on the node (AvoidPlacement)',
  ],
] as const;

/** Rules of the cluster that bind this VM to others or keep it from them. */
function ruleFindings(s: Snapshot, node: ClusterNodeFacts, need: Need): Finding[] {
  const { roleName } = need;
  if (roleName === null) return [];
  return (s.view.cluster.affinityRules ?? []).flatMap(({ name, type, groups }) => {
    if (!includesName(groups, roleName)) return [];
    const others = s.view.roles.filter(
      (r) => includesName(groups, r.name) && !sameName(r.name, roleName),
    );
    const here = others.filter(
      (r) =>
        sameName(r.owner, node.name) ||
        (r.move.target !== null && sameName(r.move.target, node.name)),
    );
    const rule = `the affinity rule ${name}`;
    const names = listText((type.startsWith('Same') ? others : here).map((r) => r.name).sort());
    if (type === 'DifferentNode' && here.length > 0) {
      return [blocker('affinity-rule', `${rule} keeps it apart from ${names}, which is there`)];
    }
    // Which nodes share a fault domain is not known, but a node shares its own.
    if (type === 'DifferentFaultDomain' && here.length > 0) {
      const text = `${rule} wants another fault domain than that of ${names}, which is there`;
      return [minus('affinity-rule', text, WEIGHTS.affinityRule)];
    }
    if (type.startsWith('Same') && others.length > 0 && here.length === 0) {
      const text = `${rule} wants it together with ${names}, which is elsewhere`;
      return [minus('affinity-rule', text, WEIGHTS.affinityRule)];
    }
    return [];
  });
}

/** A volume may be out of reach from one node alone. */
function volumeFindings(s: Snapshot, node: ClusterNodeFacts, need: Need): Finding[] {
  const volumes = new Set(need.disks.map((path) => sharedVolumeOf(path, s.view.sharedVolumes)));
  return [...volumes].flatMap((volume) =>
    volume?.state === 'Online' && includesName(volume.pausedOn ?? [], node.name)
      ? [blocker('volume-paused-there', `the node cannot use the shared volume ${volume.path} now`)]
      : [],
  );
}

function ownerFindings(node: ClusterNodeFacts, need: Need): Finding[] {
  const out: Finding[] = [];
  const { possibleOwners, preferredOwners } = need;
  if (possibleOwners.length > 0 && !includesName(possibleOwners, node.name)) {
    const owners = listed(possibleOwners);
    out.push(blocker('not-possible-owner', `the possible owners of the VM are only ${owners}`));
  }
  const place = preferredOwners.findIndex((n) => sameName(n, node.name));
  if (place >= 0) {
    const above = preferredOwners.length - 1 - place;
    const points = WEIGHTS.preferred + above * WEIGHTS.preferredStep;
    const text = `preferred owner ${place + 1} of ${preferredOwners.length}`;
    out.push(plus('preferred-owner', text, points));
  } else if (preferredOwners.length > 0) {
    out.push(note('not-preferred', `the preferred owners are ${listed(preferredOwners)}`));
  }
  if (need.boundTo !== null && !sameName(need.boundTo, node.name)) {
    const text = `a VM of this name that is not in the cluster is on ${need.boundTo}`;
    out.push(blocker('exists-elsewhere', text));
  }
  return out;
}

function affinityFindings(s: Snapshot, node: ClusterNodeFacts, need: Need): Finding[] {
  const others = s.view.roles.filter(
    (r) =>
      !(need.vmId !== null && sameName(r.vmId, need.vmId)) &&
      (sameName(r.owner, node.name) ||
        (r.move.target !== null && sameName(r.move.target, node.name))) &&
      r.antiAffinityClassNames.some((c) => includesName(need.antiAffinityClassNames, c)),
  );
  if (others.length === 0) return [];
  const names = listText(others.map((r) => r.name).sort());
  const text = `must be kept apart from ${names}, which is there (AntiAffinityClassNames)`;
  return s.view.cluster.enforcedAntiAffinity
    ? [blocker('anti-affinity', text)]
    : [minus('anti-affinity', text.replace('must', 'should'), WEIGHTS.antiAffinity)];
}

function slotFindings(s: Snapshot, node: ClusterNodeFacts, need: Need): Finding[] {
  if (!need.moves) return [];
  const slots = s.view.cluster.maximumParallelMigrations;
  const used = slotsUsed(s, node.name, need.vmId);
  if (used < slots) return [];
  const text = `no free migration slot (${used} of ${slots} in use), the move would wait`;
  return [minus('no-free-slot', text, WEIGHTS.noFreeSlot)];
}

function memoryFindings(view: NodeView, need: Need): Finding[] {
  if (need.memoryBytes <= 0) return [];
  const { freeMemoryBytes: free, memoryBytes: total } = view.host;
  const reserve = `a reserve of ${sizeText(need.reserveBytes)}`;
  const needs = `needs ${sizeText(need.memoryBytes)} plus ${reserve}`;
  const text = `free memory ${sizeText(free)}, ${needs}`;
  const left = free - need.memoryBytes;
  if (left < need.reserveBytes) return [blocker('memory', text)];
  const share = total > 0 ? Math.min(left / total, 1) : 0;
  return [plus('memory', text, Math.round(WEIGHTS.memory * share))];
}

function switchFindings(view: NodeView, need: Need): Finding[] {
  return need.switches.flatMap((name) => {
    const there = view.switches.find((w) => sameName(w.name, name));
    if (there === undefined) {
      return [blocker('switch-missing', `the node has no virtual switch named ${name}`)];
    }
    return there.type === 'External'
      ? []
      : [
          blocker(
            'switch-not-external',
            `the virtual switch ${name} is ${there.type} there, not External`,
          ),
        ];
  });
}

function hostFindings(view: NodeView, need: Need): Finding[] {
  if (!hasHyperV(view)) {
    return [blocker('hyper-v-missing', 'Hyper-V is not installed on the node or owes a restart')];
  }
  const out: Finding[] = [];
  for (const service of view.services) {
    if (service.state !== 'Running') {
      out.push(blocker('service-down', `the service ${service.name} is ${service.state}`));
    }
  }
  if (need.moves && view.migration?.enabled !== true) {
    out.push(blocker('migration-off', 'live migration is not enabled on the node'));
  }
  if (need.version !== null && !view.host.vmVersions.includes(need.version)) {
    const versions = listText(view.host.vmVersions);
    out.push(
      blocker('vm-version', `the VM has version ${need.version}, the node takes ${versions}`),
    );
  }
  out.push(...memoryFindings(view, need), ...switchFindings(view, need));
  if (view.host.pendingRestart) {
    const text = 'the node owes a restart, so the VM would soon move again';
    out.push(minus('pending-restart', text, WEIGHTS.pendingRestart));
  }
  return out;
}

function cpuFindings(view: NodeView, need: Need): Finding[] {
  const { cpu } = need;
  if (cpu === null) return [];
  const { cpuVendor, cpuName } = view.host;
  if (cpuVendor !== cpu.vendor) {
    const text = `the processor is from ${cpuVendor}, the VM runs on one from ${cpu.vendor}`;
    return [blocker('cpu-vendor', text)];
  }
  if (cpuName === cpu.name || !cpu.mustMatchModel) return [];
  const text = `the processor is ${cpuName}, the VM runs on ${cpu.name} without compatibility mode`;
  return [minus('cpu-model', text, WEIGHTS.cpuModel)];
}

function diskFindings(view: NodeView, need: Need): Finding[] {
  const { vhd } = need;
  if (vhd === null) return [];
  const file = view.files.find((f) => sameName(f.path, vhd));
  return file?.exists === false ? [blocker('disk-missing', `the node does not see ${vhd}`)] : [];
}

/** All that speaks for and against the node, in a fixed order: blockers of its state first. */
export function judgeNode(s: Snapshot, node: ClusterNodeFacts, need: Need): Finding[] {
  const isComing = need.comingTo !== null && sameName(need.comingTo, node.name);
  const known = [
    ...(isComing ? [plus('under-way', 'the VM is on its way here', WEIGHTS.underWay)] : []),
    ...stateFindings(node, need),
    ...ownerFindings(node, need),
    ...affinityFindings(s, node, need),
    ...ruleFindings(s, node, need),
    ...volumeFindings(s, node, need),
    ...slotFindings(s, node, need),
  ];
  const answer = answerOf(s, node.name);
  if (!('view' in answer)) {
    return [...known, blocker('no-answer', `the node did not answer: ${answer.noAnswer.message}`)];
  }
  const { view } = answer;
  return [
    ...known,
    ...hostFindings(view, isComing ? { ...need, memoryBytes: 0 } : need),
    ...cpuFindings(view, need),
    ...diskFindings(view, need),
  ];
}

export { blocker, note };
