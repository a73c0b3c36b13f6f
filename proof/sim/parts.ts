// What a node's worker is made of, simulated or real: the product's own activities on the node's host, or a mutant's.
import type { NodeActivityDeps } from '../../activities/examine.ts';
import { createClusterQueue, createNodeQueue } from '../../activities/index.ts';
import { askOf, hostOf, type HypervHost, type Reply } from '../../hyperv/host.ts';

export type Deed = (...args: unknown[]) => Promise<unknown>;

/** By task queue. */
export interface WorkerParts {
  cluster: Record<string, Deed>;
  node: Record<string, Deed>;
}

/** What a test puts in place of the product's own parts, to see whether the checkers notice. */
export interface Mutant {
  host?: (host: HypervHost) => HypervHost;
  parts?: (parts: WorkerParts, deps: NodeActivityDeps) => WorkerParts;
}

/** workers/node-worker.ts: maxConcurrentActivityTaskExecutions of the two queues. */
export const SLOTS = { cluster: 32, node: 4 };

/** A worker process, as far as its own code notices that it is dead. */
export interface Living {
  readonly alive: boolean;
  /** A timer of this process: it never fires once the process is dead. */
  after(ms: number, call: () => void): () => void;
}

export function productParts(deps: NodeActivityDeps, mutant?: Mutant): WorkerParts {
  const made = {
    cluster: createClusterQueue(deps),
    node: createNodeQueue(deps),
  } as unknown as WorkerParts;
  return mutant?.parts?.(made, deps) ?? made;
}

/**
 * A node's host as its worker process sees it: every call takes a moment, and one that began in a process that is dead
 * by now never answers; nor does a dead process begin one.
 */
export function hostOfWorker(
  host: HypervHost,
  worker: Living,
  delayMs: (op: string) => number,
  around: (op: string, args: object, call: () => Promise<unknown>) => Promise<unknown>,
): HypervHost {
  const never = (): Promise<never> => new Promise(() => undefined);
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      worker.after(ms, resolve);
    });
  const ask = askOf(host);
  return hostOf(host.node, async (op, args) => {
    await wait(delayMs(op));
    let answer: { value: unknown } | { error: unknown };
    try {
      answer = { value: await around(op, args, () => ask(op, args)) };
    } catch (error) {
      answer = { error };
    }
    if (!worker.alive) return never();
    await wait(delayMs(op));
    if ('error' in answer) throw answer.error;
    return answer.value as Reply<unknown>;
  });
}
