// Evidence of a step in a few lines: what changed from what to what, single facts, the cmdlets that did it.
import { durationText, sizeText } from '../../domain/units.ts';
import { dateTime } from '../words.ts';
import { oneLine } from './format.ts';

/** More cmdlets than this are counted; `--json` has them all. */
const CMDLETS_SHOWN = 3;
/** As hyperv/powershell/evidence.ps1 tells them apart: what acted comes first, of whichever operation of the step. */
const READS = /^(Get|Test|Read)-|-MethodName (Get|Enum|Check)/;
/** Text of one fact; longer ones are for `--json`. */
const FACT_WIDTH = 60;

/** Printed elsewhere, told by the step's state or its changes, or of use to programs only. */
const SKIPPED = new Set([
  ...['ranking', 'cmdlets', 'before', 'after', 'changed', 'steps', 'unchanged', 'services'],
  ...['plannedAt', 'differs'],
  ...['bootTime', 'bootTimeBefore', 'bootTimeAfter', 'restartNeeded', 'waitedMs', 'decisions'],
]);

type Plain = Record<string, unknown>;

const isPlain = (x: unknown): x is Plain =>
  typeof x === 'object' && x !== null && !Array.isArray(x);

const isScalar = (x: unknown): x is string | number | boolean =>
  typeof x === 'string' || typeof x === 'number' || typeof x === 'boolean';

/** `moveSeconds` -> `move seconds`. */
const words = (key: string): string =>
  key.replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);

export function evidenceLines(evidence: Plain): string[] {
  const facts = Object.entries(evidence)
    .filter(([key]) => !SKIPPED.has(key))
    .flatMap(([key, value]) => fact(key, value));
  const changes = changesBetween(evidence['before'], evidence['after']);
  return [
    ...(changes.length > 0 ? [changes.join(', ')] : []),
    ...(facts.length > 0 ? [facts.join(', ')] : []),
    ...differenceLines(evidence),
    ...decisionLines(evidence),
    ...cmdletLines(evidence['cmdlets']),
  ];
}

const decisionsOf = ({ decisions }: Plain): Plain[] =>
  Array.isArray(decisions) ? decisions.filter(isPlain) : [];

/** `retry to HV2 by ito@HV1 at 2026-11-24 14:03:22: owners set`. */
function decisionText({ action, target, by, at, reason }: Plain): string {
  const to = isScalar(target) ? ` to ${target}` : '';
  const when = typeof at === 'string' ? ` at ${dateTime(new Date(at))}` : '';
  const why = isScalar(reason) && reason !== '' ? `: ${reason}` : '';
  return oneLine(`${String(action)}${to} by ${String(by)}${when}${why}`);
}

/** In the order in which they were made. */
export const decisionLines = (evidence: Plain): string[] => decisionsOf(evidence).map(decisionText);

/** What a drain found otherwise than it was planned; as long as it is. */
export function differenceLines({ differs, plannedAt }: Plain): string[] {
  if (!Array.isArray(differs) || differs.length === 0) return [];
  const since = typeof plannedAt === 'string' ? ` at ${dateTime(new Date(plannedAt))}` : '';
  const texts = differs.filter((one) => typeof one === 'string').map(oneLine);
  return [`Otherwise than planned${since}:`, ...texts.map((text) => `- ${text}`)];
}

/** The decision that ended a step; null for one that ended by itself. */
export function endedBy(evidence: Plain): string | null {
  const last = decisionsOf(evidence).at(-1);
  return last?.['action'] === 'skip' || last?.['action'] === 'abort' ? decisionText(last) : null;
}

function fact(key: string, value: unknown): string[] {
  const text = valueText(key, value);
  return text === null ? [] : [`${label(key)} ${text}`.trim()];
}

/** Units stand last in our names and before the reader in our texts. */
const UNIT = /(bytes|seconds)$/i;

/** `moveSeconds` -> `move`, `maximumMigrations` -> `maximum migrations`. */
const label = (key: string): string => words(key.replace(UNIT, '')) || 'took';

/** null for what has no short text. */
function valueText(key: string, value: unknown): string | null {
  if (typeof value === 'number' && UNIT.test(key)) {
    return /bytes$/i.test(key) ? sizeText(value) : durationText(value * 1000);
  }
  if (isScalar(value)) return short(value);
  if (Array.isArray(value) && value.length > 0 && value.every(isScalar)) {
    return short(value.join(', '));
  }
  return null;
}

const short = (value: string | number | boolean): string => {
  const text = oneLine(String(value));
  return text.length > FACT_WIDTH ? `${text.slice(0, FACT_WIDTH - 2)}..` : text;
};

/** Leaves that differ, by their last name; times of looking differ always and say nothing. */
export function changesBetween(before: unknown, after: unknown): string[] {
  if (!isPlain(before) || !isPlain(after)) return [];
  return Object.keys(after)
    .filter((key) => key !== 'takenAt' && key !== 'now')
    .flatMap((key) => {
      const [from, to] = [before[key], after[key]];
      if (isPlain(from) && isPlain(to)) return changesBetween(from, to);
      const [was, is] = [valueText(key, from) ?? 'none', valueText(key, to)];
      return is === null || was === is ? [] : [`${label(key)} ${was} -> ${is}`];
    });
}

function cmdletLines(cmdlets: unknown): string[] {
  if (!Array.isArray(cmdlets)) return [];
  const lines = cmdlets
    .filter((c) => typeof c === 'string')
    .sort((a, b) => Number(READS.test(a)) - Number(READS.test(b)))
    .map((c) => `PS> ${oneLine(c)}`);
  const more = lines.length - CMDLETS_SHOWN;
  return more > 0 ? [...lines.slice(0, CMDLETS_SHOWN), `... and ${more} more cmdlets`] : lines;
}
