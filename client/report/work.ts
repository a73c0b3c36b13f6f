// The tables of a report about work: what was done with every VM, on every node, and all of it in its order, with the
// cmdlets that ran. Pure.
import type { MaintainNodeResult } from '../../workflows/maintain-node.ts';
import type { Choice, Tuning } from '../../domain/fleet/tune.ts';
import { sameName } from '../../domain/names.ts';
import type { Act, NodeVersions, RunRecord } from '../../domain/report/run-record.ts';
import { durationText } from '../../domain/units.ts';
import { evidenceLines } from '../render/evidence.ts';
import { TUNING_COLUMNS, tuningCells } from '../render/tuning.ts';
import { cell, uniqueNames, type Cell, type Section } from './section.ts';
import { ACT_TONES, ACT_WORDS, between, moment } from './words.ts';

const actsOf = (all: readonly RunRecord[]): Act[] =>
  all.flatMap((r) => r.acts).sort((a, b) => a.askedAt.localeCompare(b.askedAt));

const tookOf = (act: Act): string =>
  act.endedAt === null ? '' : between(act.startedAt ?? act.askedAt, act.endedAt);

const stateOf = (act: Act): Cell => ({
  text: act.kind === 'back' && act.state === 'done' ? 'taken back' : ACT_WORDS[act.state],
  tone: ACT_TONES[act.state],
  ...(act.failure === null ? {} : { more: [`${act.failure.code}: ${act.failure.message}`] }),
});

function blackoutText({ result }: Act): string {
  const seconds = result?.['blackoutSeconds'];
  return typeof seconds === 'number' ? durationText(seconds * 1000) : 'not known';
}

export function vmRows(all: readonly RunRecord[]): Section {
  const acts = actsOf(all).filter((a) => a.vm !== null && a.kind !== 'look' && a.kind !== 'wait');
  return {
    id: 'vms',
    title: 'Virtual machines',
    note: 'Blackout is how long a VM stood still at the end of its move, where an event log was asked and told it.',
    columns: ['VM', 'What', 'Found', 'Took', 'Blackout', 'Result'],
    rows: uniqueNames(acts.map((a) => a.vm)).flatMap((vm) =>
      acts
        .filter((a) => a.vm !== null && sameName(a.vm, vm))
        .map((act, i) => [
          cell(i === 0 ? vm : ''),
          cell(act.title),
          { text: '', more: factLines(act) },
          cell(tookOf(act)),
          act.kind === 'move' ? cell(blackoutText(act), 'quiet') : cell(''),
          stateOf(act),
        ]),
    ),
  };
}

/** Of runs that came to their end: what a drain found otherwise than it was planned. */
export function differencesIn(all: readonly RunRecord[]): Section {
  return {
    id: 'differences',
    title: 'Otherwise than planned',
    note: 'What others had changed when the turn of a node came. The moves were planned for what was there then.',
    columns: ['Node', 'What'],
    rows: all.flatMap(({ workflow, result }) => {
      if (workflow !== 'maintainNode') return [];
      const { node = '', differs = [] } = (result ?? {}) as Partial<MaintainNodeResult>;
      return differs.length === 0 ? [] : [[cell(node), { text: '', more: differs }]];
    }),
  };
}

/** What a tuning has compared, and what it recommends. */
export function tunings(all: readonly RunRecord[]): Section[] {
  return all.flatMap(({ workflow, result }) => {
    if (workflow !== 'tuneCluster') return [];
    const { numbers } = (result ?? {}) as { numbers?: unknown };
    return [
      ...tuning('settings', 'Settings of live migration', result),
      ...tuning('numbers', 'Moves at once', numbers),
    ];
  });
}

/** Nothing of what earlier versions told otherwise. */
function tuning(id: string, title: string, told: unknown): Section[] {
  const { rows = [], advice = [] } = (told ?? {}) as Partial<Tuning<Choice>>;
  const known = rows.filter((row) => 'choice' in row);
  if (known.length === 0) return [];
  const cells = known.map((row) => tuningCells(row).map((text) => cell(text)));
  return [{ id, title, note: advice.join(' '), columns: TUNING_COLUMNS, rows: cells }];
}

const windowsText = ({ osVersion, updateRevision }: NodeVersions): string =>
  [osVersion ?? '?', ...(updateRevision === null ? [] : [updateRevision])].join('.');

function changed(before: string, after: string): Cell {
  return before === after
    ? cell(before === '' ? 'not seen' : before, 'quiet')
    : { text: `${before} → ${after}` };
}

export function nodeRows(all: readonly RunRecord[]): Section {
  const acts = actsOf(all).filter((a) => a.node !== null && a.kind !== 'look');
  const seen = all.flatMap((r) => r.nodes);
  const nodes = uniqueNames([...seen.map((s) => s.node), ...acts.map((a) => a.node)]);
  return {
    id: 'nodes',
    title: 'Nodes',
    note: 'Windows and its last start, as they were seen first and last.',
    columns: ['Node', 'Windows', 'Up since (UTC)', 'Done there', 'Took'],
    rows: nodes.map((node) => {
      const sightings = seen
        .filter((s) => sameName(s.node, node))
        .flatMap((s) => [s.first, s.last])
        .sort((a, b) => a.at.localeCompare(b.at));
      const [first, last] = [merged(sightings), merged(sightings.toReversed())];
      const there = acts.filter((a) => a.node !== null && sameName(a.node, node));
      const ms = there.reduce((sum, a) => sum + lastedMs(a), 0);
      return [
        cell(node),
        first === undefined || last === undefined
          ? cell('not seen', 'quiet')
          : changed(windowsText(first), windowsText(last)),
        changed(bootText(first), bootText(last)),
        there.length === 0
          ? cell('looked at only', 'quiet')
          : { text: '', more: there.map((a) => doneText(a)) },
        cell(there.length === 0 ? '' : durationText(ms)),
      ];
    }),
  };
}

/** What was told first of each: not every answer tells everything. */
function merged(sightings: readonly NodeVersions[]): NodeVersions | undefined {
  const [first] = sightings;
  if (first === undefined) return undefined;
  const told = <K extends keyof NodeVersions>(key: K): NodeVersions[K] =>
    (sightings.find((one) => one[key] !== null) ?? first)[key];
  return {
    at: first.at,
    osVersion: told('osVersion'),
    updateRevision: told('updateRevision'),
    bootTime: told('bootTime'),
  };
}

/** The clock of the lab, and that of a node, may be wrong by minutes: this is what the node said. */
const bootText = (seen: NodeVersions | undefined): string =>
  seen?.bootTime == null ? '' : moment(seen.bootTime);

const lastedMs = (act: Act): number =>
  act.endedAt === null ? 0 : Date.parse(act.endedAt) - Date.parse(act.startedAt ?? act.askedAt);

const doneText = (act: Act): string =>
  act.state === 'done' ? act.title : `${act.title} (${ACT_WORDS[act.state]})`;

/** Of a whole VM that was verified, what says that it never stopped. */
function toldOf({ kind, result }: Act): Record<string, unknown> {
  if (result === null || kind !== 'check') return result ?? {};
  const { state, uptimeSeconds, heartbeat } = result;
  return { state, uptimeSeconds, heartbeat };
}

/** What changed, and single facts; cmdlets stand apart. */
function factLines(act: Act): string[] {
  const why = act.why.length === 0 ? [] : [`chosen: ${act.why.join('; ')}`];
  return [...why, ...evidenceLines(toldOf(act))];
}

export function actRows(all: readonly RunRecord[], madeAt: string): Section {
  const acts = actsOf(all);
  const told = acts.filter((a) => a.kind !== 'look' || a.state !== 'done');
  const looks = acts.length - told.length;
  return {
    id: 'work',
    title: 'What was done',
    ...(looks === 0
      ? {}
      : { note: `${looks} looks, which change nothing, are left out here; --json has them.` }),
    columns: ['When (UTC)', 'What', 'Where', 'Took', 'Result'],
    rows: told.map((act) => [
      cell(moment(act.startedAt ?? act.askedAt)),
      { text: act.title, more: factLines(act), code: act.cmdlets },
      whereCell(act),
      act.endedAt === null
        ? cell(`${between(act.startedAt ?? act.askedAt, madeAt)} so far`, 'warn')
        : cell(tookOf(act)),
      stateOf(act),
    ]),
  };
}

function whereCell({ node, doneBy, attempts }: Act): Cell {
  const worker =
    doneBy === null
      ? ['no worker has taken it, as far as the history says']
      : node !== null && sameName(doneBy, node)
        ? []
        : [`by the worker of ${doneBy}`];
  const tries = attempts > 1 ? [`attempt ${attempts}`] : [];
  return { text: node ?? 'the cluster', more: [...worker, ...tries] };
}
