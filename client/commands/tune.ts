// `watari cluster tune`: what another setting of live migration would bring, measured with one VM that may be moved
// back and forth.
import { InvalidArgumentError, type Command } from 'commander';
import { DEFAULT_ROUNDS, ROUNDS_MAX } from '../../domain/fleet/tune.ts';
import { checkedName, clusterName } from '../cluster/name.ts';
import { inspectCluster, requireWorkers } from '../cluster/inspect.ts';
import { finish, talk, type Context } from '../context.ts';
import { tuningLines } from '../render/tuning.ts';
import { checkedNodes, CLUSTER, FILE, startCampaign, type CampaignOptions } from './campaign.ts';
import { DETACH } from './launch.ts';
import { leaf, withTemporal, type ContextSource } from './leaf.ts';
import { REASON } from './reason.ts';
import { knownNames } from './vm.ts';

interface TuneOptions extends CampaignOptions {
  canary: string;
  to?: string;
  rounds: number;
  smb?: boolean;
}

export function addTuneCommand(cluster: Command, context: ContextSource): void {
  leaf(
    cluster,
    'tune',
    'measure the settings of live migration with one VM, and recommend one; keeps none',
    ['watari cluster tune --canary test-1', 'watari cluster tune --canary test-1 --to HV2 --smb'],
  )
    .requiredOption('--canary <vm>', 'a VM that may be moved back and forth')
    .option('--to <node>', 'the other end of its way (default: the best possible node)')
    .option('--rounds <n>', 'moves each way with each setting', rounds, DEFAULT_ROUNDS)
    .option('--smb', 'try SMB too, which makes sense where the networks have RDMA')
    .option(...CLUSTER)
    .option(...FILE)
    .option(...DETACH)
    .option(...REASON)
    .action((o: TuneOptions) => runTune(context(), o));
}

function rounds(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 1 && n <= ROUNDS_MAX) return n;
  throw new InvalidArgumentError(`A whole number from 1 to ${ROUNDS_MAX}.`);
}

async function runTune(ctx: Context, o: TuneOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const canary = checkedName('VM', o.canary);
  const [end] = checkedNodes(ctx, o.to === undefined ? [] : [o.to], o);
  const code = await withTemporal(ctx, async (temporal) => {
    const cluster = await clusterName(ctx, temporal, o);
    await requireWorkers(ctx, temporal, cluster, []);
    const snapshot = await inspectCluster(ctx, temporal, { cluster, nodes: [] });
    // Of every node the setting is changed and set back.
    const all = snapshot.view.nodes.map(({ name }) => name);
    await requireWorkers(ctx, temporal, cluster, all);
    const { vm, to } = knownNames(snapshot, canary, end);
    const input = {
      vm,
      rounds: o.rounds,
      ...(to === undefined ? {} : { to }),
      ...(o.smb === true ? { smb: true } : {}),
    };
    const summary = `Tune ${cluster} with ${vm}`;
    const campaign = { workflow: 'tuneCluster', cluster, summary, input } as const;
    return startCampaign(ctx, temporal, campaign, { ...o, talk: out, tell: tuningLines });
  });
  finish(code);
}
