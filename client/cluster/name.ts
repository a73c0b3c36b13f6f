// Which cluster a command is about, when it was not told in so many words.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { loadClusterFile } from '../../config/cluster-file.ts';
import {
  clusterNameSchema,
  computerNameSchema,
  existingVmNameSchema,
  scheduleNameSchema,
} from '../../config/values.ts';
import type { ClusterSpec } from '../../domain/spec.ts';
import type { Temporal } from '../temporal/connection.ts';
import type { Context } from '../context.ts';
import { badInput } from '../errors.ts';
import { clusterOfRun } from '../runs/names.ts';
import { listRuns } from '../runs/list.ts';

export interface ClusterOptions {
  cluster?: string;
  file?: string;
}

export const DEFAULT_FILE = 'cluster.yaml';

/** The desired state: `-f`, or cluster.yaml in the current folder. Errors name file, line and column. */
export function loadSpec(ctx: Context, o: ClusterOptions): ClusterSpec {
  const file = o.file ?? DEFAULT_FILE;
  // Messages name the file as the person did.
  const spec = loadClusterFile(ctx.cwd === process.cwd() ? file : path.resolve(ctx.cwd, file));
  if (o.cluster !== undefined && o.cluster.toLowerCase() !== spec.cluster.toLowerCase()) {
    throw badInput(
      `${file} is about cluster ${spec.cluster}, not ${o.cluster}`,
      'Give only one of --file and --cluster, or a file of that cluster.',
    );
  }
  return spec;
}

/** `-c`, else the cluster file's, else WATARI_CLUSTER, else the only cluster that has runs. */
export async function clusterName(
  ctx: Context,
  temporal: Temporal,
  o: ClusterOptions,
): Promise<string> {
  const named = namedCluster(ctx, o);
  if (named !== null) return named;
  const runs = await listRuns(temporal, { cluster: null, needsOperator: false, all: true });
  const clusters = [...new Set(runs.map((r) => clusterOfRun(r.run)).filter((c) => c !== null))];
  const only = clusters[0];
  if (only !== undefined && clusters.length === 1) return only;
  throw badInput(
    clusters.length === 0
      ? 'no cluster was named, and Temporal knows of none'
      : `no cluster was named, and there are several: ${clusters.join(', ')}`,
    'Give --cluster NAME, or --file cluster.yaml, or set WATARI_CLUSTER.',
    'ClusterNotNamed',
  );
}

/** What the command line, the folder or the environment says; null when they say nothing. */
export function namedCluster(ctx: Context, o: ClusterOptions): string | null {
  if (o.cluster !== undefined) return checkedName('cluster', o.cluster);
  const inFolder = existsSync(path.resolve(ctx.cwd, DEFAULT_FILE));
  if (o.file !== undefined || inFolder) return loadSpec(ctx, o).cluster;
  return ctx.defaultCluster;
}

const NAMES = {
  cluster: clusterNameSchema,
  node: computerNameSchema,
  VM: existingVmNameSchema,
  schedule: scheduleNameSchema,
} as const;

/** Names from the command line go into ids and queue names. A VM is there already, so its name is taken as it is. */
export function checkedName(what: keyof typeof NAMES, name: string): string {
  const checked = NAMES[what].safeParse(what === 'VM' ? name : name.trim());
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const hint: unknown = issue?.code === 'custom' ? issue.params?.['hint'] : undefined;
  throw badInput(
    `the ${what} name ${issue?.message ?? 'cannot be used'}`,
    typeof hint === 'string' ? `${hint.charAt(0).toUpperCase()}${hint.slice(1)}.` : undefined,
  );
}
