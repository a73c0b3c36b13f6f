// Whose an entry of an event log is: of the VM that is asked about, of another one, or nobody can say. Pure; called for
// the entries around a move that failed. Texts decide nothing.
import type { EventFacts } from './event-facts.ts';
import { includesName, sameName } from './names.ts';

export function eventIsAbout(
  { vm, vmIds }: Pick<EventFacts, 'vm' | 'vmIds'>,
  wanted: { vm: string; vmId?: string },
): 'it' | 'another' | 'unknown' {
  const { vmId } = wanted;
  if (vmId !== undefined && includesName(vmIds, vmId)) return 'it';
  // An id alone may be that of a network, a disk or a resource.
  if (vm === null) return 'unknown';
  // Names are given twice, and anew: beside the id of another VM a name proves nothing.
  const isOther = vmId !== undefined && vmIds.length > 0;
  return !isOther && sameName(vm, wanted.vm) ? 'it' : 'another';
}
