// What a person must mend before a plan can run. Each check looks at one thing; planCluster collects
// them all, so that one look shows everything that is wrong.
import type { ClusterNodeFacts, Snapshot } from './facts.ts';
import { includesName, sameName } from './names.ts';
import { listText, sizeText } from './units.ts';
import { quorumWithout } from './quorum.ts';
import {
  allVms,
  answerOf,
  clusterNode,
  diskUser,
  hasHyperV,
  roleOfVm,
  viewOf,
} from './snapshot.ts';
import type { ClusterSpec, VmSpec } from './spec.ts';
import { isSharedPath, samePath, sharedVolumeOf, usesDisk } from './storage.ts';

/** Something that a person must mend before the plan can run. */
export interface Blocker {
  /** The node, VM or cluster that it is about; blockers are printed grouped by it. */
  subject: string;
  code: string;
  message: string;
  hint: string;
}

/** Code of a blocker that plans of earlier versions did not know. */
export const DISK_OF_ANOTHER_VM = 'disk-of-another-vm';

/** A live migration needs a node to go to. */
const NODES_MIN = 2;

export function findBlockers(spec: ClusterSpec, s: Snapshot, restarting: string[]): Blocker[] {
  return [
    ...clusterBlockers(spec, s),
    ...spec.nodes.flatMap((node) => nodeBlockers(s, node)),
    ...restarting.flatMap((node) => quorumBlockers(s, node)),
    ...spec.virtualMachines.flatMap((vm) => vmBlockers(spec, s, vm)),
    ...spec.prove.flatMap((name) => proveBlockers(spec, s, name)),
  ];
}

function clusterBlockers(spec: ClusterSpec, s: Snapshot): Blocker[] {
  const out: Blocker[] = [];
  const { name } = s.view.cluster;
  if (!sameName(name, spec.cluster)) {
    out.push({
      subject: spec.cluster,
      code: 'cluster-name',
      message: `${s.view.answeredBy} belongs to the cluster ${name}, not to ${spec.cluster}.`,
      hint: `Correct cluster in cluster.yaml, or use the workers of ${spec.cluster}.`,
    });
  }
  const nodes = spec.nodes
    .map((n) => clusterNode(s, n))
    .filter((n): n is ClusterNodeFacts => n !== undefined);
  const up = nodes.filter((n) => n.state === 'Up');
  if (up.length < NODES_MIN) {
    const states = listText(nodes.map((n) => `${n.name} is ${n.state}`));
    const seen = states === '' ? '; the cluster has none of the named ones' : `; ${states}`;
    out.push({
      subject: spec.cluster,
      code: 'too-few-nodes',
      message: `A live migration needs two nodes that are Up${seen}.`,
      hint: 'Bring the nodes up with Start-ClusterNode or Resume-ClusterNode, then plan again.',
    });
  }
  return out;
}

function nodeBlockers(s: Snapshot, node: string): Blocker[] {
  if (clusterNode(s, node) === undefined) {
    const names = listText(s.view.nodes.map((n) => n.name));
    return [
      {
        subject: node,
        code: 'unknown-node',
        message: `The cluster ${s.view.cluster.name} has no node ${node}; it has ${names}.`,
        hint: 'Correct nodes in cluster.yaml, or join the node with Add-ClusterNode.',
      },
    ];
  }
  const answer = answerOf(s, node);
  if (!('view' in answer)) {
    return [
      {
        subject: node,
        code: 'no-answer',
        message: `${node} did not answer: ${answer.noAnswer.message}`,
        hint: `Check that ${node} is on and that its worker runs (watari worker start).`,
      },
    ];
  }
  return [];
}

function quorumBlockers(s: Snapshot, node: string): Blocker[] {
  const q = quorumWithout(s.view, node);
  if (q.survives || clusterNode(s, node) === undefined) return [];
  const noWitness = s.view.cluster.witness.kind === 'None';
  return [
    {
      subject: node,
      code: 'quorum',
      message: `A restart of ${node} would leave ${q.remaining} of ${q.total} votes, which is no majority.`,
      hint: noWitness
        ? 'Add a witness (Set-ClusterQuorum -DiskWitness DISK, or -CloudWitness), then plan again.'
        : 'Bring the other nodes and the witness up (Get-ClusterNode, Get-ClusterQuorum) first.',
    },
  ];
}

function vmBlockers(spec: ClusterSpec, s: Snapshot, vm: VmSpec): Blocker[] {
  const known = allVms(s).filter((p) => sameName(p.vm.name, vm.name));
  const ids = new Set([
    ...known.map((p) => p.vm.id.toLowerCase()),
    ...s.view.roles.filter((r) => sameName(r.name, vm.name)).map((r) => r.vmId.toLowerCase()),
  ]);
  if (ids.size > 1) {
    const places = listText(known.map((p) => `${p.vm.id} on ${p.node}`));
    return [
      {
        subject: vm.name,
        code: 'ambiguous-vm',
        message: `There are ${ids.size} VMs named ${vm.name}${places === '' ? '' : `: ${places}`}.`,
        hint: 'Rename all but one with Rename-VM, then plan again.',
      },
    ];
  }
  if (roleOfVm(s, vm.name) !== undefined) return [];
  const found = known[0];
  if (found === undefined) return newVmBlockers(spec, s, vm);
  if (usesDisk(found.vm.disks, vm.vhd)) return [];
  const disk = found.vm.disks[0] ?? 'no disk';
  return [
    {
      subject: vm.name,
      code: 'name-taken',
      message: `Another VM named ${vm.name} is on ${found.node} outside the cluster, with ${disk}.`,
      hint: 'Give the VM in cluster.yaml another name, or correct its vhd to mean that one.',
    },
  ];
}

function newVmBlockers(spec: ClusterSpec, s: Snapshot, vm: VmSpec): Blocker[] {
  const out = diskBlockers(s, vm);
  const about = (code: string, message: string, hint: string): void => {
    out.push({ subject: vm.name, code, message, hint });
  };
  const { node } = vm;
  if (node !== null && !includesName(spec.nodes, node)) {
    const names = listText(spec.nodes);
    about(
      'unknown-node',
      `It is wanted on ${node}, which is not one of ${names}.`,
      'Correct node.',
    );
  }
  const views = spec.nodes.map((n) => viewOf(s, n)).filter((v) => v !== null);
  const largest = Math.max(0, ...views.map((v) => v.host.memoryBytes));
  if (views.length > 0 && vm.memoryBytes + spec.memoryReserveBytes > largest) {
    about(
      'memory',
      `It needs ${sizeText(vm.memoryBytes)} of memory plus a reserve of ${sizeText(
        spec.memoryReserveBytes,
      )}; the largest node has ${sizeText(largest)}.`,
      'Give the VM less memory in cluster.yaml.',
    );
  }
  const { switch: wanted } = vm;
  if (wanted === null) return out;
  const prepared = spec.nodes.filter((n) => {
    const view = viewOf(s, n);
    return view !== null && hasHyperV(view);
  });
  const lacking = prepared.filter(
    (n) => !viewOf(s, n)?.switches.some((w) => sameName(w.name, wanted) && w.type === 'External'),
  );
  // Nodes that are not prepared yet tell no switches, so they may still turn out to have it.
  if (lacking.length > 0 && spec.nodes.length - lacking.length < NODES_MIN) {
    about(
      'switch-missing',
      `Fewer than two nodes have an external virtual switch named ${wanted}; ${listText(lacking)} ${
        lacking.length === 1 ? 'has' : 'have'
      } none.`,
      `Create it: New-VMSwitch -Name "${wanted}" -NetAdapterName ADAPTER. Or correct switch.`,
    );
  }
  return out;
}

function diskBlockers(s: Snapshot, vm: VmSpec): Blocker[] {
  const blocker = (code: string, message: string, hint: string): Blocker[] => [
    { subject: vm.name, code, message, hint },
  ];
  if (!isSharedPath(vm.vhd, s.view.sharedVolumes)) {
    return blocker(
      'vhd-local',
      `${vm.vhd} is neither on a cluster shared volume nor on a share, so no other node could run the VM.`,
      'Copy the disk to C:\\ClusterStorage\\VOLUME\\… and correct vhd.',
    );
  }
  const user = diskUser(s, vm.vhd);
  if (user !== undefined) {
    return blocker(
      DISK_OF_ANOTHER_VM,
      `${vm.vhd} is the disk of ${user.vm.name}, which is ${user.vm.state} on ${user.node}.`,
      `Correct vhd in cluster.yaml, or take the disk from ${user.vm.name} first (Remove-VMHardDiskDrive).`,
    );
  }
  const volume = sharedVolumeOf(vm.vhd, s.view.sharedVolumes);
  if (volume !== undefined && volume.state !== 'Online') {
    return blocker(
      'volume-not-online',
      `The shared volume ${volume.path} is ${volume.state}.`,
      'Check the storage and Get-ClusterSharedVolumeState, then plan again.',
    );
  }
  const looks = s.view.nodes
    .flatMap((n) => viewOf(s, n.name)?.files ?? [])
    .filter((f) => samePath(f.path, vm.vhd));
  if (looks.length === 0 || looks.some((f) => f.exists)) return [];
  return blocker(
    'vhd-missing',
    `${vm.vhd} is not there.`,
    'Copy the virtual disk to that path, or correct vhd in cluster.yaml.',
  );
}

function proveBlockers(spec: ClusterSpec, s: Snapshot, name: string): Blocker[] {
  const planned = spec.virtualMachines.some((vm) => sameName(vm.name, name));
  if (planned || roleOfVm(s, name) !== undefined) return [];
  return [
    {
      subject: name,
      code: 'prove-unknown',
      message: 'It is named in prove, but it is neither in the cluster nor in virtualMachines.',
      hint: 'Correct prove in cluster.yaml.',
    },
  ];
}
