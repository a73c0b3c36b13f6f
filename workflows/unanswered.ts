// A placement that found no node because somebody did not answer: looked at again before a person is asked.
import { patched } from '@temporalio/workflow';
import type { Snapshot } from '../domain/facts.ts';
import { sameName } from '../domain/names.ts';
import { viewOf } from '../domain/snapshot.ts';
import { stepFailure } from './failure-of.ts';

/**
 * Nobody could take the VM, but a node that is up did not say a word: that is looked at again before a person is asked.
 * Hundreds of looks at once keep even a healthy node from answering in time.
 */
export function unanswered(snapshot: Snapshot, only: string | undefined): Error | undefined {
  const silent = snapshot.view.nodes
    .filter((n) => n.state === 'Up' && (only === undefined || sameName(only, n.name)))
    .map((n) => n.name)
    .filter((name) => viewOf(snapshot, name) === null);
  // In runs of earlier versions a person was asked at once.
  if (silent.length === 0 || !patched('look-again')) return undefined;
  return stepFailure(
    'NodeUnreachable',
    `${silent.join(', ')} did not answer, and no other node can take the VM`,
  );
}
