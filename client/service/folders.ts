// The folders of a node's worker. Everybody who logs on may make folders in %ProgramData%, so ours is taken over before
// anything in it is believed: its owner becomes the Administrators group, and nobody else may write or read there.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

/** Well-known SIDs: the names are translated. */
const SYSTEM = '*S-1-5-18';
const ADMINISTRATORS = '*S-1-5-32-544';

/** Answers the exit code and what was said. */
export type RunProgram = (
  file: string,
  args: readonly string[],
) => Promise<{ code: number; text: string }>;

export const runProgram: RunProgram = (file, args) =>
  new Promise((resolve) => {
    execFile(file, [...args], { windowsHide: true, encoding: 'utf8' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, text: `${stdout}${stderr}`.trim() || (error?.message ?? '') });
    });
  });

/** With icacls, which every Windows has. Safe to repeat. */
export async function lockFolder(
  folder: string,
  systemRoot: string,
  run: RunProgram = runProgram,
): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  const icacls = path.join(systemRoot, 'System32', 'icacls.exe');
  const must = async (...args: string[]): Promise<void> => {
    const { code, text } = await run(icacls, args);
    if (code === 0) return;
    throw new ClientError({
      code: 'FolderNotLocked',
      message: `${folder} could not be closed to everybody but administrators: icacls ended with ${code}`,
      hint: text === '' ? '' : `It said: ${text}`,
      exitCode: EXIT.failed,
    });
  };
  await must(folder, '/setowner', ADMINISTRATORS, '/T', '/C', '/Q');
  const rights = [`${SYSTEM}:(OI)(CI)F`, `${ADMINISTRATORS}:(OI)(CI)F`];
  await must(folder, '/inheritance:r', '/grant:r', ...rights, '/Q');
  // What is in it gets these rights and no others; in an empty folder there is nothing to do.
  if (fs.readdirSync(folder).length > 0)
    await must(path.join(folder, '*'), '/reset', '/T', '/C', '/Q');
}
