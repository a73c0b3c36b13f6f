// Which updates of Windows are installed where, and whether it worked: selection, rounds, the guard against loops, the
// build that proves it. Pure; whoever installs (workflows/install-updates.ts) and `node scan` ask here.
import { normalizedKb } from './kb.ts';
import type { ServicingFacts, UpdateFacts, UpdateJobFacts, UpdateResult } from './update-facts.ts';

/** What a person wants of updates. */
export interface UpdateChoice {
  /** Criteria of IUpdateSearcher.Search; absent: those of Cluster-Aware Updating. */
  query?: string;
  /** Only these articles. */
  kbs?: readonly string[];
  /** Never these. */
  notKbs?: readonly string[];
  /** Their licence terms are accepted in the name of whoever started the run. */
  acceptEula?: boolean;
}

/** Microsoft Defender's definitions: they come several times a day, restart nothing, and must hold no run open. */
export const DEFENDER_DEFINITIONS = 'KB2267602';

export type LeftOut =
  'not-asked-for' | 'excluded' | 'may-ask-somebody' | 'terms-open' | 'definitions';

const LEFT_OUT_WORDS: Readonly<Record<LeftOut, string>> = {
  'not-asked-for': 'it is not among those that --kb names',
  excluded: 'it is excluded by --not-kb',
  'may-ask-somebody': 'it may ask somebody at the node, where nobody is',
  'terms-open': 'its licence terms are not accepted; --accept-eula allows that for all nodes',
  definitions: 'definitions of Defender come by themselves several times a day',
};

export const leftOutWords = (why: LeftOut): string => LEFT_OUT_WORDS[why];

export const kbText = ({ kbs, title }: UpdateFacts): string => kbs.join(' ') || title;

/** For a record: each in one line. */
export const leftOutTexts = (leftOut: Selection['leftOut']): string[] =>
  leftOut.map(({ update, why }) => `${kbText(update)}: ${leftOutWords(why)}`);

export interface Selection {
  chosen: UpdateFacts[];
  leftOut: { update: UpdateFacts; why: LeftOut }[];
}

const hasKb = ({ kbs }: UpdateFacts, wanted: readonly string[]): boolean =>
  kbs.some((kb) => wanted.some((one) => normalizedKb(one) === normalizedKb(kb)));

const isDefinitions = (update: UpdateFacts): boolean => hasKb(update, [DEFENDER_DEFINITIONS]);

/** Why an update is left out; undefined: it is not. Who names it by --kb wants it, definitions too. */
function reasonAgainst(update: UpdateFacts, choice: UpdateChoice): LeftOut | undefined {
  const { kbs = [], notKbs = [], acceptEula = false } = choice;
  const isNamed = hasKb(update, kbs);
  if (hasKb(update, notKbs)) return 'excluded';
  if (kbs.length > 0 && !isNamed) return 'not-asked-for';
  if (!isNamed && isDefinitions(update)) return 'definitions';
  if (update.canRequestInput) return 'may-ask-somebody';
  if (!update.eulaAccepted && !acceptEula) return 'terms-open';
  return undefined;
}

export function selectUpdates(found: readonly UpdateFacts[], choice: UpdateChoice): Selection {
  const selection: Selection = { chosen: [], leftOut: [] };
  for (const update of found) {
    const why = reasonAgainst(update, choice);
    if (why === undefined) selection.chosen.push(update);
    else selection.leftOut.push({ update, why });
  }
  return selection;
}

/** What to install in the next round: an exclusive one alone, and before the others, which may build on it. */
export function nextBatch(chosen: readonly UpdateFacts[]): UpdateFacts[] {
  const exclusive = chosen.find(({ impact }) => impact === 'exclusive');
  return exclusive === undefined ? [...chosen] : [exclusive];
}

/** Ids that a job has not brought in: how to go on with the rest is the caller's. */
export const notInstalled = (job: UpdateJobFacts): UpdateResult[] => [
  ...job.results.filter(({ result }) => result !== 'succeeded'),
  ...job.ids.slice(job.results.length).map((id): UpdateResult => ({
    id,
    result: 'not-started',
    hresult: '0x00000000',
    restartNeeded: false,
  })),
];

export interface Round {
  /** The boot in which they went in. */
  boot: string;
  /** Ids that Windows said were installed. */
  installed: readonly string[];
}

/**
 * Updates that Windows had called installed, and that it offers again after the restart that was to finish them: rolled
 * back. A restart must lie between, and definitions always come back.
 */
export function rolledBack(
  rounds: readonly Round[],
  found: readonly UpdateFacts[],
  { boot }: Pick<ServicingFacts, 'boot'>,
): UpdateFacts[] {
  const before = new Set(
    rounds.filter((round) => round.boot !== boot).flatMap(({ installed }) => installed),
  );
  return found.filter((update) => before.has(update.id) && !isDefinitions(update));
}

/**
 * What is yet to be installed: what went in during this boot waits for its restart, and definitions come back at once
 * and for ever.
 */
export function stillMissing(
  rounds: readonly Round[],
  chosen: readonly UpdateFacts[],
  { boot }: Pick<ServicingFacts, 'boot'>,
): UpdateFacts[] {
  const has = (update: UpdateFacts) => (round: Round) =>
    (round.boot === boot || isDefinitions(update)) && round.installed.includes(update.id);
  return chosen.filter((update) => !rounds.some(has(update)));
}

/** [26100, 4652] of `26100.4652`. */
const partsOf = (build: string): [number, number] => {
  const [number = '', revision = ''] = build.split('.');
  return [Number(number) || 0, Number(revision) || 0];
};

export function compareBuilds(a: string, b: string): number {
  const [numberA, revisionA] = partsOf(a);
  const [numberB, revisionB] = partsOf(b);
  return numberA - numberB || revisionA - revisionB;
}

/** What the next node is held against: nobody knows beforehand which build the updates of a night make. */
export const newerBuild = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || (b !== undefined && compareBuilds(b, a) > 0) ? b : a;

/**
 * Why the build of a node that took its updates does not prove them; undefined: it does. The first node of a run has no
 * other to be compared with: `expected` is null there, unless a person said what it must be.
 */
export function buildProblem(
  node: string,
  build: string,
  expected: string | null,
): string | undefined {
  if (expected === null || compareBuilds(build, expected) >= 0) return undefined;
  return `${node} has build ${build} after its updates, and should have ${expected}`;
}
