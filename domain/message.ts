// What a person reads about a piece of news: what happened, to which object, what to do, by which command. The same
// words for every channel; how they look there is activities/notify/formats.ts.
import { boundedText } from './bounded.ts';
import { failureRow, isFailureCode } from './failures.ts';
import { scheduleName } from './names.ts';
import type { News, NewsKind } from './news.ts';

export interface Message {
  id: string;
  kind: NewsKind | 'test';
  level: 'good' | 'bad' | 'plain';
  at: string;
  cluster: string;
  /** One line, which says it all to somebody who reads no further. */
  title: string;
  /** Sentences, in order. */
  lines: string[];
  /** Commands to type; the person chooses one. */
  commands: string[];
  /** Into the Temporal UI; null where no address of it is known. */
  link: string | null;
  run: string | null;
  runId: string | null;
  step: string | null;
  code: string | null;
  outcome: string | null;
}

/** Where a run can be looked at. */
export interface UiPlace {
  /** Address of the Temporal UI; null: no links. */
  ui: string | null;
  namespace: string;
}

const TITLE_CHARS_MAX = 300;

const TITLES: Readonly<Record<NewsKind, (news: News) => string>> = {
  started: ({ title }) => `Started: ${title}`,
  needs: ({ title, code }) => `Needs a person: ${title}${code === null ? '' : ` (${code})`}`,
  solved: ({ title, code }) => `Solved: ${title}${code === null ? '' : ` (${code})`}`,
  missed: ({ title }) => `Missed: ${title}`,
  ended: ({ title, outcome }) => `Ended, ${outcome ?? 'as it is'}: ${title}`,
};

/** @param leftOut how many messages of before could not be told and never will be. */
export function messageOf(news: News, cluster: string, place: UiPlace, leftOut = 0): Message {
  const { id, kind, at, run, runId, step, code, outcome } = news;
  return {
    ...{ id, kind, at, cluster, run, runId, step, code, outcome },
    level: levelOf(news),
    title: boundedText(`[${cluster}] ${TITLES[kind](news)}`, TITLE_CHARS_MAX),
    lines: [...linesOf(news), ...leftOutLine(leftOut)],
    commands: commandsOf(news, cluster),
    link: linkOf(news, place),
  };
}

export const testMessage = (cluster: string, from: string, at: string, id: string): Message => ({
  ...{ id, kind: 'test', level: 'plain', at, cluster },
  title: `[${cluster}] Test of watari`,
  lines: [
    `Sent from ${from} by a person who tries this channel.`,
    'Nothing happened and nothing has to be done.',
  ],
  commands: [],
  ...{ link: null, run: null, runId: null, step: null, code: null, outcome: null },
});

function levelOf({ kind, outcome }: News): Message['level'] {
  if (kind === 'needs' || kind === 'missed') return 'bad';
  if (kind === 'solved') return 'good';
  if (kind === 'started') return 'plain';
  return outcome === 'succeeded' ? 'good' : 'bad';
}

function linesOf(news: News): string[] {
  const { kind, step, text, code } = news;
  const what = kind === 'missed' ? 'Schedule' : 'Run';
  const lines = [`${what} ${news.run}${step === null ? '' : `, step ${step}`}.`];
  if (text !== '') lines.push(text);
  if (kind === 'needs') {
    if (code !== null && isFailureCode(code)) lines.push(failureRow(code).hint);
    lines.push('The run waits until somebody decides, however long that takes.');
  }
  if (kind === 'solved') lines.push('Nobody is needed any more.');
  return lines.filter((line) => line !== '');
}

const leftOutLine = (count: number): string[] =>
  count === 0
    ? []
    : [
        `${count} earlier ${count === 1 ? 'message' : 'messages'} could not be told here and ${count === 1 ? 'is' : 'are'} left out. Look at: watari run list --all`,
      ];

function commandsOf({ kind, run, step, skippable }: News, cluster: string): string[] {
  if (kind === 'missed') {
    return [
      `watari schedule list -c ${cluster}`,
      `watari schedule run-now ${scheduleName(run)} -c ${cluster}`,
    ];
  }
  if (kind !== 'needs') return [`watari run show ${run}`];
  if (step === null) return [`watari run show ${run}`];
  const actions = skippable ? ['retry', 'skip', 'abort'] : ['retry', 'abort'];
  return actions.map((action) => `watari run ${action} ${run} --step ${step} --reason "..."`);
}

function linkOf({ kind, run, runId }: News, { ui, namespace }: UiPlace): string | null {
  if (ui === null) return null;
  const parts = kind === 'missed' ? ['schedules', run] : ['workflows', run, runId];
  const path = ['namespaces', namespace, ...parts].map(encodeURIComponent).join('/');
  return `${ui.replace(/\/+$/, '')}/${path}`;
}
