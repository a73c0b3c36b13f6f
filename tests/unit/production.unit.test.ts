// docker-compose.yml turned into processes: every variable and word arrives as the file says, and what is changed is
// what only a container can have.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  DOORS_COUNT,
  environmentOf,
  wordsOf,
  type Place,
} from '../../proof/production/as-process.ts';
import { interpolate, readCompose, type Service } from '../../proof/production/compose-file.ts';
import { ROOT } from '../support/built-setup.ts';

const text = fs.readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8');
const services = readCompose(text, ROOT, { POSTGRES_PASSWORD: 'secret' });
const service = (name: string): Service => services.get(name)!;
const place: Place = {
  ports: { '5432': 21_001, '7233': 21_002, '8080': 21_003, '7400': 21_004 },
  more: Array.from({ length: DOORS_COUNT }, (_, i) => 22_000 + i),
};
const deploy = (...parts: string[]): string => path.join(ROOT, 'deploy', 'temporal', ...parts);

describe('variables of docker-compose.yml', () => {
  it.each([
    ['${A}', 'a'],
    ['x-${A:-b}-y', 'x-a-y'],
    ['${B:-b}', 'b'],
    ['${B}', ''],
    ['$$A', '$A'],
    ['${A:?needed}', 'a'],
  ])('%s is %s', (from, to) => {
    expect(interpolate(from, { A: 'a' })).toBe(to);
  });

  it('that must be set and are not stop everything, with the words of the file', () => {
    expect(() => readCompose(text, ROOT, {})).toThrow(/POSTGRES_PASSWORD.*\.env\.example/);
  });
});

describe('a service as a process', () => {
  it('is told what its container is told, but for names, ports and paths of containers', () => {
    const changed = [...services.values()].flatMap((s) => {
      const own = environmentOf(s, place);
      return Object.entries(s.environment)
        .filter(([name, value]) => own[name] !== value)
        .map(([name, value]) => `${s.name} ${name}: ${value} -> ${own[name] ?? 'missing'}`);
    });
    const settings = deploy('dynamic-config', 'settings.yaml');
    expect(changed).toEqual([
      'temporal-schema SQL_HOST: postgresql -> 127.0.0.1',
      'temporal-schema SQL_PORT: 5432 -> 21001',
      'temporal DB_PORT: 5432 -> 21001',
      'temporal POSTGRES_SEEDS: postgresql -> 127.0.0.1',
      'temporal BIND_ON_IP: 0.0.0.0 -> 127.0.0.1',
      `temporal DYNAMIC_CONFIG_FILE_PATH: /etc/temporal/watari/settings.yaml -> ${settings}`,
      'temporal-namespace TEMPORAL_ADDRESS: temporal:7233 -> 127.0.0.1:21002',
      'temporal-ui TEMPORAL_ADDRESS: temporal:7233 -> 127.0.0.1:21002',
      'lab TEMPORAL_ADDRESS: temporal:7233 -> 127.0.0.1:21002',
    ]);
  });

  it('has doors of its own where containers have theirs', () => {
    const names = Object.keys(service('temporal').environment);
    const added = Object.keys(environmentOf(service('temporal'), place)).filter(
      (name) => !names.includes(name),
    );
    expect(added).toHaveLength(DOORS_COUNT + 1);
    expect(added.every((name) => name.endsWith('_PORT'))).toBe(true);
  });

  it('runs the job scripts of the repository and the command of the database', () => {
    const words = (name: string): string[] => {
      const s = service(name);
      return wordsOf([...s.entrypoint, ...s.command], s, place);
    };
    expect(words('temporal-schema')).toEqual(['sh', deploy('setup-schema.sh')]);
    expect(words('temporal-namespace')).toEqual(['sh', deploy('setup-namespace.sh')]);
    const program = path.join(ROOT, 'dist', 'lab', 'main.js');
    const scenario = path.join(ROOT, 'lab', 'scenarios', 'demo.yaml');
    const lab = ['start', '--scenario', scenario, '--workers', '--log-dir', '-'];
    expect(words('lab')).toEqual(['node', program, ...lab, '--port', '21004']);
    expect(words('postgresql')).toEqual(['postgres', '-c', 'max_connections=200']);
  });

  it('is asked for its health at the same door', () => {
    const asked = (name: string): string[] =>
      wordsOf(service(name).healthcheck ?? [], service(name), place);
    expect(asked('temporal')).toEqual(['nc', '-z', '127.0.0.1', '21002']);
    expect(asked('temporal-ui').at(-1)).toBe('http://127.0.0.1:21003/healthz');
    expect(asked('postgresql')[0]).toBe('pg_isready');
    expect(asked('lab').slice(2)).toEqual(['show', '--url', 'http://127.0.0.1:21004']);
  });
});

describe('programs that cannot be had', () => {
  it('are told with what to install, and exit code 3', () => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-obtain-'));
    const script = path.join(ROOT, 'proof', 'production', 'obtain.mjs');
    // Neither Go nor anything else is found.
    const env = { PATH: home, WATARI_HOME: home };
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      env,
    });
    fs.rmSync(home, { recursive: true, force: true });
    expect(status, stderr).toBe(3);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/no Go on PATH|PostgreSQL is not there|on Linux and macOS only/);
    expect(stderr).toMatch(/Install|use docker-compose\.yml itself/);
  });
});
