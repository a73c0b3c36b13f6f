// The command line of the embedded Temporal server. Every flag has a reason, and the figures behind it are in
// docs/temporal-server.md.
import { SEARCH_ATTRIBUTES } from '../../domain/names.ts';

/**
 * full: a commit is on the disk before it is answered; for a server that people rely on.
 * fast: commits are left to the operating system; they survive kill -9 of the server, not a power cut.
 */
export type Durability = 'full' | 'fast';

export interface ServerPlace {
  ip: string;
  port: number;
  uiPort: number;
  namespace: string;
  /** SQLite file; null keeps everything in memory. */
  dbFile: string | null;
  durability: Durability;
}

/** By name as in `domain/names.ts`; the CLI writes the types differently. */
const TYPES = { KEYWORD: 'Keyword', BOOL: 'Bool' } as const;

const SETTINGS = [
  // By default 20 a second: every activity on a node's queue costs 100 ms, and every timer its share.
  'history.transferProcessorMaxPollRPS=10000',
  'history.timerProcessorMaxPollRPS=10000',
  // By default a second: no timer or retry could be shorter. The inner quotes make it JSON.
  'history.timerProcessorMaxTimeShift="1ms"',
  // By default ten minutes: so long a run would wait for its next try after workers that could not go on with it were
  // upgraded.
  'history.workflowTaskRetryMaxInterval="10s"',
  // By default every queue is split into four parts, made for clusters of servers: a waiting task is handed from part
  // to part until one has a worker, hundreds of times a second when hundreds of tasks wait.
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

export function serverFlags(place: ServerPlace): string[] {
  const pragmas =
    place.dbFile === null
      ? []
      : ['journal_mode=WAL', `synchronous=${place.durability === 'full' ? 'FULL' : 'OFF'}`];
  return [
    'server',
    'start-dev',
    '--ip',
    place.ip,
    '--port',
    String(place.port),
    '--ui-port',
    String(place.uiPort),
    // Without it every page of the UI asks a server on the internet for news.
    '--ui-disable-news-fetch',
    '--log-level',
    'error',
    ...(place.namespace === 'default' ? [] : ['--namespace', place.namespace]),
    ...(place.dbFile === null ? [] : ['--db-filename', place.dbFile]),
    ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...SETTINGS.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${TYPES[type]}`,
    ]),
  ];
}
