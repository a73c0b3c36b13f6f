// Checks of the roles of the cluster: their state, where they may be, and what cluster.yaml wants of them.
import type { ClusterView, RoleFacts, VmFacts } from '../../facts.ts';
import { includesName, sameName } from '../../names.ts';
import { findBlockers } from '../../plan-blockers.ts';
import { listed } from '../../units.ts';
import {
  blocker,
  orFine,
  prose,
  quoted,
  vmCount,
  warning,
  type Check,
  type Seen,
} from '../check.ts';
import { each, inCluster } from '../looks.ts';
import {
  clusteredVms,
  clusterView,
  roleFinder,
  snapshotOf,
  views,
  vmFinder,
  type DoctorView,
} from '../view.ts';

const LIVE_MIGRATION = 'Microsoft: hyper-v-virtual-machine-live-migration';
const ISSUES = 'Microsoft: troubleshoot-live-migration-issues';

/** Online, and no VM that runs; failed; or neither on nor off. What passes by itself is no finding. */
function roleProblem(role: RoleFacts, vm: VmFacts | undefined): Seen | Seen[] {
  const look = `Get-ClusterGroup -Name ${quoted(role.name)} | Get-ClusterResource`;
  const start = `Start-ClusterGroup -Name ${quoted(role.name)}`;
  if (role.state === 'Failed') {
    return blocker(role.name, 'its role has failed', [look, start], null);
  }
  if (role.state === 'PartialOnline' || role.state === 'Unknown') {
    return warning(role.name, `its role is ${role.state}`, look, null);
  }
  const passing = vm?.state === 'Starting' || vm?.state === 'Stopping' || vm?.state === 'Saving';
  if (role.state !== 'Online' || vm === undefined || vm.state === 'Running' || passing) return [];
  const seen = `its role is Online, but the VM is ${vm.state}: it cannot be moved live`;
  const remedy = vm.state === 'Paused' ? `Resume-VM -Name ${quoted(vm.name)}` : start;
  return warning(role.name, seen, remedy, role.owner);
}

function ownerProblem(role: RoleFacts, nodes: string[]): Seen | Seen[] {
  const missing = nodes.filter((n) => !includesName(role.possibleOwners, n));
  if (role.possibleOwners.length === 0 || missing.length === 0) return [];
  const only = nodes.length - missing.length < 2;
  const remedy = `Get-ClusterGroup -Name ${quoted(role.name)} | Get-ClusterResource | ForEach-Object { Set-ClusterOwnerNode -Resource $_.Name -Owners ${nodes.join(',')} }`;
  const seen = `its possible owners are only ${listed(role.possibleOwners)}`;
  return (only ? blocker : warning)(role.name, seen, remedy, null);
}

const antiAffinityClasses = ({ roles }: ClusterView): string[] => [
  ...new Set(roles.flatMap((r) => r.antiAffinityClassNames)),
];

function affinityProblems(view: ClusterView): Seen[] {
  if (!view.cluster.enforcedAntiAffinity) return [];
  const up = view.nodes.filter((n) => n.state === 'Up').length;
  return antiAffinityClasses(view).flatMap((name) => {
    const members = view.roles
      .filter((r) => r.antiAffinityClassNames.includes(name))
      .map((r) => r.name);
    if (members.length < 2 || members.length < up) return [];
    const seen = `they must be kept apart (${name}), and only ${up} nodes are Up: none of them has a node to go to`;
    return blocker(listed(members), seen, '(Get-Cluster).ClusterEnforcedAntiAffinity = 0', null);
  });
}

function ruleFindings(v: DoctorView): Seen[] {
  const view = clusterView(v);
  // Which node is in which fault domain is not read.
  const rules = view?.cluster.affinityRules;
  if (view === null || rules === undefined) return [];
  const up = view.nodes.filter((n) => n.state === 'Up').length;
  const problems = rules.flatMap(({ name, type, groups }) => {
    const look = `Get-ClusterAffinityRule -Name ${quoted(name)}`;
    if (type === 'SameNode' && groups.length > 1) {
      const seen = `the rule ${name} keeps them on one node: one that is moved alone breaks it`;
      return [warning(listed(groups), seen, look, null)];
    }
    if (type !== 'DifferentNode' || groups.length < 2 || groups.length < up) return [];
    const seen = `the rule ${name} keeps them apart, and only ${up} nodes are Up: none of them has a node to go to`;
    return [warning(listed(groups), seen, look, null)];
  });
  return orFine(v, problems, rules.length === 0 ? 'there is none' : `${rules.length} enabled`);
}

const ROLES: readonly Check[] = [
  {
    id: 'role-state',
    group: 'vms',
    title: 'No role has failed, and the VM of every online role runs',
    blocks: 'a role has failed',
    warns: 'it is partly online, or its VM is paused or saved',
    source: `${LIVE_MIGRATION}, checklist`,
    look: inCluster(
      ({ roles }, v) => {
        const vmOf = vmFinder(v);
        return roles.flatMap((role) => roleProblem(role, vmOf(role.vmId)));
      },
      ({ roles }) =>
        `${roles.filter((r) => r.state === 'Online').length} of ${roles.length} online`,
    ),
  },
  {
    id: 'possible-owners',
    group: 'vms',
    title: 'Every node is a possible owner of every VM',
    blocks: 'no other node is',
    warns: 'some nodes are not',
    source: `${ISSUES} (0x80071398)`,
    look: inCluster(
      ({ nodes, roles }) => {
        const names = nodes.map((n) => n.name);
        return roles.flatMap((role) => ownerProblem(role, names));
      },
      ({ roles }) => vmCount(roles),
    ),
  },
  {
    id: 'anti-affinity',
    group: 'vms',
    title: 'Enforced anti-affinity leaves every VM a node to go to',
    blocks: 'as many VMs must be kept apart as there are nodes',
    warns: null,
    source: 'Microsoft: Cluster-Affinity (ClusterEnforcedAntiAffinity)',
    look: inCluster(affinityProblems, (view) => {
      if (!view.cluster.enforcedAntiAffinity) return 'not enforced';
      const { length } = antiAffinityClasses(view);
      return `enforced, ${length} ${length === 1 ? 'class' : 'classes'}`;
    }),
  },
  {
    id: 'affinity-rules',
    group: 'vms',
    title: 'Affinity rules leave every VM a node to go to',
    blocks: null,
    warns: 'a rule keeps VMs together, or as many apart as there are nodes',
    source: 'Microsoft: Cluster-Affinity, New-ClusterAffinityRule; MSCluster_AffinityRule',
    look: ruleFindings,
  },
  {
    id: 'clustered',
    group: 'vms',
    title: 'Every VM that runs is a role of the cluster',
    blocks: null,
    warns: 'one is not: its node cannot be drained, and nobody starts it elsewhere',
    source: 'watari: a node restarts only when no VM runs there',
    look: each(
      (v) => (clusterView(v) === null ? [] : views(v)),
      ({ vms }, node, v) => {
        const roleOf = roleFinder(v);
        return vms
          .filter((vm) => vm.state === 'Running' && !vm.clustered && roleOf(vm.id) === undefined)
          .map((vm) => {
            const remedy = `Add-ClusterVirtualMachineRole -VMId ${quoted(vm.id)} -Name ${quoted(vm.name)}`;
            return warning(vm.name, `it runs on ${node} outside the cluster`, remedy, node);
          });
      },
      (_all, v) => vmCount(clusteredVms(v)),
    ),
  },
];

const FILE: Check = {
  id: 'file',
  group: 'vms',
  title: 'What cluster.yaml says of virtual machines can be done',
  blocks: 'a disk is missing or not shared, a name is taken, the memory is not there',
  warns: null,
  source: 'watari: what cluster plan would stop at',
  look(v) {
    const view = clusterView(v);
    if (view === null || v.wanted === null) return [];
    const { wanted } = v;
    const isVm = (name: string): boolean =>
      wanted.virtualMachines.some((vm) => sameName(vm.name, name)) || wanted.prove.includes(name);
    const problems = findBlockers(wanted, snapshotOf(v, view), [])
      .filter((b) => isVm(b.subject))
      .map((b) => blocker(b.subject, `${b.code}: ${b.message}`, prose(b.hint), null));
    return orFine(v, problems, vmCount(wanted.virtualMachines));
  },
};

export const ROLE_CHECKS: readonly Check[] = [...ROLES, FILE];
