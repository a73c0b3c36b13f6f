// Checks of Hyper-V on every node: roles, services, settings of live migration, switches, processors.
import type { ClusterView, NodeView, SetupFacts } from '../../facts.ts';
import { includesName, sameName } from '../../names.ts';
import { NODE_FEATURES } from '../../spec.ts';
import { listed } from '../../units.ts';
import {
  APPLY,
  blocker,
  mendable,
  namesOf,
  orFine,
  perNode,
  prose,
  quoted,
  same,
  warning,
  type Check,
  type Seen,
} from '../check.ts';
import { alike, each, together, usual } from '../looks.ts';
import {
  clusteredVms,
  clusterView,
  hosts,
  isWanted,
  partOf,
  setups,
  views,
  type DoctorView,
  type Of,
} from '../view.ts';

function featureProblems({ features }: NodeView, node: string, v: DoctorView): Seen[] {
  return features
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
        return blocker(node, `${name} is not installed, and its files were removed`, install);
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
    look: each(views, featureProblems, (all) => `on ${namesOf(all)}`),
  },
  {
    id: 'services',
    group: 'hyper-v',
    title: 'The services of Hyper-V and of the cluster run',
    blocks: 'one does not',
    warns: null,
    source: 'watari: vmms and ClusSvc at both ends of a move',
    look: each(
      views,
      ({ services }, node) =>
        services
          // A role that is missing is told by the check of the roles.
          .filter((s) => s.state !== 'Running' && s.state !== 'Missing')
          .map(({ name, state }) => {
            const remedy = STARTERS[name.toLowerCase()] ?? `Start-Service ${quoted(name)}`;
            return blocker(node, `the service ${name} is ${state}`, remedy);
          }),
      'vmms and ClusSvc',
    ),
  },
];

/** No move fails for it; where cluster.yaml says what it should be, `cluster apply` sees to it. */
const unlike = (v: DoctorView, node: string, seen: string, remedy: string): Seen =>
  isWanted(v, node) ? warning(node, seen, APPLY, null) : warning(node, seen, remedy);

function slotProblems(v: DoctorView, { cluster }: ClusterView): Seen[] {
  const now = cluster.maximumParallelMigrations;
  const wanted = v.wanted?.liveMigration.simultaneousMigrations ?? now;
  const ofNodes = hosts(v).flatMap(({ node, facts }) => {
    const own = facts.migration?.maximumMigrations;
    if (own === undefined || own === wanted) return [];
    const seen = `its MaximumVirtualMachineMigrations is ${own}; the cluster's number is ${now}, and that one counts`;
    return unlike(v, node, seen, `Set-VMHost -MaximumVirtualMachineMigrations ${wanted}`);
  });
  if (now === wanted) return ofNodes;
  const seen = `MaximumParallelMigrations is ${now}, cluster.yaml wants ${wanted}; cluster apply will mend it`;
  return [warning(cluster.name, seen, APPLY, null), ...ofNodes];
}

const MIGRATION: readonly Check[] = [
  {
    id: 'migration-enabled',
    group: 'hyper-v',
    title: 'Live migration is enabled on every node',
    blocks: 'it is not',
    warns: 'the same, where cluster.yaml asks for it: cluster apply enables it',
    source: 'Microsoft: live-migration-workgroup-cluster',
    look: each(
      hosts,
      ({ migration }, node, v) =>
        migration?.enabled === true
          ? []
          : mendable(v, node, 'live migration is not enabled', 'Enable-VMMigration'),
      (all) => `on ${namesOf(all)}`,
    ),
  },
  {
    id: 'parallel-migrations',
    group: 'hyper-v',
    title: 'The cluster and every node allow the same number of live migrations at once',
    blocks: null,
    warns: "they do not: the cluster's number counts, whatever a node says",
    source: 'Microsoft: Set-VMHost ("takes precedence"), MaximumParallelMigrations',
    look(v) {
      const view = clusterView(v);
      if (view === null || hosts(v).length === 0) return [];
      return orFine(v, slotProblems(v, view), `${view.cluster.maximumParallelMigrations} at once`);
    },
  },
  {
    id: 'performance-option',
    group: 'hyper-v',
    title: 'Every node has the same performance option for live migration',
    blocks: null,
    warns: 'they do not, or not the one of cluster.yaml',
    source: 'Microsoft: Set-VMHost -VirtualMachineMigrationPerformanceOption',
    look: alike(hosts, {
      pick: ({ migration }) => migration?.performance,
      model: (options, v) => v.wanted?.liveMigration.performance ?? usual(options),
      say({ migration }, node, wanted, v) {
        const seen = `its performance option is ${migration?.performance ?? ''}, not ${wanted ?? ''}`;
        const remedy = `Set-VMHost -VirtualMachineMigrationPerformanceOption ${wanted ?? ''}`;
        return unlike(v, node, seen, remedy);
      },
      fine: (_wanted, all) => perNode(all, ({ migration }) => migration?.performance ?? '?'),
    }),
  },
  {
    id: 'authentication',
    group: 'hyper-v',
    title: 'No node wants Kerberos for live migration',
    blocks: null,
    warns: 'one does: there is no Kerberos in a workgroup; the default is CredSSP',
    source: 'Microsoft: Set-VMHost -VirtualMachineMigrationAuthenticationType',
    look: each(
      hosts,
      ({ migration }, node) =>
        migration?.authentication === 'Kerberos'
          ? warning(
              node,
              'it is set to Kerberos',
              'Set-VMHost -VirtualMachineMigrationAuthenticationType CredSSP',
            )
          : [],
      'CredSSP',
    ),
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

function switchProblems(nodes: Of<NodeView>[], v: DoctorView): Seen[] {
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
      out.push(blocker(node, seen, remedy));
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
      out.push(warning(node, `it has no virtual switch ${name}, others have`, newSwitch(name)));
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
  look: together(hosts, switchProblems, (all) => {
    const names = all.flatMap(({ facts }) => facts.switches.map((w) => w.name));
    return listed([...new Set(names)]);
  }),
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

const hardware = (v: DoctorView): Of<Hardware>[] =>
  hosts(v).map(({ node, facts }) => ({
    node,
    facts: { view: facts, setup: partOf(v, 'setup', node) },
  }));

function compatibilityProblems(all: Of<Hardware>[], v: DoctorView): Seen[] {
  if (same(all.map((n) => hardwareText(n.facts)))) return [];
  const seen = `the nodes differ (${perNode(all, hardwareText)}), and it runs without processor compatibility`;
  return clusteredVms(v)
    .filter(({ vm }) => !vm.compatibilityForMigration)
    .map(({ node, vm }) => {
      const remedy = [
        prose('The VM must be off for this:'),
        `Stop-VM -Name ${quoted(vm.name)}`,
        `Set-VMProcessor -VMName ${quoted(vm.name)} -CompatibilityForMigrationEnabled $true`,
        `Start-ClusterGroup -VMId ${quoted(vm.id)}`,
      ];
      return warning(vm.name, seen, remedy, node);
    });
}

const mitigationText = ({ microcode, bios }: SetupFacts): string =>
  [
    ...(microcode === '' ? [] : [`microcode ${microcode}`]),
    ...(bios === '' ? [] : [`BIOS ${bios}`]),
  ].join(', ') || 'not shown';

function mitigationProblems(all: Of<SetupFacts>[], v: DoctorView): Seen[] {
  // What a node does not show is no difference.
  const differ = (pick: (s: SetupFacts) => string): boolean =>
    !same(all.map((n) => pick(n.facts)).filter((value) => value !== ''));
  if (!differ((s) => s.microcode) && !differ((s) => s.bios)) return [];
  const seen = `the nodes differ (${perNode(all, mitigationText)}): a move may be refused (0x80048054), in compatibility mode too`;
  const remedy = [
    prose(
      'Bring BIOS and microcode of all nodes to one level, one drained node after the other. To compare:',
    ),
    'Get-CimInstance Win32_BIOS | Format-List SMBIOSBIOSVersion, ReleaseDate',
  ];
  return [warning(clusterView(v)?.cluster.name ?? v.cluster, seen, remedy, null)];
}

const PROCESSORS: readonly Check[] = [
  {
    id: 'cpu-vendor',
    group: 'hyper-v',
    title: 'All processors are of one manufacturer',
    blocks: 'they are not: nothing moves between them while it runs',
    warns: null,
    source: 'Microsoft: dynamic-processor-compatibility-mode',
    look: alike(views, {
      pick: ({ host }) => host.cpuVendor,
      model: (vendors) => usual(vendors) ?? '',
      say: ({ host }, node, most) =>
        blocker(
          node,
          `its processor is from ${host.cpuVendor}, the others' from ${most}`,
          prose(
            'No setting helps. Keep VMs on nodes of one kind: Set-ClusterOwnerNode -Resource NAME -Owners NODES.',
          ),
        ),
      fine: (most) => most,
    }),
  },
  {
    id: 'cpu-compatibility',
    group: 'hyper-v',
    title: 'Processor, microcode and BIOS are the same on all nodes, or VMs use compatibility mode',
    blocks: null,
    warns: 'they differ, and a VM runs without: its move may be refused',
    source: 'Microsoft: dynamic-processor-compatibility-mode, troubleshoot-live-migration-issues',
    look: together(hardware, compatibilityProblems, (all) => perNode(all, hardwareText)),
  },
  {
    id: 'cpu-mitigations',
    group: 'hyper-v',
    title:
      'Microcode and BIOS are the same on all nodes, and so are the mitigations that they bring',
    blocks: null,
    warns: 'they differ: a move may be refused (0x80048054), in compatibility mode too',
    source: 'Microsoft Japan, support (0x80048054 between hosts of different mitigations)',
    look: together(setups, mitigationProblems, (all) => perNode(all, mitigationText)),
  },
];

export const HYPERV_CHECKS: readonly Check[] = [...ROLES, ...MIGRATION, SWITCHES, ...PROCESSORS];
