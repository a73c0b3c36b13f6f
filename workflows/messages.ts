// Messages of every run, with descriptions that an operator reads in the Temporal UI's dialogs.
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { MESSAGES, type Decision, type RunStatus } from '../domain/status.ts';

export const statusQuery = defineQuery<RunStatus>(MESSAGES.status);
export const decideUpdate = defineUpdate<{ accepted: string }, [Decision]>(MESSAGES.decide);
export const decideSignal = defineSignal<[Decision]>(MESSAGES.decide);

const TEMPLATE = '{"step":"hv1/restart","action":"retry","reason":"cable fixed","by":"ito@HV1"}';

export const STATUS_DESCRIPTION =
  'The run as JSON: its state, every step with attempts, failure, what it waits for and evidence.';
export const DECIDE_DESCRIPTION = `Decide about a step that needs you. Input, as one JSON object: ${TEMPLATE} - action is "retry" (do the step again; for a move "target":"HV2" may name another node), "skip" (go on without it, where the step allows that) or "abort" (take back what this run did, last step first, and end it). Refused with a reason when the step is not waiting for anybody.`;
export const DECIDE_SIGNAL_DESCRIPTION = `${DECIDE_DESCRIPTION} As a signal it is also taken while no worker is online, but a refusal is only written to the log.`;
