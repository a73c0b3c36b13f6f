// Who asks for work on a task queue, as the server remembers it: by identities, which are spelled here only. Pure.
import { sameName } from './names.ts';

/**
 * A waiting worker asks anew at the latest every 60 s; the server remembers askers for five minutes. Older than this is
 * gone. A worker that died less than this ago still counts: the look at its node then says so.
 */
const ALIVE_MS = 75_000;

/** What Temporal tells of one asker. */
export interface Poller {
  identity?: string | null;
  lastAccessTime?: { seconds?: { toString(): string } | null } | null;
}

/**
 * `HV1/node/4711/0d4c…`: node, what it serves, its process, and the id of its cluster where that was known at the
 * start.
 */
export const workerIdentity = (
  node: string,
  serves: 'node' | 'cluster',
  pid: number,
  clusterId: string | undefined,
): string => [node, serves, pid, ...(clusterId === undefined ? [] : [clusterId])].join('/');

const askedAtMs = (p: Poller): number => Number(String(p.lastAccessTime?.seconds ?? 0)) * 1000;

/** The latest of all accesses: what the clock of the server, which wrote them, says at least. */
export const latestAccess = (pollers: readonly Poller[]): Date =>
  new Date(Math.max(0, ...pollers.map(askedAtMs)));

/** Identities of the workers that are alive. */
export function liveIdentities(pollers: readonly Poller[], now: Date): string[] {
  const oldest = now.getTime() - ALIVE_MS;
  return pollers
    .filter((p) => askedAtMs(p) >= oldest)
    .map((p) => p.identity ?? '')
    .filter((identity) => identity !== '');
}

/** By the id of a cluster, the nodes whose workers serve it. More than one: several clusters have one name. */
export function clustersServed(identities: readonly string[]): Map<string, string[]> {
  const clusters = new Map<string, string[]>();
  for (const identity of identities) {
    const [node = '', , , id = ''] = identity.split('/');
    if (id === '') continue;
    const nodes = clusters.get(id.toLowerCase()) ?? [];
    if (!nodes.some((one) => sameName(one, node))) nodes.push(node);
    clusters.set(id.toLowerCase(), nodes);
  }
  return clusters;
}
