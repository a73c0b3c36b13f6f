// The order in which the nodes of a cluster are maintained: those with the fewest roles first, so that what goes wrong
// goes wrong with few; the owner of the cluster's own group last, so that it moves once.
import type { ClusterSurvey } from '../../domain/fleet/survey.ts';
import { sameName } from '../../domain/names.ts';
import type { MaintainClusterInput } from '../../domain/spec.ts';
import type { Calls } from '../calls.ts';
import { stepFailure } from '../failure-of.ts';
import type { StepContext } from '../run.ts';
import { takeSurvey } from '../survey.ts';

export async function orderNodes(
  calls: Calls,
  { nodes: asked, canary }: Pick<MaintainClusterInput, 'nodes' | 'canary'>,
  c: StepContext,
): Promise<string[]> {
  const { cluster } = await takeSurvey(calls, { nodes: [] });
  const inOrder =
    asked === undefined ? byRoles(cluster) : asked.map((name) => memberOf(cluster, name));
  const nodes = canary === undefined ? inOrder : first(memberOf(cluster, canary), inOrder);
  const { rolesOn, coreOwner } = cluster;
  c.evidence({
    order: nodes.map(
      (node) =>
        `${node}: ${rolesOn[node] ?? 0} roles${node === coreOwner ? ', and the own group of the cluster' : ''}`,
    ),
  });
  return nodes;
}

const first = (node: string, nodes: readonly string[]): string[] => [
  node,
  ...nodes.filter((one) => one !== node),
];

function memberOf({ nodes, cluster }: ClusterSurvey, name: string): string {
  const node = nodes.find((one) => sameName(one.name, name));
  if (node !== undefined) return node.name;
  const known = nodes.map((one) => one.name).join(', ');
  throw stepFailure('BadRequest', `Cluster ${cluster.name} has no node ${name}; it has ${known}`);
}

const byRoles = ({ nodes, rolesOn, coreOwner }: ClusterSurvey): string[] =>
  nodes
    .map(({ name }) => name)
    .sort(
      (a, b) =>
        Number(a === coreOwner) - Number(b === coreOwner) ||
        (rolesOn[a] ?? 0) - (rolesOn[b] ?? 0) ||
        (a < b ? -1 : 1),
    );
