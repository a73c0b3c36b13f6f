// What `worker start` and `worker install` are told alike: the cluster, the node, what may be done there.
import { namedCluster, checkedName } from '../cluster/name.ts';
import { sameName } from '../../domain/names.ts';
import type { Context } from '../context.ts';
import { badInput } from '../errors.ts';

export function workerCluster(ctx: Context, o: { cluster?: string; file?: string }): string {
  const cluster = namedCluster(ctx, o);
  if (cluster !== null) return cluster;
  throw badInput(
    'a worker must know its cluster',
    'Give --cluster NAME, or --file cluster.yaml, or set WATARI_CLUSTER.',
    'ClusterNotNamed',
  );
}

/** Cmdlets act on the computer that they run on, so a worker under another name would act on the wrong node. */
export function workerNode(computer: string, given: string | undefined, labbed: boolean): string {
  // Windows cluster nodes go by the first label of the name.
  const own = computer.split('.')[0] ?? computer;
  const node = given === undefined ? own : checkedName('node', given);
  if (!labbed && !sameName(node, own)) {
    throw badInput(
      `this computer is ${own}, not ${node}: a worker can only serve the node that it runs on`,
      `Start it on ${node}, leave out --node, or give --lab URL to serve a simulated node.`,
      'NotThisNode',
    );
  }
  return node;
}
