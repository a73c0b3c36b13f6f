// The database service without its container: what the image's entry point does (initdb), the command of the service,
// and the ways in which a soak ends it.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Service } from './compose-file.ts';
import { environmentOf, wordsOf, type Place } from './as-process.ts';
import { KeptProcess } from './kept-process.ts';

export interface DatabaseOptions {
  service: Service;
  place: Place;
  folder: string;
  /** Folder of PostgreSQL's programs. */
  programs: string;
  logFile: string;
}

export class Database {
  readonly process: KeptProcess;
  private readonly o: DatabaseOptions;
  private readonly data: string;
  /** As in the container, where pg_dump speaks to the socket. */
  private readonly sockets: string;
  private readonly user: string;
  private readonly as: { uid: number; gid: number } | undefined = postgresUser();

  constructor(o: DatabaseOptions) {
    this.o = o;
    const { service, place, folder, programs, logFile } = o;
    this.data = path.join(folder, 'postgresql');
    this.sockets = path.join(folder, 'sockets');
    this.user = service.environment['POSTGRES_USER'] ?? 'postgres';
    const [program = 'postgres', ...args] = wordsOf(service.command, service, place);
    this.process = new KeptProcess({
      name: 'postgresql',
      file: path.join(programs, program),
      args: [
        ...args,
        ...['-D', this.data, '-p', String(place.ports['5432']), '-k', this.sockets],
        ...['-c', 'listen_addresses=127.0.0.1'],
      ],
      env: this.environment(),
      cwd: folder,
      logFile,
      ...(this.as === undefined ? {} : { as: this.as }),
      restarts: service.restarts,
    });
  }

  /** What the image does before the first start. */
  initialise(): void {
    const { service, folder } = this.o;
    const { POSTGRES_PASSWORD = '', POSTGRES_INITDB_ARGS = '' } = service.environment;
    // Its user must be able to reach what lies in here; nobody else is on this machine's loopback.
    fs.chmodSync(folder, 0o755);
    for (const dir of [this.data, this.sockets]) {
      fs.mkdirSync(dir, { mode: 0o700 });
      if (this.as !== undefined) fs.chownSync(dir, this.as.uid, this.as.gid);
    }
    const passwordFile = path.join(this.sockets, 'password');
    fs.writeFileSync(passwordFile, POSTGRES_PASSWORD, { mode: 0o644 });
    this.run('initdb', [
      ...['-D', this.data, '-U', this.user, `--pwfile=${passwordFile}`],
      ...['--auth-local=trust', '--auth-host=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8'],
      ...POSTGRES_INITDB_ARGS.split(' ').filter((word) => word !== ''),
    ]);
    fs.rmSync(passwordFile);
  }

  isReady(): boolean {
    const { service, place } = this.o;
    const [program = '', ...args] = wordsOf(service.healthcheck ?? [], service, place);
    const port = `--port=${place.ports['5432']}`;
    return this.ask(program, [...args, port]).status === 0;
  }

  /** `immediate` leaves no time to write anything: a crash. `fast` is an orderly end. */
  async end(how: 'immediate' | 'fast'): Promise<void> {
    const gone = this.process.awaitEnd();
    this.run('pg_ctl', ['stop', '-D', this.data, '-m', how, '-w']);
    await gone;
  }

  /** A program of PostgreSQL as it runs inside the container: through the socket, as the database's user. */
  run(
    program: string,
    args: readonly string[],
    io: { stdin?: string; stdout?: string } = {},
  ): string {
    const done = this.ask(program, args, io);
    if (done.status !== 0) {
      throw new Error(`${program} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
    }
    return done.stdout;
  }

  /** Command lines as they are documented: `pg_dump -U temporal …`, with a file as input or output. */
  private ask(
    program: string,
    args: readonly string[],
    io: { stdin?: string; stdout?: string } = {},
  ) {
    const input = io.stdin === undefined ? null : fs.openSync(io.stdin, 'r');
    const output = io.stdout === undefined ? null : fs.openSync(io.stdout, 'w');
    try {
      return spawnSync(path.join(this.o.programs, program), args, {
        encoding: 'utf8',
        cwd: this.o.folder,
        stdio: [input ?? 'ignore', output ?? 'pipe', 'pipe'],
        env: this.environment(),
        ...(this.as ?? {}),
      });
    } finally {
      if (input !== null) fs.closeSync(input);
      if (output !== null) fs.closeSync(output);
    }
  }

  private environment(): Record<string, string> {
    const { service, place } = this.o;
    return {
      ...environmentOf(service, place),
      PATH: this.o.programs,
      LC_ALL: 'C.UTF-8',
      PGHOST: this.sockets,
      PGPORT: String(place.ports['5432']),
    };
  }
}

/** PostgreSQL refuses to run as root; its package made a user for it. */
function postgresUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const ask = (flag: string): number => {
    const { status, stdout } = spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' });
    if (status !== 0)
      throw new Error('PostgreSQL does not run as root, and there is no user postgres.');
    return Number(stdout.trim());
  };
  return { uid: ask('-u'), gid: ask('-g') };
}
