// The production set-up of docker-compose.yml as processes of this machine: each service with the environment, command
// and order of the file, on free ports, in a folder of its own; ended by pid. Used by `npm run production`, by the soak
// and by the test of backup and restore.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { PACKAGE_ROOT } from '../../client/package-root.ts';
import { isListening } from '../../client/temporal-server/ports.ts';
import { compiled } from '../rig/lab.ts';
import { startProgram } from '../rig/processes.ts';
import { PATIENCE_MS, waitFor } from '../rig/waiting.ts';
import { DOORS_COUNT, environmentOf, wordsOf, type Place } from './as-process.ts';
import { readCompose, type Service } from './compose-file.ts';
import { Database } from './database.ts';
import { KeptProcess } from './kept-process.ts';
import { lowPorts } from './low-ports.ts';
import type { ProductionPrograms } from './programs.ts';

export interface StackOptions {
  programs: ProductionPrograms;
  /** The Temporal CLI, which the namespace job calls. */
  cliPath: string;
  folder: string;
  /** PATH of this machine: the jobs are shell scripts. */
  searchPath: string;
  /** The web UI too. */
  ui?: boolean;
  /** The simulated cluster too, as `docker compose --profile lab up` starts it. */
  lab?: boolean;
  say?: (line: string) => void;
}

export class ProductionStack {
  readonly database: Database;
  readonly server: KeptProcess;
  readonly ui: KeptProcess;
  readonly lab: KeptProcess;
  readonly address: string;
  readonly uiUrl: string;
  readonly namespace: string;
  /** Seconds that each part took to be there. */
  readonly seconds: Record<string, number> = {};
  private readonly services: Map<string, Service>;
  private readonly o: StackOptions;
  private readonly place: Place;

  private constructor(o: StackOptions, place: Place) {
    this.o = o;
    this.place = place;
    const file = path.join(PACKAGE_ROOT, 'docker-compose.yml');
    this.services = readCompose(fs.readFileSync(file, 'utf8'), PACKAGE_ROOT, {
      POSTGRES_PASSWORD: randomBytes(12).toString('hex'),
      TEMPORAL_PORT: String(place.ports['7233']),
      TEMPORAL_UI_PORT: String(place.ports['8080']),
    });
    this.address = `127.0.0.1:${place.ports['7233']}`;
    this.uiUrl = `http://127.0.0.1:${place.ports['8080']}`;
    this.namespace = this.service('temporal-namespace').environment['TEMPORAL_NAMESPACE'] ?? '';
    fs.mkdirSync(path.join(o.folder, 'logs'), { recursive: true });
    this.database = new Database({
      service: this.service('postgresql'),
      place,
      folder: o.folder,
      programs: o.programs.postgres,
      logFile: this.log('postgresql'),
    });
    // What the images' entry points start.
    this.server = this.kept('temporal', o.programs.server, ['start']);
    const uiArgs = ['--root', '/', '--config', o.programs.uiConfig, '--env', 'docker', 'start'];
    this.ui = this.kept('temporal-ui', o.programs.ui, uiArgs);
    const [node = '', ...labArgs] = wordsOf(
      this.service('lab').command,
      this.service('lab'),
      place,
    );
    this.lab = this.kept('lab', node, labArgs);
  }

  static async start(o: StackOptions): Promise<ProductionStack> {
    const [database = 0, frontend = 0, ui = 0, lab = 0, ...more] = await lowPorts(
      '127.0.0.1',
      4 + DOORS_COUNT,
    );
    const place = { ports: { '5432': database, '7233': frontend, '8080': ui, '7400': lab }, more };
    const stack = new ProductionStack(o, place);
    try {
      await stack.up();
      return stack;
    } catch (err) {
      await stack.stop();
      throw err;
    }
  }

  /** In the order of depends_on. */
  private async up(): Promise<void> {
    await this.timed('postgresql', async () => {
      this.database.initialise();
      await this.startDatabase();
    });
    await this.timed('temporal-schema', () => this.job('temporal-schema'));
    await this.timed('temporal', () => this.startServer());
    await this.timed('temporal-namespace', () => this.job('temporal-namespace'));
    if (this.o.ui === true) {
      await this.timed('temporal-ui', async () => {
        this.ui.start();
        await this.healthy('temporal-ui');
      });
    }
    if (this.o.lab === true) {
      await this.timed('lab', async () => {
        this.lab.start();
        await this.healthy('lab');
      });
    }
  }

  async startDatabase(): Promise<void> {
    this.database.process.start();
    await waitFor('PostgreSQL to be healthy', () => this.database.isReady(), { everyMs: 100 });
  }

  async startServer(): Promise<void> {
    this.server.start();
    await this.healthy('temporal');
  }

  /** A service that runs once: its script, its environment, its exit code. */
  async job(name: string): Promise<string> {
    const service = this.service(name);
    const words = [...service.entrypoint, ...service.command];
    const [program = '', ...args] = wordsOf(words, service, this.place);
    const { code, said } = await this.run(name, program, args);
    fs.appendFileSync(this.log(name), said);
    if (code !== 0) throw new Error(`${name} ended with exit code ${String(code)}: ${said.trim()}`);
    return said;
  }

  /** A command of watari, as somebody types it in the lab's container (`docker compose exec lab node …`). */
  watari(words: readonly string[]): Promise<{ code: number | string; said: string }> {
    return this.run('lab', process.execPath, [compiled('client', 'main.js'), ...words]);
  }

  /** Something that ends by itself, in the surroundings of a service. */
  private async run(
    name: string,
    program: string,
    args: readonly string[],
  ): Promise<{ code: number | string; said: string }> {
    const env = this.environment(this.service(name));
    const running = startProgram(program, args, { cwd: this.o.folder, env });
    const code = await running.endedWithin(PATIENCE_MS);
    return { code, said: running.stdout() + running.stderr() };
  }

  /** What docker-compose.yml calls healthy: the same question to the same door. */
  healthy(name: string): Promise<unknown> {
    const service = this.service(name);
    const [program = '', ...args] = wordsOf(service.healthcheck ?? [], service, this.place);
    return waitFor(
      `${name} to be healthy`,
      async () => {
        if (program === 'wget') return (await fetch(args.at(-1) ?? '')).ok;
        const [host = '', port = ''] = args.slice(-2);
        if (program === 'nc') return isListening(host, Number(port));
        return (await this.run(name, program, args)).code === 0;
      },
      { everyMs: 50 },
    );
  }

  async stop(): Promise<void> {
    await this.lab.stop();
    await this.ui.stop();
    await this.server.stop();
    if (this.database.process.pid !== undefined) await this.database.end('fast');
    else await this.database.process.stop();
  }

  private async timed(name: string, deed: () => Promise<unknown>): Promise<void> {
    const started = performance.now();
    await deed();
    const seconds = Math.round((performance.now() - started) / 10) / 100;
    this.seconds[name] = seconds;
    this.o.say?.(`${name} ${seconds} s`);
  }

  private kept(name: string, file: string, args: string[]): KeptProcess {
    const service = this.service(name);
    const { restarts } = service;
    const env = this.environment(service);
    return new KeptProcess({
      ...{ name, file, args, env, restarts },
      cwd: this.o.folder,
      logFile: this.log(name),
    });
  }

  /** Containers see nothing of this machine's environment; a PATH with the programs of their image is all. */
  private environment(service: Service): Record<string, string> {
    const { programs, cliPath, searchPath, folder } = this.o;
    const folders = [programs.folder, path.dirname(cliPath), searchPath];
    return {
      PATH: folders.join(path.delimiter),
      HOME: folder,
      ...environmentOf(service, this.place),
    };
  }

  private service(name: string): Service {
    const found = this.services.get(name);
    if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return found;
  }

  private log(name: string): string {
    return path.join(this.o.folder, 'logs', `${name}.log`);
  }
}
