// What some tests need and a machine may lack. Who lacks it skips them, and `npm test` says at its end why; a test that
// is skipped for no reason is a failure there (scripts/test.mjs).
import fs from 'node:fs';
import path from 'node:path';
import { CHROMIUM } from './browser.ts';
import { ENGINE } from './engine.ts';

declare module 'vitest' {
  export interface TaskMeta {
    /** Why it was skipped. */
    lacks?: string;
  }
}

export interface Need {
  isThere: boolean;
  /** What is said where it is not. */
  lacks: string;
}

export const POWERSHELL: Need = {
  isThere: ENGINE !== null,
  lacks: 'no PowerShell on this machine (WATARI_PWSH, or pwsh on PATH)',
};

/** For the pages of the Temporal UI. */
export const BROWSER: Need = {
  isThere: CHROMIUM !== null,
  lacks: 'no Chromium on this machine (CHROME_PATH, or chromium on PATH)',
};

/** Signals, modes of files, scripts of a shell. */
export const POSIX: Need = {
  isThere: process.platform !== 'win32',
  lacks: 'this is Windows, and what they use is not there (signals, modes of files, sh)',
};

/** Of this system; Windows' bash.exe may be a door to nothing. */
const shell = (name: string): Need => ({
  isThere:
    POSIX.isThere &&
    (process.env['PATH'] ?? '')
      .split(path.delimiter)
      .some((folder) => folder !== '' && fs.existsSync(path.join(folder, name))),
  lacks: `no ${name} on PATH of a system that has its shells there`,
});
export const BASH = shell('bash');
export const ZSH = shell('zsh');

/** Options of a test, or of a `describe`. */
export const needs = ({ isThere, lacks }: Need): { skip?: true; meta?: { lacks: string } } =>
  isThere ? {} : { skip: true, meta: { lacks } };
