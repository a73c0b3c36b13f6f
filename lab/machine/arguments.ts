// What each operation may be asked: the lab's doors take JSON from other processes, so arguments are checked as
// strictly as PowerShell checks parameters.
import { z } from 'zod';
import { STEERING_WORDS, steers } from '../../domain/steering.ts';
import type { Op, OpArgs } from '../../hyperv/host.ts';

const name = z
  .string()
  .min(1)
  .max(260)
  .refine((s) => !steers(s), `has ${STEERING_WORDS}`);
const vmId = z.guid('is not a VM id');
const count = z.int().min(1).max(1000);
const ports = z.array(z.int().min(1).max(65_535));
const nothing = z.strictObject({});
const updates = z.strictObject({ ids: z.array(z.guid()).min(1), acceptEula: z.boolean() });

export const ARGUMENTS: { [K in Op]: z.ZodType<OpArgs<K>> } = {
  readHost: nothing,
  readBoot: nothing,
  readSetup: z.strictObject({ ports }),
  readPeers: z.strictObject({
    nodes: z.array(name),
    ports,
    signIn: z.boolean().exactOptional(),
  }),
  readServices: z.strictObject({ names: z.array(name) }),
  readFeatures: z.strictObject({ names: z.array(name) }),
  readSwitches: nothing,
  readMigrationSettings: nothing,
  readVms: nothing,
  readVm: z.strictObject({ vmId }),
  readVmStorage: nothing,
  readDiskFiles: z.strictObject({ paths: z.array(name) }),
  readMovesAway: nothing,
  readCluster: nothing,
  readNodes: nothing,
  readNetworks: nothing,
  readSharedVolumes: nothing,
  readGroups: nothing,
  readLinks: nothing,
  readRoles: z.strictObject({ owners: z.boolean().exactOptional() }),
  readRole: z.strictObject({ vmId, owners: z.boolean().exactOptional() }),
  readEvents: z.strictObject({ since: z.iso.datetime(), max: z.int().min(1).max(100_000) }),
  readBlackouts: z.strictObject({ since: z.iso.datetime(), max: z.int().min(1).max(100_000) }),
  readUpdates: z.strictObject({ criteria: z.string().min(1).exactOptional() }),
  readUpdateJob: nothing,
  readServicing: nothing,
  readStorage: nothing,
  downloadUpdates: updates,
  installUpdates: updates,
  setStorageMaintenance: z.strictObject({ node: name, on: z.boolean() }),
  commitUpdates: nothing,
  installPackages: z.strictObject({ folder: name }),
  installFeatures: z.strictObject({ names: z.array(name).min(1) }),
  restartNode: z.strictObject({ ifBoot: z.string().min(1), reason: z.string() }),
  configureMigration: z.strictObject({
    enabled: z.boolean().exactOptional(),
    maximumMigrations: count.exactOptional(),
    maximumStorageMigrations: count.exactOptional(),
    performance: z.enum(['TCPIP', 'Compression', 'SMB']).exactOptional(),
  }),
  configureCluster: z.strictObject({
    maximumParallelMigrations: count.exactOptional(),
    autoBalancerMode: z.int().min(0).max(2).exactOptional(),
  }),
  createVm: z.strictObject({
    requestId: name,
    name,
    // The least that Hyper-V accepts.
    memoryBytes: z.int().min(32 * 2 ** 20),
    vhd: name,
    switch: name.nullable(),
    generation: z.union([z.literal(1), z.literal(2)]),
    path: name,
  }),
  removeVm: z.strictObject({ vmId, requestId: name }),
  addRole: z.strictObject({ vmId, name }),
  removeRole: z.strictObject({ vmId }),
  startRole: z.strictObject({ vmId }),
  stopRole: z.strictObject({ vmId }),
  pauseNode: z.strictObject({ node: name }),
  resumeNode: z.strictObject({ node: name }),
  startMove: z.strictObject({
    vmId,
    node: name,
    how: z.enum(['live', 'quick']).exactOptional(),
  }),
  cancelMove: z.strictObject({ vmId }),
  moveGroup: z.strictObject({ group: name, from: name, node: name }),
  moveSharedVolume: z.strictObject({ volume: name, from: name, node: name }),
};
