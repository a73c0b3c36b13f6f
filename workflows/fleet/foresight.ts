// What a maintenance counts on from its beginning to its end: seen once, or kept in a plan that a person has read, and
// carried on by what its own nodes' runs have moved, so that only what others have done is a difference.
import { outlookOf } from '../../domain/fleet/differences.ts';
import { afterMoves, outlookFor, outlookLines, type Outlook } from '../../domain/fleet/outlook.ts';
import type { PastMove } from '../../domain/fleet/learned.ts';
import type { Calls } from '../calls.ts';
import type { StepContext } from '../run.ts';
import { takeSurvey } from '../survey.ts';

export class Foresight {
  private readonly calls: Calls;
  private readonly nodes: readonly string[];
  private outlook: Outlook | undefined;

  constructor(calls: Calls, nodes: readonly string[], kept: Outlook | undefined) {
    this.calls = calls;
    this.nodes = nodes;
    this.outlook = kept;
  }

  /** Looks where there is nothing to count on yet. */
  async look(c: StepContext): Promise<Outlook> {
    this.outlook ??= outlookOf(await takeSurvey(this.calls, { owners: this.nodes }), this.nodes);
    c.evidence({ plannedAt: this.outlook.at, planned: outlookLines(this.outlook) });
    return this.outlook;
  }

  /** For the run of one node. */
  async of(node: string, c: StepContext): Promise<Outlook> {
    return outlookFor(this.outlook ?? (await this.look(c)), node);
  }

  moved(moves: readonly PastMove[]): void {
    if (this.outlook !== undefined) this.outlook = afterMoves(this.outlook, moves);
  }

  /** A node's run has failed, and nobody has told what it had moved: the next one looks anew. */
  lose(): void {
    this.outlook = undefined;
  }
}
