// May a person decide this about that step now? The rule behind the `decide` update's validator, as one sentence.
import { REASON_CHARS_MAX } from './bounded.ts';
import { quoteValue } from './quoting.ts';
import { suggest } from './suggest.ts';
import { DECISIONS, type Decision, type RunStatus } from './status.ts';

/** undefined when the decision can be taken, else why not. */
export function refuseDecision(
  status: RunStatus,
  decision: Partial<Decision> | null | undefined,
  /** Who has decided about a step in this very moment. */
  decidedBy: (step: string) => string | undefined,
): string | undefined {
  if (typeof decision !== 'object' || typeof decision?.step !== 'string') {
    return 'A decision is an object with step, action, reason and by.';
  }
  const { step: id, action, by, reason, target } = decision;
  if (action === undefined || !DECISIONS.includes(action)) {
    return `The action must be one of ${DECISIONS.join(', ')}.`;
  }
  if (typeof by !== 'string' || by.trim() === '') return 'Say in "by" who decides.';
  if (typeof reason !== 'string') return 'Give a "reason" (it may be short).';
  if (by.length + reason.length > REASON_CHARS_MAX) {
    return `The reason is too long: ${reason.length} characters, at most ${REASON_CHARS_MAX} are kept.`;
  }
  if (target !== undefined && typeof target !== 'string') return '"target" must be a node name.';
  if (decision.quick !== undefined && (decision.quick as unknown) !== true) {
    return '"quick" must be true, or not be there.';
  }
  if (status.endedAt !== null) return `${status.run} has already ended (${status.state}).`;
  const step = status.steps.find((s) => s.id === id);
  if (step === undefined) {
    const waiting = status.steps.filter((s) => s.state === 'needs-operator').map((s) => s.id);
    return `${status.run} has no step ${id.slice(0, 100)}. ${waiting.length === 0 ? 'None of its steps needs a decision.' : `Waiting for a decision: ${waiting.join(', ')}.`}`;
  }
  const alreadyBy = decidedBy(id);
  if (alreadyBy !== undefined) return `${alreadyBy} has just decided about ${id}.`;
  if (step.state !== 'needs-operator') {
    const elsewhere = step.child === null ? '' : ` It is done by ${step.child}: decide there.`;
    const last = lastDecision(step.evidence['decisions']);
    return `Step ${id} does not need a decision: it is ${step.state}.${last}${elsewhere}`;
  }
  if (action === 'skip' && !step.skippable) {
    return `Step ${id} cannot be skipped: what follows depends on it.`;
  }
  return undefined;
}

const FIELDS = [
  'step',
  'action',
  'reason',
  'by',
  'target',
  'quick',
] as const satisfies (keyof Decision)[];

/** A field that nobody knows would be passed by in silence, and another node chosen than the one that was written. */
export function refuseStrangeField(
  decision: Partial<Decision> & { mayIgnore?: unknown },
): string | undefined {
  const { mayIgnore, ...fields } = decision;
  const ignored: readonly unknown[] = Array.isArray(mayIgnore) ? mayIgnore : [];
  const known: readonly string[] = FIELDS;
  const name = Object.keys(fields).find((key) => !known.includes(key) && !ignored.includes(key));
  if (name === undefined) return undefined;
  const shown = quoteValue(name.slice(0, 100));
  return `A decision has no field ${shown}; ${suggest(name, FIELDS) ?? 'see its form'}`;
}

function lastDecision(decisions: unknown): string {
  if (!Array.isArray(decisions)) return '';
  const last = decisions.at(-1) as (Decision & { at: string }) | undefined;
  return last === undefined ? '' : ` ${last.by} decided ${last.action} at ${last.at}.`;
}
