// What a tuning tries, and what it says of what came of it.
import { describe, expect, it } from 'vitest';
import { tuningLines } from '../../client/render/tuning.ts';
import type { MigrationPerformance } from '../../domain/facts.ts';
import { commonOf, settingsToTry, tuningOf, type TunedMove } from '../../domain/fleet/tune.ts';
import { step, view } from '../support/client-fakes.ts';

const took = (performance: MigrationPerformance, ...seconds: (number | null)[]): TunedMove[] =>
  seconds.map((one) => ({ performance, from: 'HV1', to: 'HV2', seconds: one, alone: true }));

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

describe('the table', () => {
  it('counts the moves of the canary alone, with median and longest', () => {
    const beside = took('TCPIP', 99).map((move) => ({ ...move, alone: false }));
    const { rows } = tuningOf(
      [...took('TCPIP', 9, 5, 7, null, 6), ...beside],
      ['TCPIP', 'SMB'],
      'TCPIP',
    );
    expect(rows).toEqual([
      { performance: 'TCPIP', isNow: true, moves: 4, medianSeconds: 6.5, longestSeconds: 9 },
      { performance: 'SMB', isNow: false, moves: 0, medianSeconds: null, longestSeconds: null },
    ]);
  });
});

describe('the recommendation', () => {
  it.each<[string, TunedMove[], MigrationPerformance | null, MigrationPerformance | null, string]>([
    [
      'another setting that is clearly faster and has no longer move',
      [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, 11, 12)],
      'TCPIP',
      'Compression',
      'Compression moved the canary in 11 s where TCPIP took 21 s (medians).',
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
      'its longest move took 40 s, and that of TCPIP 22 s',
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
      'The nodes differ now, so nothing is recommended; Compression was the fastest.',
    ],
    ['nothing where nothing moved', [], 'TCPIP', null, 'Nothing is recommended.'],
  ])('is %s', (_what, moves, now, recommended, said) => {
    const tuning = tuningOf(moves, TWO, now);
    expect(tuning.recommended).toBe(recommended);
    expect(tuning.advice.join(' ')).toContain(said);
  });

  it('does not claim to know how long the VM stood still', () => {
    const moves = [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, 11, 12)];
    expect(tuningOf(moves, TWO, 'TCPIP').advice.join(' ')).toContain('not measured');
  });
});

describe('what is printed of a tuning', () => {
  it('is its table and its advice', () => {
    const moves = [...took('TCPIP', 20, 21, 22), ...took('Compression', 10, 11, 12)];
    const tuning = tuningOf(moves, TWO, 'Compression');
    const compare = step('cluster/compare', { evidence: { tuning } });
    expect(tuningLines(view([compare]), 80)).toEqual([
      '',
      'setting            moves  median  longest',
      'TCPIP              3      21 s    22 s',
      'Compression (now)  3      11 s    12 s',
      '',
      'Keep Compression: nothing was faster.',
    ]);
  });

  it('is nothing of a run that has not come so far', () => {
    expect(tuningLines(view([step('cluster/canary')]), 80)).toEqual([]);
  });
});
