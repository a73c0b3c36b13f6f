// `watari notify show|test`: by which channels this computer's worker tells people, and whether they take a message. On
// the worker's machine, without Temporal. Prints no secret.
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Answer, Channel } from '../../activities/notify/channel.ts';
import { channelOf } from '../../activities/notify/channels.ts';
import {
  findNotifyFile,
  loadNotifyFile,
  NOTIFY_FILE,
  type ChannelSettings,
  type NotifySettings,
} from '../../config/notify-file.ts';
import { applySettingsFile, readServicePlaces } from '../../config/service-places.ts';
import { testMessage } from '../../domain/message.ts';
import { finish, talk } from '../context.ts';
import { badInput } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { leaf, type ContextSource, type JsonOption } from './leaf.ts';

interface NotifyOptions extends JsonOption {
  file?: string;
  settings?: string;
  cluster?: string;
}

/** A test hands in its own. */
export type MakeChannel = (settings: ChannelSettings, now: () => Date) => Channel;

export function addNotifyCommands(program: Command, context: ContextSource): void {
  const notify = program.command('notify').description('messages to people, from this computer');
  const withFiles = (command: Command): Command =>
    command
      .option('-f, --file <file>', `the settings (default: WATARI_NOTIFY_FILE, ${NOTIFY_FILE})`)
      .option('--settings <file>', 'TEMPORAL_ and WATARI_ variables of the worker, as it has them');
  withFiles(
    leaf(notify, 'show', 'by which channels people are told, without any secret', [
      'watari notify show',
    ]),
  ).action((o: NotifyOptions) => showSettings(context, o));
  withFiles(
    leaf(notify, 'test', 'send a test message and say what answered', [
      'watari notify test',
      'watari notify test on-call',
    ]),
  )
    .argument('[channel]', 'only this one')
    .option('-c, --cluster <name>', 'name that the message shows')
    .action((channel: string | undefined, o: NotifyOptions) => testChannels(context, channel, o));
}

/** The worker's variables become this command's before anything reads the environment. */
function settingsOf(o: NotifyOptions): NotifySettings {
  if (o.settings !== undefined) applySettingsFile(o.settings);
  const file = o.file ?? findNotifyFile();
  if (file !== null) return loadNotifyFile(file);
  throw badInput(
    `there are no settings for messages to people on this computer`,
    `Name a file with --file or WATARI_NOTIFY_FILE, or write ${NOTIFY_FILE} in ${readServicePlaces().home}: docs/notifications.md.`,
    'NotifyFileMissing',
  );
}

function showSettings(context: ContextSource, o: NotifyOptions): void {
  const { file, ui, channels, warnings } = settingsOf(o);
  const out = talk(context().terminal, o.json === true);
  const shown = channels.map(redacted);
  out.result({ file, ui, channels: shown, warnings });
  out.say([
    file,
    ...shown.map(
      ({ channel, kind, to, secrets, tell }) =>
        `  ${channel}  ${kind}  ${to}${secrets === '' ? '' : `  ${secrets}`}  tells ${tell.join(', ')}`,
    ),
    `Links: ${ui ?? 'none, ui is not set'}`,
    ...warnings.map((warning) => `Warning: ${warning}`),
  ]);
}

/** Of an address only the host: its path is the secret. */
function redacted(one: ChannelSettings) {
  const { channel, kind, tell } = one;
  const hostOf = (url: string): string => new URL(url).host;
  switch (one.kind) {
    case 'teams':
    case 'slack':
      return { channel, kind, to: hostOf(one.url.reveal()), secrets: 'url [hidden]', tell };
    case 'webhook': {
      const signed = one.key === null ? 'not signed' : 'key [hidden]';
      return {
        ...{ channel, kind, tell, to: hostOf(one.url.reveal()) },
        secrets: `url [hidden], ${signed}`,
      };
    }
    case 'mail': {
      const { host, port, security, user, to } = one;
      return {
        ...{ channel, kind, tell, to: `${to.join(', ')} by ${host}:${port}, ${security}` },
        secrets: user === null ? '' : `${user}, password [hidden]`,
      };
    }
    case 'eventlog':
      return { channel, kind, to: 'the Application log, source watari', secrets: '', tell };
  }
}

export async function testChannels(
  context: ContextSource,
  only: string | undefined,
  o: NotifyOptions,
  make: MakeChannel = channelOf,
): Promise<void> {
  const { channels, file } = settingsOf(o);
  const chosen = channels.filter((c) => only === undefined || c.channel === only);
  if (chosen.length === 0) {
    throw badInput(
      only === undefined ? `${file} has no channel` : `${file} has no channel "${only}"`,
      `There ${channels.length === 1 ? 'is' : 'are'}: ${channels.map((c) => c.channel).join(', ') || 'none'}.`,
      'ChannelNotFound',
    );
  }
  const ctx = context();
  const out = talk(ctx.terminal, o.json === true);
  const now = (): Date => ctx.clock.now();
  const message = testMessage(
    o.cluster ?? ctx.defaultCluster ?? 'watari',
    ctx.computer,
    now().toISOString(),
    `test/${randomUUID()}`,
  );
  const never = new AbortController();
  const results = await Promise.all(
    chosen.map(async (one) => {
      const answer = await make(one, now).send(message, never.signal);
      out.say([`${one.channel} (${one.kind}): ${answerText(answer)}`]);
      return { channel: one.channel, kind: one.kind, ...answer };
    }),
  );
  out.result({ results });
  finish(results.every((r) => r.got === 'taken') ? EXIT.done : EXIT.failed);
}

function answerText(answer: Answer): string {
  switch (answer.got) {
    case 'taken':
      return `taken (${answer.how}). Look whether it has arrived: nobody else tells`;
    case 'not-now':
      return `not taken now: ${answer.why}. A worker would try again`;
    case 'refused':
      return `refused: ${answer.why}`;
    case 'closed':
      return `closed: ${answer.why}`;
  }
}
