// What `watari node scan` prints: each node with what it lacks and what would be left out.
import type { NodeFinding } from '../../domain/update-scan.ts';
import type { UpdateFacts } from '../../domain/update-facts.ts';
import { sizeText } from '../../domain/units.ts';
import { leftOutWords } from '../../domain/updates.ts';

const RESTART_WORDS = {
  always: 'restart',
  maybe: 'perhaps a restart',
  never: 'no restart',
} as const;

function updateLine(update: UpdateFacts): string {
  const { kbs, title, bytes, severity, restart, impact, downloaded } = update;
  const about = [
    ...(severity === null ? [] : [severity]),
    downloaded ? 'downloaded' : sizeText(bytes),
    RESTART_WORDS[restart],
    ...(impact === 'exclusive' ? ['installed alone'] : []),
  ];
  return `${kbs.join(' ') || update.id}  ${title} (${about.join(', ')})`;
}

function nodeLines(finding: NodeFinding): string[] {
  if ('noAnswer' in finding) return [`${finding.node}  no answer: ${finding.noAnswer.message}`];
  const { node, build, restartNeeded, result, warnings, chosen, leftOut } = finding;
  const owes = restartNeeded ? '; a restart is owed' : '';
  const incomplete =
    result === 'succeeded'
      ? []
      : [`  the search was not complete: ${[result, ...warnings].join(' ')}`];
  return [
    `${node}  build ${build}, ${chosen.length === 0 ? 'nothing is missing' : `${chosen.length} missing`}${owes}`,
    ...incomplete,
    ...chosen.map((update) => `  ${updateLine(update)}`),
    ...leftOut.map(
      ({ update, why }) =>
        `  left out: ${update.kbs.join(' ') || update.title}, because ${leftOutWords(why)}`,
    ),
  ];
}

/** Nodes of one cluster should be alike: a move from a newer build to an older one may be refused. */
function buildLines(findings: readonly NodeFinding[]): string[] {
  const builds = new Map<string, string[]>();
  for (const one of findings)
    if ('build' in one) builds.set(one.build, [...(builds.get(one.build) ?? []), one.node]);
  if (builds.size < 2) return [];
  const list = [...builds].map(([build, nodes]) => `${build} (${nodes.join(', ')})`);
  return ['', `The nodes have different builds: ${list.join(', ')}.`];
}

export const scanLines = (findings: readonly NodeFinding[]): string[] => [
  ...findings.flatMap(nodeLines),
  ...buildLines(findings),
];
