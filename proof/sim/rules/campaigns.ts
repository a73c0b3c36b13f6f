// Rules about campaigns, which drain, maintain and balance: what they set for the time of their work is set back.
import type { RunStatus } from '../../../domain/status.ts';
import type { Act } from './ledger.ts';
import type { Make } from './rule.ts';

const CAMPAIGNS = [
  ...['drainNodes', 'resumeNodes', 'maintainCluster', 'balanceCluster'],
  'tuneCluster',
];

const balancer: Make = ({ ledger }) => ({
  rule: 'after a campaign the balancer is as it was, or the report says that it could not be',
  end: (run, status) => {
    if (!CAMPAIGNS.includes(run.type)) return undefined;
    const set = ledger.acts.flatMap((act) => (act.runId === run.runId ? modesOf(act) : []));
    const [first, last] = [set[0], set.at(-1)];
    if (first === undefined || last === undefined || first.from === last.to) return undefined;
    return saysSo(status)
      ? undefined
      : `${run.id} found the balancer at ${first.from} and left it at ${last.to}`;
  },
});

const modesOf = ({ effects }: Act): { from: string; to: string }[] =>
  effects.flatMap(({ kind, detail }) => {
    const [, from, to] = /autoBalancerMode (\d+) -> (\d+)/.exec(detail) ?? [];
    return kind !== 'cluster-configured' || from === undefined || to === undefined
      ? []
      : [{ from, to }];
  });

const saysSo = ({ steps }: RunStatus): boolean =>
  steps.some(({ id, state }) => id.includes('balancer') && state === 'failed');

export const CAMPAIGN_RULES: readonly Make[] = [balancer];
