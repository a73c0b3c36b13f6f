// What every worker process shares: one native runtime with quiet logs, signals that Windows knows, and connections
// that keep trying while the Temporal server is away.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  type LogLevel,
} from '@temporalio/worker';
import type { TemporalConnection } from '../config/temporal/connection.ts';
import { findMistake } from '../config/temporal/mistakes.ts';

/** Lines that say nothing to anybody: a role without workflows or activities is a role, not a mistake. */
const EXPECTED = [/^No activities registered/, /^No workflows registered/];

const CONNECT_PAUSE_MAX_MS = 5000;
/** A mistake in certificates is mended by a person, on the server perhaps: worth another look, not a hammer. */
const MISTAKE_PAUSE_MS = 15_000;
/** The same words again, so that whoever looks at the end of the log sees them. */
const REPEAT_MS = 60_000;

export function installRuntime(level: LogLevel, write: (line: string) => void): void {
  const logger = new DefaultLogger(level, (entry) => {
    if (EXPECTED.some((pattern) => pattern.test(entry.message))) return;
    const at = new Date(Number(entry.timestampNanos / 1_000_000n)).toISOString();
    const meta = entry.meta === undefined ? '' : ` ${JSON.stringify(entry.meta, errorsInWords)}`;
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

/** JSON has no errors: without this their message, which says what is wrong, is not in the log. */
const errorsInWords = (_key: string, value: unknown): unknown =>
  value instanceof Error ? `${value.name}: ${value.message}` : value;

/** Connects, and tries again for as long as it takes: a node boots long before the server may be reachable. */
export async function connectPatiently(
  options: TemporalConnection['connectionOptions'],
  tell: (line: string) => void,
  stopped: AbortSignal,
): Promise<NativeConnection> {
  let told = '';
  let toldAt = 0;
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, CONNECT_PAUSE_MAX_MS)) {
    try {
      return await NativeConnection.connect(options);
    } catch (err) {
      if (stopped.aborted) throw err;
      const mistake = await findMistake(options);
      const why = mistake?.message ?? (err instanceof Error ? err.message : String(err));
      const line =
        mistake?.lasting === true
          ? `Temporal at ${options.address} does not talk to us: ${why}. ${mistake.hint} Trying again every ${MISTAKE_PAUSE_MS / 1000} s.`
          : `Temporal at ${options.address} does not answer, trying again: ${why}`;
      if (line !== told || performance.now() - toldAt >= REPEAT_MS) {
        tell(line);
        told = line;
        toldAt = performance.now();
      }
      const waitMs = mistake?.lasting === true ? MISTAKE_PAUSE_MS : pauseMs;
      await sleep(waitMs, undefined, { signal: stopped });
    }
  }
}
