// A simulated cluster with every rule looking on: what seeds and cuts run in.
import { Checks } from './rules/checks.ts';
import { Ledger } from './rules/ledger.ts';
import type { Beat } from './rules/rule.ts';
import { SimCluster, type SimClusterOptions } from './sim-cluster.ts';

/** `around` is outside of the ledger. */
export type WatchOptions = Omit<SimClusterOptions, 'onBeat' | 'onEffects'>;

export interface Watched {
  c: SimCluster;
  ledger: Ledger;
}

export function watchedCluster(options: WatchOptions): Watched {
  const { around, onTask } = options;
  const ledger: Ledger = new Ledger(
    () => c.lab,
    (act) => {
      checks.act(act);
    },
  );
  const c: SimCluster = new SimCluster({
    ...options,
    around: (worker, op, args, call) => {
      const seen = (): Promise<unknown> => ledger.through(worker, op, args, call);
      return around === undefined ? seen() : around(worker, op, args, seen);
    },
    onEffects: (effects) => {
      for (const effect of effects) {
        ledger.effect(effect, c.clock.now());
        checks.effect(effect);
      }
    },
    onTask: (run) => {
      const status = run.status();
      if (status !== undefined) checks.task(run, status);
      if (run.state !== 'open' && status !== undefined) checks.end(run, status);
      onTask?.(run);
    },
    onBeat: (run, activityId, details) => {
      checks.beat(run, activityId, details as Beat);
    },
  });
  const checks: Checks = new Checks(
    {
      now: () => c.clock.now(),
      state: () => c.lab.state(),
      ledger,
      runs: () => c.server.runs,
      ask: (_run, then) => {
        then();
      },
    },
    (what) => {
      c.violated(what);
    },
  );
  return { c, ledger };
}
