// Two boots are told apart by what the kernel noted, and by times only where nothing better is known.
import { describe, expect, it } from 'vitest';
import { isSameBoot, type Boot } from '../../domain/boot.ts';

const AT = Date.parse('2026-11-30T06:00:00.000Z');
const bootTime = (seconds: number): string => new Date(AT + seconds * 1000).toISOString();

describe('isSameBoot', () => {
  it.each<[string, Boot, Boot, boolean]>([
    [
      'the same, whatever the times say',
      { boot: 'a', bootTime: bootTime(0) },
      { boot: 'a', bootTime: bootTime(7200) },
      true,
    ],
    [
      'another one, however near the times are',
      { boot: 'a', bootTime: bootTime(0) },
      { boot: 'b', bootTime: bootTime(0) },
      false,
    ],
    [
      'a run of an older version, a clock set by seconds',
      { bootTime: bootTime(0) },
      { boot: 'b', bootTime: bootTime(20) },
      true,
    ],
    [
      'a run of an older version, a restart',
      { bootTime: bootTime(0) },
      { boot: 'b', bootTime: bootTime(600) },
      false,
    ],
    [
      'Windows does not tell',
      { boot: '', bootTime: bootTime(0) },
      { boot: '', bootTime: bootTime(600) },
      false,
    ],
  ])('%s', (_what, a, b, same) => {
    expect(isSameBoot(a, b)).toBe(same);
    expect(isSameBoot(b, a)).toBe(same);
  });
});
