// The shape of a scenario file (docs/lab.md explains every key). Sizes, rates and defaults are settled here; whether
// the state is possible at all is for checks.ts.
import { z } from 'zod';
import { rateSchema } from '../../config/values.ts';
import { BUILDS } from './builds.ts';
import { faultSchema } from './fault-schema.ts';
import { storageSchema } from './storage-schema.ts';
import { packagesSchema, updateSchema } from './update-schema.ts';
import {
  count,
  duration,
  factor,
  hresult,
  name,
  positiveRate,
  seconds,
  SECONDS_MAX,
  size,
} from './values.ts';

const migrationSettings = z.strictObject({
  enabled: z.boolean().default(false),
  maximumMigrations: count.default(2),
  maximumStorageMigrations: count.default(2),
  performance: z.enum(['TCPIP', 'Compression', 'SMB']).default('Compression'),
  authentication: z.enum(['CredSSP', 'Kerberos']).default('CredSSP'),
  useAnyNetwork: z.boolean().default(true),
});

const virtualSwitch = z.union(
  [
    name.transform((text) => ({ name: text, type: 'External' as const })),
    z.strictObject({ name, type: z.enum(['External', 'Internal', 'Private']).default('External') }),
  ],
  { error: 'write a name, or { name: NAME, type: External | Internal | Private }' },
);

/** A version of Windows Server. */
const build = z.literal(BUILDS);

/** A DWORD of the registry. */
const dword = z.int().min(0).max(0xffff_ffff);

/** What was set up by hand on a node. The defaults are those of a node that lacks nothing. */
const setupSchema = z.strictObject({
  workgroup: z.string().nullable().default('WORKGROUP'),
  domain: z.string().nullable().default(null),
  dnsSuffix: z.string().default('lab.internal'),
  updateRevision: dword.default(4652),
  /** The account of the node's worker; healthy is one of `administrators`. */
  account: name.default('watari'),
  /** A word for its password: nodes with the same word have the same one. */
  password: z.string().default('same'),
  elevated: z.boolean().default(true),
  administrators: z
    .array(
      z.strictObject({
        name,
        enabled: z.boolean().default(true),
        builtIn: z.boolean().default(false),
      }),
    )
    .default([
      { name: 'Administrator', enabled: false, builtIn: true },
      { name: 'watari', enabled: true, builtIn: false },
    ]),
  localAccountTokenFilterPolicy: dword.nullable().default(1),
  allowPku2u: dword.nullable().default(null),
  allowCustomSspsAps: dword.nullable().default(null),
  blockNtlm: z.boolean().nullable().default(false),
  virtualMachineRights: z
    .strictObject({
      createSymbolicLinks: z.boolean().default(true),
      logOnAsService: z.boolean().default(true),
    })
    .nullable()
    .prefault({}),
  /** When wrong sign-ins lock an account, as a clean Windows Server 2025 does. */
  lockout: z
    .strictObject({
      threshold: z.int().min(0).max(999).default(10),
      minutes: z.int().min(-1).max(99_999).default(10),
      windowMinutes: z.int().min(0).max(99_999).default(10),
    })
    .prefault({}),
  /** The worker's account is locked when the lab starts. */
  locked: z.boolean().default(false),
  /** Who may log on, as SIDs or names. */
  rights: z
    .strictObject({
      batch: z.array(z.string()).default(['S-1-5-32-544', 'S-1-5-32-551', 'S-1-5-32-559']),
      denyBatch: z.array(z.string()).default([]),
      network: z.array(z.string()).default(['S-1-1-0', 'S-1-5-32-544']),
      denyNetwork: z.array(z.string()).default([]),
    })
    .prefault({}),
  passwordExpiresInDays: z.number().min(-3660).max(3660).nullable().default(null),
  credentialGuard: z.boolean().nullable().default(false),
  noAutoUpdate: dword.nullable().default(1),
  autoUpdateOption: dword.nullable().default(null),
  /** Absent: every other node. */
  trustedHosts: z.array(z.string().regex(/^[^,\s]+$/, 'write one host per entry')).optional(),
  bios: z.string().default('2.4.1'),
  microcode: z
    .string()
    .regex(/^[0-9a-fA-F]{8}$/, "a revision of microcode is written like '2B000639', in quotes")
    .transform((s) => s.toUpperCase())
    .default('2B000639'),
  shieldingCertificates: z.array(z.string().min(1)).default([]),
  /** The node's clock against the others'. */
  clockAheadSeconds: z.number().min(-SECONDS_MAX).max(SECONDS_MAX).default(0),
  /** A firewall keeps these from being reached. */
  closedPorts: z.array(z.int().min(1).max(65_535)).default([]),
});

/** The logs that `readEvents` reads. */
const EVENT_LOGS = [
  'System',
  'Microsoft-Windows-FailoverClustering/Operational',
  'Microsoft-Windows-Hyper-V-VMMS-Admin',
  'Microsoft-Windows-Hyper-V-VMMS-Operational',
  'Microsoft-Windows-Hyper-V-High-Availability-Admin',
] as const;

const eventSchema = z.strictObject({
  log: z.enum(EVENT_LOGS),
  id: z.int().positive(),
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]).default(2),
  /** Before the lab starts. */
  hoursAgo: z
    .number()
    .nonnegative()
    .max(SECONDS_MAX / 3600)
    .default(1),
  message: z.string().default(''),
  hresult: hresult.nullable().default(null),
  vm: name.nullable().default(null),
});

const nodeSchema = z.strictObject({
  name,
  memory: size,
  /** Kept by the parent partition. */
  reservedMemory: size.default(4 * 2 ** 30),
  features: z.array(name).default([]),
  power: z.enum(['on', 'off']).default('on'),
  paused: z.boolean().default(false),
  quarantined: z.boolean().default(false),
  nodeWeight: z.union([z.literal(0), z.literal(1)]).default(1),
  pendingRestart: z.boolean().default(false),
  shutdownSeconds: seconds.default(10),
  bootSeconds: seconds.default(90),
  serviceSeconds: seconds.default(5),
  installSeconds: seconds.default(40),
  migrationNetwork: positiveRate.default(1.25e9),
  switches: z.array(virtualSwitch).default([]),
  liveMigration: migrationSettings.prefault({}),
  cpuVendor: z.string().default('GenuineIntel'),
  cpuName: z.string().default('Intel(R) Xeon(R) Silver 4510'),
  logicalProcessors: count.default(24),
  /** Absent: that of the cluster. */
  build: build.optional(),
  /** Absent: what its build has, here and in the next. */
  osVersion: z.string().optional(),
  vmVersions: z.array(z.string()).min(1).optional(),
  setup: setupSchema.prefault({}),
  /** More bits of its StatusInformation: 1 isolated, 4 drain in progress, 16 drain failed, 32 avoid placement. */
  status: z.int().min(0).max(63).default(0),
  /** Shared volumes that this node alone cannot use now. */
  pausedVolumes: z.array(name).default([]),
  /** In the event logs when the lab starts. */
  events: z.array(eventSchema).default([]),
});
export type NodeScenario = z.output<typeof nodeSchema>;

/** Of a group of the cluster. */
const priority = z
  .union([z.literal(3000), z.literal(2000), z.literal(1000), z.literal(0)], {
    error: 'write 3000 (high), 2000 (medium), 1000 (low) or 0 (no automatic start)',
  })
  .default(2000);

const vmSchema = z.strictObject({
  name,
  id: z.guid().optional(),
  owner: name,
  memory: size,
  dirtyRate: rateSchema.default(50 * 2 ** 20),
  state: z.enum(['Off', 'Running', 'Saved', 'Paused']).default('Running'),
  clustered: z.boolean().default(true),
  heartbeat: z.boolean().default(true),
  uptimeSeconds: seconds.default(86_400),
  generation: z.union([z.literal(1), z.literal(2)]).default(2),
  /** Absent: the newest that its owner takes. */
  version: z.string().optional(),
  /** Absent: the first switch of its owner. */
  switches: z.array(name.nullable()).optional(),
  /** Absent: a VHDX of its name on the first shared volume. */
  disks: z.array(z.string().min(1)).optional(),
  /** Parents of its first disk, nearest first: it has checkpoints. */
  parents: z.array(z.string().min(1)).default([]),
  /** Its disks are shared with other VMs. */
  sharedDisks: z.boolean().default(false),
  /** Folder of its configuration. Absent: its folder on the first shared volume. */
  configurationPath: z.string().min(1).optional(),
  dvds: z.array(z.string().min(1)).default([]),
  compatibilityForMigration: z.boolean().default(false),
  passThroughDevices: z.array(z.string()).default([]),
  gpuPartitions: z.int().min(0).default(0),
  /** It has lost its storage or its worker; it does what its state says all the same. */
  critical: z.boolean().default(false),
  tpm: z.boolean().default(false),
  busy: z.boolean().default(false),
  /** Folder of its checkpoints. Absent: where its configuration is. */
  snapshotPath: z.string().min(1).optional(),
  notes: z.string().default(''),
  preferredOwners: z.array(name).default([]),
  /** Absent: every node. */
  possibleOwners: z.array(name).min(1).optional(),
  antiAffinity: z.array(z.string().min(1)).default([]),
  /** Name of its role. Absent: the VM's own. */
  role: name.optional(),
  /** Its role is locked from moving. */
  locked: z.boolean().default(false),
  /** What its role does to it when it goes offline: 0 turns it off, 1 saves it, 2 shuts it down. */
  offlineAction: z.int().min(0).max(2).default(1),
  /** Of its role: 3000 high, 2000 medium, 1000 low, 0 is not started by itself. */
  priority: priority,
  /** Private property of its resource: 1 is moved quickly by the cluster. Absent: by its priority. */
  defaultMoveType: dword.optional(),
});
export type VmScenario = z.output<typeof vmSchema>;

const affinityRuleSchema = z.strictObject({
  name,
  type: z.enum(['SameFaultDomain', 'SameNode', 'DifferentFaultDomain', 'DifferentNode']),
  /** Names of roles. */
  groups: z.array(name).default([]),
  enabled: z.boolean().default(true),
});

/** A role that is no virtual machine: a file server or the like. */
const groupSchema = z.strictObject({
  name,
  owner: name.optional(),
  state: z.enum(['Online', 'Offline']).default('Online'),
  priority,
});

const networkSchema = z.strictObject({
  name,
  role: z.enum(['None', 'Cluster', 'ClusterAndClient']).default('ClusterAndClient'),
  state: z.enum(['Up', 'Down', 'Partitioned', 'Unavailable']).default('Up'),
  excludedFromMigration: z.boolean().default(false),
});

const sharedVolumeSchema = z.strictObject({
  name,
  path: z.string().min(1),
  state: z.enum(['Online', 'Offline', 'Failed', 'Paused']).default('Online'),
  owner: name.optional(),
});

const diskSchema = z.union(
  [
    z
      .string()
      .min(1)
      .transform((path) => ({ path, node: null })),
    z.strictObject({ path: z.string().min(1), node: name }),
  ],
  { error: 'write a path, or { path: PATH, node: NAME } for a file on one node only' },
);

/**
 * What calls of Windows take. Absent: nothing. The defaults are what evidence shows, or what is assumed without any.
 */
const costsSchema = z.strictObject({
  clusterCmdletSeconds: seconds.default(0.03),
  /** For each VM that it is about. */
  hypervCmdletSeconds: seconds.default(0.1),
  cimQuerySeconds: seconds.default(0.2),
  /** Win32_Processor with all properties: it samples the load. */
  processorSeconds: seconds.default(1),
  /** Get-WindowsFeature, the first after a boot and every other one. */
  firstFeaturesSeconds: seconds.default(90),
  featuresSeconds: seconds.default(1),
});
export type Costs = z.output<typeof costsSchema>;

export const scenarioSchema = z.strictObject({
  cluster: name,
  speed: z.number().positive().max(10_000).default(1),
  start: z.iso
    .datetime({ error: 'write a UTC time like 2026-11-24T09:00:00Z' })
    .refine((time) => /^20\d\d-/.test(time), 'must be a time of the years 2000 to 2099')
    .optional(),
  nodes: z.array(nodeSchema).min(1).max(64),
  build: build.default(2025),
  /** The language of Windows on all nodes. */
  culture: z.enum(['en-US', 'ja-JP']).default('en-US'),
  /** The cluster writes its own mark into the notes of a VM that becomes a role, as some tools make it do. */
  marksNotes: z.boolean().default(false),
  maximumParallelMigrations: count.default(1),
  enforcedAntiAffinity: z.boolean().default(false),
  /** Made with certificates. Absent: when all of its nodes block NTLM, since it works nevertheless. */
  certificates: z.boolean().optional(),
  witness: z
    .strictObject({
      kind: z.enum(['None', 'Disk', 'Cloud', 'Usb']).default('Disk'),
      online: z.boolean().default(true),
    })
    .prefault({}),
  autoBalancer: z
    .strictObject({
      mode: z.union([z.literal(0), z.literal(1), z.literal(2)]).default(0),
      level: z.union([z.literal(1), z.literal(2), z.literal(3)]).default(1),
      // The balancer of a shorter one would do nothing but look.
      intervalSeconds: z.number().min(1).max(SECONDS_MAX).default(1800),
    })
    .prefault({}),
  affinityRules: z.array(affinityRuleSchema).default([]),
  /** Of the resource type "Virtual Machine": the lowest priority that the cluster itself moves live. */
  moveTypeThreshold: z.int().min(0).max(3001).default(2000),
  /** Absent owners of these: the first node that is up. */
  coreGroup: z
    .strictObject({
      owner: name.optional(),
      /** How long the cluster has no quorum when the owner is shut down; 0: it keeps it. */
      quorumLostSeconds: seconds.optional(),
    })
    .prefault({}),
  availableStorage: z.strictObject({ owner: name.optional() }).prefault({}),
  groups: z.array(groupSchema).default([]),
  networks: z.array(networkSchema).default([
    { name: 'Management', role: 'ClusterAndClient', state: 'Up', excludedFromMigration: false },
    { name: 'Migration', role: 'Cluster', state: 'Up', excludedFromMigration: false },
  ]),
  sharedVolumes: z.array(sharedVolumeSchema).default([
    {
      name: 'Cluster Virtual Disk (Volume1)',
      path: 'C:\\ClusterStorage\\Volume1',
      state: 'Online',
    },
  ]),
  disks: z.array(diskSchema).default([]),
  virtualMachines: z.array(vmSchema).default([]),
  migration: z
    .strictObject({
      setupSeconds: seconds.default(3),
      movingGroupSeconds: seconds.default(2),
      blackoutSeconds: duration.default(0.3),
      roundsMax: count.default(10),
      /** Of memory, when a VM is saved or restored for a quick migration. */
      saveRate: positiveRate.default(5e8),
      compressionFactor: factor.default(2),
      smbFactor: factor.default(1.5),
      whenFull: z.enum(['queue', 'refuse']).default('queue'),
      /** Where the entries about a failed one stand. */
      eventsAt: z.enum(['both', 'source', 'target']).default('both'),
      /** Whose log tells how long a VM stood still. */
      blackoutAt: z.enum(['source', 'target', 'none']).default('target'),
      /** The resources have the private property MigrationState, as those of Windows Server 2008 R2. */
      migrationState: z.boolean().default(false),
      /** Queries on root/MSCluster tell the private properties of resources. */
      queriesTellVmId: z.boolean().default(true),
    })
    .prefault({}),
  /** Storage Spaces Direct, or none of it. */
  storage: storageSchema.prefault({}),
  /** What Windows Update offers. */
  updates: z.array(updateSchema).default([]),
  /** Folders with packages, on every node. */
  packages: z.array(packagesSchema).default([]),
  costs: costsSchema.exactOptional(),
  failoverSeconds: seconds.default(30),
  vmStartSeconds: seconds.default(3),
  heartbeatSeconds: seconds.default(15),
  faults: z.array(faultSchema).default([]),
});
export type Scenario = z.output<typeof scenarioSchema>;
