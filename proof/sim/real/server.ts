// A Temporal server for plans that are played for real: the embedded one, in memory, gone with the play.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startTemporalServer, type TemporalServer } from '../../../client/temporal-server/start.ts';
import { findCli } from '../../rig/temporal-cli.ts';

export async function withServer<T>(
  say: (line: string) => void,
  use: (server: TemporalServer) => Promise<T>,
): Promise<T> {
  const cli = await findCli(say);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-sim-'));
  const server = await startTemporalServer({
    cliPath: cli.path,
    dbFile: null,
    durability: 'fast',
    port: 'free',
    uiPort: 'free',
    logFile: path.join(folder, 'temporal-server.log'),
  });
  try {
    return await use(server);
  } finally {
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
