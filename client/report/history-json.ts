// A history as JSON, from a file or from the server, as events whose payloads are decoded. What cannot be decoded, as
// the key is not here, is left out and said; nothing of it is guessed.
import type { Payload, PayloadCodec } from '@temporalio/common';
import { EncryptionKeyProblem } from '../../config/temporal/encryption.ts';
import { isPlain, UNREADABLE, type HistoryEvent, type Plain } from '../../domain/report/event.ts';
import { badInput } from '../errors.ts';

export interface DecodedHistory {
  events: HistoryEvent[];
  /** Why payloads could not be read, each reason once. */
  unreadable: string[];
}

/** The JSON of `temporal workflow show --output json`, of Temporal's UI, and of the SDK's own exporter. */
export async function readHistoryJson(
  text: string,
  codecs: readonly PayloadCodec[],
  from: string,
): Promise<DecodedHistory> {
  const given = parsed(text, from);
  const events = Array.isArray(given) ? given : isPlain(given) ? given['events'] : undefined;
  if (!Array.isArray(events) || !events.every(isPlain)) {
    throw badInput(
      `${from} is not the history of a run: it has no list of events`,
      'Export one with:  temporal workflow show --workflow-id RUN --output json > run.json',
      'NotAHistory',
    );
  }
  const decoding = new Decoding(codecs);
  const read: HistoryEvent[] = [];
  for (const event of events) read.push(await readEvent(event, decoding));
  return { events: read, unreadable: [...decoding.problems] };
}

/** Windows PowerShell redirects (`>`) as UTF-16, and many editors begin a file with a mark. */
export function historyText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe ? 'utf-16le' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

function parsed(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badInput(
      `${from} is not JSON`,
      'Export a history with:  temporal workflow show --workflow-id RUN --output json > run.json',
      'NotAHistory',
    );
  }
}

const ATTRIBUTES = 'EventAttributes';

async function readEvent(event: Plain, decoding: Decoding): Promise<HistoryEvent> {
  const key = Object.keys(event).find((name) => name.endsWith(ATTRIBUTES)) ?? ATTRIBUTES;
  const data = await decoding.walk(event[key]);
  const told = await decoding.walk(event['userMetadata']);
  const summary = isPlain(told) ? told['summary'] : null;
  const { eventTime } = event;
  return {
    id: Number(event['eventId'] ?? 0),
    at: momentOf(eventTime),
    kind: key.slice(0, -ATTRIBUTES.length),
    data: isPlain(data) ? data : {},
    summary: typeof summary === 'string' && summary !== UNREADABLE ? summary : null,
  };
}

/** Nanoseconds are cut off; what is no moment is the beginning of time rather than the end of the report. */
function momentOf(given: unknown): string {
  const at = new Date(typeof given === 'string' ? given : NaN);
  return Number.isNaN(at.getTime()) ? new Date(0).toISOString() : at.toISOString();
}

/** Deeper than any event; a file may be nested as deep as somebody likes. */
const DEPTH_MAX = 30;

class Decoding {
  readonly problems = new Set<string>();
  private readonly codecs: readonly PayloadCodec[];

  constructor(codecs: readonly PayloadCodec[]) {
    this.codecs = codecs;
  }

  /** The same value with every payload in it replaced by what it holds. */
  async walk(value: unknown, depth = 0): Promise<unknown> {
    if (depth > DEPTH_MAX || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      return Promise.all(value.map((one) => this.walk(one, depth + 1)));
    }
    const fields = value as Plain;
    if (isPlain(fields['metadata']) && typeof fields['metadata']['encoding'] === 'string') {
      return this.decode(fields['metadata'], fields['data']);
    }
    const walked = Object.entries(fields).map(
      async ([key, inner]) => [key, await this.walk(inner, depth + 1)] as const,
    );
    return Object.fromEntries(await Promise.all(walked));
  }

  private async decode(metadata: Plain, data: unknown): Promise<unknown> {
    let payloads: Payload[] = [
      {
        metadata: Object.fromEntries(
          Object.entries(metadata).map(([key, value]) => [key, bytesOf(value)]),
        ),
        data: bytesOf(data),
      },
    ];
    try {
      for (const codec of this.codecs.toReversed()) payloads = await codec.decode(payloads);
      return valueOf(payloads[0]);
    } catch (err) {
      if (err instanceof SyntaxError) this.problems.add('a payload is not JSON');
      else if (err instanceof EncryptionKeyProblem) this.problems.add(err.message);
      else throw err;
      return UNREADABLE;
    }
  }
}

const bytesOf = (base64: unknown): Uint8Array =>
  Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64');

function valueOf(payload: Payload | undefined): unknown {
  const text = (bytes: Uint8Array | null | undefined): string =>
    new TextDecoder().decode(bytes ?? new Uint8Array());
  const encoding = text(payload?.metadata?.['encoding']);
  if (encoding === 'binary/null') return null;
  return encoding.startsWith('json/') ? JSON.parse(text(payload?.data)) : UNREADABLE;
}
