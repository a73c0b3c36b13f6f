// `watari vm migrate`: live-migrates one virtual machine and shows why it goes where it goes.
import type { Command } from 'commander';
import type { Snapshot } from '../../domain/facts.ts';
import { runId, sameName } from '../../domain/names.ts';
import { roleOfVm } from '../../domain/snapshot.ts';
import type { MigrateVmInput } from '../../domain/spec.ts';
import { checkedName, clusterName, namedCluster, type ClusterOptions } from '../cluster/name.ts';
import { finish, talk, type Context } from '../context.ts';
import { badInput } from '../errors.ts';
import { inspectCluster, requireWorkers } from '../cluster/inspect.ts';
import { whoActs } from '../who.ts';
import { DETACH, launch } from './launch.ts';
import { REASON, type ReasonOption } from './reason.ts';
import { leaf, withTemporal, type ContextSource, type JsonOption } from './leaf.ts';

interface MigrateOptions extends ClusterOptions, JsonOption, ReasonOption {
  to?: string;
  detach?: boolean;
}

export function addVmCommands(program: Command, context: ContextSource): void {
  const vm = program.command('vm').description('move virtual machines');
  leaf(vm, 'migrate <vm>', 'live-migrate a virtual machine to the best node, or to the one named', [
    'watari vm migrate web-1',
    'watari vm migrate web-1 --to HV2',
  ])
    .option(...REASON)
    .option('--to <node>', 'target node (default: the best possible one)')
    .option('-c, --cluster <name>', 'name of the cluster')
    .option('-f, --file <file>', 'take the name of the cluster from this file')
    .option(...DETACH)
    .action((name: string, o: MigrateOptions) => runMigrate(context(), name, o));
}

export async function runMigrate(ctx: Context, name: string, o: MigrateOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const asked = {
    vm: checkedName('VM', name),
    to: o.to === undefined ? undefined : checkedName('node', o.to),
  };
  namedCluster(ctx, o);
  const code = await withTemporal(ctx, async (temporal) => {
    const cluster = await clusterName(ctx, temporal, o);
    await requireWorkers(ctx, temporal, cluster, []);
    const look = { cluster, nodes: [] };
    const found = await inspectCluster(ctx, temporal, { ...look, about: asked.vm });
    // Only a refusal names the others.
    const snapshot =
      roleOfVm(found, asked.vm) === undefined ? await inspectCluster(ctx, temporal, look) : found;
    const { vm, to } = knownNames(snapshot, asked.vm, asked.to);
    // Of the others the run chooses among those that are served.
    const owner = snapshot.view.roles.find((r) => sameName(r.name, vm))?.owner;
    await requireWorkers(ctx, temporal, cluster, [
      ...(owner === undefined ? [] : [owner]),
      ...(to === undefined ? [] : [to]),
    ]);
    const startedBy = whoActs(ctx, temporal);
    const input: MigrateVmInput = {
      cluster,
      vm,
      ...(to === undefined ? {} : { to }),
      startedBy,
    };
    const request = {
      workflow: 'migrateVm',
      id: runId.migrate(cluster, vm),
      cluster,
      vm,
      summary: `Live-migrate ${vm}${to === undefined ? '' : ` to ${to}`}`,
      startedBy,
      input,
    } as const;
    return launch(ctx, temporal, request, { ...o, talk: out });
  });
  finish(code);
}

/**
 * The names as the cluster writes them; a VM is found by its own name and by its id too. A slip of the pen is cheaper
 * to mend before a run waits for a person because of it.
 */
export function knownNames(
  s: Snapshot,
  vm: string,
  to: string | undefined,
): { vm: string; to: string | undefined } {
  const { roles, nodes, cluster } = s.view;
  const role = roleOfVm(s, vm);
  if (role === undefined) {
    const names = roles.map((r) => r.name);
    throw badInput(
      `cluster ${cluster.name} has no virtual machine "${vm}"`,
      listing('Its virtual machines', names),
      'VmNotFound',
    );
  }
  if (to === undefined) return { vm: role.name, to };
  const node = nodes.find((n) => sameName(n.name, to));
  if (node === undefined) {
    const names = nodes.map((n) => n.name);
    throw badInput(
      `cluster ${cluster.name} has no node "${to}"`,
      listing('Its nodes', names),
      'NodeNotFound',
    );
  }
  return { vm: role.name, to: node.name };
}

/** One screen, whatever the size of the cluster. */
const NAMES_SHOWN = 20;

function listing(what: string, names: readonly string[]): string {
  const more = names.length > NAMES_SHOWN ? `, and ${names.length - NAMES_SHOWN} more` : '';
  return `${what}: ${names.slice(0, NAMES_SHOWN).join(', ') || 'none'}${more}`;
}
