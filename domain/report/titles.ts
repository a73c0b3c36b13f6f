// What a run is for, in one line, from its input: as the run itself says it. Pure.
import { isPlain, textAt, type Plain } from './event.ts';

/** @param otherwise for workflows that are not known here, and inputs that say too little. */
export function titleOf(workflow: string, input: Plain, otherwise: string): string {
  const cluster = textAt(isPlain(input['spec']) ? input['spec'] : input, 'cluster');
  const vm = isPlain(input['vm']) ? textAt(input['vm'], 'name') : textAt(input, 'vm');
  const node = textAt(input, 'node') ?? namesOf(input['nodes']);
  const title = (verb: string, what: string | null, rest = ''): string =>
    what === null ? otherwise : `${verb} ${what}${rest}`;
  switch (workflow) {
    case 'migrateVm':
      return title('Move', vm, ` to ${textAt(input, 'to') ?? 'the best possible node'}`);
    case 'createVm':
      return title('Create VM', vm);
    case 'prepareNode':
      return title('Prepare node', node);
    case 'applyCluster':
      return title('Bring cluster', cluster, ' to what its file says');
    case 'doctor':
      return title('Examine cluster', cluster);
    case 'inspectCluster':
      return title('Look at cluster', cluster);
    case 'surveyFleet':
      return title('Survey cluster', cluster);
    case 'scanUpdates':
      return title('Scan for updates', node ?? cluster);
    case 'tellPeople':
      return title('Tell people what happens in', cluster);
    case 'scheduleMoves':
      return title('Order of the moves of', cluster);
    case 'drainNodes':
      return title('Drain', node);
    case 'resumeNodes':
      return title('Resume', node);
    case 'maintainNode':
      return title('Maintain', node);
    case 'maintainCluster':
      return title('Maintain', node ?? cluster);
    case 'scheduledMaintenance':
      return title(
        'Maintain',
        cluster,
        ` by schedule ${textAt(input, 'schedule') ?? ''}`.trimEnd(),
      );
    case 'balanceCluster':
      return title('Balance', cluster);
    case 'tuneCluster':
      return title('Tune the live migration of', cluster, ` with ${vm ?? 'a canary'}`);
    default:
      return otherwise;
  }
}

function namesOf(given: unknown): string | null {
  if (!Array.isArray(given)) return null;
  const names = given.filter((one) => typeof one === 'string');
  return names.length === 0 ? null : names.join(', ');
}
