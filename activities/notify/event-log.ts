// The Application log of this Windows, through eventcreate.exe: it is on every Windows, takes a source of any name, and
// no shell reads its arguments. Write-EventLog would need the source made by hand on every node first, and is in
// Windows PowerShell alone.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { SEND_MS, type Answer, type Channel } from './channel.ts';
import { eventLogEntry } from './formats.ts';

export interface EventLogMachine {
  platform: NodeJS.Platform;
  systemRoot: string;
  /** `code` is null where it could not be started, or did not end in time. */
  run: (
    file: string,
    args: readonly string[],
    signal: AbortSignal,
  ) => Promise<{ code: number | null }>;
}

export const SOURCE = 'watari';

/** A command line ends at 32,767 characters; nobody reads so many. */
const TEXT_MAX = 8_000;

export const eventLogChannel = (name: string, machine: EventLogMachine): Channel => ({
  name,
  kind: 'eventlog',
  send: async (message, signal): Promise<Answer> => {
    const { platform, systemRoot, run } = machine;
    if (platform !== 'win32')
      return {
        got: 'closed',
        why: `the event log is Windows': this system is ${platform}; take this channel out of the settings here`,
      };
    const { id, type, text } = eventLogEntry(message);
    const { code } = await run(
      path.win32.join(systemRoot, 'System32', 'eventcreate.exe'),
      [
        ...['/L', 'APPLICATION', '/SO', SOURCE, '/T', type],
        ...['/ID', String(id), '/D', text.slice(0, TEXT_MAX)],
      ],
      signal,
    );
    if (code === 0) return { got: 'taken', how: `event ${id} of source ${SOURCE}` };
    return {
      got: 'not-now',
      why:
        code === null
          ? `eventcreate.exe could not be started, or did not end within ${SEND_MS / 1000} s`
          : `eventcreate.exe ended with ${code}; it needs an elevated administrator`,
    };
  },
});

export const runEventCreate: EventLogMachine['run'] = (file, args, signal) =>
  new Promise((resolve) => {
    execFile(file, [...args], { windowsHide: true, timeout: SEND_MS, signal }, (error) => {
      const code = error === null ? 0 : error.code;
      resolve({ code: typeof code === 'number' ? code : null });
    });
  });
