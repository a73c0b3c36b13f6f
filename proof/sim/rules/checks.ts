// What must hold after every step of a simulation, whatever goes wrong. Each rule says in one sentence what is
// promised; docs/reliability.md repeats them. A rule judges by the lab's own log and by what our activities asked for.
import type { RunStatus } from '../../../domain/status.ts';
import type { Effect } from '../../../lab/machine/records.ts';
import type { SeenRun } from '../temporal/seen-run.ts';
import { CAMPAIGN_RULES } from './campaigns.ts';
import type { Act } from './ledger.ts';
import { MACHINE_RULES } from './machines.ts';
import { MOVE_RULES } from './moves.ts';
import type { Beat, Check, Question, World } from './rule.ts';
import { RUN_RULES } from './runs.ts';

const RULES = [...MACHINE_RULES, ...MOVE_RULES, ...RUN_RULES, ...CAMPAIGN_RULES];

/** All rules at once, fed by the simulation. */
export class Checks {
  private readonly world: World;
  private readonly checks: Check[];
  private readonly violated: (what: string) => void;

  constructor(world: World, violated: (what: string) => void) {
    this.world = world;
    this.checks = RULES.map((make) => make(world));
    this.violated = violated;
  }

  get rules(): string[] {
    return this.checks.map((check) => check.rule);
  }

  act(act: Act): void {
    this.each((c) => c.act?.(act));
  }
  effect(effect: Effect): void {
    this.each((c) => c.effect?.(effect));
  }
  task(run: SeenRun, status: RunStatus): void {
    this.each((c) => c.task?.(run, status));
  }
  end(run: SeenRun, status: RunStatus): void {
    this.each((c) => c.end?.(run, status));
  }
  beat(run: SeenRun, activityId: string, beat: Beat): void {
    this.each((c) => c.beat?.(run, activityId, beat));
  }

  private each(look: (check: Check) => string | Question | undefined): void {
    for (const check of this.checks) {
      const found = look(check);
      const tell = (what: string | undefined): void => {
        if (what !== undefined) this.violated(`${check.rule}: ${what}`);
      };
      if (typeof found === 'object')
        this.world.ask(found.about, () => {
          tell(found.judge());
        });
      else tell(found);
    }
  }
}
