// The look of `cluster doctor` at one node, done by the node itself on watari.<cluster>.<node>: everything that can be
// read there, at once. A part that fails is told as that part's failure and takes nothing else with it.
import { ApplicationFailure } from '@temporalio/common';
import type { PeerFacts, IsoTime } from '../domain/facts.ts';
import { sameName } from '../domain/names.ts';
import { tallyEvents } from '../domain/doctor/tally.ts';
import { NODE_PORTS, type NodeExam, type Part, type WorkerFacts } from '../domain/doctor/view.ts';
import { HypervError } from '../hyperv/host.ts';
import { beating, stopwatch } from './beats.ts';
import { readView, type ClusterActivityDeps } from './cluster.ts';
import { asFailure, guarded } from './failing.ts';
import { NO_HYPER_V, readNode } from './node.ts';

export interface NodeActivityDeps extends ClusterActivityDeps {
  /** The program that these activities run in. */
  worker: WorkerFacts;
}

export interface ExamRequest {
  /** The other nodes. */
  peers: string[];
  /** TCP ports that should listen here and be reachable there. */
  ports: number[];
  /** Disk files to look for. */
  files: string[];
  /** Event logs are read from here on. */
  since: IsoTime;
  /** Also tell of the cluster, as nobody else could. */
  cluster?: boolean;
}

export interface SignInRequest {
  peers: {
    node: string;
    /** How long a refusal there stands for itself: a second wrong try would count towards the same lock. */
    windowMinutes: number;
  }[];
}

/** Of one day on one node; a log that has more is in trouble, and which are the most frequent is clear by then. */
const EVENTS_MAX = 1000;

/** What a node cannot tell is part of the picture; a mistake in the program is not, and fails the activity. */
async function partly<T>(read: () => Promise<T>): Promise<Part<T>> {
  try {
    return { facts: await read() };
  } catch (err) {
    const failure = err instanceof HypervError ? asFailure(err) : err;
    if (!(failure instanceof ApplicationFailure)) throw err;
    return { noAnswer: { code: failure.type ?? 'Unexpected', message: failure.message } };
  }
}

/** Only reads, so all of them at once: the port itself lets in no more than the node can take. */
async function examine(deps: NodeActivityDeps, request: ExamRequest): Promise<NodeExam> {
  const { host, worker } = deps;
  const { ports, peers: nodes, files, since } = request;
  const [view, setup, peers, storage, events, cluster] = await Promise.all([
    partly(() => readNode(deps, { files }, { mayStart: true })),
    partly(async () => (await host.readSetup({ ports })).facts),
    partly(async () =>
      nodes.length === 0 ? [] : (await host.readPeers({ nodes, ports, signIn: false })).facts,
    ),
    partly(async () => {
      try {
        return (await host.readVmStorage({})).facts;
      } catch (err) {
        // Without the role there are no VMs, and while it starts nobody tells them; both are told by the view.
        if (err instanceof HypervError && NO_HYPER_V.includes(err.info.errorId ?? '')) return [];
        throw err;
      }
    }),
    partly(async () => {
      const { facts } = await host.readEvents({ since, max: EVENTS_MAX });
      return tallyEvents(facts, EVENTS_MAX);
    }),
    request.cluster === true ? partly(() => readView(deps)) : null,
  ]);
  return { worker, view, setup, peers, storage, events, cluster };
}

/**
 * Peers by lower-case names, with the moment on a clock that nobody sets. A worker that starts anew has forgotten them;
 * the margin of the plan is for that.
 */
type Refusals = Map<string, { at: number; facts: PeerFacts }>;

const MINUTE_MS = 60_000;

/** Asks each peer once; one that refused within its window is told as it was, and not asked. */
async function signInAt(
  { host, now }: NodeActivityDeps,
  elapsedMs: () => number,
  refusals: Refusals,
  { peers }: SignInRequest,
): Promise<PeerFacts[]> {
  const told: PeerFacts[] = [];
  const fresh: string[] = [];
  for (const { node, windowMinutes } of peers) {
    const known = refusals.get(node.toLowerCase());
    const stands = known !== undefined && elapsedMs() - known.at < windowMinutes * MINUTE_MS;
    if (stands) told.push(known.facts);
    else fresh.push(node);
  }
  // Whoever was refused before would be refused again.
  if (fresh.length === 0 || told.length > 0) return told;
  const ports = [NODE_PORTS.winrm];
  for (const facts of (await host.readPeers({ nodes: fresh, ports, signIn: true })).facts) {
    told.push(facts);
    const key = fresh.find((node) => sameName(node, facts.node))?.toLowerCase() ?? facts.node;
    if (facts.signIn?.ok === false)
      refusals.set(key, { at: elapsedMs(), facts: remembered(facts, now()) });
    else refusals.delete(key);
  }
  return told;
}

function remembered(facts: PeerFacts, at: Date): PeerFacts {
  const { signIn } = facts;
  if (signIn === null) return facts;
  const message = `${signIn.message ?? ''} (asked at ${at.toISOString()}, not again yet: wrong sign-ins lock accounts)`;
  return { ...facts, signIn: { ...signIn, message } };
}

export const createExamActivities = (deps: NodeActivityDeps) => {
  const refusals: Refusals = new Map();
  const elapsedMs = stopwatch(deps);
  return guarded({
    /** Signs in nowhere. */
    examineNode: (request: ExamRequest): Promise<NodeExam> =>
      beating(deps, () => examine(deps, request)),
    signIn: (request: SignInRequest): Promise<PeerFacts[]> =>
      beating(deps, () => signInAt(deps, elapsedMs, refusals, request)),
  });
};
