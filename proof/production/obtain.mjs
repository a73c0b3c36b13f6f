// Gets what the services of docker-compose.yml are made of, without containers: temporal-server, temporal-sql-tool and
// the UI from the Go module proxy, in the versions that the file names, and PostgreSQL of this machine (Debian's
// packages; with --install they are installed). Prints one JSON document; exit code 3 when something cannot be had.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const EXIT_UNAVAILABLE = 3;
const say = (line) => console.error(line);

function unavailable(what, hint) {
  say(what);
  say(hint);
  process.exit(EXIT_UNAVAILABLE);
}

/** The tag of an image in docker-compose.yml: what is tested is what ships. */
function taggedVersion(image) {
  const text = fs.readFileSync(path.join(root, 'docker-compose.yml'), 'utf8');
  const version = new RegExp(`image: ${image}:([\\d.]+)`).exec(text)?.[1];
  if (version === undefined) throw new Error(`docker-compose.yml names no image ${image}`);
  return version;
}

const server = taggedVersion('temporalio/server');
const ui = taggedVersion('temporalio/ui');

/** By the name of the program; `module` as `go install` wants it. */
const PROGRAMS = [
  // Four to seven minutes on two cores; the others take seconds.
  { name: 'temporal-server', module: `go.temporal.io/server/cmd/server@v${server}` },
  { name: 'temporal-sql-tool', module: `go.temporal.io/server/cmd/tools/sql@v${server}` },
  { name: 'temporal-ui', module: `github.com/temporalio/ui-server/v2/cmd/server@v${ui}` },
];
const UI_MODULE = `github.com/temporalio/ui-server/v2@v${ui}`;

const home = process.env.WATARI_HOME ?? path.join(root, '.watari');
const folder = path.join(home, 'temporal-server', `${server}-${process.platform}-${process.arch}`);

function ask(command, args, env = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  return done.status === 0 ? done.stdout.trim() : null;
}

/** Compiled code is named by the last part of its package: `server` and `sql`; hence a folder for each. */
async function build({ name, module }) {
  const target = path.join(folder, name);
  if (fs.existsSync(target)) return 0;
  if (ask('go', ['version']) === null) {
    unavailable(
      `There is no Go on PATH, which builds ${name}.`,
      'Install Go 1.26 or newer (https://go.dev/dl), or put the programs temporal-server, temporal-sql-tool and ' +
        `temporal-ui of these versions into ${folder}`,
    );
  }
  fs.mkdirSync(folder, { recursive: true });
  const draft = fs.mkdtempSync(path.join(folder, 'draft-'));
  const bin = path.join(draft, 'bin');
  const started = Date.now();
  const secondsSoFar = () => Math.round((Date.now() - started) / 1000);
  say(`Building ${name} (${module}), once`);
  // As upstream builds its own image; without symbols it is 136 MB instead of 211.
  const flags = ['-trimpath', '-tags', 'disable_grpc_modules', '-ldflags', '-s -w'];
  const going = spawn('go', ['install', ...flags, module], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, GOBIN: bin, CGO_ENABLED: '0' },
  });
  let said = '';
  going.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  // A busy machine takes an hour over it.
  const patience = setInterval(() => say(`  ${name}: ${secondsSoFar()} s so far`), 60_000);
  const [status] = await once(going, 'close');
  clearInterval(patience);
  if (status !== 0) {
    fs.rmSync(draft, { recursive: true, force: true });
    const why = said.trim().split('\n').slice(-5).join('\n');
    unavailable(
      `${name} could not be built from the Go module proxy:\n${why}`,
      'Is the proxy reachable (go env GOPROXY), and is Go new enough for that version?',
    );
  }
  fs.renameSync(path.join(bin, fs.readdirSync(bin)[0]), target);
  fs.rmSync(draft, { recursive: true, force: true });
  const seconds = secondsSoFar();
  say(`Built ${name} in ${seconds} s`);
  return seconds;
}

/** The UI reads a folder of templates that lies in its module; the image has a copy of it. */
function uiConfig() {
  const target = path.join(folder, 'ui-config');
  if (fs.existsSync(target)) return target;
  const listed = ask('go', ['mod', 'download', '-json', UI_MODULE]);
  const dir = listed === null ? null : JSON.parse(listed).Dir;
  if (dir === null)
    unavailable(`The configuration of ${UI_MODULE} is not there.`, 'Is Go on PATH?');
  const draft = `${target}.${process.pid}`;
  fs.cpSync(path.join(dir, 'config'), draft, { recursive: true });
  // The module cache is read-only, and a copy of it would be too.
  for (const name of fs.readdirSync(draft)) fs.chmodSync(path.join(draft, name), 0o644);
  fs.chmodSync(draft, 0o755);
  fs.renameSync(draft, target);
  return target;
}

const POSTGRES = ['initdb', 'pg_ctl', 'postgres', 'psql', 'pg_dump', 'pg_restore', 'pg_isready'];

/** The newest one: Debian keeps each version in a folder of its own, mostly off PATH. */
function postgresFolder() {
  const base = '/usr/lib/postgresql';
  const versions = fs.existsSync(base)
    ? fs.readdirSync(base).sort((a, b) => Number(b) - Number(a))
    : [];
  const candidates = [
    ...versions.map((version) => path.join(base, version, 'bin')),
    ...(process.env.PATH ?? '').split(path.delimiter),
  ];
  return candidates.find((dir) => POSTGRES.every((name) => fs.existsSync(path.join(dir, name))));
}

function postgres() {
  const found = postgresFolder();
  if (found !== undefined) return found;
  if (process.argv.includes('--install')) {
    say('Installing PostgreSQL from the packages of this system');
    const done = spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'postgresql'], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    const now = done.status === 0 ? postgresFolder() : undefined;
    if (now !== undefined) return now;
  }
  return unavailable(
    `PostgreSQL is not there: no folder has all of ${POSTGRES.join(', ')}.`,
    'Install it (Debian and Ubuntu: apt-get update, then apt-get install postgresql), or add --install here.',
  );
}

if (process.platform === 'win32') {
  unavailable(
    'The production set-up without containers runs on Linux and macOS only.',
    'On Windows use docker-compose.yml itself.',
  );
}
const database = postgres();
const seconds = {};
for (const program of PROGRAMS) seconds[program.name] = await build(program);
const found = {
  folder,
  server: path.join(folder, 'temporal-server'),
  sqlTool: path.join(folder, 'temporal-sql-tool'),
  ui: path.join(folder, 'temporal-ui'),
  uiConfig: uiConfig(),
  postgres: database,
  versions: {
    server,
    ui,
    postgres: ask(path.join(database, 'postgres'), ['--version'])?.replace(/^.*\) /, '') ?? '',
  },
  /** 0: it was there. */
  builtInSeconds: seconds,
};
console.log(JSON.stringify(found));
