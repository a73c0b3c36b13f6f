// The Temporal CLI for programs of ours that start a server themselves: as `watari server start` finds it.
import { findTemporalCli } from '../../client/temporal-server/find.ts';
import { readEnvironment } from '../../config/environment.ts';
import { readProcessEnvironment } from '../../config/process-environment.ts';

/** @param cache watari's data folder, or another one that has the CLI once it was fetched. */
export function findCli(
  say: (line: string) => void,
  cache?: string,
): ReturnType<typeof findTemporalCli> {
  const { dataDir, temporalCliPath } = readEnvironment();
  const { searchPath } = readProcessEnvironment();
  return findTemporalCli({
    cliPath: temporalCliPath ?? undefined,
    searchPath,
    dataDir: cache ?? dataDir,
    say,
  });
}
