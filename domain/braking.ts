// May a person brake this run now? The rule behind the `brake` update's validator, as one sentence.
import { REASON_CHARS_MAX } from './bounded.ts';
import { BRAKES, type Braking, type RunStatus } from './status.ts';

/** undefined when it can be taken, else why not. */
export function refuseBraking(
  status: RunStatus,
  braking: Partial<Braking> | null | undefined,
  /** It has points between its moves. */
  mayBrake: boolean,
): string | undefined {
  const { action, by, reason } = braking ?? {};
  if (action === undefined || !BRAKES.includes(action)) {
    return `The action must be one of ${BRAKES.join(', ')}.`;
  }
  if (typeof by !== 'string' || by.trim() === '') return 'Say in "by" who asks for it.';
  if (typeof reason !== 'string') return 'Give a "reason" (it may be short).';
  if (by.length + reason.length > REASON_CHARS_MAX) {
    return `The reason is too long: ${reason.length} characters, at most ${REASON_CHARS_MAX} are kept.`;
  }
  if (status.endedAt !== null) return `${status.run} has already ended (${status.state}).`;
  if (!mayBrake) {
    return `${status.run} does one thing and has no point to pause at; cancel or abort it.`;
  }
  const { paused } = status;
  if (action === 'pause' && paused !== undefined) {
    return `${status.run} is paused already, by ${paused.by} since ${paused.at}.`;
  }
  if (action === 'resume' && paused === undefined) return `${status.run} is not paused.`;
  return undefined;
}
