// The Temporal server of a soak: what it can suffer, and that it comes back on the same data and the same port. This is
// the embedded one; the production set-up is in proof/production/.
import path from 'node:path';
import { findCli } from '../rig/temporal-cli.ts';
import { startTemporalServer, type TemporalServer } from '../../client/temporal-server/start.ts';
import { sleep } from '../rig/waiting.ts';
import type { StrikeKind } from './schedule.ts';

export interface SoakServer {
  /** For the report: program and version. */
  what: string;
  address: string;
  namespace: string;
  suffers: readonly StrikeKind[];
  /** Resolves when it answers again; to how long it did not. */
  strike(kind: StrikeKind, awayMs: number): Promise<number>;
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  folder: string;
  say: (line: string) => void;
}

export async function startEmbedded(o: EmbeddedOptions): Promise<SoakServer> {
  const cli = await findCli(o.say);
  const start = (port: number | 'free'): Promise<TemporalServer> =>
    startTemporalServer({
      cliPath: cli.path,
      dbFile: path.join(o.folder, 'temporal.db'),
      // As `watari server start`, which people rely on.
      durability: 'full',
      port,
      uiPort: 'free',
      logFile: path.join(o.folder, 'logs', 'temporal-server.log'),
    });
  let server = await start('free');
  const { address, namespace } = server;
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  return {
    what: `embedded, Temporal CLI ${cli.version}`,
    address,
    namespace,
    suffers: ['server'],
    strike: async (kind, awayMs) => {
      if (kind !== 'server') throw new Error(`the embedded server has no ${kind}`);
      const since = Date.now();
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
      await sleep(awayMs);
      server = await start(port);
      return Date.now() - since;
    },
    stop: () => server.stop(),
  };
}
