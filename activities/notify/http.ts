// Teams, Slack and any webhook: one POST. What comes back is read as a number and a few known words and never quoted,
// for an address is the secret here, and some servers repeat it.
import { createHmac } from 'node:crypto';
import type { UrlChannel, WebhookChannel } from '../../config/notify-file.ts';
import { SEND_MS, type Answer, type Channel } from './channel.ts';
import { cloudEvent, slackBody, teamsBody } from './formats.ts';

/** Of a request to wait; longer ones are asked again in between. */
const WAIT_MAX_MS = 60 * 60 * 1000;

/** Of the message itself: it will not be better next time. */
const NEVER = [400, 413, 415, 422];
/** What Slack says to a webhook that has ended. */
const SLACK_CLOSED = [
  'no_service',
  'channel_is_archived',
  'channel_not_found',
  'invalid_token',
  'action_prohibited',
];

interface Post {
  url: string;
  body: string;
  headers: Record<string, string>;
}

export const teamsChannel = ({ channel, kind, url }: UrlChannel): Channel => ({
  name: channel,
  kind,
  send: (message, signal) =>
    post(
      { url: url.reveal(), body: teamsBody(message), headers: json('application/json') },
      signal,
      // 202 is the flow's: it may still fail, and tells only its owner.
      (status) => (status === 202 ? 'HTTP 202: the flow has it' : `HTTP ${status}`),
    ),
});

export const slackChannel = ({ channel, kind, url }: UrlChannel): Channel => ({
  name: channel,
  kind,
  send: async (message, signal) => {
    const request = {
      url: url.reveal(),
      body: slackBody(message),
      headers: json('application/json'),
    };
    return post(request, signal, (status) => `HTTP ${status}`, SLACK_CLOSED);
  },
});

export const webhookChannel = (
  { channel, kind, url, key }: WebhookChannel,
  now: () => Date,
): Channel => ({
  name: channel,
  kind,
  send: async (message, signal) => {
    const body = cloudEvent(message);
    const headers = {
      ...json('application/cloudevents+json'),
      ...(key === null ? {} : signature(key.reveal(), body, now())),
    };
    return post({ url: url.reveal(), body, headers }, signal, (status) => `HTTP ${status}`);
  },
});

/** Over timestamp and body, so that what was overheard cannot be sent again later. */
export function signature(key: string, body: string, now: Date): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const hash = createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex');
  return { 'watari-timestamp': timestamp, 'watari-signature': `v1=${hash}` };
}

const json = (type: string): Record<string, string> => ({
  'content-type': `${type}; charset=utf-8`,
});

async function post(
  { url, body, headers }: Post,
  signal: AbortSignal,
  how: (status: number) => string,
  closedWords: readonly string[] = [],
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers,
      // Whoever it sends us on to is not who was written into the settings.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(SEND_MS)]),
    });
    if (closedWords.length > 0 && !response.ok) {
      const text = await response.text();
      const word = closedWords.find((one) => text.trim() === one);
      if (word !== undefined) return { got: 'closed', why: `HTTP ${response.status}, ${word}` };
    } else {
      await response.body?.cancel();
    }
    return answerOf(response, how);
  } catch (err) {
    return { got: 'not-now', why: networkReason(err) };
  }
}

function answerOf({ status, headers }: Response, how: (status: number) => string): Answer {
  if (status >= 200 && status < 300) return { got: 'taken', how: how(status) };
  const why = `HTTP ${status}`;
  if (status === 410) return { got: 'closed', why: `${why}: it is gone for good` };
  if (status >= 300 && status < 400) return { got: 'refused', why: `${why}: it redirects` };
  if (NEVER.includes(status)) return { got: 'refused', why };
  const afterMs = retryAfterMs(headers);
  return { got: 'not-now', why, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** Seconds or a date; a date is of the other side's clock, which its own `Date` tells. */
function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (text === '') return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds)
    ? seconds * 1000
    : Date.parse(text) - Date.parse(headers.get('date') ?? '');
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), WAIT_MAX_MS);
}

/** Codes only: texts of the network may hold the address. */
export function networkReason(err: unknown): string {
  if (err instanceof Error && (err.name === 'TimeoutError' || err.name === 'AbortError'))
    return `no answer within ${SEND_MS / 1000} s`;
  const cause = err instanceof Error ? err.cause : undefined;
  const code = [cause, err]
    .map((one) => (one instanceof Error && 'code' in one ? String(one.code) : ''))
    .find((one) => /^[A-Z0-9_]{2,60}$/.test(one));
  return code === undefined ? 'it cannot be reached' : `it cannot be reached (${code})`;
}
