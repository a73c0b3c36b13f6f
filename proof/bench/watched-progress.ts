// Watches a run as a terminal would show it, with the client's own code, and tells when a new percentage was drawn.
import { systemContext, talk } from '../../client/context.ts';
import type { Temporal } from '../../client/temporal/connection.ts';
import type { OutStream, Terminal } from '../../client/terminal.ts';
import { watchRun } from '../../client/watch.ts';
import { childEnvironment } from '../../config/process-environment.ts';

/** Moments, in milliseconds since 1970, at which the percentage on the screen became another one. */
export async function watchProgress(
  temporal: Temporal,
  run: string,
  ms: number,
): Promise<number[]> {
  const drawn: number[] = [];
  let last = '';
  const screen: OutStream = {
    isTTY: true,
    columns: 120,
    rows: 40,
    write: (text) => {
      const percent = / (\d+) ?%/.exec(text)?.[1];
      if (percent === undefined || percent === last) return;
      last = percent;
      drawn.push(Date.now());
    },
  };
  const leave = AbortSignal.timeout(ms);
  const context = contextOf(screen, temporal);
  await watchRun(context, temporal, {
    run,
    talk: talk(context.terminal, false),
    signal: leave,
  });
  return drawn;
}

function contextOf(screen: OutStream, temporal: Temporal) {
  const terminal: Terminal = {
    stdout: screen,
    stderr: screen,
    canAsk: false,
    color: false,
    ask: () => Promise.resolve(''),
    askHidden: () => Promise.resolve(''),
    onInterrupt: () => () => undefined,
  };
  return systemContext({
    terminal,
    defaultCluster: null,
    labUrl: undefined,
    places: {
      dataDir: '',
      cliPath: undefined,
      searchPath: '',
      platform: process.platform,
      childEnvironment,
    },
    temporalTarget: () => temporal.target,
    connect: () => Promise.resolve(temporal),
  });
}
