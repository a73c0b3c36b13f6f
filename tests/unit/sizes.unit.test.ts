// Sizes, durations and rates as people write them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatDuration,
  formatRate,
  formatSize,
  parseDuration,
  parseRate,
  parseSize,
} from '../../config/sizes.ts';
import { sizeText } from '../../domain/units.ts';

const GB = 1024 ** 3;

describe('a size', () => {
  it.each<[string, number | null]>([
    ['10GB', 10 * GB],
    ['10 gb', 10 * GB],
    ['512MB', GB / 2],
    ['1.5TB', 1536 * GB],
    ['0GB', 0],
    ['17B', 17],
    ['10 bananas', null],
    ['10', null],
    ['GB', null],
    ['-1GB', null],
    ['1e3GB', null],
    ['10GB 5MB', null],
    ['10GiB', null],
    ['１０GB', null],
    ['9999999999PB', null],
    ['', null],
  ])('%j is read as %j bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (bytes) => {
        expect(parseSize(formatSize(bytes))).toBe(bytes);
      }),
    );
    expect(formatSize(1536 * 1024 ** 2)).toBe('1536MB');
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KB'],
    [96 * GB, '96 GB'],
    [1024 * GB - 1, '1 TB'],
    [10.25 * GB, '10.3 GB'],
  ])('of %j bytes is shown as %s', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });
});

describe('a duration', () => {
  it.each<[string, number | null]>([
    ['25m', 1500],
    ['90s', 90],
    ['1h30m', 5400],
    ['1h 30m', 5400],
    ['500ms', 0.5],
    ['2d', 172_800],
    ['0.5h', 1800],
    ['0.1s0.2s', 0.3],
    ['25', null],
    ['25 minutes', null],
    ['m', null],
    ['-5m', null],
    ['', null],
  ])('%j is read as %j seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it('is read back as it was written, to the millisecond', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 12 }), (ms) => {
        expect(parseDuration(formatDuration(ms / 1000))).toBe(ms / 1000);
      }),
    );
    expect(formatDuration(5400)).toBe('1h30m');
  });
});

describe('a rate', () => {
  it.each<[string, number | null]>([
    ['200MB/s', 200 * 1024 ** 2],
    ['200 MB / s', 200 * 1024 ** 2],
    ['10Gbps', 1.25e9],
    ['100 mbps', 12.5e6],
    ['10GB', null],
    ['fast', null],
    ['/s', null],
  ])('%j is read as %j bytes per second', (text, rate) => {
    expect(parseRate(text)).toBe(rate);
  });

  it('is read back as it was written', () => {
    expect(parseRate(formatRate(200 * 1024 ** 2))).toBe(200 * 1024 ** 2);
  });
});

it('reads any text without an exception', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const parse of [parseSize, parseDuration, parseRate]) {
        const value = parse(text);
        expect(value === null || (Number.isFinite(value) && value >= 0)).toBe(true);
      }
    }),
  );
});
