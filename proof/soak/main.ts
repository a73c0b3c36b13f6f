// `npm run soak`: kills workers, servers, nodes and commands with kill -9 while moves, preparations and applies run,
// and says whether anything was lost or done twice. Options: --minutes, --seed, --server, --speed, --json.
import { parseArgs } from 'node:util';
import { readProcessEnvironment } from '../../config/process-environment.ts';
import { findCli } from '../rig/temporal-cli.ts';
import { NotAvailable, obtainPrograms } from '../production/programs.ts';
import { startProduction } from './production-server.ts';
import { reportLines } from './report.ts';
import { startEmbedded, type SoakServer } from './servers.ts';
import { soak } from './soak.ts';

const USAGE =
  'Usage: npm run soak -- [--minutes 10] [--seed N] [--server embedded|production] [--speed N] [--json]';

class UsageError extends Error {}

const isUnknownOption = (err: unknown): boolean =>
  err instanceof TypeError && 'code' in err && String(err.code).startsWith('ERR_PARSE_ARGS');

const EXIT = { violations: 1, usage: 2, unavailable: 3 } as const;

function number(text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0 || value > max) throw new UsageError();
  return value;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      speed: { type: 'string' },
      server: { type: 'string', default: 'embedded' },
      json: { type: 'boolean', default: false },
    },
  });
  if (!['embedded', 'production'].includes(values.server)) throw new UsageError();
  return {
    minutes: number(values.minutes, 10, 24 * 60),
    seed: Math.floor(number(values.seed, (Date.now() % 1_000_000) + 1, 2 ** 32)),
    speed: number(values.speed, 6, 100),
    server: values.server,
    json: values.json,
  };
}

const say = (line: string): void => {
  process.stderr.write(`${String(Math.round(performance.now() / 1000)).padStart(4)} s  ${line}\n`);
};

function serverFor(which: string): (folder: string) => Promise<SoakServer> {
  if (which === 'embedded') return (folder) => startEmbedded({ folder, say });
  const { searchPath } = readProcessEnvironment();
  return async (folder) => {
    const programs = await obtainPrograms(say);
    const cli = await findCli(say);
    return startProduction({ programs, cliPath: cli.path, folder, searchPath, say });
  };
}

async function main(): Promise<number> {
  const o = readOptions();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      say('ending after this round');
      stop.abort();
    });
  }
  say(
    `seed ${o.seed}: npm run soak -- --minutes ${o.minutes} --seed ${o.seed} --server ${o.server} --speed ${o.speed}`,
  );
  const { seed, minutes, speed } = o;
  const report = await soak({
    seed,
    minutes,
    speed,
    startServer: serverFor(o.server),
    say,
    signal: stop.signal,
  });
  const text = o.json ? JSON.stringify(report, null, 2) : reportLines(report).join('\n');
  process.stdout.write(`${text}\n`);
  return report.violations.length === 0 ? 0 : EXIT.violations;
}

try {
  process.exitCode = await main();
} catch (err) {
  if (err instanceof NotAvailable) process.exitCode = EXIT.unavailable;
  else if (err instanceof UsageError || isUnknownOption(err)) {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = EXIT.usage;
  } else throw err;
}
