// How a message looks in each channel, to the letter: monitoring, cards and scripts are made for these.
import { describe, expect, it } from 'vitest';
import {
  cloudEvent,
  eventLogEntry,
  mailText,
  slackBody,
  teamsBody,
} from '../../activities/notify/formats.ts';
import { FAILURES } from '../../domain/failures.ts';
import { messageOf, testMessage } from '../../domain/message.ts';
import { messageAbout, NEED, PLACE } from '../support/notify.ts';

const HINT = FAILURES.NodeNotServed.hint;
const RUN = 'watari/hv-lab/vm/web-1/migrate';
const LINES = [
  `Run ${RUN}, step vm/web-1/move.`,
  'No worker took moveVm within its time.',
  HINT,
  'The run waits until somebody decides, however long that takes.',
];
const COMMANDS = ['retry', 'skip', 'abort'].map(
  (action) => `watari run ${action} ${RUN} --step vm/web-1/move --reason "..."`,
);
const LINK =
  'https://ui.example/namespaces/ops/workflows/watari%2Fhv-lab%2Fvm%2Fweb-1%2Fmigrate/0198-run';
const TITLE = '[hv-lab] Needs a person: Move web-1 to HV2 (NodeNotServed)';

describe('a message says what happened, to what, what to do and by which command', () => {
  it('of a schedule that missed a run, with the commands to make up for it', () => {
    const run = 'watari/hv-lab/schedule/patch-night';
    const about = { run, runId: '', step: null, code: null, title: 'schedule patch-night' };
    expect(messageAbout({ kind: 'missed', ...about, text: '1 run was missed.' })).toMatchObject({
      level: 'bad',
      title: '[hv-lab] Missed: schedule patch-night',
      lines: [`Schedule ${run}.`, '1 run was missed.'],
      commands: ['watari schedule list -c hv-lab', 'watari schedule run-now patch-night -c hv-lab'],
      link: 'https://ui.example/namespaces/ops/schedules/watari%2Fhv-lab%2Fschedule%2Fpatch-night',
    });
  });

  it('to Teams, as an adaptive card', () => {
    const block = (text: string, more: object = {}): object => ({
      type: 'RichTextBlock',
      inlines: [{ type: 'TextRun', text, ...more }],
    });
    expect(JSON.parse(teamsBody(messageAbout()))).toEqual({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.5',
            msteams: { width: 'Full' },
            body: [
              block(TITLE, { weight: 'Bolder', size: 'Medium', color: 'Attention' }),
              ...LINES.map((line) => block(line)),
              ...COMMANDS.map((command) => block(command, { fontType: 'Monospace' })),
              block('2026-12-01T09:00:00.000Z', { isSubtle: true, size: 'Small' }),
            ],
            actions: [{ type: 'Action.OpenUrl', title: 'Open the run', url: LINK }],
          },
        },
      ],
    });
  });

  it('to Slack, as blocks with a text for where there are none', () => {
    const plain = (text: string): object => ({ type: 'plain_text', text, emoji: false });
    expect(JSON.parse(slackBody(messageAbout()))).toEqual({
      text: TITLE,
      mrkdwn: false,
      blocks: [
        { type: 'header', text: plain(TITLE) },
        { type: 'section', text: plain(LINES.join('\n')) },
        {
          type: 'rich_text',
          elements: [
            {
              type: 'rich_text_preformatted',
              elements: [{ type: 'text', text: COMMANDS.join('\n') }],
            },
          ],
        },
        {
          type: 'actions',
          elements: [{ type: 'button', text: plain('Open the run'), url: LINK }],
        },
      ],
    });
  });

  it('to a webhook, as a CloudEvent in structured mode', () => {
    expect(JSON.parse(cloudEvent(messageAbout()))).toEqual({
      specversion: '1.0',
      id: '0198-run/needs/vm/web-1/move/2',
      source: '/watari/hv-lab',
      type: 'watari.step.needs-person',
      subject: RUN,
      time: '2026-12-01T09:00:00.000Z',
      datacontenttype: 'application/json',
      data: {
        cluster: 'hv-lab',
        run: RUN,
        runId: '0198-run',
        step: 'vm/web-1/move',
        code: 'NodeNotServed',
        outcome: null,
        title: TITLE,
        lines: LINES,
        commands: COMMANDS,
        link: LINK,
      },
    });
  });

  it('by mail, as text', () => {
    expect(mailText(messageAbout())).toEqual({
      subject: TITLE,
      text: `${LINES.join('\n\n')}\n\n${COMMANDS.map((c) => `  ${c}`).join('\n')}\n\n${LINK}\n\n2026-12-01T09:00:00.000Z\n`,
    });
  });

  it('to the event log, in one line', () => {
    expect(eventLogEntry(messageAbout())).toEqual({
      id: 110,
      type: 'WARNING',
      text: [TITLE, ...LINES, ...COMMANDS.map((c) => `> ${c}`)].join(' '),
    });
  });
});

it.each([
  ['started', messageAbout({ kind: 'started', step: null, code: null }), 101, 'INFORMATION'],
  ['ended well', messageAbout({ kind: 'ended', outcome: 'succeeded' }), 102, 'INFORMATION'],
  ['ended badly', messageAbout({ kind: 'ended', outcome: 'failed' }), 103, 'ERROR'],
  ['terminated', messageAbout({ kind: 'ended', outcome: 'terminated' }), 103, 'ERROR'],
  ['needs', messageAbout(), 110, 'WARNING'],
  ['solved', messageAbout({ kind: 'solved' }), 111, 'INFORMATION'],
  ['missed', messageAbout({ kind: 'missed' }), 120, 'WARNING'],
  ['test', testMessage('hv-lab', 'HV1', '', 'x'), 100, 'INFORMATION'],
] as const)('the event of "%s" has its number for ever', (_, message, id, type) => {
  expect(eventLogEntry(message)).toMatchObject({ id, type });
});

it('offers no skip where the step cannot be skipped, and shows the run where the step is unknown', () => {
  expect(messageAbout({ skippable: false }).commands.join()).not.toContain('run skip');
  expect(messageAbout({ step: null }).commands).toEqual([`watari run show ${RUN}`]);
});

it('says how many messages were left out before', () => {
  expect(messageAbout().lines.join()).not.toContain('left out');
  expect(messageOf(NEED, 'hv-lab', PLACE, 3).lines.at(-1)).toBe(
    '3 earlier messages could not be told here and are left out. Look at: watari run list --all',
  );
});

describe('texts are texts', () => {
  const hostile = messageAbout({
    title: '<!channel> [click](https://evil.example) *bold* "\u202E\n# head',
    text: '<https://evil.example|click> & <@U1>',
  });

  it('in Slack nobody is called and nothing is linked', () => {
    const body = JSON.parse(slackBody(hostile)) as { text: string; blocks: object[] };
    expect(body.text).toContain('&lt;!channel&gt;');
    expect(JSON.stringify(body.blocks)).not.toContain('"mrkdwn"');
  });

  it('in Teams only runs of text are used, which know no Markdown', () => {
    const types = [...teamsBody(hostile).matchAll(/"type":"(\w+)"/g)].map(([, type]) => type);
    expect(types).not.toContain('TextBlock');
    expect(types).not.toContain('FactSet');
  });
});

it('the longest message stays below what each channel takes', () => {
  const long = '界'.repeat(5_000);
  const longest = messageAbout({
    title: long,
    text: '界'.repeat(700),
    step: 'vm/' + 'x'.repeat(200),
  });
  expect(Buffer.byteLength(teamsBody(longest))).toBeLessThan(15_000);
  const slack = JSON.parse(slackBody(longest)) as { blocks: { text?: { text: string } }[] };
  expect(slack.blocks[0]?.text?.text.length).toBeLessThanOrEqual(150);
  expect(slack.blocks[1]?.text?.text.length).toBeLessThanOrEqual(3_000);
});
