// A headless Chromium for tests that look at web pages as people see them. It is driven through the DevTools protocol
// on two pipes, which needs no package: commands and answers are JSON, each ended by a zero byte. Such tests
// say so with `needs(BROWSER)` of needs.ts.
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { sleep, waitFor } from '../../proof/rig/waiting.ts';

const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'msedge',
  'microsoft-edge',
];
/** Where installers put it without a word on PATH. */
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

function find(): string | null {
  const named = process.env['CHROME_PATH'];
  if (named !== undefined && named !== '') {
    if (fs.existsSync(named)) return named;
    throw new Error(`CHROME_PATH is ${named}, which is not there.`);
  }
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const onPath = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .flatMap((folder) => NAMES.map((name) => path.join(folder, name + suffix)));
  return [...onPath, ...PLACES].find((file) => fs.existsSync(file)) ?? null;
}

/** Path of the executable; null when there is none. */
export const CHROMIUM = find();

/** Everything that a page shows, and what it looks like at that moment. */
export interface Look {
  /** The whole document, with what is folded away or stands in attributes. */
  html: string;
  /** What a person can read. */
  text: string;
  png: Buffer;
}

export interface Browser {
  /** Opens an address in a new page and looks once `isReady` holds for its text. */
  look(url: string, isReady: (text: string) => boolean): Promise<Look>;
  /** Runs a script in a page of this origin, as a setting that the page keeps for itself. */
  run(url: string, script: string): Promise<void>;
  close(): Promise<void>;
}

interface Answer {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

type Page = (method: string, params?: object) => Promise<Answer>;

/** A page may still be drawing what it has just been told. */
const SETTLED_MS = 300;

export async function openBrowser(executable: string): Promise<Browser> {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-browser-'));
  const child = spawn(
    executable,
    [
      '--headless=new',
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
      '--no-first-run',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--window-size=1600,1800',
      // A sandbox cannot be made by root, as in containers. The pages are our own server's.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], windowsHide: true },
  );
  const send = connect(child);
  const open = async (
    url: string,
  ): Promise<(method: string, params?: object) => Promise<Answer>> => {
    const { result } = await send('Target.createTarget', { url: 'about:blank' });
    const attached = await send('Target.attachToTarget', {
      targetId: result?.['targetId'],
      flatten: true,
    });
    const session = String(attached.result?.['sessionId']);
    const page = (method: string, params: object = {}) => send(method, params, session);
    await page('Page.enable');
    await page('Page.navigate', { url });
    return page;
  };
  return {
    look: async (url, isReady) => {
      const page = await open(url);
      const read = (what: string): Promise<string> => evaluate(page, what);
      let text = '';
      await waitFor(
        `the page ${url}`,
        async () => {
          text = await read('document.body?.innerText');
          return isReady(text);
        },
        { everyMs: 100, saw: () => text },
      );
      await sleep(SETTLED_MS);
      const shot = await page('Page.captureScreenshot', { format: 'png' });
      // Read after the picture was taken: whatever is in it is in here.
      const html = await read('document.documentElement.outerHTML');
      text = await read('document.body.innerText');
      await page('Page.close');
      return { html, text, png: Buffer.from(String(shot.result?.['data']), 'base64') };
    },
    run: async (url, script) => {
      const page = await open(url);
      await waitFor(`the page ${url}`, async () =>
        (await evaluate(page, "document.readyState + ' ' + location.href")).startsWith(
          `complete ${url}`,
        ),
      );
      await evaluate(page, script);
      await page('Page.close');
    },
    close: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      send('Browser.close').catch(() => undefined);
      const force = setTimeout(() => child.kill('SIGKILL'), 5000);
      if (child.exitCode === null && child.signalCode === null) await ended;
      clearTimeout(force);
      fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The text that an expression comes to in the page. */
async function evaluate(page: Page, expression: string): Promise<string> {
  const { result } = await page('Runtime.evaluate', { expression, returnByValue: true });
  const { value } = (result?.['result'] ?? {}) as { value?: unknown };
  return typeof value === 'string' ? value : '';
}

/** Commands by number on its third pipe, answers by number on its fourth. */
function connect(
  child: ChildProcess,
): (method: string, params?: object, sessionId?: string) => Promise<Answer> {
  const [, , , commands, answers] = child.stdio as unknown as [
    unknown,
    unknown,
    unknown,
    Writable,
    Readable,
  ];
  const waiting = new Map<number, { resolve: (a: Answer) => void; reject: (e: Error) => void }>();
  let last = 0;
  let rest = '';
  const fail = (why: string): void => {
    for (const { reject } of waiting.values()) reject(new Error(why));
    waiting.clear();
  };
  child.once('exit', (code) => fail(`The browser has ended (${String(code)}).`));
  child.once('error', (error) => fail(error.message));
  commands.on('error', () => undefined);
  answers.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const answer = JSON.parse(part) as Answer;
      const asked = waiting.get(answer.id ?? 0);
      if (asked === undefined) continue;
      waiting.delete(answer.id ?? 0);
      if (answer.error === undefined) asked.resolve(answer);
      else asked.reject(new Error(answer.error.message));
    }
  });
  return (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      commands.write(
        `${JSON.stringify({ id: last, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`,
      );
    });
}
