// The ends of what tests start, told together with the start: whatever fails, what was started is ended, the last
// first, and nothing else is.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach } from 'vitest';
import { removeFolder } from './folders.ts';

type End = () => unknown;

/** Takes what was started, or a deed that ends it, and gives it back. */
export type Ends = <T extends { stop: End } | { close: End } | End>(started: T) => T;

function endsAfter(hook: typeof afterAll): Ends {
  const ends: End[] = [];
  hook(async () => {
    const failures: unknown[] = [];
    for (const end of ends.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  });
  return (started) => {
    ends.push(() => {
      if (typeof started === 'function') return started();
      // What has both stops something else.
      return 'close' in started ? started.close() : started.stop();
    });
    return started;
  };
}

export const endsWithTest = (): Ends => endsAfter(afterEach);

/** With the last test of the file, or of the `describe` that it is called in. */
export const endsWithAll = (): Ends => endsAfter(afterAll);

export function temporaryFolder(prefix: string, ends: Ends): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), prefix));
  ends(() => {
    removeFolder(folder);
  });
  return folder;
}
