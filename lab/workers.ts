// The worker processes of a lab: each lives and dies with its simulated node. A node that goes down takes its worker
// with it at once (as a power cut would); a worker that dies by itself comes back as a Windows service would.
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sameName } from '../domain/names.ts';
import type { Lab } from './machine/lab.ts';

export interface WorkersOptions {
  lab: Lab;
  cluster: string;
  /** Where workers reach the lab. */
  url: string;
  /** Where each worker's output goes: a folder, with a worker-<node>.log for each, or who is told every line. */
  logs: string | ((node: string, line: string) => void);
  /** Nodes that have a worker; default: all. */
  nodes?: string[];
  /** Folder of stand-in modules: workers run the real PowerShell on them. */
  modules?: string;
  /** What to run for a node; default: this installation's worker. */
  command?: (node: string) => { file: string; args: string[] };
  /** Real seconds from a worker's own death to its next start. */
  restartSeconds?: number;
  /** Real milliseconds that workers have to finish when the lab stops. */
  graceMs?: number;
}

export interface Workers {
  /** Process ids of those that run now. */
  pids(): Record<string, number>;
  /** Ends all of them, as an administrator who stops the service everywhere. None comes back before `resume`. */
  halt(): Promise<void>;
  resume(): void;
  stop(): Promise<void>;
}

/** As the first restart of a service that Windows was told to recover. */
const RESTART_SECONDS = 5;
const GRACE_MS = 5000;

export const workerCommand =
  (cluster: string, url: string, modules?: string) =>
  (node: string): { file: string; args: string[] } => ({
    file: process.execPath,
    args: [
      fileURLToPath(new URL('../workers/main.js', import.meta.url)),
      ...['--cluster', cluster, '--node', node, '--lab', url, '--owned'],
      ...(modules === undefined ? [] : ['--powershell', modules]),
    ],
  });

export function startWorkers(options: WorkersOptions): Workers {
  if (typeof options.logs === 'string') fs.mkdirSync(options.logs, { recursive: true });
  const served = (node: string): boolean =>
    options.nodes?.some((name) => sameName(name, node)) ?? true;
  const supervised = options.lab
    .nodes()
    .filter(served)
    .map((node) => new NodeWorker(node, options));
  const forget = options.lab.onNodeChange(({ node, up }) => {
    const worker = supervised.find((candidate) => candidate.node === node);
    if (up) worker?.start();
    else worker?.kill();
  });
  const startThoseThatAreUp = (): void => {
    for (const worker of supervised) if (options.lab.isUp(worker.node)) worker.start();
  };
  const endAll = (): Promise<unknown> =>
    Promise.all(supervised.map((worker) => worker.stop(options.graceMs ?? GRACE_MS)));
  startThoseThatAreUp();
  return {
    pids: () =>
      Object.fromEntries(
        supervised.flatMap(({ node, pid }) => (pid === undefined ? [] : [[node, pid]])),
      ),
    async halt() {
      for (const worker of supervised) worker.halted = true;
      await endAll();
    },
    resume() {
      for (const worker of supervised) worker.halted = false;
      startThoseThatAreUp();
    },
    async stop() {
      forget();
      await endAll();
    },
  };
}

class NodeWorker {
  readonly node: string;
  /** Its service is stopped, whatever the node does. */
  halted = false;
  private readonly options: WorkersOptions;
  private child: ChildProcess | null = null;
  /** The end of the last one that was started, also of one that was killed and forgotten. */
  private gone: Promise<unknown> = Promise.resolve();
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor(node: string, options: WorkersOptions) {
    this.node = node;
    this.options = options;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    clearTimeout(this.again);
    if (this.child !== null || this.halted) return;
    const { command, cluster, url, modules } = this.options;
    const { file, args } = (command ?? workerCommand(cluster, url, modules))(this.node);
    const child = this.spawn(file, args);
    this.child = child;
    this.gone = new Promise((resolve) => {
      child.once('exit', resolve);
      child.once('error', resolve);
    });
    // A worker that is gone already cannot be written to; its exit says all there is to say.
    child.stdin?.on('error', () => undefined);
    const ended = (): void => {
      // Killed ones were forgotten before; this one died by itself.
      if (this.child !== child) return;
      this.child = null;
      const seconds = this.options.restartSeconds ?? RESTART_SECONDS;
      this.again = setTimeout(() => {
        this.start();
      }, seconds * 1000);
    };
    child.once('exit', ended);
    child.once('error', (error) => {
      this.note(`The worker could not be started: ${error.message}`);
      ended();
    });
  }

  /** Standard input is a pipe that ends with us, whatever ends us: workers watch it. */
  private spawn(file: string, args: string[]): ChildProcess {
    const { logs } = this.options;
    const out = typeof logs === 'string' ? fs.openSync(this.logFile(logs), 'a') : 'pipe';
    const child = spawn(file, args, { stdio: ['pipe', out, out], windowsHide: true });
    if (out !== 'pipe') fs.closeSync(out);
    for (const said of [child.stdout, child.stderr]) {
      if (said !== null) createInterface(said).on('line', (line) => this.note(line));
    }
    return child;
  }

  private note(line: string): void {
    const { logs } = this.options;
    if (typeof logs === 'string') fs.appendFileSync(this.logFile(logs), `${line}\n`);
    else logs(this.node, line);
  }

  private logFile(folder: string): string {
    return path.join(folder, `worker-${this.node}.log`);
  }

  /** At once, without any chance to finish. */
  kill(): void {
    clearTimeout(this.again);
    const { child } = this;
    this.child = null;
    child?.kill('SIGKILL');
  }

  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.again);
    const { child } = this;
    this.child = null;
    const force = setTimeout(() => child?.kill('SIGKILL'), graceMs);
    child?.stdin?.end();
    await this.gone;
    clearTimeout(force);
  }
}
