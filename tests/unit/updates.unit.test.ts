// Which updates are installed, in which order, and how it is told that they did not stay.
import { describe, expect, it } from 'vitest';
import { readKb } from '../../domain/kb.ts';
import type { UpdateFacts, UpdateJobFacts } from '../../domain/update-facts.ts';
import {
  buildProblem,
  compareBuilds,
  leftOutWords,
  nextBatch,
  notInstalled,
  rolledBack,
  selectUpdates,
  type LeftOut,
  type UpdateChoice,
} from '../../domain/updates.ts';

const update = (kb: string, more: Partial<UpdateFacts> = {}): UpdateFacts => ({
  id: `id-${kb}`,
  revision: 1,
  title: kb,
  kbs: [kb],
  bytes: 1,
  severity: null,
  restart: 'maybe',
  impact: 'normal',
  canRequestInput: false,
  eulaAccepted: true,
  categories: [],
  downloaded: false,
  ...more,
});

const PLAIN = update('KB5070001');
const ASKS = update('KB5070002', { canRequestInput: true });
const TERMS = update('KB5070003', { eulaAccepted: false });
const DEFINITIONS = update('KB2267602');
const ALL = [PLAIN, ASKS, TERMS, DEFINITIONS];

describe('selectUpdates', () => {
  it.each<[string, UpdateChoice, string[], Record<string, LeftOut>]>([
    [
      'leaves out what nobody could answer, and definitions',
      {},
      ['KB5070001'],
      { KB5070002: 'may-ask-somebody', KB5070003: 'terms-open', KB2267602: 'definitions' },
    ],
    [
      'takes open terms where they may be accepted',
      { acceptEula: true },
      ['KB5070001', 'KB5070003'],
      { KB5070002: 'may-ask-somebody', KB2267602: 'definitions' },
    ],
    [
      'takes only what is named, however it is written, definitions too',
      { kbs: ['5070001', 'kb2267602'] },
      ['KB5070001', 'KB2267602'],
      { KB5070002: 'not-asked-for', KB5070003: 'not-asked-for' },
    ],
    [
      'never takes what may ask somebody, by name neither',
      { kbs: ['KB5070002'] },
      [],
      {
        KB5070001: 'not-asked-for',
        KB5070002: 'may-ask-somebody',
        KB5070003: 'not-asked-for',
        KB2267602: 'not-asked-for',
      },
    ],
    [
      'leaves out what is excluded although it is named',
      { kbs: ['KB5070001'], notKbs: ['5070001'] },
      [],
      {
        KB5070001: 'excluded',
        KB5070002: 'not-asked-for',
        KB5070003: 'not-asked-for',
        KB2267602: 'not-asked-for',
      },
    ],
  ])('%s', (_, choice, chosen, leftOut) => {
    const selection = selectUpdates(ALL, choice);
    expect(selection.chosen.map((one) => one.title)).toEqual(chosen);
    expect(
      Object.fromEntries(selection.leftOut.map(({ update: one, why }) => [one.title, why])),
    ).toEqual(leftOut);
    for (const { why } of selection.leftOut) expect(leftOutWords(why)).toMatch(/^\S.*[^.]$/);
  });
});

describe('nextBatch', () => {
  it('installs an exclusive update alone and first', () => {
    const alone = update('KB5070009', { impact: 'exclusive' });
    expect(nextBatch([PLAIN, alone, TERMS])).toEqual([alone]);
    expect(nextBatch([PLAIN, TERMS])).toEqual([PLAIN, TERMS]);
    expect(nextBatch([])).toEqual([]);
  });
});

describe('rolledBack', () => {
  const rounds = [{ boot: 'first', installed: [PLAIN.id, DEFINITIONS.id] }];

  it('finds what is offered again after the restart', () => {
    expect(rolledBack(rounds, [PLAIN, TERMS], { boot: 'second' })).toEqual([PLAIN]);
  });

  it('waits for the restart before it says so', () => {
    expect(rolledBack(rounds, [PLAIN], { boot: 'first' })).toEqual([]);
  });

  it('lets definitions come back as often as they like', () => {
    expect(rolledBack(rounds, [DEFINITIONS], { boot: 'second' })).toEqual([]);
  });
});

describe('notInstalled', () => {
  it('tells what failed and what a job never came to', () => {
    const job: UpdateJobFacts = {
      kind: 'install',
      state: 'cut-off',
      ids: ['a', 'b', 'c'],
      results: [
        { id: 'a', result: 'succeeded', hresult: '0x00000000', restartNeeded: true },
        { id: 'b', result: 'failed', hresult: '0x80070643', restartNeeded: false },
      ],
      startedAt: '2026-11-24T00:00:00.000Z',
      changedAt: '2026-11-24T00:00:00.000Z',
      error: null,
    };
    expect(notInstalled(job).map(({ id, result }) => [id, result])).toEqual([
      ['b', 'failed'],
      ['c', 'not-started'],
    ]);
  });
});

describe('builds', () => {
  it.each([
    ['26100.4652', '26100.5335', -1],
    ['26100.10000', '26100.9999', 1],
    ['26100.1', '20348.9999', 1],
    ['26100.4652', '26100.4652', 0],
  ])('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareBuilds(a, b))).toBe(sign);
  });

  it('are a problem only below what is expected, and never without an expectation', () => {
    expect(buildProblem('HV2', '26100.4652', '26100.5335')).toMatch(
      /HV2.*26100\.4652.*26100\.5335/,
    );
    expect(buildProblem('HV2', '26100.5335', '26100.5335')).toBeUndefined();
    expect(buildProblem('HV2', '26100.5400', '26100.5335')).toBeUndefined();
    expect(buildProblem('HV1', '26100.4652', null)).toBeUndefined();
  });
});

describe('readKb', () => {
  it.each([
    ['KB5070001', 'KB5070001'],
    [' kb5070001 ', 'KB5070001'],
    ['5070001', 'KB5070001'],
    ['KB', undefined],
    ['KB12', undefined],
    ["KB5070001' or 1=1", undefined],
  ])('%j is %s', (text, kb) => {
    expect(readKb(text)).toBe(kb);
  });
});
