// How a message looks in each channel. Pure. Texts are texts everywhere: no markup of a channel is read in them, so
// that the name of a VM is neither a link nor calls anybody.
import type { Message } from '../../domain/message.ts';

/** Adaptive Cards 1.5 is what Teams shows; `Workflows` wants the card as the attachment of a message. */
export function teamsBody(m: Message): string {
  const style = { good: 'Good', bad: 'Attention', plain: 'Default' }[m.level];
  const block = (text: string, more: object = {}): object => ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text, ...more }],
  });
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.5',
    msteams: { width: 'Full' },
    body: [
      block(m.title, { weight: 'Bolder', size: 'Medium', color: style }),
      ...m.lines.map((line) => block(line)),
      ...m.commands.map((command) => block(command, { fontType: 'Monospace' })),
      block(m.at, { isSubtle: true, size: 'Small' }),
    ],
    actions:
      m.link === null ? [] : [{ type: 'Action.OpenUrl', title: 'Open the run', url: m.link }],
  };
  return JSON.stringify({
    type: 'message',
    attachments: [
      { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content },
    ],
  });
}

/** Slack's own limit of a header. */
const SLACK_HEADER_MAX = 150;

export function slackBody(m: Message): string {
  const plain = (text: string): object => ({ type: 'plain_text', text, emoji: false });
  const commands = m.commands.join('\n');
  return JSON.stringify({
    // Shown where blocks are not, as in a notification.
    text: slackText(m.title),
    mrkdwn: false,
    blocks: [
      { type: 'header', text: plain(m.title.slice(0, SLACK_HEADER_MAX)) },
      { type: 'section', text: plain(m.lines.join('\n')) },
      ...(commands === ''
        ? []
        : [
            {
              type: 'rich_text',
              elements: [
                { type: 'rich_text_preformatted', elements: [{ type: 'text', text: commands }] },
              ],
            },
          ]),
      ...(m.link === null
        ? []
        : [
            {
              type: 'actions',
              elements: [{ type: 'button', text: plain('Open the run'), url: m.link }],
            },
          ]),
    ],
  });
}

/** The three characters that Slack reads as its own: `<!channel>` would call everybody. */
const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const EVENT_TYPES: Readonly<Record<Message['kind'], string>> = {
  started: 'watari.run.started',
  ended: 'watari.run.ended',
  needs: 'watari.step.needs-person',
  solved: 'watari.step.solved',
  missed: 'watari.schedule.missed',
  test: 'watari.test',
};

/** CloudEvents 1.0.2, structured mode. */
export function cloudEvent(m: Message): string {
  return JSON.stringify({
    specversion: '1.0',
    id: m.id,
    source: `/watari/${encodeURIComponent(m.cluster)}`,
    type: EVENT_TYPES[m.kind],
    ...(m.run === null ? {} : { subject: m.run }),
    time: m.at,
    datacontenttype: 'application/json',
    data: {
      cluster: m.cluster,
      run: m.run,
      runId: m.runId,
      step: m.step,
      code: m.code,
      outcome: m.outcome,
      title: m.title,
      lines: m.lines,
      commands: m.commands,
      link: m.link,
    },
  });
}

export function mailText(m: Message): { subject: string; text: string } {
  const blocks = [
    m.lines.join('\n\n'),
    m.commands.map((command) => `  ${command}`).join('\n'),
    m.link ?? '',
    m.at,
  ];
  return { subject: m.title, text: `${blocks.filter((b) => b !== '').join('\n\n')}\n` };
}

/** Fixed for ever: monitoring is set up by these numbers. eventcreate.exe takes 1 to 1000. */
export const EVENT_IDS = {
  test: 100,
  started: 101,
  endedWell: 102,
  endedBadly: 103,
  needs: 110,
  solved: 111,
  missed: 120,
} as const;

export interface EventLogEntry {
  id: number;
  type: 'INFORMATION' | 'WARNING' | 'ERROR';
  text: string;
}

export function eventLogEntry(m: Message): EventLogEntry {
  // One line: it goes through a command line.
  const text = [m.title, ...m.lines, ...m.commands.map((c) => `> ${c}`)]
    .join(' ')
    .replace(/\s+/g, ' ');
  const as = (id: number, type: EventLogEntry['type']): EventLogEntry => ({ id, type, text });
  switch (m.kind) {
    case 'test':
      return as(EVENT_IDS.test, 'INFORMATION');
    case 'started':
      return as(EVENT_IDS.started, 'INFORMATION');
    case 'needs':
      return as(EVENT_IDS.needs, 'WARNING');
    case 'solved':
      return as(EVENT_IDS.solved, 'INFORMATION');
    case 'missed':
      return as(EVENT_IDS.missed, 'WARNING');
    case 'ended':
      return m.level === 'good'
        ? as(EVENT_IDS.endedWell, 'INFORMATION')
        : as(EVENT_IDS.endedBadly, 'ERROR');
  }
}
