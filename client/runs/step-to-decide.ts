// Which step a decision is about, when the person named it partly or not at all. Pure.
import type { DecisionAction } from '../../domain/status.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { shellWord } from '../words.ts';
import { runOver } from './names.ts';
import { isOver, needingOperator, type RunView, type StepView } from './view.ts';

/**
 * The step to decide about; its `run` is where the decision goes, which is a child's when the step is. A named step
 * that does not wait is answered too: the workflow itself then says why not.
 */
export function stepToDecide(
  view: RunView,
  action: DecisionAction,
  given: string | undefined,
): StepView {
  const [why] = view.notes;
  if (view.steps.length === 0 && why !== undefined) {
    throw new ClientError({
      code: 'RunSilent',
      message: `${view.run} does not say which step waits; ${why}`,
      hint: `Look again:  watari run show ${shellWord(view.run)}`,
      exitCode: EXIT.failed,
    });
  }
  if (isOver(view)) throw runOver(view.run, action);
  const waiting = needingOperator(view);
  if (given !== undefined) return namedStep(view, waiting, given);
  const only = waiting[0];
  if (only !== undefined && waiting.length === 1) return only;
  if (only !== undefined) {
    throw badInput(
      `${waiting.length} steps of ${view.run} wait for a person`,
      `Say which one with --step:\n${waiting.map((s) => s.id).join('\n')}`,
      'StepAmbiguous',
    );
  }
  throw new ClientError({
    code: 'NothingWaits',
    message: `no step of ${view.run} waits for a person; there is nothing to ${action}`,
    hint: `See how it stands:  watari run show ${shellWord(view.run)}`,
    exitCode: EXIT.failed,
  });
}

function namedStep(view: RunView, waiting: readonly StepView[], given: string): StepView {
  const wanted = given.toLowerCase();
  const fits = (s: StepView): boolean => s.id === wanted || s.id.endsWith(`/${wanted}`);
  // The same step may be there twice (a child that was started again): the one that waits is meant.
  const found = waiting.find(fits) ?? view.steps.find(fits);
  if (found !== undefined) return found;
  const ids = (waiting.length > 0 ? waiting : view.steps).map((s) => s.id);
  throw badInput(
    `${view.run} has no step "${given}"`,
    `${waiting.length > 0 ? 'Waiting for a person' : 'Its steps'}:\n${ids.slice(0, 10).join('\n')}`,
    'StepNotFound',
  );
}
