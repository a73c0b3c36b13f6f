// `watari server backup` and `restore`: the embedded server's database copied while it runs, and put back. SQLite keeps
// the newest commits beside the file, so copying the file alone, or leaving an old `-wal` beside a restored one, would
// lose or corrupt runs; this is why there are commands for it.
import fs from 'node:fs';
import path from 'node:path';
import { ClientError, badInput } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { holderOf, inUse } from './database-claim.ts';

export interface BackupMade {
  /** What was made; a copy of a server that was killed has a second file, `-wal`. */
  files: string[];
  bytes: number;
  /** `snapshot`: by SQLite, also while the server runs. `copy`: of the files of a server that does not run. */
  how: 'snapshot' | 'copy';
}

export interface Restored {
  database: string;
  /** What was there before; the newest state, if the backup turns out to be the wrong one. */
  kept: string[];
}

/** Makes one snapshot of a SQLite file in another; null where this Node has no SQLite. */
export type Snapshot = ((from: string, to: string) => Promise<void>) | null;

/** Newest commits, and an index into them that is made anew when it is missing. */
const BESIDE = ['-wal', '-shm'] as const;
const HEADER = 'SQLite format 3\u0000';

/** The part of node:sqlite that is used; the oldest Node that we run on does not have it. */
interface Sqlite {
  DatabaseSync: new (file: string) => { exec(sql: string): void; close(): void };
  /** Since 22.16. Not VACUUM INTO: it reads the schema, and Temporal's has quotes that Node's SQLite does not take. */
  backup?: (source: object, to: string, options: { rate: number }) => Promise<unknown>;
}

/** All at once: a copy in pieces begins anew whenever the server writes between two of them, and it always writes. */
const PAGES_AT_ONCE = 2 ** 31 - 1;

export function snapshotOfThisNode(): Snapshot {
  const sqlite = quietly(() => process.getBuiltinModule('node:sqlite') as Sqlite | undefined);
  const backup = sqlite?.backup;
  if (sqlite === undefined || backup === undefined) return null;
  return async (from, to) => {
    const source = new sqlite.DatabaseSync(from);
    try {
      // The server may be in the middle of a commit.
      source.exec('PRAGMA busy_timeout = 10000');
      await backup(source, to, { rate: PAGES_AT_ONCE });
    } finally {
      source.close();
    }
  };
}

/** Node says once that its SQLite is new; an operator can do nothing about it. */
function quietly<T>(load: () => T): T {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

export async function backupDatabase(
  database: string,
  to: string,
  snapshot: Snapshot,
): Promise<BackupMade> {
  mustBeDatabase(database, 'Name the file of the server with --db.');
  if (fs.existsSync(to)) {
    throw badInput(
      `${to} is there already`,
      'Name a file that does not exist yet.',
      'BackupExists',
    );
  }
  fs.mkdirSync(path.dirname(path.resolve(to)), { recursive: true });
  // Under its name only once it is whole.
  const draft = `${to}.${process.pid}`;
  if (snapshot !== null) {
    try {
      await snapshot(database, draft);
      fs.renameSync(draft, to);
    } finally {
      fs.rmSync(draft, { force: true });
    }
    return { files: [to], bytes: sizeOf([to]), how: 'snapshot' };
  }
  const holder = await holderOf(database);
  if (holder !== null) {
    throw inUse(
      database,
      holder,
      `This is Node ${process.versions.node}; copying a database in use takes Node 22.16 or newer. Or stop the server,\n` +
        'back up, and start it again: runs go on, and workers bridge the time.',
    );
  }
  const pairs = ['', '-wal'].map((end) => [`${database}${end}`, `${to}${end}`] as const);
  const files = pairs.filter(([from]) => fs.existsSync(from));
  // The -wal first: a file of that name beside nothing is nothing.
  for (const [from, copy] of files.toReversed()) fs.copyFileSync(from, copy);
  const made = files.map(([, copy]) => copy);
  return { files: made, bytes: sizeOf(made), how: 'copy' };
}

export interface RestoreOptions {
  /** Distinguishes what was there before from what other restores found. */
  stamp: string;
  /** Somebody has said so: a worker that runs is ahead of the older state, and damages its runs. */
  workersStopped: boolean;
}

export async function restoreDatabase(
  database: string,
  from: string,
  { stamp, workersStopped }: RestoreOptions,
): Promise<Restored> {
  mustBeDatabase(from, 'Name a file that `watari server backup` made.');
  const holder = await holderOf(database);
  if (holder !== null) throw inUse(database, holder, 'Stop it first (Ctrl+C where it runs).');
  if (!workersStopped) {
    throw badInput(
      'restoring an older state takes that every worker is stopped, on every node',
      'Workers remember what the server told them and are ahead of the older state: runs that they touch get stuck.\n' +
        'Stop them (on every node, as its administrator: Stop-Service or Ctrl+C), then add --workers-stopped.',
      'WorkersNotStopped',
    );
  }
  fs.mkdirSync(path.dirname(database), { recursive: true });
  const draft = `${database}.${process.pid}`;
  fs.copyFileSync(from, draft);
  const kept: string[] = [];
  for (const end of ['', ...BESIDE]) {
    const old = `${database}${end}`;
    if (!fs.existsSync(old)) continue;
    const aside = `${database}.before-restore-${stamp}${end}`;
    fs.renameSync(old, aside);
    kept.push(aside);
  }
  if (fs.existsSync(`${from}-wal`)) fs.copyFileSync(`${from}-wal`, `${database}-wal`);
  fs.renameSync(draft, database);
  return { database, kept };
}

function mustBeDatabase(file: string, hint: string): void {
  if (!fs.existsSync(file)) throw badInput(`${file} does not exist`, hint, 'NoDatabase');
  const start = Buffer.alloc(HEADER.length);
  const handle = fs.openSync(file, 'r');
  try {
    fs.readSync(handle, start, 0, HEADER.length, 0);
  } finally {
    fs.closeSync(handle);
  }
  if (start.toString('latin1') === HEADER) return;
  throw new ClientError({
    code: 'NoDatabase',
    message: `${file} is not a SQLite database`,
    hint,
    exitCode: EXIT.badInput,
  });
}

const sizeOf = (files: string[]): number =>
  files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
