// Folders of tests in which processes write their logs. CI sets WATARI_KEEP_FOLDERS, so that they are still there when
// a test has failed; everywhere else they go with the test.
import fs from 'node:fs';

export function removeFolder(folder: string): void {
  if (process.env['WATARI_KEEP_FOLDERS'] !== undefined) return;
  fs.rmSync(folder, { recursive: true, force: true });
}
