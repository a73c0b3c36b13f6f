// The two streams and the keyboard of the person (or program) that called watari. Everything that prints takes a
// Terminal, so that tests read what was printed and decide what a terminal can do.
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import pc from 'picocolors';
import { unsteered } from '../domain/steering.ts';

/** The part of `process.stdout` that we use; log-update needs the real thing. */
export interface OutStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

export interface Terminal {
  stdout: OutStream;
  stderr: OutStream;
  /** Someone can be asked: standard input and the stream of the question are a terminal. */
  canAsk: boolean;
  /** NO_COLOR, FORCE_COLOR, TERM and the platform allow colour on a terminal. */
  color: boolean;
  /** Answers the empty text when the keyboard is closed or `signal` aborts. */
  ask(question: string, signal?: AbortSignal): Promise<string>;
  /** The same for a secret: what is typed is shown nowhere. */
  askHidden(question: string): Promise<string>;
  /** Calls `handler` for every Ctrl+C and every polite request to end; the answer takes it away again. */
  onInterrupt(handler: () => void): () => void;
}

/** Wide enough for a table, narrow enough for any window: what a stream without a width gets. */
const DEFAULT_COLUMNS = 100;

export const columnsOf = (stream: OutStream): number => stream.columns ?? DEFAULT_COLUMNS;

export function colorsFor(
  terminal: Terminal,
  stream: OutStream,
): ReturnType<typeof pc.createColors> {
  return pc.createColors(terminal.color && stream.isTTY === true);
}

export type Colors = ReturnType<typeof pc.createColors>;

/** A colour of ours, and the end of a line. */
// eslint-disable-next-line no-control-regex -- the one control character that we write ourselves
const OURS = /(\u001b\[[\d;]*m|\n)/;

/** Names and messages come from elsewhere; of what steers a terminal, only our own colours and lines pass. */
export const harmless = (text: string): string =>
  text
    .split(OURS)
    .map((part, i) => (i % 2 === 1 ? part : unsteered(part)))
    .join('');

/** Ctrl+Break and the closing of the console window are how Windows says "end" to a console program. */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGBREAK', 'SIGHUP'] as const;

/** As wide as the terminals that tell no width. */
const PLAIN_COLUMNS = 80;

/** What a terminal cannot do it is not asked to do: without cursor or size it is written to as a pipe is. */
export const asItIs = (stream: OutStream, isDumb: boolean): OutStream =>
  stream.isTTY !== true || (!isDumb && (stream.columns ?? 0) > 0)
    ? stream
    : { write: (text) => stream.write(text), isTTY: false, columns: PLAIN_COLUMNS };

export function nodeTerminal(isDumb = false): Terminal {
  return {
    stdout: asItIs(process.stdout, isDumb),
    stderr: asItIs(process.stderr, isDumb),
    canAsk: process.stdin.isTTY && process.stderr.isTTY,
    color: pc.isColorSupported,
    async ask(question, signal) {
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      const stop = (): void => {
        lines.close();
      };
      signal?.addEventListener('abort', stop);
      // The line editor takes Ctrl+C for itself; everybody else expects it as a signal.
      lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
      try {
        // Ctrl+D closes the interface without an answer, and `question` then never settles.
        const closed = once(lines, 'close').then(() => '');
        return await Promise.race([lines.question(question), closed]);
      } finally {
        signal?.removeEventListener('abort', stop);
        lines.close();
      }
    },
    async askHidden(question) {
      process.stderr.write(question);
      // The line editor echoes to its output, whatever the terminal does.
      const nowhere = new Writable({
        write: (_chunk, _encoding, done) => {
          done();
        },
      });
      const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
      lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
      try {
        const closed = once(lines, 'close').then(() => '');
        return await Promise.race([lines.question(''), closed]);
      } finally {
        lines.close();
        process.stderr.write('\n');
      }
    },
    onInterrupt(handler) {
      const signals = ENDING_SIGNALS.filter(
        (s) => s !== 'SIGBREAK' || process.platform === 'win32',
      );
      for (const signal of signals) process.on(signal, handler);
      return () => {
        for (const signal of signals) process.off(signal, handler);
      };
    },
  };
}
