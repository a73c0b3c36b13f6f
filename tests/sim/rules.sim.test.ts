// The rules themselves: a product with a mistake in it breaks them within few seeds, made-up logs break those that the
// lab would never let happen, and a failing seed is made small.
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Effect, EffectKind } from '../../lab/machine/records.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { tell } from '../../proof/sim/cuts.ts';
import { planOf } from '../../proof/sim/plan.ts';
import { Checks } from '../../proof/sim/rules/checks.ts';
import { Ledger } from '../../proof/sim/rules/ledger.ts';
import { MUTANTS, NEVER_CANCELS, RESTARTS_ANY_BOOT } from '../../proof/sim/rules/mutants.ts';
import { ruleOf, reduced, shrink } from '../../proof/sim/shrink.ts';
import { simulate } from '../../proof/sim/simulate.ts';
import { STORIES } from '../../proof/sim/stories.ts';
import { SimClock } from '../../proof/sim/temporal/sim-clock.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll } from '../support/ends.ts';

const ends = endsWithAll();
let host: WorkflowHost;
beforeAll(async () => {
  host = ends(await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js')));
});

const storyOf = (name: string) => STORIES.find((story) => story.name.startsWith(name))!;

describe('a product with a mistake is caught', () => {
  it.each(MUTANTS)('within five seeds: $name', async ({ mutant, breaks, from }) => {
    let broken: string | undefined;
    for (let seed = from; seed < from + 5 && broken === undefined; seed += 1) {
      const outcome = await simulate(planOf(seed), host, mutant);
      broken = outcome.violations.map(ruleOf).find((rule) => breaks.includes(rule));
    }
    expect(breaks).toContain(broken);
  });

  it('by a cancelled move: a host that never cancels', async () => {
    const { violations } = await tell(storyOf('cancel'), host, {}, NEVER_CANCELS);
    expect(violations.join()).toMatch(/while its move of web-1 still runs/);
  });

  it('by a lost result: a restart of whatever boot it is', async () => {
    const story = storyOf('prepare');
    const uncut = await tell(story, host);
    const index = 1 + uncut.calls.findIndex(({ op }) => op === 'restartNode');
    const cut = { call: { index, how: 'dies after' } } as const;
    expect((await tell(story, host, cut)).violations).toEqual([]);
    const { violations } = await tell(story, host, cut, RESTARTS_ANY_BOOT);
    expect(violations.join()).toMatch(/restarted HV2 2 times/);
  });
});

/** Feeds effects that never happened and answers the rules that they break. */
function rulesBrokenBy(...log: [kind: EffectKind, subject: string, detail?: string][]): string[] {
  const { scenario } = planOf(1);
  const lab = new Lab(scenario, new SimClock());
  const broken: string[] = [];
  const world = {
    now: () => 0,
    state: () => lab.state(),
    ledger: new Ledger(
      () => lab,
      () => undefined,
    ),
    runs: () => [],
    ask: (_run: unknown, then: () => void) => {
      then();
    },
  };
  const checks = new Checks(world, (what) => broken.push(ruleOf(what)));
  log.forEach(([kind, subject, detail = ''], i) => {
    const effect: Effect = {
      seq: i + 1,
      at: '2026-01-05T00:00:00.000Z',
      node: 'HV1',
      kind,
      subject,
      detail,
    };
    checks.effect(effect);
  });
  return [...new Set(broken)];
}

describe('a log that the lab would never write breaks its rule', () => {
  it.each<[string, Parameters<typeof rulesBrokenBy>]>([
    [
      'no VM is moved twice at a time',
      [
        ['move-started', 'a', 'HV1 -> HV2 by the auto-balancer'],
        ['move-started', 'a', 'HV1 -> HV3 by the auto-balancer'],
      ],
    ],
    [
      'no node takes part in more moves than the cluster allows',
      ['a', 'b', 'c', 'd'].map((vm) => ['move-started', vm, `HV1 -> HV2 by the auto-balancer`]),
    ],
    [
      'every effect happens once per intent',
      [
        ['feature-installed', 'Hyper-V'],
        ['feature-installed', 'Hyper-V'],
      ],
    ],
    ['one call of an operation does one thing', [['node-paused', 'HV1']]],
    [
      'no VM is stopped or saved by us, but one that the run made itself and takes back',
      [['vm-saved', 'a', 'saved: HV1 was restarted while it ran there']],
    ],
  ])('%s', (rule, log) => {
    expect(rulesBrokenBy(...log)).toContain(rule);
  });

  it('and an ordinary one breaks none', () => {
    const move = 'HV1 -> HV2 by the auto-balancer';
    expect(
      rulesBrokenBy(
        ['move-started', 'a', move],
        ['move-finished', 'a', move],
        ['move-started', 'a', move],
      ),
    ).toEqual([]);
  });
});

it('a failing seed is made small', async () => {
  const { mutant, breaks } = MUTANTS.find(({ name }) => name.startsWith('requestRestart'))!;
  const fails = async (plan: ReturnType<typeof planOf>): Promise<string | undefined> => {
    const outcome = await simulate(plan, host, mutant);
    return outcome.violations.map(ruleOf)[0];
  };
  for (let seed = 1; seed <= 60; seed += 1) {
    const plan = planOf(seed);
    const rule = plan.faults.length < 4 || plan.work.length < 2 ? undefined : await fails(plan);
    if (rule === undefined || !breaks.includes(rule)) continue;
    const kept = await shrink(plan, rule, fails);
    expect(kept.work).toHaveLength(1);
    expect(kept.faults.length).toBeLessThan(plan.faults.length);
    expect(await fails(reduced(plan, kept))).toBe(rule);
    return;
  }
  expect.fail('no seed was long enough to be made small');
});
