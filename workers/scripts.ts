// Scripts that a maintenance may run on this node: files of one folder that an administrator has put there. Their names
// come from a run, so that only names are taken; what they do is the administrator's own.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { ScriptResult, Scripts } from '../activities/scripts.ts';

/** Of both streams together; the end says how it went. */
const OUTPUT_CHARS_MAX = 8_000;

/** A folder that is not there has no script. */
export function scriptsIn(folder: string, powershell: string): Scripts {
  const names = (): string[] =>
    !existsSync(folder)
      ? []
      : readdirSync(folder, { withFileTypes: true })
          .filter((entry) => entry.isFile() && entry.name.toLowerCase().endsWith('.ps1'))
          .map((entry) => entry.name.slice(0, -'.ps1'.length));
  return {
    names,
    run: (name, signal) => {
      // As the folder spells it: nothing of what was asked for reaches a command line.
      const found = names().find((one) => one.toLowerCase() === name.toLowerCase());
      if (found === undefined) return Promise.reject(new Error(`no script ${name}`));
      return runFile(powershell, path.join(folder, `${found}.ps1`), signal);
    },
  };
}

function runFile(powershell: string, file: string, signal: AbortSignal): Promise<ScriptResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(powershell, ['-NoProfile', '-NonInteractive', '-File', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      signal,
    });
    let output = '';
    const hear = (chunk: string): void => {
      output = (output + chunk).slice(-OUTPUT_CHARS_MAX);
    };
    // A character may come in two pieces.
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
    child.on('error', reject);
    child.on('close', (exitCode) => {
      resolve({ exitCode: exitCode ?? -1, output: output.trim() });
    });
  });
}
