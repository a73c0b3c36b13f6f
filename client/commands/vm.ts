// `watari vm migrate`: live-migrates one virtual machine and shows why it goes where it goes.
import type { Command } from 'commander';
import { runId } from '../../domain/names.ts';
import type { MigrateVmInput } from '../../domain/spec.ts';
import { checkedName, clusterName, namedCluster, type ClusterOptions } from '../cluster-name.ts';
import { finish, talk, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { requireWorkers } from '../inspect.ts';
import { shellWord } from '../render/summary.ts';
import { startRun } from '../runs.ts';
import { concludeWatch, watchRun } from '../watch.ts';
import { interruptible, leaf, withTemporal, type ContextSource, type JsonOption } from './leaf.ts';

interface MigrateOptions extends ClusterOptions, JsonOption {
  to?: string;
  detach?: boolean;
}

export function addVmCommands(program: Command, context: ContextSource): void {
  const vm = program.command('vm').description('move virtual machines');
  leaf(vm, 'migrate <vm>', 'live-migrate a virtual machine to the best node, or to the one named', [
    'watari vm migrate web-1',
    'watari vm migrate web-1 --to HV2',
  ])
    .option('--to <node>', 'target node (default: the best possible one)')
    .option('-c, --cluster <name>', 'name of the cluster')
    .option('-f, --file <file>', 'take the name of the cluster from this file')
    .option('--detach', 'return as soon as the run has started')
    .action((name: string, o: MigrateOptions) => runMigrate(context(), name, o));
}

export async function runMigrate(ctx: Context, name: string, o: MigrateOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const vm = checkedName('VM', name);
  const to = o.to === undefined ? undefined : checkedName('node', o.to);
  namedCluster(ctx, o);
  const code = await withTemporal(ctx, async (temporal) => {
    const cluster = await clusterName(ctx, temporal, o);
    await requireWorkers(ctx, temporal, cluster, []);
    const input: MigrateVmInput = {
      cluster,
      vm,
      ...(to === undefined ? {} : { to }),
      startedBy: ctx.startedBy,
    };
    const started = await startRun(
      temporal,
      {
        workflow: 'migrateVm',
        id: runId.migrate(cluster, vm),
        cluster,
        vm,
        summary: `Live-migrate ${vm}${to === undefined ? '' : ` to ${to}`}`,
        startedBy: ctx.startedBy,
        input,
      },
      ctx.clock,
    );
    if (o.detach === true) {
      out.result(started);
      out.say([`Started. Watch it:  watari run watch ${shellWord(started.run)}`]);
      return EXIT.done;
    }
    const watched = await interruptible(ctx, (signal) =>
      watchRun(ctx, temporal, { ...started, talk: out, signal }),
    );
    return concludeWatch(ctx, temporal, out, started.run, watched);
  });
  finish(code);
}
