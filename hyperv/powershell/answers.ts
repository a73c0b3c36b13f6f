// What the module must answer to each operation. Checked here, at the border to PowerShell, so that nothing above meets
// a number where a name should be.
import { z } from 'zod';
import { MIGRATION_STATES } from '../../domain/facts.ts';
import { HEALTHS } from '../../domain/storage-facts.ts';
import { RESULT_CODES } from '../../domain/update-facts.ts';
import type { Op, OpFacts } from '../host.ts';

const time = z.iso.datetime();
const changed = z.strictObject({ changed: z.boolean() });
const bytes = z.int().min(0);
const hresult = z.string().regex(/^0x[0-9A-F]{8}$/);

const sound = z.strictObject({ name: z.string(), health: z.enum(HEALTHS) });

const migration = z.strictObject({
  enabled: z.boolean(),
  maximumMigrations: z.int(),
  maximumStorageMigrations: z.int(),
  performance: z.enum(['TCPIP', 'Compression', 'SMB']),
  authentication: z.enum(['CredSSP', 'Kerberos']),
  useAnyNetwork: z.boolean(),
});

const cluster = z.strictObject({
  name: z.string(),
  id: z.string(),
  maximumParallelMigrations: z.int(),
  enforcedAntiAffinity: z.boolean(),
  autoBalancerMode: z.int(),
  autoBalancerLevel: z.int(),
  affinityRules: z.array(
    z.strictObject({
      name: z.string(),
      type: z.enum([
        'SameFaultDomain',
        'SameNode',
        'DifferentFaultDomain',
        'DifferentNode',
        'Unknown',
      ]),
      groups: z.array(z.string()),
    }),
  ),
  witness: z.strictObject({
    kind: z.enum(['None', 'Disk', 'Cloud', 'Usb']),
    online: z.boolean(),
  }),
});

const vmNow = z.strictObject({
  id: z.string(),
  name: z.string(),
  state: z.enum(['Off', 'Starting', 'Running', 'Saving', 'Saved', 'Paused', 'Stopping', 'Other']),
  critical: z.boolean(),
  memoryAssignedBytes: bytes,
  uptimeSeconds: z.int().min(0),
  heartbeat: z.enum(['Ok', 'NoContact', 'Unknown']),
});

const vm = vmNow.extend({
  version: z.string(),
  generation: z.union([z.literal(1), z.literal(2)]),
  memoryStartupBytes: bytes,
  switches: z.array(z.string().nullable()),
  disks: z.array(z.string()),
  dvds: z.array(z.string()),
  compatibilityForMigration: z.boolean(),
  passThroughDevices: z.array(z.string()),
  gpuPartitions: z.int().min(0),
  tpm: z.boolean(),
  busy: z.boolean(),
  clustered: z.boolean(),
  notes: z.string(),
});

const groupState = z.enum(['Online', 'Offline', 'Failed', 'PartialOnline', 'Pending', 'Unknown']);

const role = z.strictObject({
  vmId: z.string(),
  name: z.string(),
  state: groupState,
  owner: z.string(),
  status: z.int(),
  preferredOwners: z.array(z.string()),
  possibleOwners: z.array(z.string()),
  antiAffinityClassNames: z.array(z.string()),
  priority: z.int().min(0),
  move: z.strictObject({
    phase: z.enum([...MIGRATION_STATES, 'migrating', 'unknown']),
    percent: z.int(),
    failureReason: hresult,
    target: z.string().nullable(),
  }),
});

const account = z.strictObject({
  name: z.string(),
  sid: z.string(),
  enabled: z.boolean(),
  builtIn: z.boolean(),
});

export const ANSWERS: { [K in Op]: z.ZodType<OpFacts<K>> } = {
  readHost: z.strictObject({
    node: z.string(),
    now: time,
    osVersion: z.string(),
    boot: z.string(),
    bootTime: time,
    memoryBytes: bytes,
    freeMemoryBytes: bytes,
    cpuVendor: z.string(),
    cpuName: z.string(),
    logicalProcessors: z.int(),
    vmVersions: z.array(z.string()),
    pendingRestart: z.boolean(),
  }),
  readBoot: z.strictObject({ boot: z.string(), bootTime: time }),
  readSetup: z.strictObject({
    node: z.string(),
    workgroup: z.string().nullable(),
    domain: z.string().nullable(),
    dnsSuffix: z.string(),
    updateRevision: z.int(),
    account: account.extend({ elevated: z.boolean() }),
    administrators: z.array(account),
    policies: z.strictObject({
      localAccountTokenFilterPolicy: z.int().nullable(),
      allowPku2u: z.int().nullable(),
      allowCustomSspsAps: z.int().nullable(),
      blockNtlm: z.boolean().nullable(),
      virtualMachineRights: z
        .strictObject({ createSymbolicLinks: z.boolean(), logOnAsService: z.boolean() })
        .nullable(),
    }),
    trustedHosts: z.array(z.string()),
    bios: z.string(),
    microcode: z.string(),
    listening: z.array(z.int()),
    shieldingCertificates: z.array(z.string()),
    security: z.strictObject({
      lockout: z
        .strictObject({ threshold: z.int(), minutes: z.int(), windowMinutes: z.int() })
        .nullable(),
      rights: z
        .strictObject({
          batch: z.array(z.string()),
          denyBatch: z.array(z.string()),
          network: z.array(z.string()),
          denyNetwork: z.array(z.string()),
        })
        .nullable(),
      locked: z.boolean(),
      passwordExpires: time.nullable(),
      credentialGuard: z.boolean().nullable(),
    }),
    automaticUpdates: z.strictObject({ off: z.int().nullable(), option: z.int().nullable() }),
    cluster: z
      .strictObject({
        coreGroupOwner: z.string(),
      })
      .nullable(),
  }),
  readPeers: z.array(
    z.strictObject({
      node: z.string(),
      addresses: z.array(z.string()),
      ports: z.array(z.strictObject({ port: z.int(), open: z.boolean() })),
      signIn: z
        .strictObject({
          ok: z.boolean(),
          hresult: z.string().nullable(),
          message: z.string().nullable(),
        })
        .nullable(),
      clockAheadSeconds: z.number().nullable(),
    }),
  ),
  readServices: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['Running', 'Stopped', 'Starting', 'Stopping', 'Missing']),
    }),
  ),
  readFeatures: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['Installed', 'InstallPending', 'UninstallPending', 'Available', 'Removed']),
    }),
  ),
  readSwitches: z.array(
    z.strictObject({ name: z.string(), type: z.enum(['External', 'Internal', 'Private']) }),
  ),
  readMigrationSettings: migration,
  readVms: z.array(vm),
  readVm: vmNow.nullable(),
  readVmStorage: z.array(
    z.strictObject({
      vmId: z.string(),
      name: z.string(),
      configurationPath: z.string(),
      smartPagingPath: z.string(),
      snapshotPath: z.string(),
      disks: z.array(
        z.strictObject({ path: z.string(), parents: z.array(z.string()), shared: z.boolean() }),
      ),
    }),
  ),
  readDiskFiles: z.array(z.strictObject({ path: z.string(), exists: z.boolean() })),
  readMovesAway: z.array(
    z.strictObject({ vmId: z.string(), target: z.string().nullable(), percent: z.int() }),
  ),
  readCluster: cluster,
  readNodes: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['Up', 'Down', 'Paused', 'Joining', 'Unknown']),
      quarantined: z.boolean(),
      status: z.int(),
      nodeWeight: z.int(),
    }),
  ),
  readNetworks: z.array(
    z.strictObject({
      name: z.string(),
      role: z.enum(['None', 'Cluster', 'ClusterAndClient']),
      state: z.enum(['Up', 'Down', 'Partitioned', 'Unavailable']),
      excludedFromMigration: z.boolean(),
    }),
  ),
  readSharedVolumes: z.array(
    z.strictObject({
      name: z.string(),
      path: z.string(),
      state: z.enum(['Online', 'Offline', 'Failed', 'Paused']),
      owner: z.string(),
      pausedOn: z.array(z.string()),
    }),
  ),
  readGroups: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(['core', 'available-storage', 'vm', 'other']),
      state: groupState,
      owner: z.string(),
      priority: z.int().min(0),
    }),
  ),
  readLinks: z.array(z.strictObject({ network: z.string(), bytesPerSecond: bytes.nullable() })),
  readRoles: z.array(role),
  readRole: role.nullable(),
  readEvents: z.array(
    z.strictObject({
      log: z.string(),
      id: z.int(),
      level: z.int(),
      recordId: z.int(),
      node: z.string(),
      time,
      message: z.string(),
      hresult: z.string().nullable(),
      vm: z.string().nullable(),
      vmIds: z.array(z.string()),
    }),
  ),
  readBlackouts: z.array(
    z.strictObject({ vmId: z.string(), seconds: z.number().min(0), recordId: z.int(), time }),
  ),
  readUpdates: z.strictObject({
    result: z.enum(RESULT_CODES),
    warnings: z.array(hresult),
    updates: z.array(
      z.strictObject({
        id: z.string(),
        revision: z.int(),
        title: z.string(),
        kbs: z.array(z.string()),
        bytes,
        severity: z.string().nullable(),
        restart: z.enum(['never', 'always', 'maybe']),
        impact: z.enum(['normal', 'minor', 'exclusive']),
        canRequestInput: z.boolean(),
        eulaAccepted: z.boolean(),
        categories: z.array(z.string()),
        downloaded: z.boolean(),
      }),
    ),
  }),
  readUpdateJob: z
    .strictObject({
      kind: z.enum(['download', 'install']),
      state: z.enum(['running', 'ended', 'lost', 'cut-off']),
      ids: z.array(z.string()),
      results: z.array(
        z.strictObject({
          id: z.string(),
          result: z.enum(RESULT_CODES),
          hresult,
          restartNeeded: z.boolean(),
        }),
      ),
      startedAt: time,
      changedAt: time,
      error: z.strictObject({ hresult, message: z.string() }).nullable(),
    })
    .nullable(),
  readStorage: z.strictObject({
    direct: z.boolean(),
    virtualDisks: z.array(sound),
    pools: z.array(sound),
    jobs: z.array(
      z.strictObject({
        name: z.string(),
        suspended: z.boolean(),
        bytesDone: bytes,
        bytesTotal: bytes,
      }),
    ),
    inMaintenance: z.array(z.string()),
  }),
  readServicing: z.strictObject({
    restartNeeded: z.boolean(),
    working: z.boolean(),
    installerBusy: z.boolean(),
    restartFirst: z.boolean(),
    build: z.string(),
    boot: z.string(),
  }),
  installFeatures: changed.extend({ restartNeeded: z.boolean() }),
  restartNode: changed.extend({ boot: z.string() }),
  configureMigration: changed.extend({ settings: migration }),
  configureCluster: changed.extend({ cluster }),
  createVm: changed.extend({ vm }),
  removeVm: changed,
  addRole: changed.extend({ role }),
  removeRole: changed,
  startRole: changed,
  stopRole: changed,
  pauseNode: changed,
  resumeNode: changed,
  startMove: changed.extend({ why: z.enum(['started', 'already-there', 'already-moving']) }),
  cancelMove: changed,
  moveGroup: changed,
  moveSharedVolume: changed,
  downloadUpdates: changed,
  installUpdates: changed,
  setStorageMaintenance: changed,
  commitUpdates: changed,
  installPackages: changed.extend({ restartNeeded: z.boolean() }),
};
