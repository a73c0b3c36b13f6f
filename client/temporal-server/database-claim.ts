// One server per SQLite file: two would answer from the same tables and each would believe to own the shard. A note
// beside the file says which process holds it; a note whose process is gone is worth nothing.
import fs from 'node:fs';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { isListening } from './ports.ts';

interface Holder {
  pid: number;
  ip: string;
  port: number;
}

export interface DatabaseClaim {
  write(holder: Holder): void;
  release(): void;
}

const noteOf = (dbFile: string): string => `${dbFile}.server.json`;

/** The running server that has the file open; null when none has. */
export async function holderOf(dbFile: string): Promise<Holder | null> {
  const holder = readHolder(noteOf(dbFile));
  // The pid alone proves nothing after a reboot, when numbers are given out again.
  const runs =
    holder !== null && isAlive(holder.pid) && (await isListening(holder.ip, holder.port));
  return runs ? holder : null;
}

export const inUse = (dbFile: string, holder: Holder, hint: string): ClientError =>
  new ClientError({
    code: 'DatabaseInUse',
    message: `${dbFile} is in use by the Temporal server at ${holder.ip}:${holder.port} (process ${holder.pid})`,
    hint,
    exitCode: EXIT.failed,
  });

/** Rejects when a running server has the file open. */
export async function claimDatabase(dbFile: string): Promise<DatabaseClaim> {
  const note = noteOf(dbFile);
  const holder = await holderOf(dbFile);
  if (holder !== null) {
    throw inUse(dbFile, holder, 'Use that server, end it first, or name another file with --db.');
  }
  let mine: Holder | null = null;
  return {
    write: (next) => {
      mine = next;
      fs.writeFileSync(note, JSON.stringify(next));
    },
    release: () => {
      if (mine !== null && readHolder(note)?.pid === mine.pid) fs.rmSync(note, { force: true });
    },
  };
}

function readHolder(note: string): Holder | null {
  try {
    const value: unknown = JSON.parse(fs.readFileSync(note, 'utf8'));
    return isHolder(value) ? value : null;
  } catch {
    return null;
  }
}

const isHolder = (value: unknown): value is Holder =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  'ip' in value &&
  'port' in value &&
  typeof value.pid === 'number' &&
  typeof value.ip === 'string' &&
  typeof value.port === 'number';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
