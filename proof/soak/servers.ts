// The Temporal server of a soak: what it can suffer, and that it comes back on the same data and the same port. This is
// the embedded one; the production set-up is in proof/production/.
import { findCli } from '../rig/temporal-cli.ts';
import { serverOnFile, type Address } from '../rig/servers.ts';
import { sleep } from '../rig/waiting.ts';
import type { StrikeKind } from './schedule.ts';

export interface SoakServer extends Address {
  /** For the report: program and version. */
  what: string;
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
  // As `watari server start`, which people rely on.
  const place = { cliPath: cli.path, folder: o.folder, durability: 'full' } as const;
  let server = await serverOnFile(place);
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
      server = await serverOnFile({ ...place, port });
      return Date.now() - since;
    },
    stop: () => server.stop(),
  };
}
