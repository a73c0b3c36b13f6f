// A Temporal server for plans that are played for real: the embedded one, in memory, gone with the play.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findTemporalCli } from '../../../client/temporal-server/find.ts';
import { startTemporalServer, type TemporalServer } from '../../../client/temporal-server/start.ts';
import { readEnvironment } from '../../../config/environment.ts';
import { readProcessEnvironment } from '../../../config/process-environment.ts';

export async function withServer<T>(
  say: (line: string) => void,
  use: (server: TemporalServer) => Promise<T>,
): Promise<T> {
  const { dataDir, temporalCliPath } = readEnvironment();
  const { searchPath } = readProcessEnvironment();
  const cli = await findTemporalCli({
    cliPath: temporalCliPath ?? undefined,
    searchPath,
    dataDir,
    say,
  });
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
