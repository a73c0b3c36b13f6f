// `watari node scan`: which updates of Windows the nodes lack. Changes nothing.
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { runId } from '../../domain/names.ts';
import type { ScanUpdatesInput } from '../../domain/spec.ts';
import { findingsOf, type NodeFinding, type UpdateScan } from '../../domain/update-scan.ts';
import { leftOutWords } from '../../domain/updates.ts';
import { clusterName, type ClusterOptions } from '../cluster/name.ts';
import { lookBy, requireWorkers } from '../cluster/inspect.ts';
import { finish, talk, type Context, type Talk } from '../context.ts';
import type { Temporal } from '../temporal/connection.ts';
import { whoActs } from '../who.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { scanLines } from '../render/updates.ts';
import { checkedNodes, CLUSTER, FILE } from './campaign.ts';
import { leaf, withTemporal, type ContextSource, type JsonOption } from './leaf.ts';
import { addUpdateOptions, choiceOf, type UpdateOptions } from './update-options.ts';

type ScanOptions = ClusterOptions & JsonOption & UpdateOptions;

/** A search takes minutes at a slow WSUS; the port ends it after twenty. */
const SCAN_MS = 25 * 60_000;

export function addNodeScan(node: Command, context: ContextSource): void {
  addUpdateOptions(
    leaf(node, 'scan [node...]', 'show which updates nodes lack (exit code 5: some, 0: none)', [
      'watari node scan',
      'watari node scan HV1 HV2 --not-kb KB5070001 --json',
    ]),
  )
    .option(...CLUSTER)
    .option(...FILE)
    .action((nodes: string[], o: ScanOptions) => runScan(context(), nodes, o));
}

export async function runScan(ctx: Context, names: string[], o: ScanOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const nodes = checkedNodes(ctx, names, o);
  const code = await withTemporal(ctx, async (temporal) => {
    const cluster = await clusterName(ctx, temporal, o);
    await requireWorkers(ctx, temporal, cluster, nodes);
    const { takenAt, findings } = await scanNodes(ctx, temporal, {
      cluster,
      nodes,
      ...o,
      talk: out,
    });
    out.result({ cluster, takenAt, nodes: findings.map(shown) });
    if (!out.json) out.say(scanLines(findings));
    return scanExitCode(findings);
  });
  finish(code);
}

/** @param o.nodes empty: all */
export async function scanNodes(
  ctx: Context,
  temporal: Temporal,
  o: UpdateOptions & { cluster: string; nodes: readonly string[]; talk: Talk },
): Promise<{ takenAt: string; findings: NodeFinding[] }> {
  const { cluster, nodes } = o;
  o.talk.say([
    `Asking ${nodes.length > 0 ? nodes.join(', ') : 'all nodes'} for updates; this may take minutes.`,
  ]);
  const scan = await lookBy<ScanUpdatesInput, UpdateScan>(ctx, temporal, {
    workflow: 'scanUpdates',
    id: runId.scan(cluster, randomUUID().slice(0, 8)),
    summary: `Scan cluster ${cluster} for updates`,
    input: {
      cluster,
      ...(nodes.length > 0 && { nodes: [...nodes] }),
      ...(o.query !== undefined && { query: o.query }),
      startedBy: whoActs(ctx, temporal),
    },
    limitMs: SCAN_MS,
  });
  return { takenAt: scan.takenAt, findings: findingsOf(scan, choiceOf(o)) };
}

/** For programs: words beside the reason, so that nobody has to translate it. */
export const shown = (finding: NodeFinding): object => {
  if ('noAnswer' in finding) return finding;
  const { chosen, leftOut, ...rest } = finding;
  return {
    ...rest,
    missing: chosen,
    leftOut: leftOut.map(({ update, why }) => ({ update, why, words: leftOutWords(why) })),
  };
};

/** A node of which nothing is known could lack anything: nobody may take that for "nothing is missing". */
export function scanExitCode(findings: readonly NodeFinding[]): ExitCode {
  if (findings.some((one) => 'noAnswer' in one || one.result !== 'succeeded')) return EXIT.failed;
  return findings.some((one) => 'chosen' in one && one.chosen.length > 0)
    ? EXIT.changesPending
    : EXIT.done;
}
