// Messages of every run, with descriptions that an operator reads in the Temporal UI's dialogs, and how a run answers.
import {
  ApplicationFailure,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
  patched,
  setHandler,
} from '@temporalio/workflow';
import { refuseStrangeField } from '../domain/decisions.ts';
import { MESSAGES, type Decision, type RunStatus } from '../domain/status.ts';

const statusQuery = defineQuery<RunStatus>(MESSAGES.status);
const decideUpdate = defineUpdate<{ accepted: string }, [Decision]>(MESSAGES.decide);
const decideSignal = defineSignal<[Decision]>(MESSAGES.decide);

const TEMPLATE = '{"step":"hv1/restart","action":"retry","reason":"cable fixed","by":"ito@HV1"}';

const STATUS_DESCRIPTION =
  'The run as JSON: its state, every step with attempts, failure, what it waits for and evidence.';
const DECIDE_DESCRIPTION =
  `Decide about a step that needs you. Input, as one JSON object: ${TEMPLATE} - action is ` +
  '"retry" (do the step again; for a move "target":"HV2" may name another node), "skip" (go on ' +
  'without it, where the step allows that) or "abort" (take back what this run did, last step ' +
  'first, and end it). Refused with a reason when the step is not waiting for anybody.';
const DECIDE_SIGNAL_DESCRIPTION =
  `${DECIDE_DESCRIPTION} As a signal it is also taken while no worker is online, but a refusal ` +
  'is only written to the log.';

/** To be called before the first await: a message may have come before the run has begun. */
export function listen(run: {
  status: () => RunStatus;
  /** undefined when the decision can be taken. */
  refusal: (decision: Decision) => string | undefined;
  decide: (decision: Decision) => { accepted: string };
}): void {
  setHandler(statusQuery, run.status, { description: STATUS_DESCRIPTION });
  setHandler(decideUpdate, run.decide, {
    description: DECIDE_DESCRIPTION,
    validator: (decision: Decision) => {
      const refusal = run.refusal(decision) ?? refuseStrangeField(decision);
      if (refusal !== undefined) throw refused(refusal);
    },
  });
  setHandler(
    decideSignal,
    (decision: Decision) => {
      const refusal = run.refusal(decision) ?? refusedField(decision);
      if (refusal === undefined) run.decide(decision);
      else log.warn(`decide was refused: ${refusal}`);
    },
    { description: DECIDE_SIGNAL_DESCRIPTION },
  );
}

/** The Temporal UI shows a refusal with its stack, which says nothing to an operator. */
export function refused(why: string): ApplicationFailure {
  const failure = ApplicationFailure.create({ type: 'DecisionRefused', message: why });
  failure.stack = '';
  return failure;
}

function refusedField(decision: Decision): string | undefined {
  const refusal = refuseStrangeField(decision);
  // A signal that a run of an earlier version has taken is taken again when it is replayed.
  return refusal !== undefined && patched('known-decision-fields') ? refusal : undefined;
}
