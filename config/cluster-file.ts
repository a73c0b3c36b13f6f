// The schema of cluster.yaml, the desired state of one cluster, and its loading. docs/cluster-yaml.md
// tells the same for people; a test holds the two together.
import { z } from 'zod';
import { generationFaults } from '../domain/new-vm.ts';
import {
  DEFAULT_BUDGETS,
  DEFAULT_MEMORY_RESERVE_BYTES,
  type Budgets,
  type ClusterSpec,
} from '../domain/spec.ts';
import { quoteValue } from '../domain/quoting.ts';
import { customIssue } from './schema-issues.ts';
import { formatDuration, formatSize } from './sizes.ts';
import {
  between,
  clusterNameSchema,
  computerNameSchema,
  durationSchema,
  existingVmNameSchema,
  newVmDiskSchema,
  newVmMemorySchema,
  newVmNameSchema,
  sizeSchema,
  switchNameSchema,
  uniqueNames,
} from './values.ts';
import { loadYamlDocument, parseYamlDocument } from './yaml-document.ts';

const TB = 1024 ** 4;
const HOUR = 60 * 60;

/** What the numbers in cluster.yaml may be, and why not more. */
export const CLUSTER_FILE_LIMITS = {
  /** One node has nowhere to move a VM to. Windows Server supports 64. */
  nodes: { min: 2, max: 64 },
  /** More than any cluster of this kind holds; keeps a run's steps readable and its history small. */
  virtualMachines: { max: 500 },
  /** Beyond this a link only shares itself out and every move takes longer. */
  simultaneousMigrations: { min: 1, max: 32 },
  /** Zero leaves the host itself without air only if a person says so. */
  memoryReserveBytes: { min: 0, max: 4 * TB },
} as const;

/** Windows' own defaults, so that a file without the section changes nothing on a fresh cluster. */
export const DEFAULT_LIVE_MIGRATION = {
  simultaneousMigrations: 1,
  simultaneousStorageMigrations: 2,
  performance: 'Compression',
} as const;

const { simultaneousMigrations: moves, memoryReserveBytes } = CLUSTER_FILE_LIMITS;

const countSchema = z.int().min(moves.min).max(moves.max);

const liveMigrationSchema = z.strictObject({
  simultaneousMigrations: countSchema.default(DEFAULT_LIVE_MIGRATION.simultaneousMigrations),
  simultaneousStorageMigrations: countSchema.default(
    DEFAULT_LIVE_MIGRATION.simultaneousStorageMigrations,
  ),
  performance: z.enum(['TCPIP', 'Compression', 'SMB']).default(DEFAULT_LIVE_MIGRATION.performance),
});

const vmSchema = z
  .strictObject({
    name: newVmNameSchema,
    memory: newVmMemorySchema,
    vhd: newVmDiskSchema,
    switch: switchNameSchema.nullable().default(null),
    generation: z.literal([1, 2]).default(2),
    node: computerNameSchema.nullable().default(null),
  })
  .superRefine((vm, ctx) => {
    for (const fault of generationFaults({ ...vm, memoryBytes: vm.memory })) {
      const key = fault.field === 'memoryBytes' ? 'memory' : fault.field;
      ctx.addIssue(customIssue(fault.message, fault.hint, [key]));
    }
  });

const budget = (min: number, max: number, byDefault: number) =>
  durationSchema.superRefine(between(min, max, formatDuration)).prefault(formatDuration(byDefault));

const budgetsSchema = z
  .strictObject({
    restart: budget(60, 24 * HOUR, DEFAULT_BUDGETS.restartSeconds),
    answer: budget(5, HOUR, DEFAULT_BUDGETS.answerSeconds),
    stalledMove: budget(30, 24 * HOUR, DEFAULT_BUDGETS.stalledMoveSeconds),
    heartbeat: budget(2, 5 * 60, DEFAULT_BUDGETS.heartbeatSeconds),
    slot: budget(10, 7 * 24 * HOUR, DEFAULT_BUDGETS.slotSeconds),
    retry: budget(0, 24 * HOUR, DEFAULT_BUDGETS.retrySeconds),
  })
  .transform((b): Budgets => ({
    restartSeconds: b.restart,
    answerSeconds: b.answer,
    stalledMoveSeconds: b.stalledMove,
    heartbeatSeconds: b.heartbeat,
    slotSeconds: b.slot,
    retrySeconds: b.retry,
  }));

const nodesSchema = z
  .array(computerNameSchema)
  .max(CLUSTER_FILE_LIMITS.nodes.max)
  .superRefine((nodes, ctx) => {
    if (nodes.length < CLUSTER_FILE_LIMITS.nodes.min) {
      const has = nodes.length === 0 ? 'no node is named' : 'only one node is named';
      ctx.addIssue(customIssue(has, 'a live migration needs at least two'));
    }
    uniqueNames(nodes, ctx, 'the node');
  });

const vmsSchema = z
  .array(vmSchema)
  .max(CLUSTER_FILE_LIMITS.virtualMachines.max)
  .superRefine((vms, ctx) => {
    const at = (key: string) => (index: number) => [index, key];
    uniqueNames(
      vms.map((vm) => vm.name),
      ctx,
      'the VM',
      at('name'),
    );
    uniqueNames(
      vms.map((vm) => vm.vhd),
      ctx,
      'the virtual disk',
      at('vhd'),
    );
  })
  .default([]);

/** cluster.yaml; `.in` is what people write, `.out` a {@link ClusterSpec}. */
export const clusterFileSchema = z
  .strictObject({
    cluster: clusterNameSchema,
    nodes: nodesSchema,
    liveMigration: liveMigrationSchema.prefault({}),
    virtualMachines: vmsSchema,
    prove: z
      .array(existingVmNameSchema)
      .max(CLUSTER_FILE_LIMITS.virtualMachines.max)
      .superRefine((names, ctx) => {
        uniqueNames(names, ctx, 'the VM');
      })
      .default([]),
    memoryReserve: sizeSchema
      .superRefine(between(memoryReserveBytes.min, memoryReserveBytes.max, formatSize))
      .prefault(formatSize(DEFAULT_MEMORY_RESERVE_BYTES)),
    budgets: budgetsSchema.prefault({}),
  })
  .superRefine((file, ctx) => {
    const names = file.nodes.map((node) => node.toLowerCase());
    const clash = names.indexOf(file.cluster.toLowerCase());
    if (clash >= 0) {
      const message = 'a node cannot have the name of the cluster';
      ctx.addIssue(customIssue(message, undefined, ['nodes', clash]));
    }
    file.virtualMachines.forEach((vm, index) => {
      if (vm.node === null || names.includes(vm.node.toLowerCase())) return;
      const message = `${quoteValue(vm.node)} is not one of the nodes of this file`;
      const hint = `write one of ${file.nodes.join(', ')}`;
      ctx.addIssue(customIssue(message, hint, ['virtualMachines', index, 'node']));
    });
  })
  .transform((file): ClusterSpec => ({
    cluster: file.cluster,
    nodes: file.nodes,
    liveMigration: file.liveMigration,
    virtualMachines: file.virtualMachines.map(({ memory, ...vm }) => ({
      ...vm,
      memoryBytes: memory,
    })),
    prove: file.prove,
    memoryReserveBytes: file.memoryReserve,
    budgets: file.budgets,
  }));

/** Reads cluster.yaml. The only error is ConfigError. */
export const loadClusterFile = (path: string): ClusterSpec =>
  loadYamlDocument(path, clusterFileSchema);

/** The same for text; `file` is only named in messages. */
export const parseClusterFile = (text: string, file: string): ClusterSpec =>
  parseYamlDocument(text, file, clusterFileSchema);
