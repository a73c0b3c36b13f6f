// How the list of runs in the Temporal UI finds them: by cluster, node, VM, and by "needs a person".
import { defineSearchAttributeKey } from '@temporalio/common';
import { upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { ATTRIBUTE } from '../domain/names.ts';

const KEYS = {
  cluster: defineSearchAttributeKey(ATTRIBUTE.cluster, 'KEYWORD'),
  node: defineSearchAttributeKey(ATTRIBUTE.node, 'KEYWORD'),
  vm: defineSearchAttributeKey(ATTRIBUTE.vm, 'KEYWORD'),
  needsOperator: defineSearchAttributeKey(ATTRIBUTE.needsOperator, 'BOOL'),
};

/** Set by the run itself, so that one started with the `temporal` command is found as well. */
export function announceRun(about: {
  cluster: string;
  node?: string;
  vm?: string;
  startedBy: string;
  reason?: string;
}): void {
  const { cluster, node, vm, startedBy, reason } = about;
  // Readable without a worker: a second start says who holds the lock.
  upsertMemo({ startedBy, ...(reason === undefined ? {} : { reason }) });
  upsertSearchAttributes([
    { key: KEYS.cluster, value: cluster },
    ...(node === undefined ? [] : [{ key: KEYS.node, value: node }]),
    ...(vm === undefined ? [] : [{ key: KEYS.vm, value: vm }]),
    { key: KEYS.needsOperator, value: false },
  ]);
}

export const markNeedsOperator = (value: boolean): void => {
  upsertSearchAttributes([{ key: KEYS.needsOperator, value }]);
};
