// What `watari server backup` and `restore` refuse, and what they leave on the disk. That a restored server goes on
// with its runs is shown by tests/long/backup.long.test.ts.
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  backupDatabase,
  restoreDatabase,
  type Snapshot,
} from '../../client/temporal-server/backup.ts';

let folder = '';
const at = (name: string): string => path.join(folder, name);
const write = (name: string, text: string): string => {
  fs.writeFileSync(at(name), text);
  return at(name);
};
const read = (name: string): string => fs.readFileSync(at(name), 'utf8');
const database = (words: string): string => `SQLite format 3\u0000${words}`;
const there = (): string[] => fs.readdirSync(folder).sort();

let open: net.Server | undefined;
/** A server that has the database open, as its note says. */
async function serverRuns(): Promise<void> {
  open = net.createServer();
  await new Promise<void>((resolve) => open?.listen(0, '127.0.0.1', resolve));
  const { port } = open.address() as net.AddressInfo;
  write('t.db.server.json', JSON.stringify({ pid: process.pid, ip: '127.0.0.1', port }));
}

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-backup-'));
});
afterEach(() => {
  open?.close();
  open = undefined;
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('a backup', () => {
  const copyAll: Snapshot = (from, to) => fs.promises.copyFile(from, to);

  it('is a snapshot where Node has SQLite, also while the server runs', async () => {
    write('t.db', database('now'));
    await serverRuns();
    const made = await backupDatabase(at('t.db'), at('new/b.db'), copyAll);
    expect(made).toEqual({ files: [at('new/b.db')], bytes: 19, how: 'snapshot' });
    expect(fs.readdirSync(at('new'))).toEqual(['b.db']);
  });

  it('that fails half way leaves nothing that looks like one', async () => {
    write('t.db', database('now'));
    const torn: Snapshot = (_from, to) => {
      fs.writeFileSync(to, 'half');
      return Promise.reject(new Error('disk full'));
    };
    await expect(backupDatabase(at('t.db'), at('b.db'), torn)).rejects.toThrow('disk full');
    expect(there()).toEqual(['t.db']);
  });

  it('by copying takes the newest commits along, which lie beside the file', async () => {
    write('t.db', database('old'));
    write('t.db-wal', 'new');
    const made = await backupDatabase(at('t.db'), at('b.db'), null);
    expect(made).toMatchObject({ files: [at('b.db'), at('b.db-wal')], how: 'copy' });
    expect(read('b.db-wal')).toBe('new');
  });

  it('by copying is refused while the server runs, and says what to do instead', async () => {
    write('t.db', database('now'));
    await serverRuns();
    await expect(backupDatabase(at('t.db'), at('b.db'), null)).rejects.toMatchObject({
      code: 'DatabaseInUse',
      hint: expect.stringMatching(/Node 22\.16.*stop the server/s) as string,
    });
    expect(fs.existsSync(at('b.db'))).toBe(false);
  });

  it.each([
    ['over a file that is there', 't.db', 'other.db', 'BackupExists'],
    ['of a file that is not there', 'none.db', 'b.db', 'NoDatabase'],
    ['of a file that is no database', 'other.db', 'b.db', 'NoDatabase'],
  ])('%s is refused', async (_what, from, to, code) => {
    write('t.db', database('now'));
    write('other.db', 'letters');
    await expect(backupDatabase(at(from), at(to), copyAll)).rejects.toMatchObject({
      code,
      exitCode: 2,
    });
    expect(read('other.db')).toBe('letters');
  });
});

describe('a restore', () => {
  const stopped = { stamp: '20261124T090000', workersStopped: true };

  it('puts the backup in place and keeps what was there, with its commits', async () => {
    write('t.db', database('new'));
    write('t.db-wal', 'newer');
    write('t.db-shm', 'index');
    write('b.db', database('old'));
    const restored = await restoreDatabase(at('t.db'), at('b.db'), stopped);
    expect(read('t.db')).toBe(database('old'));
    const kept = 't.db.before-restore-20261124T090000';
    expect(restored.kept).toEqual([at(kept), at(`${kept}-wal`), at(`${kept}-shm`)]);
    expect(read(`${kept}-wal`)).toBe('newer');
    // Left there, the newer commits would be applied to the older file.
    expect(fs.existsSync(at('t.db-wal'))).toBe(false);
    expect(read('b.db')).toBe(database('old'));
  });

  it('takes along the commits that lie beside a backup', async () => {
    write('b.db', database('old'));
    write('b.db-wal', 'its own');
    await restoreDatabase(at('t.db'), at('b.db'), stopped);
    expect(read('t.db-wal')).toBe('its own');
  });

  it('is refused while the server runs', async () => {
    write('t.db', database('new'));
    write('b.db', database('old'));
    await serverRuns();
    await expect(restoreDatabase(at('t.db'), at('b.db'), stopped)).rejects.toMatchObject({
      code: 'DatabaseInUse',
    });
    expect(read('t.db')).toBe(database('new'));
  });

  it('is refused until somebody says that the workers are stopped, and says why', async () => {
    write('t.db', database('new'));
    write('b.db', database('old'));
    const asked = restoreDatabase(at('t.db'), at('b.db'), { ...stopped, workersStopped: false });
    await expect(asked).rejects.toMatchObject({
      code: 'WorkersNotStopped',
      hint: expect.stringMatching(/get stuck.*--workers-stopped/s) as string,
    });
    expect(there()).toEqual(['b.db', 't.db']);
  });

  it('of something that is no database changes nothing', async () => {
    write('t.db', database('new'));
    write('b.db', 'letters');
    await expect(restoreDatabase(at('t.db'), at('b.db'), stopped)).rejects.toMatchObject({
      code: 'NoDatabase',
    });
    expect(read('t.db')).toBe(database('new'));
  });
});
