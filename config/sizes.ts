// Sizes, durations and rates as people write them in cluster.yaml, in scenario files and on the
// command line. Sizes are 1024-based like Windows'; link speeds in bit/s are 1000-based like cables.

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
  PB: 1024 ** 5,
};

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 60 * 60,
  d: 24 * 60 * 60,
};

const BIT_UNITS: Readonly<Record<string, number>> = {
  bps: 1,
  kbps: 1000,
  mbps: 1000 ** 2,
  gbps: 1000 ** 3,
  tbps: 1000 ** 4,
};

const NUMBER = String.raw`(\d{1,16}(?:\.\d{1,6})?)`;
const SIZE = new RegExp(`^${NUMBER} ?([KMGTP]?B)$`, 'i');
const DURATION_PART = new RegExp(`${NUMBER} ?(ms|s|m|h|d)`, 'gi');
const DURATION = new RegExp(`^${NUMBER} ?(?:ms|s|m|h|d)(?: ?${NUMBER} ?(?:ms|s|m|h|d))*$`, 'i');
const BIT_RATE = new RegExp(`^${NUMBER} ?([kmgt]?bps)$`, 'i');
const BYTE_RATE = /^(.+?) ?\/ ?s$/i;

const safe = (value: number): number | null =>
  Number.isSafeInteger(Math.round(value)) ? value : null;

/** `10GB`, `512 MB`, `1.5TB` in bytes; null when it is no size. A bare number has no unit: null. */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text.trim());
  if (match === null) return null;
  const unit = SIZE_UNITS[(match[2] ?? '').toUpperCase()];
  if (unit === undefined) return null;
  const bytes = safe(Number(match[1]) * unit);
  return bytes === null ? null : Math.round(bytes);
}

/** The shortest way to write it that {@link parseSize} reads back exactly: `10GB`, `1536MB`. */
export function formatSize(bytes: number): string {
  const unit = Object.entries(SIZE_UNITS)
    .reverse()
    .find(([, size]) => bytes >= size && bytes % size === 0);
  return unit === undefined ? `${bytes}B` : `${bytes / unit[1]}${unit[0]}`;
}

/** `90s`, `25m`, `1h30m`, `500ms` in seconds; null when it is no duration. */
export function parseDuration(text: string): number | null {
  const t = text.trim();
  if (!DURATION.test(t)) return null;
  let ms = 0;
  for (const [, count, unit] of t.matchAll(DURATION_PART)) {
    // Summed in milliseconds, as 0.1 s + 0.2 s must be 0.3 s.
    ms += Math.round(Number(count) * (DURATION_UNITS[(unit ?? '').toLowerCase()] ?? NaN) * 1000);
  }
  const whole = safe(ms);
  return whole === null ? null : whole / 1000;
}

/** `25m`, `1h30m`, `0s`: {@link parseDuration} reads it back, to the millisecond. */
export function formatDuration(seconds: number): string {
  let ms = Math.round(seconds * 1000);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = Math.round((DURATION_UNITS[unit] ?? NaN) * 1000);
    const count = Math.floor(ms / size);
    ms -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}

/** `200MB/s` or `10Gbps` in bytes per second; null when it is no rate. */
export function parseRate(text: string): number | null {
  const t = text.trim();
  const bits = BIT_RATE.exec(t);
  if (bits !== null) {
    const unit = BIT_UNITS[(bits[2] ?? '').toLowerCase()];
    return unit === undefined ? null : safe((Number(bits[1]) * unit) / 8);
  }
  const bytes = BYTE_RATE.exec(t);
  return bytes === null ? null : parseSize(bytes[1] ?? '');
}

/** `200MB/s`: {@link parseRate} reads it back. */
export const formatRate = (bytesPerSecond: number): string =>
  `${formatSize(Math.round(bytesPerSecond))}/s`;
