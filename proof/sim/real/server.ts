// A Temporal server for plans that are played for real: the embedded one, in memory, gone with the play.
import { serverInMemory, type Address } from '../../rig/servers.ts';
import { findCli } from '../../rig/temporal-cli.ts';

export async function withServer<T>(
  say: (line: string) => void,
  use: (server: Address) => Promise<T>,
): Promise<T> {
  const cli = await findCli(say);
  const server = await serverInMemory(cli.path);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}
