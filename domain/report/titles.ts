// What a run is for, in one line, from its input: as the run itself says it. Pure.
import { isPlain, textAt, type Plain } from './event.ts';

/** @param otherwise for workflows that are not known here, and inputs that say too little. */
export function titleOf(workflow: string, input: Plain, otherwise: string): string {
  const cluster = textAt(isPlain(input['spec']) ? input['spec'] : input, 'cluster');
  const node = textAt(input, 'node');
  const vm = isPlain(input['vm']) ? textAt(input['vm'], 'name') : textAt(input, 'vm');
  if (workflow === 'migrateVm' && vm !== null) {
    return `Move ${vm} to ${textAt(input, 'to') ?? 'the best possible node'}`;
  }
  if (workflow === 'createVm' && vm !== null) return `Create VM ${vm}`;
  if (workflow === 'prepareNode' && node !== null) return `Prepare node ${node}`;
  if (workflow === 'applyCluster' && cluster !== null) {
    return `Bring cluster ${cluster} to what its file says`;
  }
  if (workflow === 'doctor' && cluster !== null) return `Examine cluster ${cluster}`;
  if (workflow === 'inspectCluster' && cluster !== null) return `Look at cluster ${cluster}`;
  return otherwise;
}
