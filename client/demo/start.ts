// Starts what a demo needs, in order, each piece with one line: Temporal, the lab with its workers, and the wait until
// every node is served. Whatever was started is ended again when a later piece fails.
import fs from 'node:fs';
import path from 'node:path';
import { durationText } from '../../domain/units.ts';
import { loadClusterFile } from '../../config/cluster-file.ts';
import type { ClusterSpec } from '../../domain/spec.ts';
import { connect, type Temporal } from '../temporal/connection.ts';
import type { Context } from '../context.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { LAB_PROGRAM } from '../package-root.ts';
import { readServing } from '../cluster/serving.ts';
import { findTemporalCli } from '../temporal-server/find.ts';
import { SERVER_DEFAULTS } from '../temporal-server/server-command.ts';
import { startTemporalServer, type TemporalServer } from '../temporal-server/start.ts';
import type { KeptDemo } from './kept.ts';
import { startLab, type LabProcess } from './lab-process.ts';

export interface StartOptions {
  scenario: string;
  clusterFile: string;
  speed: number | undefined;
  powershell: boolean;
  keep: boolean;
  signal: AbortSignal;
  say: (line: string) => void;
}

export interface Demo {
  temporal: Temporal;
  spec: ClusterSpec;
  note: KeptDemo;
  stop(): Promise<void>;
  /** Lets everything outlive us. */
  letGo(): void;
}

/** Workers are there within two seconds; a busy or cold machine takes its time. */
const WORKERS_MS = 60_000;

/** null when the reader left before everything was up. */
export async function startDemo(ctx: Context, o: StartOptions): Promise<Demo | null> {
  const spec = loadClusterFile(o.clusterFile);
  const started: (() => Promise<void>)[] = [];
  // Last started, first ended: the workers say goodbye to a server that still answers.
  const stop = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    const demo = await startPieces(ctx, o, spec, started);
    if (o.signal.aborted) {
      await stop();
      await demo.temporal.close();
      return null;
    }
    return { ...demo, stop };
  } catch (err) {
    await stop();
    throw err;
  }
}

async function startPieces(
  ctx: Context,
  o: StartOptions,
  spec: ClusterSpec,
  started: (() => Promise<void>)[],
): Promise<Omit<Demo, 'stop'>> {
  const cli = await findTemporalCli({ ...ctx.places, say: o.say });
  const dir = freshFolder(ctx);
  const server = await startServer(cli.path, dir, o.keep);
  started.push(() => server.stop());
  o.say(`Temporal  ${server.address}, UI ${server.uiUrl}`);
  const { address, namespace } = server;
  const emptyConfigFile = path.join(dir, 'temporal.toml');
  // The SDK's reader does not take a file without any profile.
  fs.writeFileSync(emptyConfigFile, '[profile.default]\n');
  const env = ctx.places.childEnvironment({ address, namespace, emptyConfigFile });
  const lab = await startLab(
    {
      program: LAB_PROGRAM,
      scenario: o.scenario,
      speed: o.speed,
      logDir: path.join(dir, 'logs'),
      env,
      powershell: o.powershell,
      owned: !o.keep,
    },
    ctx.clock,
  );
  started.push(() => lab.stop());
  o.say(`Lab       ${lab.url}, scenario ${path.basename(o.scenario)}`);
  const temporal = await connect({
    namespace,
    describe: `${address}, namespace ${namespace}`,
    connectionOptions: { address },
    ...ctx.payloads,
    uiBase: server.uiUrl,
  });
  const workers = await untilServed(ctx, temporal, spec, lab, o.signal);
  if (!o.signal.aborted) o.say(`Workers   ${workers.join(', ')}`);
  const note: KeptDemo = {
    cluster: spec.cluster,
    startedAt: ctx.clock.now().toISOString(),
    dir,
    server: { pid: server.pid, address, uiUrl: server.uiUrl },
    lab: { pid: lab.pid, url: lab.url },
  };
  return {
    temporal,
    spec,
    note,
    letGo: () => {
      lab.letGo();
    },
  };
}

/** Every demo starts from nothing, and what the last ones left is not worth keeping. */
function freshFolder(ctx: Context): string {
  const base = path.join(ctx.places.dataDir, 'demo');
  const stamp = ctx.clock.now().toISOString().replace(/[-:]/g, '').slice(0, 15);
  fs.mkdirSync(base, { recursive: true });
  const old = fs.readdirSync(base).filter((name) => /^\d{8}T\d{6}/.test(name));
  for (const name of old.sort().slice(0, -KEPT_FOLDERS)) {
    fs.rmSync(path.join(base, name), { recursive: true, force: true });
  }
  return fs.mkdtempSync(path.join(base, `${stamp}-`));
}

/** Enough to look at the logs of the demo before. */
const KEPT_FOLDERS = 3;

/** With the UI a thousand above, where every command expects it. */
const NEXT_PORTS = [7243, 7253, 7263, 7273, 7283, 7293];

/** The usual port when it is free, so that no variable is needed to continue; else one nearby, else any. */
async function startServer(cliPath: string, dir: string, keep: boolean): Promise<TemporalServer> {
  const start = (port: number | 'free'): Promise<TemporalServer> =>
    startTemporalServer({
      cliPath,
      dbFile: path.join(dir, 'temporal.db'),
      durability: 'fast',
      logFile: path.join(dir, 'logs', 'temporal-server.log'),
      port,
      lifetime: keep ? 'detached' : 'owned',
    });
  for (const port of [SERVER_DEFAULTS.port, ...NEXT_PORTS]) {
    try {
      return await start(port);
    } catch (err) {
      if (!(err instanceof ClientError && err.code === 'PortTaken')) throw err;
    }
  }
  return start('free');
}

async function untilServed(
  ctx: Context,
  temporal: Temporal,
  spec: ClusterSpec,
  lab: LabProcess,
  signal: AbortSignal,
): Promise<string[]> {
  const deadline = ctx.clock.elapsedMs() + WORKERS_MS;
  for (;;) {
    const now = ctx.clock.now();
    const { missing, present } = await readServing(temporal, spec.cluster, spec.nodes, now);
    if (missing.length === 0 || signal.aborted) return present;
    if (ctx.clock.elapsedMs() > deadline) {
      throw new ClientError({
        code: 'NoWorker',
        message: `no worker serves ${missing.join(', ')} after ${durationText(WORKERS_MS)}`,
        hint: `${lastWords(lab.logDir, missing[0])}Logs of the workers: ${lab.logDir}`,
        exitCode: EXIT.failed,
      });
    }
    await ctx.clock.sleep(100, signal);
  }
}

/** What the first silent worker said last: most often all of them fail for one reason. */
function lastWords(logDir: string, node: string | undefined): string {
  try {
    const log = fs.readFileSync(path.join(logDir, `worker-${node ?? ''}.log`), 'utf8').trim();
    return `The worker of ${node ?? ''} said last: ${log.split('\n').at(-1) ?? ''}\n`;
  } catch {
    return '';
  }
}
