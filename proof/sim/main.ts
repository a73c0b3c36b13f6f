// npm run sim: seeds of the simulator, all cuts, one seed again with its trace, a failing seed made small.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { runAllCuts } from './cuts.ts';
import { describe } from './faults.ts';
import { FAULT_KINDS, planOf, type FaultKind, type Plan } from './plan.ts';
import { playForReal } from './real/play.ts';
import { withServer } from './real/server.ts';
import { everything, reduced, ruleOf, shrink, type Kept } from './shrink.ts';
import { simulate, type Outcome } from './simulate.ts';
import { quiet, replayByCore } from './temporal/core-replay.ts';
import type { SeenRun } from './temporal/seen-run.ts';
import { WorkflowHost } from './temporal/workflow-host.ts';

const BUNDLE = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../workflow-bundle.js',
);
/** Of the trace, below a failure. */
const LAST_STEPS = 30;

interface Options {
  seeds: number;
  from: number;
  seed?: number;
  only?: FaultKind[];
  without?: FaultKind[];
  faults?: number[];
  work?: number[];
  trace?: boolean;
  core?: boolean;
  cuts?: boolean;
  real?: boolean;
  speed?: number;
}

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError('Write a whole number.');
  return value;
};
const indexes = (text: string): number[] =>
  text === '' || text === 'none' ? [] : text.split(',').map(whole);
const kinds = (text: string): FaultKind[] =>
  text.split(',').map((name) => {
    const kind = FAULT_KINDS.find((known) => known === name);
    if (kind === undefined)
      throw new InvalidArgumentError(`The kinds are ${FAULT_KINDS.join(', ')}.`);
    return kind;
  });

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const program = new Command('sim')
  .description(
    'Simulated clusters on which everything goes wrong: every promise is checked after every step.',
  )
  .option('--seeds <n>', 'how many', whole, 200)
  .option('--from <n>', 'the first seed', whole, 1)
  .option('--seed <n>', 'one seed alone', whole)
  .option('--only <kinds>', 'faults of these kinds only', kinds)
  .option('--without <kinds>', 'no faults of these kinds', kinds)
  .option('--faults <numbers>', 'of one seed, only these faults', indexes)
  .option('--work <numbers>', 'of one seed, only this work', indexes)
  .option('--trace', 'print every step')
  .option('--core', "replay every run's history with the native core too")
  .option('--cuts', 'every cut instead of seeds')
  .option('--real', 'on a real Temporal server with real workers, in real time')
  .option('--speed <n>', 'with --real: seconds of the lab in one of ours', whole);

type Tell = (plan: Plan) => Promise<Outcome<SeenRun>>;

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  const host = await WorkflowHost.load(BUNDLE);
  if (options.cuts === true) return cuts(host);
  if (options.real === true) {
    quiet();
    const { speed } = options;
    const more = { bundle: BUNDLE, host, ...(speed === undefined ? {} : { speed }) };
    return withServer(say, ({ address, namespace }) =>
      seeds(options, (plan) => playForReal(plan, { address, namespace, ...more }), lastSteps),
    );
  }
  return seeds(
    options,
    async (plan) => {
      const outcome = await simulate(plan, host);
      if (options.core === true && outcome.violations.length === 0) {
        const against = await replayByCore(outcome.runs, BUNDLE);
        outcome.violations.push(...against.map((what) => `the native core replays it: ${what}`));
      }
      return outcome;
    },
    (outcome, plan, kept) => explain(outcome, plan, kept, options, host),
  );
}

async function seeds(
  options: Options,
  tell: Tell,
  explainFailure: (outcome: Outcome<SeenRun>, plan: Plan, kept: Kept) => Promise<void> | void,
): Promise<number> {
  const started = performance.now();
  const first = options.seed ?? options.from;
  const count = options.seed === undefined ? options.seeds : 1;
  const failing: number[] = [];
  const sums = { tasks: 0, runs: 0, effects: 0, hours: 0, faults: 0 };
  for (let seed = first; seed < first + count; seed += 1) {
    const { plan, kept } = planFor(seed, options);
    const outcome = await tell(plan);
    sums.tasks += outcome.tasks;
    sums.runs += outcome.runs.length;
    sums.effects += outcome.effects;
    sums.hours += outcome.simulatedSeconds / 3600;
    sums.faults += plan.faults.length;
    if (options.trace === true) say(outcome.trace.join('\n'));
    if (outcome.violations.length === 0) continue;
    failing.push(seed);
    await explainFailure(outcome, plan, kept);
  }
  const seconds = (performance.now() - started) / 1000;
  const core = options.core === true ? `, ${sums.runs} histories replayed by the core` : '';
  say(
    `${count} seeds in ${seconds.toFixed(1)} s: ${(count / seconds).toFixed(1)} per second; ` +
      `${sums.runs} runs, ${sums.tasks} workflow tasks, ${sums.effects} effects, ${sums.faults} ` +
      `faults, ${sums.hours.toFixed(0)} simulated hours${core}`,
  );
  if (failing.length > 0) say(`Failing seeds: ${failing.join(', ')}`);
  return failing.length > 0 ? 1 : 0;
}

/** Real time does not come again, so there is nothing to make small. */
function lastSteps({ seed, violations, trace }: Outcome<SeenRun>): void {
  say(`\nSeed ${seed} breaks a promise on a real server.\n  ${violations[0] ?? ''}`);
  say(`\nLast steps:\n${trace.slice(-LAST_STEPS).join('\n')}\n`);
}

async function cuts(host: WorkflowHost): Promise<number> {
  const report = await runAllCuts(host, say);
  for (const failure of report.failures) say(failure);
  return report.failures.length > 0 ? 1 : 0;
}

function planFor(
  seed: number,
  { only, without, faults, work }: Options,
): { plan: Plan; kept: Kept } {
  const plan = planOf(seed, {
    ...(only === undefined ? {} : { only }),
    ...(without === undefined ? {} : { without }),
  });
  const all = everything(plan);
  const kept = { faults: faults ?? all.faults, work: work ?? all.work };
  return { plan: reduced(plan, kept), kept };
}

async function explain(
  outcome: Outcome<SeenRun>,
  plan: Plan,
  kept: Kept,
  options: Options,
  host: WorkflowHost,
): Promise<void> {
  const violation = outcome.violations[0] ?? '';
  say(`\nSeed ${outcome.seed} breaks a promise.\n  ${violation}`);
  const rule = ruleOf(violation);
  const less = await shrink(plan, rule, async (candidate) => {
    const [first] = (await simulate(candidate, host)).violations;
    return first === undefined ? undefined : ruleOf(first);
  });
  const small = reduced(plan, less);
  const again = await simulate(small, host);
  say(
    `\nSmallest: ${small.work.length} of ${plan.work.length} pieces of work, ` +
      `${small.faults.length} of ${plan.faults.length} faults`,
  );
  for (const work of small.work) say(`  at ${work.at} s ${JSON.stringify(work)}`);
  for (const fault of small.faults)
    say(`  at ${fault.at.toFixed(1)} s ${fault.kind}${describe(fault)}`);
  say(`\nLast steps:\n${again.trace.slice(-LAST_STEPS).join('\n')}`);
  const pick = (all: number[], some: number[]): string => {
    const numbers = some.map((i) => all[i]);
    return numbers.length === 0 ? 'none' : numbers.join(',');
  };
  const only = options.only === undefined ? '' : ` --only ${options.only.join(',')}`;
  const without = options.without === undefined ? '' : ` --without ${options.without.join(',')}`;
  say(
    `\nAgain: npm run sim -- --seed ${outcome.seed}${only}${without} --work ` +
      `${pick(kept.work, less.work)} --faults ${pick(kept.faults, less.faults)} --trace\n`,
  );
}

process.exitCode = await main();
// Sockets of the runtime, if the core was asked, would keep the process.
process.exit();
