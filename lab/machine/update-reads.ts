// The reading operations about updates: what a search finds, how far a job is, what servicing owes.
import type {
  ServicingFacts,
  UpdateJobFacts,
  UpdateSearchFacts,
} from '../../domain/update-facts.ts';
import { iso, type Instant } from './clock.ts';
import { refused, type Asked } from './refusal.ts';
import { HRESULTS_OF_UPDATES as CODES } from './update-results.ts';
import type { LabUpdate, LabUpdateJob } from './update-state.ts';
import { isWorking, offered, restartFirst, updateFacts } from './updates.ts';
import { bootOf, clockOf, type LabNode, type World } from './world.ts';

export function jobState(node: LabNode, job: LabUpdateJob): UpdateJobFacts['state'] {
  if (job.ended) return 'ended';
  if (job.boot !== bootOf(node)) return 'cut-off';
  return job.entry === null ? 'lost' : 'running';
}

/** An instant as the clock of this node told it. */
export const clockTime = (world: World, node: LabNode, time: Instant): string =>
  iso(time + clockOf(world, node) - world.time);

export function jobFacts({ world, node }: Asked): UpdateJobFacts | null {
  const { job } = node.updates;
  if (job === null) return null;
  return {
    kind: job.kind,
    state: jobState(node, job),
    ids: [...job.ids],
    results: job.results.map((one) => ({ ...one })),
    startedAt: clockTime(world, node, job.startedAt),
    changedAt: clockTime(world, node, job.changedAt),
    error: null,
  };
}

/** Fields that the pages of IUpdateSearcher.Search name, as far as anybody asks for them here. */
const FIELDS =
  /^(IsInstalled|Type|IsHidden|IsAssigned|BrowseOnly|UpdateID|RebootRequired|IsPresent)\s*(=|!=)\s*('[^']*'|[01])$/i;

/** The found updates; null: Windows takes no such criteria. Only which update is asked for makes a difference. */
export function search(node: LabNode, criteria: string): LabUpdate[] | null {
  const clauses = criteria
    .trim()
    .replace(/^\((.*)\)$/, '$1')
    .split(/\s+and\s+/i);
  if (!clauses.every((clause) => FIELDS.test(clause.trim()))) return null;
  const wanted = clauses.flatMap(
    (clause) => /^UpdateID\s*=\s*'(.*)'$/i.exec(clause.trim())?.[1] ?? [],
  );
  const installed = clauses.some((clause) => /^IsInstalled\s*=\s*1$/i.test(clause.trim()));
  if (installed) return node.updates.offers.filter(({ state }) => state === 'installed');
  return offered(node).filter(({ id }) => wanted.length === 0 || wanted.includes(id));
}

const DEFAULT_CRITERIA = "IsInstalled=0 and Type='Software' and IsHidden=0 and IsAssigned=1";

export function searchFacts(asked: Asked, criteria = DEFAULT_CRITERIA): UpdateSearchFacts {
  const found = search(asked.node, criteria);
  if (found === null)
    throw refused(asked, `Windows Update takes no criteria like ${criteria}.`, {
      hresult: CODES.criteria,
    });
  return { result: 'succeeded', warnings: [], updates: found.map(updateFacts) };
}

export function servicingFacts({ world, node }: Asked): ServicingFacts {
  return {
    restartNeeded: node.pendingRestart,
    working: node.updates.servicingUntil > world.time,
    installerBusy: isWorking(node),
    restartFirst: restartFirst(node),
    build: buildOf(node),
    boot: bootOf(node),
  };
}

export const buildNumberOf = ({ is }: LabNode): string => is.osVersion.split('.')[2] ?? '';
const buildOf = (node: LabNode): string => `${buildNumberOf(node)}.${node.updates.revision}`;
