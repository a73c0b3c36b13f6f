// docker-compose.yml, what is laid over it, and what they refer to. Every Compose of this machine resolves them too;
// what the jobs do is shown by tests/e2e/setup-namespace.e2e.test.ts.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { FILES } from '../../client/tls/folder.ts';
import { SEARCH_ATTRIBUTES } from '../../domain/names.ts';
import { ROOT } from '../support/built-setup.ts';
import { needs } from '../support/needs.ts';

const read = (file: string): string => fs.readFileSync(path.join(ROOT, file), 'utf8');

const serviceSchema = z.looseObject({
  image: z.string(),
  build: z.string().optional(),
  profiles: z.array(z.string()).default([]),
  restart: z.string(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()),
  command: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  read_only: z.boolean().default(false),
  user: z.string().optional(),
  tmpfs: z.array(z.string()).default([]),
  mem_limit: z.string().optional(),
  pids_limit: z.number().optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});
const composeSchema = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
});

const text = read('docker-compose.yml');
const { name: project, services, volumes } = composeSchema.parse(parse(text, { merge: true }));
const service = (name: string): z.infer<typeof serviceSchema> => {
  const found = services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};
const JOBS = ['temporal-schema', 'temporal-namespace'];
const all = Object.entries(services);

describe('docker-compose.yml', () => {
  it.each(all)('pins the image of %s to a version', (_name, { image }) => {
    // With the release of its base where the tag alone would move to the next one; with a digest where one is known.
    expect(image).toMatch(/^[a-z/-]+:\d+\.\d+(\.\d+)?(-[a-z]+)?(@sha256:[0-9a-f]{64})?$/);
  });

  it('has a name of its own, or another folder would mean another database', () => {
    expect(project).toBe('watari');
  });

  it.each(all)(
    'lets %s have no capability, no new privilege and no file to write to',
    (_name, s) => {
      expect(s).toMatchObject({
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        read_only: true,
      });
    },
  );

  it('starts the database as its own user, because becoming it needs capabilities', () => {
    const { user, tmpfs } = service('postgresql');
    expect(user).toBe('999:999');
    expect(tmpfs).toEqual(['/tmp', '/run/postgresql:uid=999,gid=999']);
  });

  it.each(all)('bounds the memory and the processes of %s', (_name, s) => {
    expect(s.mem_limit).toMatch(/^\d+[mg]$/);
    expect(s.pids_limit).toBeGreaterThan(0);
  });

  it('has the server tidy its memory before the engine ends it', () => {
    const { mem_limit: limit = '', environment } = service('temporal');
    const ownMib = Number(/^(\d+)MiB$/.exec(environment['GOMEMLIMIT'] ?? '')?.[1]);
    const limitMib = Number(/^(\d+)g$/.exec(limit)?.[1]) * 1024;
    expect(ownMib).toBeGreaterThan(limitMib / 2);
    expect(ownMib).toBeLessThan(limitMib);
  });

  it('runs server, admin tools and UI of the versions that are tested together', () => {
    const images = all.map(([, { image }]) => image);
    expect(images).toContain('temporalio/server:1.32.0');
    expect(images.filter((image) => image.startsWith('temporalio/admin-tools:'))).toEqual([
      'temporalio/admin-tools:1.32.0',
      'temporalio/admin-tools:1.32.0',
    ]);
    expect(images).toContain('temporalio/ui:2.54.1');
    // 16.14 closed eleven holes; another release of Debian would sort text in another way than the indexes do.
    const [, minor = '', suite] =
      /^postgres:16\.(\d+)-(\w+)$/.exec(service('postgresql').image) ?? [];
    expect(Number(minor)).toBeGreaterThanOrEqual(15);
    expect(suite).toBe('trixie');
  });

  it('builds the lab under the version of the package', () => {
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(read('package.json')));
    expect(service('lab')).toMatchObject({ image: `watari:${version}`, build: '.' });
  });

  it('builds the lab at every start, so that edited sources are not answered by an old image', () => {
    expect(service('lab')['pull_policy']).toBe('build');
  });

  it('lets the lab link to the UI as it is reached from outside', () => {
    const [outside = ''] = service('temporal-ui').ports;
    expect(service('lab').environment['WATARI_UI']).toBe(
      `http://${outside.slice(0, outside.lastIndexOf(':'))}`,
    );
  });

  it('lets the workers of the lab speak where `docker compose logs` hears them', () => {
    expect(service('lab').command?.join(' ')).toContain('--log-dir -');
  });

  it.each(all)('publishes ports of %s on the loopback unless .env says otherwise', (_name, s) => {
    for (const port of s.ports)
      expect(port).toMatch(/^(\$\{TEMPORAL_BIND:-127\.0\.0\.1\}|127\.0\.0\.1):/);
  });

  it('starts the lab only when its profile is asked for', () => {
    const optional = all.filter(([, { profiles }]) => profiles.length > 0);
    expect(optional.map(([name, { profiles }]) => [name, profiles])).toEqual([['lab', ['lab']]]);
  });

  it('publishes the server and the UI, and never the database', () => {
    const publishing = all.filter(([, { ports }]) => ports.length > 0).map(([name]) => name);
    expect(publishing).toEqual(['temporal', 'temporal-ui']);
  });

  it.each(all)(
    'either checks the health of %s or runs it once',
    (name, { healthcheck, restart }) => {
      if (JOBS.includes(name)) {
        // Without a number `up --wait` would never end when it cannot succeed.
        expect(restart).toMatch(/^on-failure:\d$/);
      } else {
        expect(restart).toBe('unless-stopped');
        expect(healthcheck?.test[0]).toBe('CMD');
      }
    },
  );

  it('starts everything after what it needs', () => {
    const needs = Object.fromEntries(
      all.map(([name, { depends_on: on }]) => [
        name,
        Object.entries(on).map(([what, { condition }]) => `${what} ${condition}`),
      ]),
    );
    const database = 'postgresql service_healthy';
    const server = 'temporal service_healthy';
    const namespace = 'temporal-namespace service_completed_successfully';
    expect(needs).toEqual({
      postgresql: [],
      'temporal-schema': [database],
      temporal: [database, 'temporal-schema service_completed_successfully'],
      'temporal-namespace': [server],
      'temporal-ui': [server, namespace],
      lab: [server, namespace],
    });
  });

  it('keeps the database in a named volume and never trades its commits for speed', () => {
    expect(service('postgresql').volumes).toEqual(['database:/var/lib/postgresql/data']);
    expect(Object.keys(volumes)).toEqual(['database']);
    expect(service('postgresql').command?.join(' ')).not.toMatch(/fsync|synchronous_commit/);
  });

  it('registers the search attributes that the workflows set', () => {
    const types = { KEYWORD: 'Keyword', BOOL: 'Bool' } as const;
    const wanted = Object.entries(SEARCH_ATTRIBUTES).map(
      ([name, type]) => `${name}=${types[type]}`,
    );
    expect(service('temporal-namespace').environment['SEARCH_ATTRIBUTES']).toBe(wanted.join(' '));
  });

  it('mounts files that are there, and the settings are where the server looks for them', () => {
    const mounts = all.flatMap(([, s]) => s.volumes).filter((mount) => mount.startsWith('./'));
    expect(mounts.length).toBeGreaterThan(0);
    for (const mount of mounts) {
      expect(fs.existsSync(path.join(ROOT, mount.split(':')[0] ?? ''))).toBe(true);
      expect(mount).toMatch(/:ro$/);
    }
    const [from = '', to = ''] = service('temporal').volumes[0]?.split(':') ?? [];
    const settings = service('temporal').environment['DYNAMIC_CONFIG_FILE_PATH'] ?? '';
    expect(path.posix.dirname(settings)).toBe(to);
    expect(fs.existsSync(path.join(ROOT, from, path.posix.basename(settings)))).toBe(true);
  });

  it('gives the server the settings without which activities cost 100 ms and upgraded runs wait minutes', () => {
    const settings = z
      .record(z.string(), z.array(z.object({ value: z.unknown() })))
      .parse(parse(read('deploy/temporal/dynamic-config/settings.yaml')));
    expect(settings['history.transferProcessorMaxPollRPS']).toEqual([{ value: 1000 }]);
    expect(settings['history.timerProcessorMaxPollRPS']).toEqual([{ value: 1000 }]);
    expect(settings['history.timerProcessorMaxTimeShift']).toEqual([{ value: '1ms' }]);
    expect(settings['history.workflowTaskRetryMaxInterval']).toEqual([{ value: '10s' }]);
  });

  it('starts the lab with a program and a scenario that exist', () => {
    const words = service('lab').command ?? [];
    const program = words.find((word) => word.startsWith('dist/')) ?? '';
    const source = program.replace(/^dist\//, '').replace(/\.js$/, '.ts');
    expect(fs.existsSync(path.join(ROOT, source))).toBe(true);
    const scenario = words[words.indexOf('--scenario') + 1] ?? '';
    expect(fs.existsSync(path.join(ROOT, scenario))).toBe(true);
  });
});

describe('docker-compose.tls.yml', () => {
  const overlaySchema = z.looseObject({
    services: z.record(
      z.string(),
      z.strictObject({
        environment: z.record(z.string(), z.string()),
        volumes: z.array(z.unknown()),
        labels: z.record(z.string(), z.string()).optional(),
      }),
    ),
  });
  const overlay = overlaySchema.parse(parse(read('docker-compose.tls.yml'), { merge: true }));
  const environmentOf = (name: string): Record<string, string> =>
    overlay.services[name]?.environment ?? {};

  it('changes every service that talks to Temporal, and no other', () => {
    const talking = all.filter(([name, s]) => {
      return name === 'temporal' || s.environment['TEMPORAL_ADDRESS'] !== undefined;
    });
    expect(Object.keys(overlay.services).sort()).toEqual(talking.map(([name]) => name).sort());
  });

  it('lets nobody in without a certificate, from outside and between the parts of the server', () => {
    const [pem, key, ca] = ['server.pem', 'server.key', 'ca.pem'].map(
      (file) => `/etc/temporal/tls/${file}`,
    );
    expect(environmentOf('temporal')).toMatchObject({
      TEMPORAL_TLS_REQUIRE_CLIENT_AUTH: 'true',
      TEMPORAL_TLS_FRONTEND_CERT: pem,
      TEMPORAL_TLS_FRONTEND_KEY: key,
      TEMPORAL_TLS_CLIENT1_CA_CERT: ca,
      TEMPORAL_TLS_SERVER_CERT: pem,
      TEMPORAL_TLS_SERVER_KEY: key,
      TEMPORAL_TLS_SERVER_CA_CERT: ca,
      TEMPORAL_TLS_INTERNODE_SERVER_NAME: 'temporal',
      TEMPORAL_TLS_FRONTEND_SERVER_NAME: 'temporal',
    });
  });

  it('turns no check of a name or a certificate off', () => {
    for (const { environment } of Object.values(overlay.services)) {
      const off = Object.keys(environment).filter((name) => /DISABLE_HOST_VERIFICATION/.test(name));
      expect(off).toEqual([]);
    }
    expect(environmentOf('temporal-ui')['TEMPORAL_TLS_ENABLE_HOST_VERIFICATION']).toBe('true');
  });

  it('mounts the certificates read-only, and no empty folder in their place', () => {
    for (const { volumes: mounts } of Object.values(overlay.services)) {
      expect(mounts).toEqual([
        {
          type: 'bind',
          source: './deploy/temporal/tls',
          target: '/etc/temporal/tls',
          read_only: true,
          bind: { create_host_path: false },
        },
      ]);
    }
  });

  it('names files that tls init makes', () => {
    const made = [...Object.values(FILES.server), FILES.authority.certificate];
    const named = [...read('docker-compose.tls.yml').matchAll(/\/etc\/temporal\/tls\/(\S+)/g)];
    const files = named.map(([, file = '']) => file);
    expect([...new Set(files)].sort()).toEqual([...made].sort());
  });
});

describe('.env.example', () => {
  const example = new Map(
    read('.env.example')
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line))
      .map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)] as const),
  );
  const used = new Map(
    [...text.matchAll(/\$\{([A-Z_]+)(?::-([^}]*))?/g)].map(
      (m) => [m[1] ?? '', m[2] ?? ''] as const,
    ),
  );

  it('names every variable of docker-compose.yml, with the same default, and no other', () => {
    expect(Object.fromEntries(example)).toEqual(Object.fromEntries(used));
  });

  it('leaves the password to be set', () => {
    expect(example.get('POSTGRES_PASSWORD')).toBe('');
  });

  it('has the lines that switch TLS on for every command, with files that are there', () => {
    const [, names = ''] = /^#COMPOSE_FILE=(.+)$/m.exec(read('.env.example')) ?? [];
    expect(read('.env.example')).toMatch(/^#COMPOSE_PATH_SEPARATOR=:$/m);
    expect(names.split(':')).toEqual(['docker-compose.yml', 'docker-compose.tls.yml']);
    // The files are named nowhere with -f: the next plain command would go on without TLS.
    const told = ['client/tls/instructions.ts', ...fs.readdirSync(path.join(ROOT, 'docs'))]
      .map((file) => (file.includes('/') ? file : `docs/${file}`))
      .filter((file) => fs.statSync(path.join(ROOT, file)).isFile());
    expect(told.filter((file) => /compose.* -f \S*compose/.test(read(file)))).toEqual([]);
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  it('starts from pinned images, installs without development packages and runs as an ordinary user', () => {
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((m) => m[1]);
    expect(new Set(images).size).toBe(1);
    expect(images[0]).toMatch(/^node:22\.\d+\.\d+-bookworm-slim(@sha256:[0-9a-f]{64})?$/);
    const final = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
    expect(final).toMatch(/npm ci --omit=dev/);
    expect(final).toMatch(/^USER node$/m);
  });

  it('keeps no binaries of other platforms', () => {
    const releases = /find (\S+core-bridge\/releases).*\n? *! -name "\$\(uname -m\)(\S+)"/.exec(
      dockerfile.replaceAll('\\\n', ''),
    );
    const [, folder = '', platform = ''] = releases ?? [];
    const kept = fs.readdirSync(path.join(ROOT, folder)).filter((name) => name.endsWith(platform));
    expect(kept.sort()).toEqual(['aarch64-unknown-linux-gnu', 'x86_64-unknown-linux-gnu']);
  });

  it('copies what is there', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)]
      .flatMap((m) => (m[1] ?? '').split(' '))
      .filter((what) => what !== '.');
    for (const what of copied) expect(fs.existsSync(path.join(ROOT, what)), what).toBe(true);
  });
});

const asked = (words: readonly string[]): SpawnSyncReturns<string> =>
  spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8' });

/** Every Compose of this machine that has `up --wait`; those of version 1 do not, and refuse the name of the file. */
const COMPOSES = [['docker', 'compose'], ['docker-compose'], ['podman-compose']].filter((words) => {
  const { status, stdout } = asked([...words, 'version']);
  return status === 0 && !/version:? v?1\.\d+\.\d+, build/.test(stdout);
});

/** The reader's own settings must not decide whether this passes. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|POSTGRES|COMPOSE)_/.test(name)),
);

const COMPOSE = {
  isThere: COMPOSES.length > 0,
  lacks:
    'no Compose of version 2 on this machine (docker compose, docker-compose or podman-compose)',
};

describe.each(COMPOSE.isThere ? COMPOSES.map((words) => words.join(' ')) : ['Compose'])(
  '%s',
  needs(COMPOSE),
  (program) => {
    let folder = '';
    beforeAll(() => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-compose-'));
    });
    afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

    const config = (env: string, ...args: string[]): SpawnSyncReturns<string> => {
      const file = path.join(folder, 'env');
      fs.writeFileSync(file, env);
      const [command = '', ...first] = program.split(' ');
      return spawnSync(command, [...first, '--env-file', file, ...args, 'config', '--services'], {
        cwd: ROOT,
        encoding: 'utf8',
        env: ENVIRONMENT,
      });
    };
    const PASSWORD = 'POSTGRES_PASSWORD=secret\n';
    const production = Object.keys(services)
      .filter((name) => name !== 'lab')
      .sort();
    const listed = ({ stdout }: SpawnSyncReturns<string>): string[] =>
      stdout.trim().split('\n').sort();

    it('resolves the file, without the lab and with it', () => {
      const plain = config(PASSWORD);
      expect(plain.status, plain.stderr).toBe(0);
      expect(listed(plain)).toEqual(production);
      const withLab = config(PASSWORD, '--profile', 'lab');
      expect(withLab.status, withLab.stderr).toBe(0);
      expect(listed(withLab)).toEqual([...production, 'lab'].sort());
    });

    it('resolves the file with TLS laid over it', () => {
      const files = 'docker-compose.yml:docker-compose.tls.yml';
      const env = `${PASSWORD}COMPOSE_PATH_SEPARATOR=:\nCOMPOSE_FILE=${files}\n`;
      const said = config(env, ...files.split(':').flatMap((file) => ['-f', file]));
      expect(said.status, said.stderr).toBe(0);
      expect(listed(said)).toEqual(production);
    });

    it('refuses to go on without a password and says what to do, every time', () => {
      for (let time = 1; time <= 10; time += 1) {
        const { status, stderr } = config(read('.env.example'));
        expect(status).not.toBe(0);
        expect(stderr).toMatch(/copy \.env\.example to \.env and set POSTGRES_PASSWORD in it/);
      }
    });
  },
);

const DOCKER = {
  isThere: COMPOSES.some(([program]) => program?.startsWith('docker') === true),
  lacks: 'no Docker Compose of version 2 on this machine (docker compose or docker-compose)',
};

describe('TLS', needs(DOCKER), () => {
  const words = COMPOSES.find(([program]) => program?.startsWith('docker')) ?? [];
  const [program = '', ...first] = words;
  const files = ['docker-compose.yml', 'docker-compose.tls.yml'];
  let folder = '';
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-compose-tls-'));
    for (const file of files) fs.copyFileSync(path.join(ROOT, file), path.join(folder, file));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  const config = (env: string, ...args: string[]): SpawnSyncReturns<string> => {
    fs.writeFileSync(path.join(folder, '.env'), env);
    return spawnSync(program, [...first, ...args, 'config'], {
      cwd: folder,
      encoding: 'utf8',
      env: ENVIRONMENT,
    });
  };

  it('stays on for a plain command once .env.example’s lines are in use', () => {
    const env = read('.env.example')
      .replace('POSTGRES_PASSWORD=', 'POSTGRES_PASSWORD=secret')
      .replace(/^#COMPOSE_/gm, 'COMPOSE_');
    const { status, stdout, stderr } = config(env);
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('TEMPORAL_TLS_REQUIRE_CLIENT_AUTH: "true"');
  });

  it('is refused to one command alone, because the next would take it away', () => {
    const { status, stderr } = config(
      'POSTGRES_PASSWORD=secret\n',
      ...files.flatMap((file) => ['-f', file]),
    );
    expect(status).not.toBe(0);
    expect(stderr).toMatch(
      /set COMPOSE_FILE=docker-compose\.yml:docker-compose\.tls\.yml in \.env/,
    );
  });
});
