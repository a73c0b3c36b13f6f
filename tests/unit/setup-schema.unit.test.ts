// The job of docker-compose.yml that makes the databases, with a stand-in for the tool that it calls. The real tool
// runs in `npm run test:production`.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';
import { needs, POSIX } from '../support/needs.ts';

describe('setup-schema.sh', needs(POSIX), () => {
  const folder = temporaryFolder('watari-schema-', endsWithAll());

  const runJob = (tool: string): { status: number | null; stderr: string; calls: string[] } => {
    const log = path.join(folder, 'calls');
    fs.rmSync(log, { force: true });
    const script = `#!/bin/sh\necho "$*" >> '${log}'\n${tool}\n`;
    fs.writeFileSync(path.join(folder, 'temporal-sql-tool'), script, { mode: 0o755 });
    const job = path.join(ROOT, 'deploy', 'temporal', 'setup-schema.sh');
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    const { status, stderr } = spawnSync('sh', [job], { encoding: 'utf8', env });
    return { status, stderr, calls: fs.readFileSync(log, 'utf8').trim().split('\n') };
  };

  it('makes or upgrades both databases, each in three steps', () => {
    const { status, calls } = runJob('exit 0');
    expect(status).toBe(0);
    expect(calls).toHaveLength(6);
    expect(calls.at(-1)).toBe(
      '--db temporal_visibility update-schema --schema-name postgresql/v12/visibility',
    );
  });

  it.each([
    ['create-database', 1],
    ['setup-schema', 2],
    ['update-schema', 3],
  ])('ends with %s when that fails, and asks about the password', (step, count) => {
    const { status, stderr, calls } = runJob(`case "$*" in *${step}*) exit 1;; esac`);
    expect(status).toBe(1);
    expect(calls).toHaveLength(count);
    expect(stderr).toContain('Is POSTGRES_PASSWORD in .env the one of the first start?');
  });
});
