// What a tuning tries, and what it says of what came of it.
import { describe, expect, it } from 'vitest';
import { tuningLines } from '../../client/render/tuning.ts';
import type { MigrationPerformance } from '../../domain/facts.ts';
import {
  ALONE,
  commonOf,
  numbersToTry,
  settingsToTry,
  tuningOf,
  type Choice,
  type Trip,
} from '../../domain/fleet/tune.ts';
import { step, view } from '../support/client-fakes.ts';

/** Seconds, and those of the blackout. */
type Took = number | null | [number | null, number | null];

const took = <C extends Choice>(choice: C, ...times: Took[]): Trip<C>[] =>
  times.map((one) => {
    const [seconds, blackoutSeconds] = Array.isArray(one) ? one : [one, 0.5];
    return { choice, from: 'HV1', to: 'HV2', seconds, blackoutSeconds, alone: true };
  });

type Setting = MigrationPerformance;

const TWO = ['TCPIP', 'Compression'] as const;

describe('what is tried', () => {
  it.each<[MigrationPerformance | null, boolean, string]>([
    ['Compression', false, 'Compression TCPIP'],
    ['TCPIP', true, 'TCPIP Compression SMB'],
    ['SMB', false, 'SMB TCPIP Compression'],
    ['SMB', true, 'SMB TCPIP Compression'],
    [null, false, 'TCPIP Compression'],
  ])('begins with what is there: %s, SMB %s', (now, smb, order) => {
    expect(settingsToTry(now, smb).join(' ')).toBe(order);
  });

  it('is there only where all nodes have it', () => {
    expect(commonOf(['SMB', 'SMB'])).toBe('SMB');
    expect(commonOf(['SMB', 'TCPIP'])).toBeNull();
    expect(commonOf([])).toBeNull();
  });
});

it('compares the number that is there with one other', () => {
  expect([numbersToTry(1), numbersToTry(2), numbersToTry(8)]).toEqual([
    [1, 2],
    [2, 1],
    [8, 1],
  ]);
});

describe('the table', () => {
  it('counts the moves of the canary alone, with median, longest and the worst blackout', () => {
    const beside = took('TCPIP', [99, 9]).map((move) => ({ ...move, alone: false }));
    const { rows } = tuningOf<Setting>(
      [...took('TCPIP', [9, 0.2], [5, 0.7], 7, [null, 8], 6), ...beside],
      ['TCPIP', 'SMB'],
      'TCPIP',
    );
    const nothing = { medianSeconds: null, longestSeconds: null, worstBlackoutSeconds: null };
    expect(rows).toEqual([
      {
        ...{ choice: 'TCPIP', isNow: true, moves: 4 },
        ...{ medianSeconds: 6.5, longestSeconds: 9, worstBlackoutSeconds: 0.7 },
      },
      { choice: 'SMB', isNow: false, moves: 0, ...nothing },
    ]);
  });

  it('knows no worst blackout where one move of those that count does not tell its own', () => {
    const [row] = tuningOf<Setting>(took('TCPIP', [9, 0.2], [5, null]), ['TCPIP'], null).rows;
    expect(row?.worstBlackoutSeconds).toBeNull();
  });
});

describe('the recommendation', () => {
  it.each<[string, Trip<Setting>[], Setting | null, Setting | null, string]>([
    [
      'another setting that is clearly faster and has no longer move and no longer blackout',
      [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, 11, 12)],
      'TCPIP',
      'Compression',
      'Compression took 11 s where TCPIP took 21 s (medians), and no VM stood still for longer: up to 0.5 s, before 0.5 s.',
    ],
    [
      'no change where nothing was faster',
      [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, 11, 12)],
      'Compression',
      null,
      'Keep Compression: nothing was faster.',
    ],
    [
      'no change for a tenth of a move',
      [...took('TCPIP', 20, 21, 22), ...took('Compression', 19, 20, 21)],
      'TCPIP',
      null,
      'may be chance',
    ],
    [
      'no change for less than a look sees',
      [...took('TCPIP', 2, 2, 2), ...took('Compression', 1.5, 1.5, 1.5)],
      'TCPIP',
      null,
      'may be chance',
    ],
    [
      'no change where the longest move became longer',
      [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, 11, 40)],
      'TCPIP',
      null,
      'at its slowest 40 s, and TCPIP 22 s',
    ],
    [
      'no change where a VM stood still for longer once',
      [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, [11, 0.6], 12)],
      'TCPIP',
      null,
      'but a VM stood still for up to 0.6 s, and with TCPIP for up to 0.5 s',
    ],
    [
      'no change where nobody knows how long it stood still with the other one',
      [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, [11, null], 12)],
      'TCPIP',
      null,
      'no event log tells of every move with Compression how long the VM stood still',
    ],
    [
      'no change where nobody knows how long it stood still with what is there',
      [...took('TCPIP', 20, [21, null], 22), ...took('Compression', 10, 11, 12)],
      'TCPIP',
      null,
      'of every move with TCPIP how long',
    ],
    [
      'nothing from too few moves',
      [...took('TCPIP', 20, 21, 22), ...took('Compression', 1, null, 1)],
      'TCPIP',
      null,
      'Fewer than 3 moves count for Compression',
    ],
    [
      'nothing without anything to compare with',
      [...took('TCPIP', 20), ...took('Compression', 1, 1, 1)],
      'TCPIP',
      null,
      'there is nothing to compare with',
    ],
    [
      'nothing where the nodes differ',
      [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, 11, 12)],
      null,
      null,
      'None of these is set everywhere now, so nothing is recommended; Compression was the fastest.',
    ],
    ['nothing where nothing moved', [], 'TCPIP', null, 'Nothing is recommended.'],
  ])('is %s', (_what, moves, now, recommended, said) => {
    const tuning = tuningOf<Setting>(moves, TWO, now);
    expect(tuning.recommended).toBe(recommended);
    expect(tuning.advice.join(' ')).toContain(said);
  });

  it('is the second fastest where the fastest let the VM stand still for longer, and says both', () => {
    const trips = [
      ...took('TCPIP', 30, 30, 30),
      ...took('Compression', 20, 20, 20),
      ...took('SMB', 10, 10, [10, 2]),
    ];
    const tuning = tuningOf<Setting>(trips, ['TCPIP', 'Compression', 'SMB'], 'TCPIP');
    expect(tuning.recommended).toBe('Compression');
    expect(tuning.advice).toEqual([
      expect.stringContaining('Compression took 20 s where TCPIP took 30 s'),
      expect.stringContaining('SMB took 10 s where TCPIP took 30 s (medians), but a VM stood'),
    ]);
  });

  it('is a number of moves at once by the same rules', () => {
    const trips = [...took(1, 40, 41, 42), ...took(2, 30, 31, 32)];
    expect(tuningOf(trips, [1, 2], 1)).toMatchObject({
      recommended: 2,
      advice: [expect.stringMatching(/^2 at once took 31 s where 1 at once took 41 s/)],
    });
    expect(tuningOf(trips, [4, 2], 1).recommended).toBeNull();
  });
});

describe('what is printed of a tuning', () => {
  const settings = tuningOf<Setting>(
    [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, [11, null], 12)],
    TWO,
    'Compression',
  );
  settings.advice.push(ALONE);

  it('is its table and its advice', () => {
    const compare = step('cluster/compare', { evidence: { tuning: settings } });
    expect(tuningLines(view([compare]), 80)).toEqual([
      '',
      'Tried              Moves  Median  Longest  Worst blackout',
      'TCPIP              3      21 s    22 s     0.5 s',
      'Compression (now)  3      11 s    12 s     not known',
      '',
      'Keep Compression: nothing was faster.',
      'How many moves at once are best is not compared: one canary alone stays below',
      'every limit. Name two or more.',
    ]);
  });

  it('is a second table for numbers of moves at once', () => {
    const numbers = tuningOf([...took(1, 40, 41, 42), ...took(2, 30, 31, 32)], [1, 2], 1);
    const steps = [
      step('cluster/compare', { evidence: { tuning: settings } }),
      step('cluster/compare-numbers', { evidence: { tuning: numbers } }),
    ];
    const lines = tuningLines(view(steps), 80);
    expect(lines.filter((line) => line.startsWith('Tried'))).toHaveLength(2);
    expect(lines).toContain('1 at once (now)  3      41 s    42 s     0.5 s');
  });

  it('is nothing of a run that has not come so far', () => {
    expect(tuningLines(view([step('cluster/canary')]), 80)).toEqual([]);
  });
});
