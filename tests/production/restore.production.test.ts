// The production set-up of docker-compose.yml, as processes: it comes up, and a backup made and put back with the
// commands of docs/backup.md lets runs go on, with nothing happening a second time. `npm run test:production`, not in
// `npm test`: the first time it builds a Temporal server, which takes minutes.
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { obtainPrograms } from '../../proof/production/programs.ts';
import { ProductionStack } from '../../proof/production/stack.ts';
import { ROOT } from '../support/built-setup.ts';
import { surviveRestore, type Restorable } from '../support/restore-story.ts';
import { findCliForTests } from '../support/temporal.ts';
import { killAll } from '../support/processes.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

const ends = endsWithAll();
const folder = temporaryFolder('watari-production-', ends);
let stack: ProductionStack;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

beforeAll(async () => {
  stack = ends(
    await ProductionStack.start({
      programs: await obtainPrograms(say),
      cliPath: await findCliForTests(),
      folder,
      searchPath: process.env['PATH'] ?? '',
      ui: true,
      say,
    }),
  );
  ends(killAll);
});

/** The code block of docs/backup.md that begins after these words. */
function documented(after: string): string[] {
  const text = fs.readFileSync(path.join(ROOT, 'docs', 'backup.md'), 'utf8');
  const block = /```sh\n([\s\S]*?)```/.exec(text.slice(text.indexOf(after)))?.[1] ?? '';
  return block.trim().split('\n');
}

/** Types a documented command: what Compose would do to a container is done to the process. */
async function type(line: string): Promise<void> {
  const services = /^docker compose (stop|start) (.+)$/.exec(line);
  if (services !== null) {
    const [, verb, names = ''] = services;
    for (const name of names.split(' ')) {
      const one = name === 'temporal' ? stack.server : stack.ui;
      if (verb === 'stop') await one.stop();
      else one.start();
      if (verb === 'start') await stack.healthy(name);
    }
    return;
  }
  const exec = /^docker compose exec -T postgresql (\S+) ([^<>]+?)(?: ([<>]) (\S+))?$/.exec(line);
  const [, program = '', words = '', arrow, file = ''] = exec ?? [];
  if (exec === null)
    throw new Error(`docs/backup.md has a command that this test does not know: ${line}`);
  const at = path.join(folder, file);
  const io = arrow === '<' ? { stdin: at } : arrow === '>' ? { stdout: at } : {};
  stack.database.run(program, words.split(' '), io);
}

const typeAll = async (lines: string[]): Promise<void> => {
  for (const line of lines) await type(line);
};

describe('the production set-up', () => {
  it('has run its jobs, and running them again changes nothing', async () => {
    expect(await stack.job('temporal-schema')).toMatch(/schema of temporal_visibility/);
    expect(await stack.job('temporal-namespace')).toMatch(/ready/);
  });

  it('shows the server in its UI', async () => {
    const answer = await fetch(`${stack.uiUrl}/api/v1/namespaces`);
    expect(await answer.text()).toContain(stack.namespace);
  });
});

describe('a restore of PostgreSQL with the commands of docs/backup.md', () => {
  it('lets runs go on from the older state, and nothing happens a second time', async () => {
    const backup = documented('## PostgreSQL');
    const restore = documented('To restore, stop every worker, then:');
    expect(backup.join(' ')).toContain('pg_dump');
    expect(restore.join(' ')).toContain('pg_restore');
    const { address, namespace } = stack;
    const restorable: Restorable = {
      address,
      namespace,
      backup: () => typeAll(backup),
      restore: () => typeAll(restore),
    };
    // Two dumps and a stop of the server in order take longer than the copy of a file.
    await surviveRestore(restorable, 1.5);
  });
});
