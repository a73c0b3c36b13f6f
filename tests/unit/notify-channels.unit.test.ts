// What each channel sends, and what it makes of every answer: taken, later, never, closed. Real sockets on the
// loopback.
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { channelOf } from '../../activities/notify/channels.ts';
import type { Answer } from '../../activities/notify/channel.ts';
import type { EventLogMachine } from '../../activities/notify/event-log.ts';
import type { ChannelSettings, MailChannel } from '../../config/notify-file.ts';
import { secret } from '../../config/secret.ts';
import { endsWithTest } from '../support/ends.ts';
import {
  closedPort,
  mailRelay,
  messageAbout,
  messageServer,
  type Reply,
} from '../support/notify.ts';

const ends = endsWithTest();
const NOW = new Date('2026-12-01T09:00:00.000Z');
const PLANTED = 'planted-secret-4711';
const message = messageAbout();

const send = (
  settings: ChannelSettings,
  machine?: EventLogMachine,
  signal = new AbortController().signal,
): Promise<Answer> => channelOf(settings, () => NOW, machine).send(message, signal);

const urlChannel = (kind: 'teams' | 'slack', url: string): ChannelSettings => ({
  ...{ kind, channel: 'ops', tell: ['needs'] },
  url: secret(`${url}/${PLANTED}`),
});
const webhook = (url: string, key: string | null = PLANTED): ChannelSettings => ({
  ...{ kind: 'webhook', channel: 'ops', tell: ['needs'] },
  url: secret(`${url}/${PLANTED}`),
  key: key === null ? null : secret(key),
});

describe('a webhook', () => {
  it('is sent a CloudEvent with a signature over timestamp and body', async () => {
    const server = ends(await messageServer());
    expect(await send(webhook(server.url))).toEqual({ got: 'taken', how: 'HTTP 200' });
    const [{ headers, body, path }] = server.taken as [(typeof server.taken)[0]];
    expect(path).toBe(`/${PLANTED}`);
    expect(headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    expect(headers['watari-timestamp']).toBe('1796115600');
    const hash = createHmac('sha256', PLANTED).update(`1796115600.${body}`).digest('hex');
    expect(headers['watari-signature']).toBe(`v1=${hash}`);
    expect(JSON.parse(body)).toMatchObject({ specversion: '1.0', id: message.id });
  });

  it('without a key is not signed', async () => {
    const server = ends(await messageServer());
    await send(webhook(server.url, null));
    expect(server.taken[0]?.headers['watari-signature']).toBeUndefined();
  });

  it.each<[string, Reply, Answer]>([
    ['200', { status: 200 }, { got: 'taken', how: 'HTTP 200' }],
    ['204', { status: 204 }, { got: 'taken', how: 'HTTP 204' }],
    ['400', { status: 400 }, { got: 'refused', why: 'HTTP 400' }],
    ['415', { status: 415 }, { got: 'refused', why: 'HTTP 415' }],
    ['401', { status: 401 }, { got: 'not-now', why: 'HTTP 401' }],
    ['404', { status: 404 }, { got: 'not-now', why: 'HTTP 404' }],
    ['500', { status: 500 }, { got: 'not-now', why: 'HTTP 500' }],
    ['410', { status: 410 }, { got: 'closed', why: 'HTTP 410: it is gone for good' }],
    [
      'a redirect',
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      { got: 'refused', why: 'HTTP 302: it redirects' },
    ],
    [
      '429 with seconds',
      { status: 429, headers: { 'retry-after': '7' } },
      { got: 'not-now', why: 'HTTP 429', afterMs: 7_000 },
    ],
    [
      '503 with a date',
      {
        status: 503,
        headers: {
          date: 'Tue, 01 Dec 2026 09:00:00 GMT',
          'retry-after': 'Tue, 01 Dec 2026 09:01:00 GMT',
        },
      },
      { got: 'not-now', why: 'HTTP 503', afterMs: 60_000 },
    ],
    [
      '429 for days',
      { status: 429, headers: { 'retry-after': '9999999' } },
      { got: 'not-now', why: 'HTTP 429', afterMs: 3_600_000 },
    ],
    [
      '429 with nonsense',
      { status: 429, headers: { 'retry-after': 'soon' } },
      { got: 'not-now', why: 'HTTP 429' },
    ],
  ])('that answers %s', async (_, reply, answer) => {
    const server = ends(await messageServer(reply));
    expect(await send(webhook(server.url))).toEqual(answer);
  });

  it('that is down is tried later, and the code of the network is told', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    expect(await send(webhook(url))).toEqual({
      got: 'not-now',
      why: 'it cannot be reached (ECONNREFUSED)',
    });
  });

  it('that never answers is left when the worker ends', async () => {
    const server = ends(await messageServer('never'));
    const stop = new AbortController();
    const answer = send(webhook(server.url), undefined, stop.signal);
    setTimeout(() => stop.abort(), 50);
    expect(await answer).toMatchObject({ got: 'not-now' });
  });
});

describe('Teams', () => {
  it('takes with 202, which is the flow and not the channel', async () => {
    const server = ends(await messageServer({ status: 202 }));
    expect(await send(urlChannel('teams', server.url))).toEqual({
      got: 'taken',
      how: 'HTTP 202: the flow has it',
    });
    expect(server.taken[0]?.headers['content-type']).toBe('application/json; charset=utf-8');
  });
});

describe('Slack', () => {
  it.each([
    [404, 'no_service'],
    [403, 'invalid_token'],
    [410, 'channel_is_archived'],
  ])('is closed by %i %s', async (status, body) => {
    const server = ends(await messageServer({ status, body }));
    expect(await send(urlChannel('slack', server.url))).toEqual({
      got: 'closed',
      why: `HTTP ${status}, ${body}`,
    });
  });

  it('is asked again later with any other word, which is not repeated', async () => {
    const server = ends(await messageServer({ status: 404, body: PLANTED }));
    expect(await send(urlChannel('slack', server.url))).toEqual({
      got: 'not-now',
      why: 'HTTP 404',
    });
  });
});

describe('mail', () => {
  const mail = (port: number, o: Partial<MailChannel> = {}): MailChannel => ({
    ...{ kind: 'mail', channel: 'mail', tell: ['needs'], host: '127.0.0.1', port },
    ...{ security: 'none', user: null, password: null },
    ...{ from: 'watari@branch.example', to: ['ito@branch.example', 'sato@branch.example'] },
    ...o,
  });
  const signedIn = { user: 'watari', password: secret(PLANTED) };

  it('goes to everybody through the relay, signed in, with the same id each time', async () => {
    const relay = ends(await mailRelay());
    for (let i = 0; i < 2; i += 1)
      expect(await send(mail(relay.port, signedIn))).toEqual({
        got: 'taken',
        how: 'the relay has it',
      });
    const [first, second] = relay.taken;
    expect(first?.signedIn).toBe(`\0watari\0${PLANTED}`);
    expect(first?.to.join()).toMatch(/ito@branch.example.*sato@branch.example/);
    expect(first?.data).toContain('Subject: [hv-lab] Needs a person: Move web-1 to HV2');
    expect(first?.data).toContain('watari run retry');
    const idOf = (data = ''): string | undefined => /^Message-ID: (.*)$/im.exec(data)?.[1];
    expect(idOf(first?.data)).toMatch(/@watari>$/);
    expect(idOf(second?.data)).toBe(idOf(first?.data));
  });

  it.each<[string, Record<string, string>, Answer['got']]>([
    ['does not sign in', { AUTH: `535 5.7.8 ${PLANTED} is wrong` }, 'not-now'],
    ['refuses the sender for good', { MAIL: `550 ${PLANTED}` }, 'refused'],
    ['has no room now', { MAIL: '452 4.2.2 full' }, 'not-now'],
  ])('of a relay that %s', async (_, answers, got) => {
    const relay = ends(await mailRelay(answers));
    const answer = await send(mail(relay.port, signedIn));
    expect(answer.got).toBe(got);
    expect(JSON.stringify(answer)).not.toContain(PLANTED);
  });

  it('is not sent where encryption was asked for and the relay has none', async () => {
    const relay = ends(await mailRelay());
    const answer = await send(mail(relay.port, { ...signedIn, security: 'starttls' }));
    expect(answer.got).toBe('not-now');
    expect(relay.taken).toEqual([]);
  });

  it('waits for a relay that is down', async () => {
    expect(await send(mail(await closedPort()))).toMatchObject({ got: 'not-now' });
  });
});

describe('the event log', () => {
  const eventlog: ChannelSettings = { kind: 'eventlog', channel: 'log', tell: ['needs'] };
  const machine = (platform: NodeJS.Platform, code: number | null = 0) => {
    const ran: string[][] = [];
    const run: EventLogMachine['run'] = async (file, args) => {
      ran.push([file, ...args]);
      return { code };
    };
    return { platform, systemRoot: 'C:\\Windows', run, ran };
  };

  it('is written with eventcreate.exe, each value an argument of its own', async () => {
    const windows = machine('win32');
    expect(await send(eventlog, windows)).toEqual({
      got: 'taken',
      how: 'event 110 of source watari',
    });
    const [[file, ...args]] = windows.ran as [[string, ...string[]]];
    expect(file).toBe('C:\\Windows\\System32\\eventcreate.exe');
    expect(args.slice(0, 9)).toEqual([
      '/L',
      'APPLICATION',
      '/SO',
      'watari',
      '/T',
      'WARNING',
      '/ID',
      '110',
      '/D',
    ]);
    expect(args[9]).toContain('[hv-lab] Needs a person');
  });

  it('is tried again when Windows refuses it', async () => {
    expect(await send(eventlog, machine('win32', 1))).toMatchObject({
      got: 'not-now',
      why: expect.stringContaining('elevated') as string,
    });
  });

  it('is tried again when its program is missing or does not end, and says so', async () => {
    expect(await send(eventlog, machine('win32', null))).toMatchObject({
      got: 'not-now',
      why: 'eventcreate.exe could not be started, or did not end within 10 s',
    });
  });

  it('is refused on other systems, and says what to do', async () => {
    const linux = machine('linux');
    expect(await send(eventlog, linux)).toMatchObject({
      got: 'closed',
      why: expect.stringMatching(/is Windows'.*linux.*take this channel out/) as string,
    });
    expect(linux.ran).toEqual([]);
  });
});

it('no answer of any channel holds a secret, whatever the other side says', async () => {
  for (const status of [200, 302, 400, 401, 404, 410, 429, 500]) {
    const echo = { status, body: PLANTED, headers: { location: `http://x/${PLANTED}` } };
    const server = ends(await messageServer(echo));
    const all = [urlChannel('teams', server.url), urlChannel('slack', server.url)];
    for (const settings of [...all, webhook(server.url)])
      expect(JSON.stringify(await send(settings))).not.toContain(PLANTED);
  }
});
