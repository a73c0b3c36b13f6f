// Checks of the virtual machines of the cluster: what each would fail on when it moves.
import type { VmStorageFacts } from '../../facts.ts';
import { sameName } from '../../names.ts';
import { isSharedPath } from '../../storage.ts';
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
import { eachVm } from '../looks.ts';
import {
  clusteredVms,
  clusterView,
  hosts,
  partOf,
  setups,
  storages,
  views,
  type ClusteredVm,
  type DoctorView,
} from '../view.ts';

const LIVE_MIGRATION = 'Microsoft: hyper-v-virtual-machine-live-migration';
const ISSUES = 'Microsoft: troubleshoot-live-migration-issues';

const HARDWARE: readonly Check[] = [
  {
    id: 'vm-version',
    group: 'vms',
    title: 'Every node supports the version of every VM',
    blocks: 'one does not',
    warns: null,
    source: `${LIVE_MIGRATION} (event 10698)`,
    look: eachVm(
      (vm, node, v) => {
        const lacking = hosts(v)
          .filter(({ facts }) => !facts.host.vmVersions.includes(vm.version))
          .map((n) => n.node);
        if (lacking.length === 0) return [];
        const seen = `its version ${vm.version} is not supported by ${listed(lacking)}`;
        const remedy = prose(
          `Bring ${listed(lacking)} to the Windows of ${node}: a VM's version only ever goes up.`,
        );
        return blocker(vm.name, seen, remedy, lacking[0] ?? null);
      },
      (vms) => listed([...new Set(vms.map((vm) => vm.version))]),
    ),
  },
  {
    id: 'iso',
    group: 'vms',
    title: 'No VM has an ISO that only its node can see',
    blocks: 'one has',
    warns: null,
    source: `${ISSUES} (0xC03A0014)`,
    look: eachVm(
      (vm, node, v) => {
        const local = vm.dvds.filter(
          (path) => !isSharedPath(path, clusterView(v)?.sharedVolumes ?? []),
        );
        if (local.length === 0) return [];
        const remedy = `Get-VMDvdDrive -VMName ${quoted(vm.name)} | Set-VMDvdDrive -Path $null`;
        return blocker(vm.name, `${listed(local)} is in its DVD drive`, remedy, node);
      },
      (vms) => `${vmCount(vms.filter((vm) => vm.dvds.length > 0))} with an ISO, on shared storage`,
    ),
  },
  {
    id: 'pass-through',
    group: 'vms',
    title: 'No VM uses a device of its node',
    blocks: 'one does',
    warns: null,
    source: 'Microsoft: plan for deploying devices by using Discrete Device Assignment',
    look: eachVm((vm, node) => {
      if (vm.passThroughDevices.length === 0) return [];
      const remedy = [
        prose('The VM must be off for this:'),
        `Get-VMAssignableDevice -VMName ${quoted(vm.name)} | Remove-VMAssignableDevice`,
      ];
      return blocker(vm.name, `it uses ${listed(vm.passThroughDevices)}`, remedy, node);
    }, 'none does'),
  },
  {
    id: 'gpu-partition',
    group: 'vms',
    title: 'No VM has a part of a graphics processor',
    blocks: null,
    warns:
      'one has: it moves only to a node with the same processor and a free part, which watari does not see',
    source: 'Microsoft: gpu-partitioning; Msvm_GpuPartitionSettingData',
    look: eachVm((vm, node) => {
      if (!(vm.gpuPartitions > 0)) return [];
      const seen =
        'it has a part of a graphics processor: it moves only to a node with the same one (SR-IOV) and a free part';
      const remedy = [
        prose('The same on every node? Compare, and look for parts that are free:'),
        'Get-VMHostPartitionableGpu | Format-List Name, PartitionCount',
        `Get-VMGpuPartitionAdapter -VMName ${quoted(vm.name)}`,
      ];
      return warning(vm.name, seen, remedy, node);
    }, 'none has'),
  },
  {
    id: 'critical',
    group: 'vms',
    title: 'Every VM has its storage and its worker process',
    blocks: 'one is critical: it has lost one of them, and its move fails',
    warns: null,
    source:
      'Microsoft: Msvm_ComputerSystem.HealthState; Get-VM says RunningCritical, OffCritical and the like',
    look: eachVm((vm, node) => {
      if (!vm.critical) return [];
      const remedy = [
        prose('See that its disks and configuration are there, then look again:'),
        `Get-VM -Id ${quoted(vm.id)} | Format-List Name, State, ConfigurationLocation, HardDrives`,
      ];
      return blocker(vm.name, `it is ${vm.state} and critical`, remedy, node);
    }, 'none is critical'),
  },
  {
    id: 'vtpm',
    group: 'vms',
    title: 'Every node has the certificates of VMs with a virtual TPM',
    blocks: 'a node lacks one that another has: such a VM does not start there',
    warns: 'there is such a VM, and no node shows a certificate',
    source: 'Microsoft: hyper-v-virtual-machine-input-migration-integration (key protector)',
    look: certificateFindings,
  },
];

const STORE = "'Cert:\\LocalMachine\\Shielded VM Local Certificates'";

function certificateFindings(v: DoctorView): Seen[] {
  const nodes = setups(v);
  if (nodes.length === 0 || views(v).length === 0) return [];
  const vms = clusteredVms(v)
    .filter(({ vm }) => vm.tpm)
    .map(({ vm }) => vm.name);
  if (vms.length === 0) return orFine(v, [], 'no VM has one');
  const all = [...new Set(nodes.flatMap(({ facts }) => facts.shieldingCertificates))];
  if (all.length === 0) {
    const seen = `it has a virtual TPM, and no node shows a certificate for it`;
    return [warning(listed(vms), seen, `Get-ChildItem ${STORE}`, null)];
  }
  const problems = nodes.flatMap(({ node, facts }) => {
    const missing = all.filter((c) => !facts.shieldingCertificates.includes(c));
    if (missing.length === 0) return [];
    const holder = nodes.find((n) =>
      n.facts.shieldingCertificates.includes(missing[0] ?? ''),
    )?.node;
    const folder = clusterView(v)?.sharedVolumes[0]?.path ?? 'FOLDER';
    const remedy = [
      prose(`On ${holder ?? 'the node that has them'}:`),
      `$password = Read-Host 'A password for the files' -AsSecureString`,
      `Get-ChildItem ${STORE} | ForEach-Object { Export-PfxCertificate -Cert $_ -FilePath "${folder}\\$($_.Thumbprint).pfx" -Password $password }`,
      prose(`Then on ${node}; delete the files afterwards:`),
      `$password = Read-Host 'The password of the files' -AsSecureString`,
      `Get-ChildItem '${folder}\\*.pfx' | ForEach-Object { Import-PfxCertificate -FilePath $_.FullName -CertStoreLocation ${STORE} -Password $password -Exportable }`,
    ];
    const seen = `it lacks ${missing.length} of ${all.length} certificates; ${listed(vms)} may need them`;
    return blocker(node, seen, remedy);
  });
  return orFine(v, problems, `${listed(vms)}: ${all.length} on every node`);
}

/** Files of one VM that other nodes cannot open. */
function localFiles(storage: VmStorageFacts, v: DoctorView): string[] {
  const volumes = clusterView(v)?.sharedVolumes ?? [];
  const isShared = (path: string): boolean => isSharedPath(path, volumes);
  // A folder may be the volume itself.
  const folders = [storage.configurationPath, storage.smartPagingPath].filter(
    (path) => path !== '' && !isShared(`${path}\\x`),
  );
  const files = storage.disks
    .flatMap((d) => [d.path, ...d.parents])
    .filter((path) => !isShared(path));
  return [...new Set([...folders, ...files])];
}

const storageOf = ({ node, vm }: ClusteredVm, v: DoctorView): VmStorageFacts | undefined =>
  partOf(v, 'storage', node)?.find((s) => sameName(s.vmId, vm.id));

/** Only what the nodes told of their files; the check of what could be read names the others. */
const withStorage =
  (judge: (s: VmStorageFacts, p: ClusteredVm, v: DoctorView) => Seen | Seen[], fine: string) =>
  (v: DoctorView): Seen[] => {
    if (storages(v).length === 0) return [];
    const problems = clusteredVms(v).flatMap((p) => {
      const storage = storageOf(p, v);
      return storage === undefined ? [] : judge(storage, p, v);
    });
    return orFine(v, problems, fine);
  };

/** The folder in which the next checkpoint would be made; one that the VM is in anyway is told with its files. */
function checkpointProblem(storage: VmStorageFacts, vm: string, on: string, v: DoctorView): Seen[] {
  const { snapshotPath: folder = '', configurationPath } = storage;
  const volumes = clusterView(v)?.sharedVolumes ?? [];
  if (folder === '' || sameName(folder, configurationPath)) return [];
  if (isSharedPath(`${folder}\\x`, volumes)) return [];
  const seen = `its checkpoints would be made in ${folder}, which only ${on} can open`;
  const remedy = `Set-VM -Name ${quoted(vm)} -SnapshotFileLocation ${quoted(configurationPath)}`;
  return [warning(vm, seen, remedy, on)];
}

const STORAGE: readonly Check[] = [
  {
    id: 'vm-files',
    group: 'vms',
    title: 'All files of every VM are on shared storage',
    blocks: 'its configuration, its smart paging, or a disk or one of its parents is not',
    warns: 'its folder for checkpoints (SnapshotFileLocation) is not',
    source: 'Microsoft: high-availability-virtual-machine-troubleshooting-guidance (event 20413)',
    look: withStorage((storage, { node, vm }, v) => {
      const checkpoints = checkpointProblem(storage, vm.name, node, v);
      const local = localFiles(storage, v);
      if (local.length === 0) return checkpoints;
      const folder = `${clusterView(v)?.sharedVolumes[0]?.path ?? '\\\\SERVER\\SHARE'}\\${vm.name}`;
      const remedy = `Move-VMStorage -VMName ${quoted(vm.name)} -DestinationStoragePath ${quoted(folder)}`;
      const files = blocker(vm.name, `only ${node} can open ${listed(local, 4)}`, remedy, node);
      return [files, ...checkpoints];
    }, 'configuration, smart paging, disks and their parents'),
  },
  {
    id: 'shared-vhdx',
    group: 'vms',
    title: 'No VM has a shared VHDX',
    blocks: 'one has: it cannot be live-migrated',
    warns: null,
    source: LIVE_MIGRATION,
    look: withStorage((storage, { node, vm }) => {
      const shared = storage.disks.filter((d) => d.shared).map((d) => d.path);
      if (shared.length === 0) return [];
      const remedy = [
        prose(
          'Make it a VHD set (.vhds), which moves with its VMs, or detach the disk before the move and attach it after:',
        ),
        `Get-VMHardDiskDrive -VMName ${quoted(vm.name)} | Where-Object SupportPersistentReservations`,
      ];
      return blocker(vm.name, `${listed(shared)} is shared with other VMs`, remedy, node);
    }, 'none has'),
  },
];

/** Until then a guest may still be booting. */
const BOOTED_SECONDS = 300;

const CONDITION: readonly Check[] = [
  {
    id: 'busy',
    group: 'vms',
    title: 'No VM is in the middle of a backup, a checkpoint or a merge',
    blocks: null,
    warns: 'one is: it cannot be moved meanwhile',
    source: `${LIVE_MIGRATION}; Msvm_ComputerSystem.OperationalStatus`,
    look: eachVm((vm, node) => {
      if (!vm.busy) return [];
      const remedy = [
        prose('It usually ends by itself. One that does not:'),
        `Get-VM -Name ${quoted(vm.name)} | Format-List Name, Status, OperationalStatus`,
        'vssadmin list writers',
      ];
      return warning(vm.name, 'a backup, checkpoint or merge of it is under way', remedy, node);
    }, vmCount),
  },
  {
    id: 'heartbeat',
    group: 'vms',
    title: 'Every VM that runs gives a heartbeat',
    blocks: null,
    warns: 'one does not, five minutes after its start: whether a move did it harm cannot be seen',
    source: `${LIVE_MIGRATION}, checklist (integration services)`,
    look: eachVm(
      (vm, node) => {
        if (vm.state !== 'Running' || vm.heartbeat !== 'NoContact') return [];
        if (vm.uptimeSeconds <= BOOTED_SECONDS) return [];
        const remedy = [
          `Get-VMIntegrationService -VMName ${quoted(vm.name)}`,
          prose('In the guest: is it up, and are its integration services?'),
        ];
        return warning(vm.name, 'it gives no heartbeat', remedy, node);
      },
      (vms) =>
        `${vms.filter((vm) => vm.heartbeat === 'Ok').length} of ${vms.filter((vm) => vm.state === 'Running').length}`,
    ),
  },
];

const word = (name: string): string => (/^[\w.-]+$/.test(name) ? name : quoted(name));

/** No look tells what Windows makes of the account that created a VM, so this one is offered and never run. */
function moveOffer(v: DoctorView): string {
  const small = clusteredVms(v)
    .filter(({ vm }) => vm.state === 'Running')
    .sort((a, b) => a.vm.memoryAssignedBytes - b.vm.memoryAssignedBytes)[0];
  const name = small === undefined ? 'NAME' : word(small.vm.name);
  return `to try it: watari vm migrate ${name} -c ${word(v.cluster)}`;
}

const PROOF: Check = {
  id: 'move-proof',
  group: 'vms',
  title: 'VMs that a local account created can be moved (0x80070534)',
  blocks: null,
  warns: null,
  source:
    'Microsoft: Azure Local 24H2, "No mapping between account names"; the same code line as Windows Server 2025',
  unless: moveOffer,
  look: () => [],
};

export const VM_CHECKS: readonly Check[] = [...HARDWARE, ...STORAGE, ...CONDITION, PROOF];
