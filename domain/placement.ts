// "Best possible node" as a pure function of a snapshot: a ranking with reasons for every node, the
// losers too. The rules are in placement-rules.ts; here they are added up, ordered and told.
import {
  GROUP_STATUS,
  type RoleFacts,
  type SharedVolumeFacts,
  type Snapshot,
  type VmFacts,
} from './facts.ts';
import { includesName, sameName } from './names.ts';
import {
  blocker,
  judgeNode,
  note,
  type Finding,
  type Need,
  type PlacementReason,
} from './placement-rules.ts';
import { allVms, answerOf, findVm, slotsUsed, roleOfVm, viewOf } from './snapshot.ts';
import type { VmSpec } from './spec.ts';
import { isMoving } from './slots.ts';
import { isSharedPath, sharedVolumeOf } from './storage.ts';
import { listText } from './units.ts';

export interface PlacementVerdict {
  node: string;
  eligible: boolean;
  /** 1 is the best; ineligible nodes come last. */
  rank: number;
  /** Sum of the points of the soft rules (WEIGHTS); 0 for an ineligible node. */
  score: number;
  reasons: PlacementReason[];
}

export interface Placement {
  /** null when no node is eligible. */
  target: string | null;
  /**
   * Nodes that are as good for what lasts, best first: which of them it is may be left to where there is room when the
   * move begins. Nothing that an administrator has written tells them apart; `worse`: what lasts of the hardware does.
   */
  alike: { node: string; worse: boolean }[];
  /** Best first. */
  ranking: PlacementVerdict[];
}

export interface PlacementOptions {
  /** Free memory to leave on the target. */
  memoryReserveBytes: number;
  /** The person's choice: other nodes are ranked but cannot win. */
  only?: string;
  /** Nodes that have turned the VM down, which others go before. */
  avoid?: readonly string[];
  /** A move that is under way decides. Not in runs of earlier versions. */
  adopt?: boolean;
}

/** Where a VM that exists as a role could be live-migrated to. */
export function placeMove(s: Snapshot, vmId: string, o: PlacementOptions): Placement {
  const role = s.view.roles.find((r) => sameName(r.vmId, vmId));
  if (role === undefined) {
    const missing = blocker('role-missing', 'the VM is not a role of the cluster');
    return rank(s, o.only, () => [missing]);
  }
  const vm = findVm(s, vmId, role.owner)?.vm;
  if (vm === undefined) {
    const answer = answerOf(s, role.owner);
    const why =
      'view' in answer
        ? 'it does not list the VM'
        : `it did not answer: ${answer.noAnswer.message}`;
    const unknown = blocker('vm-unknown', `the VM should be on ${role.owner}, but ${why}`);
    return rank(s, o.only, (node) => [
      ...(sameName(node, role.owner)
        ? [blocker('current-owner', 'the VM is on this node now')]
        : []),
      unknown,
    ]);
  }
  const need = moveNeed(s, role, vm, o);
  const common = [
    ...vmFindings(s.view.sharedVolumes, vm),
    ...lockFindings(role),
    ...ownerEndFindings(s, role),
  ];
  return rank(s, o.only, (node, judge) => [
    ...judge(need),
    ...common,
    ...(includesName(o.avoid ?? [], node) ? [turnedDown] : []),
  ]);
}

const turnedDown = blocker('turned-down', 'a move of the VM to this node has just failed');

/**
 * Where a VM of this specification could be created. `vm.node` counts like `only`. A VM of that
 * name that exists already binds it to the node where it is.
 */
export function placeNewVm(s: Snapshot, vm: VmSpec, o: PlacementOptions): Placement {
  const role = roleOfVm(s, vm.name);
  const there = allVms(s).find((p) => sameName(p.vm.name, vm.name));
  const need: Need = {
    vmId: role?.vmId ?? there?.vm.id ?? null,
    owner: null,
    memoryBytes: (there?.vm.memoryAssignedBytes ?? 0) > 0 ? 0 : vm.memoryBytes,
    reserveBytes: o.memoryReserveBytes,
    switches: vm.switch === null ? [] : [vm.switch],
    version: null,
    cpu: null,
    possibleOwners: role?.possibleOwners ?? [],
    preferredOwners: role?.preferredOwners ?? [],
    antiAffinityClassNames: role?.antiAffinityClassNames ?? [],
    moves: false,
    comingTo: null,
    roleName: role?.name ?? null,
    disks: [vm.vhd],
    vhd: there === undefined ? vm.vhd : null,
    boundTo: role?.owner ?? there?.node ?? null,
  };
  const common = diskFindings(s.view.sharedVolumes, [vm.vhd]);
  return rank(s, o.only ?? vm.node ?? undefined, (_node, judge) => [...judge(need), ...common]);
}

function moveNeed(s: Snapshot, role: RoleFacts, vm: VmFacts, o: PlacementOptions): Need {
  const host = viewOf(s, role.owner)?.host;
  return {
    vmId: role.vmId,
    owner: role.owner,
    memoryBytes: vm.memoryAssignedBytes > 0 ? vm.memoryAssignedBytes : vm.memoryStartupBytes,
    reserveBytes: o.memoryReserveBytes,
    switches: [...new Set(vm.switches.filter((name) => name !== null))],
    version: vm.version,
    cpu:
      host === undefined
        ? null
        : {
            vendor: host.cpuVendor,
            name: host.cpuName,
            mustMatchModel: !vm.compatibilityForMigration,
          },
    possibleOwners: role.possibleOwners,
    preferredOwners: role.preferredOwners,
    antiAffinityClassNames: role.antiAffinityClassNames,
    moves: true,
    comingTo: o.adopt === true && isMoving(role) ? role.move.target : null,
    roleName: role.name,
    disks: vm.disks,
    vhd: null,
    boundTo: null,
  };
}

/** What the VM itself has that no node can make up for. */
export function vmFindings(volumes: readonly SharedVolumeFacts[], vm: VmFacts): Finding[] {
  const out = diskFindings(volumes, vm.disks);
  for (const path of vm.dvds) {
    if (!isSharedPath(path, volumes)) {
      out.push(
        blocker('dvd-local', `the DVD image ${path} is mounted, which other nodes cannot read`),
      );
    }
  }
  if (vm.passThroughDevices.length > 0) {
    const devices = listText(vm.passThroughDevices);
    out.push(blocker('pass-through', `the VM holds hardware of its node: ${devices}`));
  }
  if (vm.busy) {
    out.push(note('vm-busy', 'the VM is busy with a backup, checkpoint or merge; the move waits'));
  }
  if (vm.tpm) {
    const text = 'the VM has a virtual TPM, whose certificates the node must have';
    out.push(note('tpm', text));
  }
  return out;
}

function diskFindings(volumes: readonly SharedVolumeFacts[], disks: readonly string[]): Finding[] {
  return disks.flatMap((path) => {
    if (!isSharedPath(path, volumes)) {
      return [blocker('disk-local', `the disk ${path} is not on storage that all nodes share`)];
    }
    const volume = sharedVolumeOf(path, volumes);
    return volume === undefined || volume.state === 'Online'
      ? []
      : [blocker('volume-not-online', `the shared volume ${volume.path} is ${volume.state}`)];
  });
}

export const lockFindings = (role: RoleFacts): Finding[] =>
  (role.status & GROUP_STATUS.locked) !== 0 && !isMoving(role)
    ? [blocker('role-locked', 'the role is locked from moving (LockedFromMoving)')]
    : [];

/** The end that the VM leaves, and the way between: the same for every target. */
export function ownerEndFindings(s: Snapshot, role: Pick<RoleFacts, 'owner' | 'vmId'>): Finding[] {
  const out: Finding[] = [];
  if (viewOf(s, role.owner)?.migration?.enabled === false) {
    const text = `live migration is not enabled on ${role.owner}, where the VM is`;
    out.push(blocker('migration-off-at-owner', text));
  }
  const usable = s.view.networks.some(
    (n) => n.state === 'Up' && n.role !== 'None' && !n.excludedFromMigration,
  );
  if (s.view.networks.length > 0 && !usable) {
    out.push(blocker('no-network', 'no cluster network is Up and open to live migration'));
  }
  const slots = s.view.cluster.maximumParallelMigrations;
  const used = slotsUsed(s, role.owner, role.vmId);
  if (used >= slots) {
    const taken = `${used} of ${slots} in use`;
    const text = `${role.owner}, where the VM is, has no free migration slot (${taken})`;
    out.push(note('owner-busy', text));
  }
  return out;
}

type Judge = (node: string, judge: (need: Need) => Finding[]) => Finding[];

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Points of what will be otherwise soon. */
const MOMENTARY = ['memory', 'no-free-slot'];
const OF_HARDWARE = ['cpu-model', 'pending-restart'];

function rank(s: Snapshot, only: string | undefined, judge: Judge): Placement {
  const lasting = new Map<string, { written: number; hardware: number }>();
  const verdicts = s.view.nodes.map((node): PlacementVerdict => {
    const findings = judge(node.name, (need) => judgeNode(s, node, need));
    const eligible = findings.every((f) => f.reason.kind !== 'blocker');
    const reasons = findings.map((f) => f.reason);
    if (only !== undefined && !sameName(only, node.name)) {
      reasons.push(note('not-chosen', `${only} was chosen`).reason);
    }
    const points = (counts: (code: string) => boolean): number =>
      findings.reduce((sum, f) => sum + (counts(f.reason.code) ? f.points : 0), 0);
    lasting.set(node.name, {
      written: points((code) => !MOMENTARY.includes(code) && !OF_HARDWARE.includes(code)),
      hardware: points((code) => OF_HARDWARE.includes(code)),
    });
    const score = eligible ? points(() => true) : 0;
    return { node: node.name, eligible, rank: 0, score, reasons };
  });
  if (only !== undefined && !verdicts.some((v) => sameName(v.node, only))) {
    const nodes = listText(verdicts.map((v) => v.node).sort(byText));
    const text = `the cluster has no node of this name; it has ${nodes}`;
    const { reason } = blocker('unknown-node', text);
    verdicts.push({ node: only, eligible: false, rank: 0, score: 0, reasons: [reason] });
  }
  const blockers = (v: PlacementVerdict): number =>
    v.reasons.filter((r) => r.kind === 'blocker').length;
  verdicts.sort(
    (a, b) =>
      Number(b.eligible) - Number(a.eligible) ||
      b.score - a.score ||
      blockers(a) - blockers(b) ||
      byText(a.node.toLowerCase(), b.node.toLowerCase()) ||
      byText(a.node, b.node),
  );
  verdicts.forEach((v, i) => (v.rank = i + 1));
  const possible = verdicts.filter(
    (v) => v.eligible && (only === undefined || sameName(v.node, only)),
  );
  const target = possible[0]?.node ?? null;
  const written = lasting.get(target ?? '')?.written;
  const equals = possible.flatMap(({ node }) => {
    const points = lasting.get(node);
    return points?.written === written ? [{ node, hardware: points?.hardware ?? 0 }] : [];
  });
  const best = Math.max(...equals.map(({ hardware }) => hardware));
  const alike = equals.map(({ node, hardware }) => ({ node, worse: hardware < best }));
  return { target, alike, ranking: verdicts };
}

/** `HV2: the node is Down, not Up. HV3: …`: what keeps each node out, or the chosen one alone. */
export function explainBlockers(p: Placement, only?: string): string {
  return p.ranking
    .filter((v) => only === undefined || sameName(v.node, only))
    .map((v) => {
      const blockers = v.reasons.filter((r) => r.kind === 'blocker').map((r) => r.text);
      return `${v.node}: ${blockers.join('; ')}`;
    })
    .join('. ');
}

/** One line per node, best first: for terminals and for evidence. */
export function explainPlacement(p: Placement): string[] {
  const width = Math.max(0, ...p.ranking.map((v) => v.node.length));
  return p.ranking.map((v) => {
    const word = v.node === p.target ? 'chosen' : v.eligible ? 'possible' : 'no';
    // What keeps a node out is the answer; what else could be said of it is noise.
    const shown = v.eligible ? v.reasons : v.reasons.filter((r) => r.kind === 'blocker');
    const reasons = shown.map((r) => r.text).join('; ');
    const score = v.eligible ? `, score ${v.score}` : '';
    return `${v.node.padEnd(width)}  ${word}${score}${reasons === '' ? '' : `: ${reasons}`}`;
  });
}
