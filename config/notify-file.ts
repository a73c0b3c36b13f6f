// notify.yaml: by which channels people are told, and with which secrets. Read on a worker's machine only; what is in
// it never goes to Temporal. A message about a mistake in it never quotes what may be a secret.
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { NEWS_KINDS, type NewsKind } from '../domain/news.ts';
import { ConfigError, reasonOf } from './config-error.ts';
import { customIssue, MISSING } from './schema-issues.ts';
import { secret, type Secret } from './secret.ts';
import { readServicePlaces } from './service-places.ts';
import { uniqueNames } from './values.ts';
import type { Environment } from './variables.ts';
import { loadYamlDocument } from './yaml-document.ts';

interface Named {
  /** Its name: in logs, in `notify test`. */
  channel: string;
  tell: readonly NewsKind[];
}

export interface UrlChannel extends Named {
  kind: 'teams' | 'slack';
  url: Secret;
}
export interface WebhookChannel extends Named {
  kind: 'webhook';
  url: Secret;
  /** Signs what is sent. */
  key: Secret | null;
}
export interface MailChannel extends Named {
  kind: 'mail';
  host: string;
  port: number;
  security: 'starttls' | 'tls' | 'none';
  user: string | null;
  password: Secret | null;
  from: string;
  to: readonly string[];
}
export interface EventLogChannel extends Named {
  kind: 'eventlog';
}
export type ChannelSettings = UrlChannel | WebhookChannel | MailChannel | EventLogChannel;

export interface NotifySettings {
  file: string;
  /** Address of the Temporal UI, for links; null: none. */
  ui: string | null;
  channels: readonly ChannelSettings[];
  /** What is worth a warning; without values. */
  warnings: readonly string[];
}

/** What the reader sees of the machine; given in tests. */
export interface NotifyMachine {
  env: Environment;
  platform: NodeJS.Platform;
  readFile: (file: string) => string;
}

const thisMachine = (): NotifyMachine => ({
  env: process.env,
  platform: process.platform,
  readFile: (file) => fs.readFileSync(file, 'utf8'),
});

export const NOTIFY_FILE = 'notify.yaml';

/** WATARI_NOTIFY_FILE, or the file beside the worker's other files; null where there is none. */
export function findNotifyFile(env: Environment = process.env): string | null {
  const named = env['WATARI_NOTIFY_FILE']?.trim() ?? '';
  if (named !== '') return named;
  const usual = path.join(readServicePlaces(env).home, NOTIFY_FILE);
  return fs.existsSync(usual) ? usual : null;
}

/** A worker serves its node whatever is wrong with this file; what is, is told. */
export function notifySettingsForWorker(log: (line: string) => void): NotifySettings | undefined {
  const file = findNotifyFile();
  if (file === null) return undefined;
  try {
    return loadNotifyFile(file);
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err;
    log(`people are not told: ${err.message}`);
    return undefined;
  }
}

/** The only error is ConfigError. */
export function loadNotifyFile(
  file: string,
  machine: NotifyMachine = thisMachine(),
): NotifySettings {
  const { ui, notify } = loadYamlDocument(file, notifySchema(path.dirname(file), machine));
  const others = machine.platform === 'win32' ? 0 : fs.statSync(file).mode & OTHERS_MAY;
  const warnings =
    others === 0
      ? []
      : [`${file} has secrets in it and can be read by other accounts: chmod 600 ${file}`];
  return { file, ui, channels: notify, warnings };
}

/** Any right of group or others. */
const OTHERS_MAY = 0o077;
const PORTS_MAX = 65_535;
const CHANNELS_MAX = 10;
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;
const ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/;
const FROM_ELSEWHERE = /^\$\{(env|file):([^}]+)\}$/;
const SECRET_HINT = 'write it in quotes, or ${env:NAME}, or ${file:PATH}';

type Check = (text: string) => { message: string; hint: string } | null;

function notifySchema(folder: string, machine: NotifyMachine) {
  const secretOf = (check: Check) =>
    z.unknown().transform((value, ctx): Secret => {
      const refuse = (message: string, hint: string): never => {
        ctx.addIssue(customIssue(message, hint));
        return z.NEVER;
      };
      if (value === undefined) return refuse(MISSING, SECRET_HINT);
      if (typeof value !== 'string') return refuse('must be text', SECRET_HINT);
      const found = revealed(value, folder, machine);
      if ('problem' in found) return refuse(found.problem, SECRET_HINT);
      const wrong = check(found.text);
      return wrong === null ? secret(found.text) : refuse(wrong.message, wrong.hint);
    });
  const common = {
    channel: z.string().regex(NAME, 'small letters, digits and hyphens, at most 40'),
    tell: z
      .array(z.enum(NEWS_KINDS))
      .min(1)
      .default([...NEWS_KINDS]),
  };
  const url = secretOf(wrongUrl);
  const address = z.string().regex(ADDRESS, 'write it as name@example.com');
  const one = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('teams'), ...common, url }),
    z.strictObject({ kind: z.literal('slack'), ...common, url }),
    z.strictObject({
      kind: z.literal('webhook'),
      ...common,
      url,
      key: secretOf(wrongKey).nullable().default(null),
    }),
    z
      .strictObject({
        kind: z.literal('mail'),
        ...common,
        host: z.string().min(1),
        port: z.int().min(1).max(PORTS_MAX).nullable().default(null),
        security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
        user: z.string().min(1).nullable().default(null),
        password: secretOf(notEmpty).nullable().default(null),
        from: address,
        to: z.array(address).min(1),
      })
      .superRefine((mail, ctx) => {
        if ((mail.user === null) !== (mail.password === null))
          ctx.addIssue(customIssue('needs both user and password, or neither'));
        if (mail.security === 'none' && mail.password !== null && !isLoopback(mail.host))
          ctx.addIssue(
            customIssue('would send the password unencrypted', 'write starttls or tls', [
              'security',
            ]),
          );
      })
      .transform((mail): MailChannel => ({ ...mail, port: mail.port ?? PORTS[mail.security] })),
    z.strictObject({ kind: z.literal('eventlog'), ...common }),
  ]);
  return z.strictObject({
    ui: z
      .string()
      .refine((text) => isHttp(text), 'write an address like https://temporal-ui.example')
      .nullable()
      .default(null),
    notify: z
      .array(one)
      .max(CHANNELS_MAX)
      .superRefine((channels, ctx) => {
        const names = channels.map((c) => c.channel);
        uniqueNames(names, ctx, 'the channel', (index) => [index, 'channel']);
      }),
  });
}

const PORTS = { starttls: 587, tls: 465, none: 25 } as const;

/** The secret itself, or why it is not there: without it. */
function revealed(
  written: string,
  folder: string,
  { env, readFile }: NotifyMachine,
): { text: string } | { problem: string } {
  const [, from, name = ''] = FROM_ELSEWHERE.exec(written) ?? [];
  if (from === undefined) return { text: written };
  if (from === 'env') {
    const text = env[name]?.trim() ?? '';
    return text === '' ? { problem: `the variable ${name} is not set` } : { text };
  }
  try {
    const text = readFile(path.resolve(folder, name))
      .replace(/^\uFEFF/, '')
      .trim();
    return text === '' ? { problem: `the file ${name} is empty` } : { text };
  } catch (err) {
    return { problem: `the file ${name} cannot be used: ${reasonOf(err)}` };
  }
}

const isLoopback = (host: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host);

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

const wrongUrl: Check = (text) => {
  const hint = 'write the whole address, as it was given: https://...';
  if (!isHttp(text)) return { message: 'is not an address', hint };
  const { protocol, hostname, username } = new URL(text);
  if (username !== '') return { message: 'has a user name in it', hint: 'leave it out' };
  if (protocol === 'https:' || isLoopback(hostname)) return null;
  return { message: 'is not https, so anybody on the way could read it', hint };
};

const notEmpty: Check = (text) => (text === '' ? { message: 'is empty', hint: SECRET_HINT } : null);

const KEY_CHARS_MIN = 16;

const wrongKey: Check = (text) =>
  text.length >= KEY_CHARS_MIN
    ? null
    : {
        message: `has fewer than ${KEY_CHARS_MIN} characters, so it can be guessed`,
        hint: 'write a random one',
      };
