// What a scan of the nodes for missing updates tells, and how its parts are put together. Small, as it is one result of
// a run: an update is told once, however many nodes lack it. Pure.
import type { IsoTime, NoAnswer } from './facts.ts';
import type { ResultCode, UpdateFacts } from './update-facts.ts';
import { selectUpdates, type Selection, type UpdateChoice } from './updates.ts';

/** What one node tells. */
export interface NodeScan {
  build: string;
  restartNeeded: boolean;
  result: ResultCode;
  /** HRESULTs of what could not be asked. */
  warnings: string[];
  updates: UpdateFacts[];
}

export interface UpdateScan {
  takenAt: IsoTime;
  /** Each once. Downloaded, and its terms accepted, only when that is so on every node that lacks it. */
  updates: UpdateFacts[];
  /** By name: ids of what is missing there, or why nobody knows. */
  nodes: Record<string, ScannedNode | { noAnswer: NoAnswer }>;
}

export type ScannedNode = Omit<NodeScan, 'updates'> & { missing: string[] };

export function mergeScans(
  takenAt: IsoTime,
  scans: readonly (readonly [string, NodeScan | { noAnswer: NoAnswer }])[],
): UpdateScan {
  const known = new Map<string, UpdateFacts>();
  const nodes: UpdateScan['nodes'] = {};
  for (const [node, scan] of scans) {
    if ('noAnswer' in scan) {
      nodes[node] = scan;
      continue;
    }
    const { updates, ...rest } = scan;
    nodes[node] = { ...rest, missing: updates.map(({ id }) => id) };
    for (const update of updates) {
      const before = known.get(update.id) ?? update;
      known.set(update.id, {
        ...update,
        downloaded: before.downloaded && update.downloaded,
        eulaAccepted: before.eulaAccepted && update.eulaAccepted,
      });
    }
  }
  return { takenAt, updates: [...known.values()], nodes };
}

export type NodeFinding =
  | { node: string; noAnswer: NoAnswer }
  | ({ node: string } & Omit<ScannedNode, 'missing'> & Selection);

/** What would be installed on which node, by somebody's choice. */
export function findingsOf(scan: UpdateScan, choice: UpdateChoice): NodeFinding[] {
  const byId = new Map(scan.updates.map((update) => [update.id, update]));
  return Object.entries(scan.nodes).map(([node, one]): NodeFinding => {
    if ('noAnswer' in one) return { node, noAnswer: one.noAnswer };
    const { missing, ...rest } = one;
    const found = missing.flatMap((id) => byId.get(id) ?? []);
    return { node, ...rest, ...selectUpdates(found, choice) };
  });
}
