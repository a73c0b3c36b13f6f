// Every node is asked the same, all at once. One that is down, has no worker or does not answer is part of the picture,
// not an error: whoever asked judges what that means.
import { isCancellation } from '@temporalio/workflow';
import type { ClusterNodeFacts, NoAnswer } from '../domain/facts.ts';
import { includesName, sameName } from '../domain/names.ts';
import { failureOf } from './failure-of.ts';

export interface KnownNodes {
  nodes: readonly ClusterNodeFacts[];
  /** Those that no worker serves. */
  unserved?: readonly string[];
}

export function askNodes<T extends object>(
  names: readonly string[],
  known: KnownNodes,
  ask: (name: string, nth: number) => Promise<T>,
): Promise<[string, T | { noAnswer: NoAnswer }][]> {
  return Promise.all(
    names.map(async (name, nth): Promise<[string, T | { noAnswer: NoAnswer }]> => {
      const silent = whySilent(name, known);
      if (silent !== undefined) return [name, { noAnswer: silent }];
      try {
        return [name, await ask(name, nth)];
      } catch (err) {
        const failure = isCancellation(err) ? undefined : failureOf(err);
        if (failure === undefined) throw err;
        return [name, { noAnswer: { code: failure.code, message: failure.message } }];
      }
    }),
  );
}

/** What is known before anybody is asked. */
function whySilent(name: string, { nodes, unserved = [] }: KnownNodes): NoAnswer | undefined {
  if (nodes.some((node) => sameName(node.name, name) && node.state === 'Down')) {
    return { code: 'NodeUnreachable', message: `${name} is down` };
  }
  if (!includesName(unserved, name)) return undefined;
  const message = `no worker of ${name} asks for work (watari worker status on ${name})`;
  return { code: 'NodeNotServed', message };
}
