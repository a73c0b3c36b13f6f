// Why a live migration failed, as a pure decision: the code and the words of its failure, from what the event logs of
// both ends say and from what the choice of the node had seen before. Called by the move step; reads nothing itself.
import type { EventFacts } from './event-facts.ts';
import { alsoMeant, classify, failureRow, normalizeHresult, type FailureCode } from './failures.ts';
import { sameName } from './names.ts';
import type { PlacementReason } from './placement-rules.ts';
import { isOnShare } from './storage.ts';
import { wordsOf } from './windows-words.ts';

/** What the choice of the node has seen of the VM and of the target that was chosen. */
export interface KnownBefore {
  reasons: readonly PlacementReason[];
  disks: readonly string[];
}

export interface FailedMove {
  vm: string;
  /** By the clock of `askedBy`. */
  since: string;
  askedBy: string;
  /** MigrationFailureReason. */
  hresult: string | null;
  /** Of both ends, oldest first: `vm` is set where an entry is surely about the VM that moved. */
  events: readonly EventFacts[];
  known: KnownBefore;
}

export interface MoveCause {
  code: FailureCode;
  /** Full sentences: the entry that decided, what its code means, what else it may be. */
  text: string;
}

/** Does what is known speak for this code. */
function isSupported(code: FailureCode, { reasons, disks }: KnownBefore): boolean {
  const has = (reason: string): boolean => reasons.some((r) => r.code === reason);
  switch (code) {
    case 'VmBusy':
      return has('vm-busy');
    case 'CpuFeaturesDiffer':
      return has('cpu-model') || !disks.some(isOnShare);
    case 'NasFault':
      return disks.some(isOnShare);
    default:
      return false;
  }
}

/** Codes that say no more than "it did not move" give way to what the choice of the node has told already. */
export function codeByFacts(code: FailureCode, known: KnownBefore): FailureCode {
  const isOpen = code === 'MoveFailed';
  if ((isOpen || code === 'MigrationInProgress') && isSupported('VmBusy', known)) return 'VmBusy';
  const cpu = known.reasons.some((r) => r.code === 'cpu-model');
  return isOpen && cpu ? 'CpuFeaturesDiffer' : code;
}

/**
 * The entries that may decide: those surely about the VM, from the begin of the move on; on another node than the one
 * whose clock told the begin, also from shortly before. Those that may be about another VM only where there is no
 * other.
 */
function deciding({ events, since, askedBy }: FailedMove): readonly EventFacts[] {
  const during = events.filter((e) => Date.parse(e.time) >= Date.parse(since));
  const isOwn = (e: EventFacts): boolean => e.vm !== null;
  const own = during.filter(isOwn);
  if (own.length > 0) return own;
  const behind = events.filter((e) => isOwn(e) && !sameName(e.node, askedBy));
  return behind.length > 0 ? behind : during;
}

const codeOf = (hresults: readonly string[], eventIds: readonly number[] = []): FailureCode =>
  classify(
    { hresults: [...hresults], eventIds: [...eventIds], errorIds: [], outcome: 'refused' },
    'startMove',
  );

export function causeOfMove(move: FailedMove): MoveCause {
  const entries = deciding(move);
  const hresults = [move.hresult, ...entries.map((e) => e.hresult)].filter((h) => h !== null);
  const told = codeOf(
    hresults,
    entries.map((e) => e.id),
  );
  const telling = hresults.filter((h) => codeOf([h]) === told);
  const byFacts = codeByFacts(told, move.known);
  const meant = [byFacts, ...alsoMeant(telling).filter((code) => code !== byFacts)];
  const [code = byFacts, ...others] = [
    ...meant.filter((one) => isSupported(one, move.known)),
    ...meant.filter((one) => !isSupported(one, move.known)),
  ];
  const entry =
    entries.findLast((e) => e.hresult !== null && telling.includes(e.hresult)) ?? entries.at(-1);
  return {
    code,
    text: [
      entryText(move, entry),
      ...(code === 'MoveFailedWithCode' ? codeTexts(telling) : []),
      ...(byFacts === told ? [] : factTexts(code, move.known)),
      ...others.map(alsoText),
      ...besideTexts(move, entries),
    ].join(' '),
  };
}

const alsoText = (code: FailureCode): string =>
  `It may also be that ${failureRow(code).title}: ${failureRow(code).hint}`;

const said = (e: EventFacts): string =>
  `Event ${e.id} on ${e.node}${e.hresult === null ? '' : ` (${e.hresult})`}: ${sentence(e.message)}`;

/** Windows ends most messages itself, in Japanese with a full stop of its own. */
const sentence = (text: string): string => (/[.!?。]\s*$/.test(text) ? text.trimEnd() : `${text}.`);

function entryText({ vm }: FailedMove, entry: EventFacts | undefined): string {
  if (entry === undefined) return 'The event logs of both nodes show nothing about it since.';
  return entry.vm === null
    ? `${said(entry)} Whether it is about ${vm} is not certain.`
    : said(entry);
}

const codeTexts = (telling: readonly string[]): string[] => {
  const code = normalizeHresult(telling.at(-1) ?? '');
  return code === null ? [] : [`${code} is ${wordsOf(code)}.`];
};

/** The words in which the choice of the node told it. */
function factTexts(code: FailureCode, { reasons }: KnownBefore): string[] {
  const of = code === 'VmBusy' ? 'vm-busy' : 'cpu-model';
  const reason = reasons.find((r) => r.code === of);
  return reason === undefined ? [] : [`When the node was chosen: ${sentence(reason.text)}`];
}

/** An entry that decides nothing is shown all the same. */
function besideTexts({ events, vm }: FailedMove, decided: readonly EventFacts[]): string[] {
  const beside = events.findLast((e) => e.vm === null && !decided.includes(e));
  return beside === undefined
    ? []
    : [`Beside it, perhaps not about ${vm} and not counted: ${said(beside)}`];
}
