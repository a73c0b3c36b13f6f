// What the ledger of moves makes of a turn that comes back because its move has arrived: the slot is free at once, and
// only for looks that were begun before.
import { describe, expect, it } from 'vitest';
import { decideTurns, type Asked, type Standing } from '../../domain/turns.ts';
import { TurnBook } from '../../workflows/turn-book.ts';

const asked = (vm: string): Asked => ({
  ...{ vm, vmId: `id-${vm}`, from: 'HV1', memoryBytes: 1, order: 0, ask: `ask-${vm}` },
  ...{ kind: 'drain', run: { workflowId: 'watari/c/campaign', runId: 'r' } },
  targets: [{ node: 'HV2', roomBytes: 10 }],
});

/** As a look tells it: one slot, and `moving` uses it. */
const look = (...moving: string[]): Standing => ({
  ...{ limit: 1, queued: [], nodes: ['HV1', 'HV2'].map((name) => ({ name, closed: null })) },
  moves: moving.map((vm) => ({ vm, vmId: `id-${vm}`, from: 'HV1', target: 'HV2' })),
});

function decide(book: TurnBook, now: number, standing: Standing, lookedAt: number): string[] {
  const known = book.standing(standing, lookedAt);
  const decided = decideTurns(now, known, book.held, book.ended, book.wants);
  book.note(decided, now);
  return decided.grants.map(({ want }) => want.vm);
}

function withOneMoving(): TurnBook {
  const book = new TurnBook();
  book.want([asked('a'), asked('b')], 0);
  expect(decide(book, 1, look(), 1)).toEqual(['a']);
  expect(decide(book, 100, look('a'), 90)).toEqual([]);
  return book;
}

describe('a turn that is given back', () => {
  it('because its move has arrived frees its slot by the look that still shows it', () => {
    const book = withOneMoving();
    book.release({ runId: 'r', ask: 'ask-a', arrived: true }, 200);
    expect(decide(book, 200, look('a'), 90)).toEqual(['b']);
  });

  it('for another reason frees its slot only when a look does not show the move', () => {
    const book = withOneMoving();
    book.release({ runId: 'r', ask: 'ask-a' }, 200);
    expect(decide(book, 200, look('a'), 90)).toEqual([]);
    expect(decide(book, 300, look(), 290)).toEqual(['b']);
  });

  it('after an arrival does not hide a move that a later look shows', () => {
    const book = withOneMoving();
    book.release({ runId: 'r', ask: 'ask-a', arrived: true }, 200);
    // Somebody else moves it on.
    expect(decide(book, 400, look('a'), 300)).toEqual([]);
  });

  it('by a run that does not have it changes nothing', () => {
    const book = withOneMoving();
    expect(book.release({ runId: 'other', ask: 'ask-a', arrived: true }, 200)).toBe(false);
    expect(decide(book, 200, look('a'), 90)).toEqual([]);
  });
});
