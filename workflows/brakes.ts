// The brakes of a run that does one thing after the other for hours: paused, it begins nothing new until it is resumed,
// for minutes or days; and a cancellation may let the moves that are under way arrive.
import { condition, defineUpdate, setHandler } from '@temporalio/workflow';
import { refuseBraking } from '../domain/braking.ts';
import { MESSAGES, type Braking, type RunStatus } from '../domain/status.ts';
import { refused } from './messages.ts';

const brakeUpdate = defineUpdate<{ accepted: string }, [Braking]>(MESSAGES.brake);

const DESCRIPTION =
  'Pause the run before its next piece of work, or resume it. Input, as one JSON object: ' +
  '{"action":"pause","reason":"lunch","by":"ito@HV1"} - action is "pause", "resume" or ' +
  '"finish-moves" (a cancellation that follows lets the moves that are under way arrive).';

export class Brakes {
  /** A cancellation ends no move that is under way. */
  finishesMoves = false;
  private readonly status: RunStatus;

  /** To be made before the first await, as a message may have come before the run has begun. */
  constructor(status: RunStatus, mayBrake: boolean) {
    this.status = status;
    setHandler(brakeUpdate, (braking: Braking) => this.brake(braking), {
      description: DESCRIPTION,
      validator: (braking: Braking) => {
        const refusal = refuseBraking(this.status, braking, mayBrake);
        if (refusal !== undefined) throw refused(refusal);
      },
    });
  }

  /** The run pauses itself, as it was asked to when it was started. */
  pause(by: string, reason: string): void {
    this.status.paused ??= { action: 'pause', by, reason, at: new Date(Date.now()).toISOString() };
  }

  /** Between two pieces of work: waits for as long as the run is paused. */
  async pass(waitingFor: (what: string | null) => void): Promise<void> {
    for (;;) {
      const { paused } = this.status;
      if (paused === undefined) return;
      const why = paused.reason === '' ? '' : ` (${paused.reason})`;
      waitingFor(`a person to resume the run, which ${paused.by} has paused${why}`);
      await condition(() => this.status.paused === undefined);
      waitingFor(null);
    }
  }

  private brake(braking: Braking): { accepted: string } {
    const { status } = this;
    const { action } = braking;
    if (action === 'finish-moves') this.finishesMoves = true;
    else if (action === 'resume') delete status.paused;
    else status.paused = { ...braking, at: new Date(Date.now()).toISOString() };
    return { accepted: action };
  }
}
