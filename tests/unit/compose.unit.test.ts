// docker-compose.yml and what it refers to. Where docker-compose is installed the file is resolved with it too; what
// the jobs do is shown by tests/e2e/setup-namespace.e2e.test.ts.
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
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});
const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
});

const text = read('docker-compose.yml');
const { services, volumes } = composeSchema.parse(parse(text, { merge: true }));
const service = (name: string): z.infer<typeof serviceSchema> => {
  const found = services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};
const JOBS = ['temporal-schema', 'temporal-namespace'];
const all = Object.entries(services);

describe('docker-compose.yml', () => {
  it.each(all)('pins the image of %s to a version', (_name, { image }) => {
    expect(image).toMatch(/^[a-z/-]+:\d+\.\d+(\.\d+)?$/);
  });

  it('runs server, admin tools and UI of the versions that are tested together', () => {
    const images = all.map(([, { image }]) => image);
    expect(images).toContain('temporalio/server:1.32.0');
    expect(images.filter((image) => image.startsWith('temporalio/admin-tools:'))).toEqual([
      'temporalio/admin-tools:1.32.0',
      'temporalio/admin-tools:1.32.0',
    ]);
    expect(images).toContain('temporalio/ui:2.54.1');
    expect(service('postgresql').image).toMatch(/^postgres:16\./);
  });

  it('builds the lab under the version of the package', () => {
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(read('package.json')));
    expect(service('lab')).toMatchObject({ image: `watari:${version}`, build: '.' });
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
        expect(restart).toBe('on-failure');
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
        volumes: z.array(z.string()),
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

  it('mounts the certificates read-only from a folder that is never committed', () => {
    for (const { volumes: mounts } of Object.values(overlay.services)) {
      expect(mounts).toEqual(['./deploy/temporal/tls:/etc/temporal/tls:ro']);
    }
    expect(read('.gitignore').split('\n')).toContain('deploy/temporal/tls');
  });

  it('names files that tls init makes', () => {
    const made = [...Object.values(FILES.server), FILES.authority.certificate];
    const named = [...read('docker-compose.tls.yml').matchAll(/\/etc\/temporal\/tls\/(\S+)/g)];
    const files = named.map(([, file = '']) => file).filter((file) => !file.endsWith(':ro'));
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
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  it('starts from pinned images, installs without development packages and runs as an ordinary user', () => {
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((m) => m[1]);
    expect(new Set(images).size).toBe(1);
    expect(images[0]).toMatch(/^node:22\.\d+\.\d+-bookworm-slim$/);
    const final = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
    expect(final).toMatch(/npm ci --omit=dev/);
    expect(final).toMatch(/^USER node$/m);
  });

  it('copies what is there', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)]
      .flatMap((m) => (m[1] ?? '').split(' '))
      .filter((what) => what !== '.');
    for (const what of copied) expect(fs.existsSync(path.join(ROOT, what)), what).toBe(true);
  });
});

/** `docker-compose` of a distribution, or the plugin of `docker`; null where there is neither. */
function composeProgram(): string[] | null {
  const candidates = [['docker-compose'], ['docker', 'compose']];
  return (
    candidates.find(([program = '', ...args]) => {
      const asked = spawnSync(program, [...args, 'version'], { encoding: 'utf8' });
      return asked.status === 0;
    }) ?? null
  );
}

const compose = composeProgram();

const COMPOSE = {
  isThere: compose !== null,
  lacks: 'no Docker Compose on this machine (docker-compose, or docker with its plugin)',
};

describe('docker-compose itself', needs(COMPOSE), () => {
  let folder = '';
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-compose-'));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  const config = (env: string, ...args: string[]): SpawnSyncReturns<string> => {
    const file = path.join(folder, 'env');
    fs.writeFileSync(file, env);
    const [program = '', ...first] = compose ?? [];
    // The reader's own .env must not decide whether this passes.
    const withoutOurs = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|POSTGRES|COMPOSE)_/.test(name)),
    );
    return spawnSync(program, [...first, '--env-file', file, ...args, 'config', '--services'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: withoutOurs,
    });
  };
  // The one of Debian lists services of all profiles here, the plugin those that are asked for.
  const production = Object.keys(services).filter((name) => name !== 'lab');

  it('resolves the file, without the lab and with it', () => {
    const plain = config('POSTGRES_PASSWORD=secret\n');
    expect(plain.status, plain.stderr).toBe(0);
    expect(plain.stdout.trim().split('\n')).toEqual(expect.arrayContaining(production));
    const withLab = config('POSTGRES_PASSWORD=secret\n', '--profile', 'lab');
    expect(withLab.status, withLab.stderr).toBe(0);
    expect(withLab.stdout.trim().split('\n').sort()).toEqual([...production, 'lab'].sort());
  });

  it('resolves the file with TLS laid over it', () => {
    const files = ['-f', 'docker-compose.yml', '-f', 'docker-compose.tls.yml'];
    const { status, stdout, stderr } = config('POSTGRES_PASSWORD=secret\n', ...files);
    expect(status, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(expect.arrayContaining(production));
  });

  it('refuses to go on without a password and says what to do', () => {
    const { status, stderr } = config(read('.env.example'));
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/set POSTGRES_PASSWORD in it/);
  });
});
