// Checks of Hyper-V on every node: roles, services, settings of live migration, switches, processors.
import type { NodeView, SetupFacts } from '../../facts.ts';
import { includesName, sameName } from '../../names.ts';
import { hasHyperV } from '../../snapshot.ts';
import { NODE_FEATURES } from '../../spec.ts';
import {
  APPLY,
  blocker,
  isWanted,
  mendable,
  orFine,
  perNode,
  prose,
  quoted,
  same,
  usual,
  warning,
  type Check,
  type Seen,
} from '../check.ts';
import { clusteredVms, clusterView, parts, partOf, type DoctorView, type Of } from '../view.ts';
import { listed } from '../../units.ts';

const withHyperV = (v: DoctorView): Of<NodeView>[] =>
  parts(v, 'view').filter(({ facts }) => hasHyperV(facts));

function featureProblems(v: DoctorView, { node, facts }: Of<NodeView>): Seen[] {
  return facts.features
    .filter((f) => f.state !== 'Installed' && includesName(NODE_FEATURES, f.name))
    .map(({ name, state }) => {
      if (state === 'InstallPending') {
        return mendable(v, node, `${name} is installed and works after a restart`, [
          prose('Once no VM runs there:'),
          'Restart-Computer',
        ]);
      }
      const source = state === 'Removed' ? ' -Source D:\\sources\\sxs' : '';
      const install = `Install-WindowsFeature -Name ${quoted(name)} -IncludeManagementTools${source}`;
      // Without its files Windows asks for the media, and so would apply.
      if (state === 'Removed') {
        return blocker(node, `${name} is not installed, and its files were removed`, install, node);
      }
      return mendable(v, node, `${name} is not installed`, install);
    });
}

const STARTERS: Readonly<Record<string, string>> = {
  vmms: 'Start-Service vmms',
  clussvc: 'Start-ClusterNode',
};

const ROLES: readonly Check[] = [
  {
    id: 'features',
    group: 'hyper-v',
    title: 'Hyper-V and Failover Clustering are installed',
    blocks: 'one is missing, or waits for a restart',
    warns: 'the same, where cluster.yaml asks for it: cluster apply installs it',
    source: 'Microsoft: live-migration-workgroup-cluster',
    look(v) {
      const all = parts(v, 'view');
      if (all.length === 0) return [];
      const problems = all.flatMap((node) => featureProblems(v, node));
      return orFine(v, problems, `on ${listed(all.map((n) => n.node))}`);
    },
  },
  {
    id: 'services',
    group: 'hyper-v',
    title: 'The services of Hyper-V and of the cluster run',
    blocks: 'one does not',
    warns: null,
    source: 'watari: vmms and ClusSvc at both ends of a move',
    look(v) {
      const all = parts(v, 'view');
      if (all.length === 0) return [];
      const problems = all.flatMap(({ node, facts }) =>
        facts.services
          // A role that is missing is told by the check of the roles.
          .filter((s) => s.state !== 'Running' && s.state !== 'Missing')
          .map(({ name, state }) =>
            blocker(
              node,
              `the service ${name} is ${state}`,
              STARTERS[name.toLowerCase()] ?? `Start-Service ${quoted(name)}`,
              node,
            ),
          ),
      );
      return orFine(v, problems, 'vmms and ClusSvc');
    },
  },
];

function slotProblems(v: DoctorView, nodes: Of<NodeView>[]): Seen[] {
  const cluster = clusterView(v)?.cluster;
  if (cluster === undefined) return [];
  const out: Seen[] = [];
  const now = cluster.maximumParallelMigrations;
  const wanted = v.wanted?.liveMigration.simultaneousMigrations ?? now;
  if (now !== wanted) {
    const seen = `MaximumParallelMigrations is ${String(now)}, cluster.yaml wants ${String(wanted)}; cluster apply will mend it`;
    out.push(warning(cluster.name, seen, APPLY, null));
  }
  for (const { node, facts } of nodes) {
    const own = facts.migration?.maximumMigrations;
    if (own === undefined || own === wanted) continue;
    const seen = `its MaximumVirtualMachineMigrations is ${String(own)}; the cluster's number is ${String(now)}, and that one counts`;
    const remedy = isWanted(v, node)
      ? APPLY
      : `Set-VMHost -MaximumVirtualMachineMigrations ${String(wanted)}`;
    out.push(warning(node, seen, remedy, isWanted(v, node) ? null : node));
  }
  return out;
}

function performanceProblems(v: DoctorView, nodes: Of<NodeView>[]): Seen[] {
  const told = nodes.flatMap(({ node, facts }) =>
    facts.migration === null ? [] : [{ node, facts: facts.migration.performance }],
  );
  const wanted = v.wanted?.liveMigration.performance ?? usual(told.map((n) => n.facts));
  return told
    .filter((n) => n.facts !== wanted)
    .map(({ node, facts }) => {
      const remedy = isWanted(v, node)
        ? APPLY
        : `Set-VMHost -VirtualMachineMigrationPerformanceOption ${wanted ?? ''}`;
      const seen = `its performance option is ${facts}, not ${wanted ?? ''}`;
      return warning(node, seen, remedy, isWanted(v, node) ? null : node);
    });
}

const MIGRATION: readonly Check[] = [
  {
    id: 'migration-enabled',
    group: 'hyper-v',
    title: 'Live migration is enabled on every node',
    blocks: 'it is not',
    warns: 'the same, where cluster.yaml asks for it: cluster apply enables it',
    source: 'Microsoft: live-migration-workgroup-cluster',
    look(v) {
      const all = withHyperV(v);
      if (all.length === 0) return [];
      const problems = all
        .filter(({ facts }) => facts.migration?.enabled !== true)
        .map(({ node }) =>
          mendable(v, node, 'live migration is not enabled', 'Enable-VMMigration'),
        );
      return orFine(v, problems, `on ${listed(all.map((n) => n.node))}`);
    },
  },
  {
    id: 'parallel-migrations',
    group: 'hyper-v',
    title: 'The cluster and every node allow the same number of live migrations at once',
    blocks: null,
    warns: "they do not: the cluster's number counts, whatever a node says",
    source: 'Microsoft: Set-VMHost ("takes precedence"), MaximumParallelMigrations',
    look(v) {
      const all = withHyperV(v);
      const limit = clusterView(v)?.cluster.maximumParallelMigrations;
      if (all.length === 0 || limit === undefined) return [];
      return orFine(v, slotProblems(v, all), `${String(limit)} at once`);
    },
  },
  {
    id: 'performance-option',
    group: 'hyper-v',
    title: 'Every node has the same performance option for live migration',
    blocks: null,
    warns: 'they do not, or not the one of cluster.yaml',
    source: 'Microsoft: Set-VMHost -VirtualMachineMigrationPerformanceOption',
    look(v) {
      const all = withHyperV(v);
      if (all.length === 0) return [];
      const seen = perNode(all, (view) => view.migration?.performance ?? '?');
      return orFine(v, performanceProblems(v, all), seen);
    },
  },
  {
    id: 'authentication',
    group: 'hyper-v',
    title: 'No node wants Kerberos for live migration',
    blocks: null,
    warns: 'one does: there is no Kerberos in a workgroup; the default is CredSSP',
    source: 'Microsoft: Set-VMHost -VirtualMachineMigrationAuthenticationType',
    look(v) {
      const all = withHyperV(v);
      if (all.length === 0) return [];
      const problems = all
        .filter(({ facts }) => facts.migration?.authentication === 'Kerberos')
        .map(({ node }) =>
          warning(
            node,
            'it is set to Kerberos',
            'Set-VMHost -VirtualMachineMigrationAuthenticationType CredSSP',
            node,
          ),
        );
      return orFine(v, problems, 'CredSSP');
    },
  },
];

const newSwitch = (name: string): string[] => [
  'Get-NetAdapter',
  `New-VMSwitch -Name ${quoted(name)} -NetAdapterName ADAPTER -AllowManagementOS $true`,
];

/** Switches that VMs of the cluster are connected to, or will be, and who. */
function usedSwitches(v: DoctorView): Map<string, { name: string; by: string[] }> {
  const used = new Map<string, { name: string; by: string[] }>();
  const add = (name: string | null, vm: string): void => {
    if (name === null) return;
    const known = used.get(name.toLowerCase()) ?? { name, by: [] };
    if (!known.by.includes(vm)) known.by.push(vm);
    used.set(name.toLowerCase(), known);
  };
  for (const { vm } of clusteredVms(v)) for (const name of vm.switches) add(name, vm.name);
  for (const vm of v.wanted?.virtualMachines ?? []) add(vm.switch, vm.name);
  return used;
}

function switchProblems(v: DoctorView, nodes: Of<NodeView>[]): Seen[] {
  const used = usedSwitches(v);
  const out: Seen[] = [];
  for (const { name, by } of used.values()) {
    for (const { node, facts } of nodes) {
      const there = facts.switches.find((w) => sameName(w.name, name));
      if (there?.type === 'External') continue;
      const seen =
        there === undefined
          ? `it has no virtual switch ${name} (needed by ${listed(by)})`
          : `its virtual switch ${name} (needed by ${listed(by)}) is ${there.type}, not External`;
      const remedy =
        there === undefined
          ? newSwitch(name)
          : ['Get-NetAdapter', `Set-VMSwitch -Name ${quoted(name)} -NetAdapterName ADAPTER`];
      out.push(blocker(node, seen, remedy, node));
    }
  }
  const external = new Set(
    nodes.flatMap(({ facts }) =>
      facts.switches.filter((w) => w.type === 'External').map((w) => w.name),
    ),
  );
  for (const name of external) {
    if (used.has(name.toLowerCase())) continue;
    for (const { node, facts } of nodes) {
      if (facts.switches.some((w) => sameName(w.name, name))) continue;
      out.push(
        warning(node, `it has no virtual switch ${name}, others have`, newSwitch(name), node),
      );
    }
  }
  return out;
}

const SWITCHES: Check = {
  id: 'switches',
  group: 'hyper-v',
  title: 'Every node has the virtual switches by the same names, as External ones',
  blocks: 'one that a VM of the cluster needs is missing or not External',
  warns: 'one that no VM needs yet is missing somewhere',
  source:
    'Microsoft: troubleshoot-live-migration-issues (event 21125), high-availability-virtual-machine-troubleshooting-guidance',
  look(v) {
    const all = withHyperV(v);
    if (all.length === 0) return [];
    const names = [...new Set(all.flatMap(({ facts }) => facts.switches.map((w) => w.name)))];
    return orFine(v, switchProblems(v, all), listed(names));
  },
};

interface Hardware {
  view: NodeView;
  setup: SetupFacts | null;
}

/** What Windows does not show is left out, and so is no difference. */
const hardwareText = ({ view, setup }: Hardware): string =>
  [
    view.host.cpuName,
    ...(setup === null || setup.microcode === '' ? [] : [`microcode ${setup.microcode}`]),
    ...(setup === null || setup.bios === '' ? [] : [`BIOS ${setup.bios}`]),
  ].join(', ');

function compatibilityProblems(v: DoctorView, nodes: Of<Hardware>[]): Seen[] {
  if (same(nodes.map((n) => hardwareText(n.facts)))) return [];
  const seen = `the nodes differ (${perNode(nodes, hardwareText)}), and it runs without processor compatibility`;
  return clusteredVms(v)
    .filter(({ vm }) => !vm.compatibilityForMigration)
    .map(({ node, vm }) =>
      warning(
        vm.name,
        seen,
        [
          prose('The VM must be off for this:'),
          `Stop-VM -Name ${quoted(vm.name)}`,
          `Set-VMProcessor -VMName ${quoted(vm.name)} -CompatibilityForMigrationEnabled $true`,
          `Start-ClusterGroup -VMId ${quoted(vm.id)}`,
        ],
        node,
      ),
    );
}

const PROCESSORS: readonly Check[] = [
  {
    id: 'cpu-vendor',
    group: 'hyper-v',
    title: 'All processors are of one manufacturer',
    blocks: 'they are not: nothing moves between them while it runs',
    warns: null,
    source: 'Microsoft: dynamic-processor-compatibility-mode',
    look(v) {
      const all = parts(v, 'view').map(({ node, facts }) => ({
        node,
        facts: facts.host.cpuVendor,
      }));
      if (all.length === 0) return [];
      const most = usual(all.map((n) => n.facts));
      const problems = all
        .filter((n) => n.facts !== most)
        .map(({ node, facts }) =>
          blocker(
            node,
            `its processor is from ${facts}, the others' from ${most ?? ''}`,
            prose(
              'No setting helps. Keep VMs on nodes of one kind: Set-ClusterOwnerNode -Resource NAME -Owners NODES.',
            ),
            node,
          ),
        );
      return orFine(v, problems, most ?? '');
    },
  },
  {
    id: 'cpu-compatibility',
    group: 'hyper-v',
    title: 'Processor, microcode and BIOS are the same on all nodes, or VMs use compatibility mode',
    blocks: null,
    warns: 'they differ, and a VM runs without: its move may be refused',
    source: 'Microsoft: dynamic-processor-compatibility-mode, troubleshoot-live-migration-issues',
    look(v) {
      const all = withHyperV(v).map(({ node, facts }) => ({
        node,
        facts: { view: facts, setup: partOf(v, 'setup', node) },
      }));
      if (all.length === 0) return [];
      return orFine(v, compatibilityProblems(v, all), perNode(all, hardwareText));
    },
  },
];

export const HYPERV_CHECKS: readonly Check[] = [...ROLES, ...MIGRATION, SWITCHES, ...PROCESSORS];
