// What is on a node beside VMs that run: the cluster's own group, available storage and shared volumes, which leave
// first, because Windows Server 2025 may lose its quorum with the node that has them; and at the end VMs that do not
// run and roles of other kinds.
import type {
  ClusterNodeFacts,
  GroupFacts,
  GroupKind,
  GroupState,
  SharedVolumeFacts,
} from '../../domain/facts.ts';
import { sameName, stepId } from '../../domain/names.ts';
import { all } from '../all.ts';
import type { Calls } from '../calls.ts';
import { failureOf, stepFailure } from '../failure-of.ts';
import { viewLightly } from '../light-view.ts';
import type { Run, StepContext } from '../run.ts';

interface Emptying {
  run: Run;
  calls: Calls;
}

/** Chooses a node for something that is no live move, among the nodes as they are now; undefined: there is none. */
export type Choose = (nodes: readonly ClusterNodeFacts[], name: string) => string | undefined;

const CORE: GroupKind[] = ['core', 'available-storage'];

/** The cluster's own groups and the ownership of shared volumes. */
export function moveCoreOff(
  { run, calls }: Emptying,
  node: string,
  choose: (nodes: readonly ClusterNodeFacts[]) => string | undefined,
): Promise<unknown> {
  const step = {
    id: stepId.node(node, 'core-groups'),
    title: `Move the cluster's own groups and shared volumes off ${node}`,
    skippable: true,
  };
  return run.step(step, async (c) => {
    const on = calls.onCluster({ summary: `Own groups of the cluster on ${node}` });
    const groups = await on.readGroups({ owner: node, kinds: CORE });
    const { volumes, nodes } = await viewOf(calls, node);
    const names = [...groups.map((g) => g.name), ...volumes.map((v) => v.name)];
    c.evidence({ found: names });
    if (names.length === 0) return;
    const to = choose(nodes);
    if (to === undefined) throw nowhere(node, names);
    const way = { step: step.id, from: node, node: to };
    const done = await all([
      ...groups.map((g) => moveGroup(calls, { ...way, group: g.name })),
      ...volumes.map((v) => moveVolume(calls, { ...way, volume: v.name })),
    ]);
    c.evidence({ movedTo: to, cmdlets: done.flatMap(({ cmdlets }) => cmdlets) });
  });
}

const moveGroup = (
  calls: Calls,
  input: { step: string; group: string; from: string; node: string },
) =>
  calls
    .onCluster({ summary: `Move ${input.group}, ${input.from} -> ${input.node}`, seconds: 180 })
    .moveGroup(input);

const moveVolume = (
  calls: Calls,
  input: { step: string; volume: string; from: string; node: string },
) =>
  calls
    .onCluster({ summary: `Own ${input.volume} on ${input.node}`, seconds: 180 })
    .moveSharedVolume(input);

async function viewOf(
  calls: Calls,
  node: string,
): Promise<{ volumes: SharedVolumeFacts[]; nodes: ClusterNodeFacts[] }> {
  const { sharedVolumes, nodes } = await viewLightly(calls, `Shared volumes that ${node} owns`);
  return { volumes: sharedVolumes.filter((volume) => sameName(volume.owner, node)), nodes };
}

/** VMs that do not run, and roles that are no VMs. What cannot be moved is told, and holds up nothing else. */
export function moveRestOff(
  { run, calls }: Emptying,
  node: string,
  choose: Choose,
): Promise<unknown> {
  const step = {
    id: stepId.node(node, 'other-groups'),
    title: `Move what does not run off ${node}`,
    skippable: true,
  };
  return run.step(step, async (c) => {
    const on = calls.onCluster({ summary: `What is still on ${node}` });
    const groups = await on.readGroups({ owner: node, kinds: ['vm', 'other'] });
    const found = groups.filter(({ kind, state }) => kind === 'other' || state !== 'Online');
    c.evidence({ found: found.map((g) => `${g.name} (${g.state})`) });
    if (found.length === 0) return;
    const { nodes } = await viewOf(calls, node);
    const to = ({ name }: GroupFacts): string | undefined => choose(nodes, name);
    const moves = found.map((g) => tryMove(calls, step.id, g, to(g)));
    throwIfAny(c, await all(moves));
  });
}

function throwIfAny(c: StepContext, failed: (string | undefined)[]): void {
  const why = failed.filter((one) => one !== undefined);
  if (why.length === 0) return;
  c.evidence({ stays: why });
  throw stepFailure('NodeNotEmpty', why.join('; '));
}

async function tryMove(
  calls: Calls,
  step: string,
  { name, owner, state }: GroupFacts,
  node: string | undefined,
): Promise<string | undefined> {
  if (node === undefined) return `${name} (${state}) has no node to go to`;
  try {
    await moveGroup(calls, { step, group: name, from: owner, node });
    return undefined;
  } catch (err) {
    const failure = failureOf(err);
    // Started meanwhile: it is moved live, with what came while the node was emptied.
    if (failure?.code === 'VmRunning') return undefined;
    if (failure === undefined || failure.code === 'Cancelled') throw err;
    return `${name} did not move to ${node}: ${failure.message}`;
  }
}

/** Everything that keeps it from being empty, by name. `offStays`: but for what does not run. */
export async function leftOn(calls: Calls, node: string, offStays: boolean): Promise<string[]> {
  const [groups, { volumes }] = await Promise.all([
    calls.onCluster({ summary: `What is left on ${node}` }).readGroups({ owner: node }),
    viewOf(calls, node),
  ]);
  const counts = groups.filter(({ kind, state }) => kind !== 'vm' || !offStays || runs(state));
  return [...counts.map((g) => g.name), ...volumes.map((v) => v.name)];
}

const runs = (state: GroupState): boolean => state !== 'Offline' && state !== 'Failed';

const nowhere = (node: string, names: readonly string[]): Error =>
  stepFailure(
    'NodeNotEmpty',
    `${names.join(', ')} on ${node} has no other node that is Up to go to`,
  );
