// notify.yaml: what is read, what is refused with which words, and that no word of it holds a secret.
import fs from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../config/config-error.ts';
import {
  findNotifyFile,
  loadNotifyFile,
  type NotifyMachine,
  type NotifySettings,
} from '../../config/notify-file.ts';
import { endsWithTest, temporaryFolder } from '../support/ends.ts';

const ends = endsWithTest();
const PLANTED = 'planted-secret-4711';

function load(yaml: string, o: Partial<NotifyMachine> = {}): NotifySettings {
  const file = path.join(temporaryFolder('watari-notify-', ends), 'notify.yaml');
  fs.writeFileSync(file, yaml, { mode: 0o600 });
  const readFile = (name: string): string => fs.readFileSync(name, 'utf8');
  return loadNotifyFile(file, { env: {}, platform: 'linux', readFile, ...o });
}

function refusal(yaml: string, o: Partial<NotifyMachine> = {}): string {
  try {
    load(yaml, o);
  } catch (err) {
    if (err instanceof ConfigError) return err.message;
    throw err;
  }
  throw new Error('it was accepted');
}

const ALL = `
ui: https://ui.example
notify:
  - { channel: ops, kind: teams, url: 'https://flow.example/${PLANTED}' }
  - { channel: chat, kind: slack, url: 'https://hooks.slack.example/${PLANTED}', tell: [needs, solved] }
  - { channel: hook, kind: webhook, url: 'https://hook.example/${PLANTED}', key: '${PLANTED}' }
  - { channel: mail, kind: mail, host: relay.example, user: watari, password: '${PLANTED}', from: a@b.example, to: [c@d.example] }
  - { channel: log, kind: eventlog }
`;

describe('notify.yaml', () => {
  it('names channels, and what each is told', () => {
    const { ui, channels } = load(ALL);
    expect(ui).toBe('https://ui.example');
    expect(channels.map((c) => [c.channel, c.kind, c.tell.length])).toEqual([
      ['ops', 'teams', 5],
      ['chat', 'slack', 2],
      ['hook', 'webhook', 5],
      ['mail', 'mail', 5],
      ['log', 'eventlog', 5],
    ]);
    expect(channels[3]).toMatchObject({ port: 587, security: 'starttls' });
  });

  it('read, shows its secrets to nobody who prints it', () => {
    const settings = load(ALL);
    const printed = [JSON.stringify(settings), inspect(settings, { depth: 9, showHidden: true })];
    for (const text of printed) expect(text).not.toContain(PLANTED);
  });

  it('takes a secret from the environment or from a file beside it', () => {
    const yaml = `
notify:
  - { channel: a, kind: slack, url: '\${env:SLACK_URL}' }
  - { channel: b, kind: teams, url: '\${file:teams.url}' }
`;
    const url = `https://x.example/${PLANTED}`;
    const { channels } = load(yaml, {
      env: { SLACK_URL: url },
      readFile: (file) => {
        expect(path.basename(file)).toBe('teams.url');
        return `\uFEFF${url}\r\n`;
      },
    });
    for (const one of channels) expect('url' in one && one.url.reveal()).toBe(url);
  });

  it('that others can read is told', () => {
    const file = path.join(temporaryFolder('watari-notify-', ends), 'notify.yaml');
    fs.writeFileSync(file, ALL);
    fs.chmodSync(file, 0o644);
    const machine: NotifyMachine = { env: {}, platform: 'linux', readFile: () => '' };
    expect(loadNotifyFile(file, machine).warnings.join()).toContain(`chmod 600 ${file}`);
    expect(loadNotifyFile(file, { ...machine, platform: 'win32' }).warnings).toEqual([]);
  });

  const one = (rest: string): string => `notify:\n  - { channel: ops, ${rest} }\n`;
  const mail = `kind: mail, host: relay.example, from: a@b.example, to: [c@d.example]`;

  it.each([
    ['http', one(`kind: slack, url: 'http://x.example/${PLANTED}'`), 'is not https'],
    ['no address', one(`kind: teams, url: '${PLANTED}'`), 'is not an address'],
    ['a user in the address', one(`kind: slack, url: 'https://${PLANTED}@x.example'`), 'user name'],
    ['a number', one('kind: slack, url: 4711'), 'must be text'],
    ['no address at all', one('kind: slack'), 'is missing'],
    ['a short key', one(`kind: webhook, url: 'https://x.example', key: 'short'`), 'fewer than 16'],
    ['an empty variable', one(`kind: slack, url: '\${env:NOPE}'`), 'variable NOPE is not set'],
    ['a missing file', one(`kind: slack, url: '\${file:nope.url}'`), 'nope.url cannot be used'],
    ['another kind', one('kind: pigeon'), 'kind'],
    ['a word for a kind of news', one(`kind: eventlog, tell: [need]`), 'write one of'],
    [
      'a password for all to read',
      one(`${mail}, security: none, user: u, password: ${PLANTED}`),
      'unencrypted',
    ],
    ['a user without a password', one(`${mail}, user: u`), 'both user and password'],
    [
      'a recipient that is none',
      one(`kind: mail, host: r, from: a@b, to: [ito]`),
      'name@example.com',
    ],
    ['an unknown key', one(`kind: slack, urll: 'https://x.example/${PLANTED}'`), 'did you mean'],
    [
      'two of one name',
      `notify:\n  - { channel: a, kind: eventlog }\n  - { channel: a, kind: eventlog }\n`,
      'twice',
    ],
    ['a wrong name', 'notify:\n  - { channel: My Ops, kind: eventlog }\n', 'small letters'],
  ])('with %s is refused, without the secret', (_, yaml, words) => {
    const message = refusal(yaml);
    expect(message).toContain(words);
    expect(message).not.toContain(PLANTED);
  });

  it('lets plain http through to this machine alone', () => {
    expect(load(one(`kind: webhook, url: 'http://127.0.0.1:8080/'`)).channels).toHaveLength(1);
  });

  it('is the file that WATARI_NOTIFY_FILE names, or the one beside the worker’s other files', () => {
    expect(findNotifyFile({ WATARI_NOTIFY_FILE: '/etc/n.yaml' })).toBe('/etc/n.yaml');
    const data = temporaryFolder('watari-notify-', ends);
    expect(findNotifyFile({ ProgramData: data })).toBeNull();
    fs.mkdirSync(path.join(data, 'watari'));
    const usual = path.join(data, 'watari', 'notify.yaml');
    fs.writeFileSync(usual, ALL);
    expect(findNotifyFile({ ProgramData: data })).toBe(usual);
  });
});
