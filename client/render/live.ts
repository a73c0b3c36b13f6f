// Lines that change in place at the bottom of a terminal. log-update draws; this adds what it leaves out: after the
// window became narrower, the lines drawn before take more rows than it remembers.
import { createLogUpdate } from 'log-update';
import { stringWidth } from './format.ts';
import { harmless, type OutStream } from '../terminal.ts';

const ERASE_LINE_AND_UP = '\u001b[2K\u001b[1A';
const ERASE_LINE_AND_RETURN = '\u001b[2K\u001b[G';

export interface LiveScreen {
  /** Rows that may be drawn without scrolling the window. */
  rows(): number;
  columns(): number;
  draw(lines: readonly string[]): void;
  /** Prints above the live part; it stays. */
  print(lines: readonly string[]): void;
  /** Leaves the last picture standing. */
  done(): void;
  /** Calls back once the window has a new size. */
  onResize(listener: () => void): () => void;
}

export function liveScreen(stream: OutStream): LiveScreen {
  const update = createLogUpdate(stream as NodeJS.WriteStream);
  let drawn: readonly string[] = [];
  let drawnColumns = stream.columns ?? 80;

  const forgetReflowedRows = (): void => {
    const columns = stream.columns ?? 80;
    if (columns >= drawnColumns) return;
    const extra = drawn.reduce(
      (n, l) => n + Math.max(0, Math.ceil(stringWidth(l) / columns) - 1),
      0,
    );
    update.clear();
    if (extra > 0) stream.write(ERASE_LINE_AND_UP.repeat(extra) + ERASE_LINE_AND_RETURN);
    drawn = [];
  };

  const screen: LiveScreen = {
    // One row for the cursor, which stands below the last line.
    rows: () => Math.max(3, (stream.rows ?? 24) - 1),
    // The last column stays free: a full line would wrap in some consoles.
    columns: () => Math.max(20, (stream.columns ?? 80) - 1),
    draw(lines) {
      forgetReflowedRows();
      drawnColumns = stream.columns ?? 80;
      drawn = lines;
      update(lines.map(harmless).join('\n'));
    },
    print(lines) {
      forgetReflowedRows();
      update.clear();
      stream.write(lines.map((l) => `${harmless(l)}\n`).join(''));
      drawn = [];
    },
    done() {
      update.done();
      drawn = [];
    },
    onResize(listener) {
      stream.on?.('resize', listener);
      return () => stream.off?.('resize', listener);
    },
  };
  return screen;
}
