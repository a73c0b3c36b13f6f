// The rules can fail on a real server too: a product with a mistake in it, run by real workers, is caught by the very
// rules that catch it in the simulation. Otherwise seeds that keep every promise there would say nothing.
import path from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { quiet } from '../../proof/sim/temporal/core-replay.ts';
import { MUTANTS } from '../../proof/sim/rules/mutants.ts';
import { planOf } from '../../proof/sim/plan.ts';
import { playForReal } from '../../proof/sim/real/play.ts';
import { REGRESSIONS } from '../../proof/sim/regressions.ts';
import { ruleOf } from '../../proof/sim/shrink.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll } from '../support/ends.ts';

const BUNDLE = path.join(ROOT, 'dist', 'workflow-bundle.js');

const ends = endsWithAll();
let host: WorkflowHost;
beforeAll(async () => {
  quiet();
  host = ends(await WorkflowHost.load(BUNDLE));
});

/** Shows only where a move takes longer than ten looks. */
const LOOKS_FIRST = MUTANTS.find(({ name }) => name === 'moveVm that does not look first')!;

describe('a product with a mistake is caught on a real server', () => {
  it.each(MUTANTS.filter((named) => named !== LOOKS_FIRST))(
    'within three seeds: $name',
    async ({ mutant, breaks, from }) => {
      const { address, namespace } = inject('temporal');
      let broken: string | undefined;
      for (let seed = from; seed < from + 3 && broken === undefined; seed += 1) {
        const at = { address, namespace, bundle: BUNDLE, host };
        const { violations } = await playForReal(planOf(seed), { ...at, mutant });
        broken = violations.map(ruleOf).find((rule) => breaks.includes(rule));
      }
      expect(breaks).toContain(broken);
    },
  );

  it('by a move over a slow network: moveVm that does not look first', async () => {
    const { address, namespace } = inject('temporal');
    const slow = REGRESSIONS.find(({ plan }) => JSON.stringify(plan.file).includes('100Mbps'))!;
    const plan = { ...slow.plan, faults: [] };
    const at = { address, namespace, bundle: BUNDLE, host };
    const { violations } = await playForReal(plan, { ...at, mutant: LOOKS_FIRST.mutant });
    expect(LOOKS_FIRST.breaks).toContain(ruleOf(violations[0] ?? ''));
  });
});
