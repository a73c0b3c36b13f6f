// `watari cluster tune`: what another setting of live migration would bring, measured with one VM that may be moved
// back and forth.
import { InvalidArgumentError, type Command } from 'commander';
import { ALONE, DEFAULT_ROUNDS, ROUNDS_MAX } from '../../domain/fleet/tune.ts';
import { includesName } from '../../domain/names.ts';
import { listed } from '../../domain/units.ts';
import { checkedName, clusterName } from '../cluster/name.ts';
import { inspectCluster, requireWorkers } from '../cluster/inspect.ts';
import { finish, talk, type Context } from '../context.ts';
import { badInput } from '../errors.ts';
import { checkedNodes, CLUSTER, FILE, startCampaign, type CampaignOptions } from './campaign.ts';
import { DETACH } from './launch.ts';
import { leaf, withTemporal, type ContextSource } from './leaf.ts';
import { REASON } from './reason.ts';
import { knownNames } from './vm.ts';

interface TuneOptions extends CampaignOptions {
  canary: string[];
  simultaneous?: [number, number];
  to?: string;
  rounds: number;
  smb?: boolean;
}

export function addTuneCommand(cluster: Command, context: ContextSource): void {
  leaf(
    cluster,
    'tune',
    'measure the settings of live migration with one VM, and recommend one; keeps none',
    [
      'watari cluster tune --canary test-1 --to HV2 --smb',
      'watari cluster tune --canary test-1 --canary test-2 --simultaneous 2,4',
    ],
  )
    .requiredOption(
      '--canary <vm>',
      'a VM that may be moved back and forth; several compare numbers of moves at once too',
      collected,
    )
    .option('--simultaneous <n,m>', 'those numbers (default: the present one and 1 or 2)', pair)
    .option('--to <node>', 'the other end of its way (default: the best possible node)')
    .option('--rounds <n>', 'moves each way with each setting', rounds, DEFAULT_ROUNDS)
    .option('--smb', 'try SMB too, which makes sense where the networks have RDMA')
    .option(...CLUSTER)
    .option(...FILE)
    .option(...DETACH)
    .option(...REASON)
    .action((o: TuneOptions) => runTune(context(), o));
}

const collected = (text: string, before: string[] | undefined): string[] => [
  ...(before ?? []),
  text,
];

function pair(text: string): [number, number] {
  const [, n, m] = (/^(\d{1,3}),(\d{1,3})$/.exec(text) ?? []).map(Number);
  if (n !== undefined && m !== undefined && n >= 1 && m >= 1 && n !== m) return [n, m];
  throw new InvalidArgumentError('Two numbers that differ, as 2,4.');
}

function rounds(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 1 && n <= ROUNDS_MAX) return n;
  throw new InvalidArgumentError(`A whole number from 1 to ${ROUNDS_MAX}.`);
}

async function runTune(ctx: Context, o: TuneOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const names = o.canary.map((name) => checkedName('VM', name));
  const twice = names.find((name, i) => includesName(names.slice(i + 1), name));
  if (twice !== undefined) throw badInput(`--canary names "${twice}" twice`);
  if (o.simultaneous !== undefined && names.length === 1)
    throw badInput('--simultaneous needs two canaries', ALONE);
  const [end] = checkedNodes(ctx, o.to === undefined ? [] : [o.to], o);
  const code = await withTemporal(ctx, async (temporal) => {
    const cluster = await clusterName(ctx, temporal, o);
    await requireWorkers(ctx, temporal, cluster, []);
    const snapshot = await inspectCluster(ctx, temporal, { cluster, nodes: [] });
    // Of every node the setting is changed and set back.
    const all = snapshot.view.nodes.map(({ name }) => name);
    await requireWorkers(ctx, temporal, cluster, all);
    const known = names.map((name) => knownNames(snapshot, name, end));
    const [vm = '', ...others] = known.map((one) => one.vm);
    const to = known[0]?.to;
    if (others.length === 0) out.say([ALONE]);
    const input = {
      vm,
      ...(others.length === 0 ? {} : { others }),
      ...(o.simultaneous === undefined ? {} : { simultaneous: o.simultaneous }),
      rounds: o.rounds,
      ...(to === undefined ? {} : { to }),
      ...(o.smb === true ? { smb: true } : {}),
    };
    const summary = `Tune ${cluster} with ${listed([vm, ...others])}`;
    const campaign = { workflow: 'tuneCluster', cluster, summary, input } as const;
    return startCampaign(ctx, temporal, campaign, { ...o, talk: out });
  });
  finish(code);
}
