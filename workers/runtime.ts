// What every worker process shares: one native runtime with quiet logs, signals that Windows knows, and connections
// that keep trying while the Temporal server is away.
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
} from '@temporalio/worker';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';

/** Lines that say nothing to anybody: a role without workflows or activities is a role, not a mistake. */
const EXPECTED = [/^No activities registered/, /^No workflows registered/];

const CONNECT_PAUSE_MAX_MS = 5000;

export function installRuntime(level: LogLevel, write: (line: string) => void): void {
  const logger = new DefaultLogger(level, (entry) => {
    if (EXPECTED.some((pattern) => pattern.test(entry.message))) return;
    const at = new Date(Number(entry.timestampNanos / 1_000_000n)).toISOString();
    const meta = entry.meta === undefined ? '' : ` ${JSON.stringify(entry.meta)}`;
    write(`${at} ${entry.level} ${entry.message}${meta}`);
  });
  Runtime.install({
    logger,
    // Windows never delivers SIGTERM to Node; Ctrl+Break and a closing console it does.
    shutdownSignals: ['SIGINT', 'SIGTERM', 'SIGBREAK', 'SIGHUP'],
    workerHeartbeatInterval: '5s',
    telemetryOptions: {
      logging: {
        // The core repeats every failed poll of an outage, two lines a second.
        filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }),
        forward: {},
      },
    },
  });
}

/** Connects, and tries again for as long as it takes: a node boots long before the server may be reachable. */
export async function connectPatiently(
  options: NativeConnectionOptions,
  tell: (line: string) => void,
  stopped: AbortSignal,
): Promise<NativeConnection> {
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, CONNECT_PAUSE_MAX_MS)) {
    try {
      return await NativeConnection.connect(options);
    } catch (err) {
      if (stopped.aborted) throw err;
      const why = err instanceof Error ? err.message : String(err);
      tell(
        `Temporal at ${options.address ?? 'the default address'} does not answer, trying again: ${why}`,
      );
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
