// Runs a short foreign command and tells how it ended in one line. For asking a version and unpacking, not for servers.
import { spawn } from 'node:child_process';
import { durationText } from '../../domain/units.ts';

export interface Ran {
  ok: boolean;
  stdout: string;
  /** Why it failed, in one line; empty when it did not. */
  why: string;
}

export interface RunQuietly {
  cwd?: string;
  timeoutMs: number;
}

/** Never rejects: a command that cannot be started is a failure like any other. */
export function runQuietly(command: string, args: string[], options: RunQuietly): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let stdout = '';
    let stderr = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, options.timeoutMs);
    const end = (ok: boolean, why: string): void => {
      clearTimeout(timer);
      resolve({ ok, stdout, why });
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => end(false, error.message));
    child.on('close', (code) => {
      if (code === 0) end(true, '');
      else if (late) end(false, `no answer in ${durationText(options.timeoutMs)}`);
      else end(false, lastLine(stderr) || lastLine(stdout) || `exit code ${code ?? 'unknown'}`);
    });
  });
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';
