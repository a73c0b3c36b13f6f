// Processes that cannot load the native part of Temporal's SDK: they say why and what to do, without a stack. The file
// really is no library; everything else is what it is in dist/.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { logFiles } from '../../config/service-files.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';
import { killAll, startNode } from '../support/processes.ts';

const ends = endsWithAll();
const folder = temporaryFolder('watari-native-', ends);
ends(killAll);
const at = (...parts: string[]): string => path.join(folder, ...parts);

const COPIED = ['worker', 'core-bridge'];

/** All packages by links, but for the one whose native file is text, and the one that loads it. */
function brokenCopy(): void {
  const packages = (scope: string): string[] =>
    fs.readdirSync(path.join(ROOT, 'node_modules', scope)).map((name) => path.join(scope, name));
  const linked = packages('').filter((name) => !name.startsWith('.') && name !== '@temporalio');
  const sdk = packages('@temporalio').filter((name) => !COPIED.includes(path.basename(name)));
  fs.mkdirSync(at('node_modules', '@temporalio'), { recursive: true });
  for (const name of [...linked, ...sdk])
    fs.symlinkSync(path.join(ROOT, 'node_modules', name), at('node_modules', name), 'junction');
  for (const name of COPIED) {
    const source = path.join(ROOT, 'node_modules', '@temporalio', name);
    fs.cpSync(source, at('node_modules', '@temporalio', name), {
      recursive: true,
      filter: (file) => !['releases', 'sdk-core'].includes(path.basename(file)),
    });
  }
  for (const name of packages(path.join('@temporalio', 'core-bridge', 'releases'))) {
    fs.mkdirSync(at('node_modules', name), { recursive: true });
    fs.writeFileSync(at('node_modules', name, 'index.node'), 'no library of any system');
  }
  fs.cpSync(path.join(ROOT, 'dist'), at('dist'), {
    recursive: true,
    filter: (file) => path.basename(file) !== 'proof',
  });
  fs.copyFileSync(path.join(ROOT, 'package.json'), at('package.json'));
}

describe('a native part that is no library', () => {
  brokenCopy();
  const words = ['--cluster', 'hv-lab', '--node', 'HV1', '--lab', 'http://127.0.0.1:9'];

  it('ends worker start with a sentence, in its log too', async () => {
    const main = at('dist', 'client', 'main.js');
    const worker = startNode([main, 'worker', 'start', ...words, '--log-folder', at('logs')]);
    expect(await worker.ended).toBe(1);
    expect(worker.stderr()).toMatch(/^watari: the native part of Temporal's SDK cannot be loaded/);
    expect(worker.stderr()).not.toMatch(/^ +at /m);
    const [log = ''] = logFiles(at('logs'));
    expect(fs.readFileSync(log, 'utf8')).toContain('cannot be loaded');
  });

  it('ends the worker of a lab with the same', async () => {
    const worker = startNode([at('dist', 'workers', 'main.js'), ...words]);
    expect(await worker.ended).toBe(1);
    expect(worker.stderr()).toMatch(/^the native part of Temporal's SDK cannot be loaded/);
    expect(worker.stderr()).not.toMatch(/^ +at /m);
  });

  it('is no matter for commands that do not need it', async () => {
    const version = startNode([at('dist', 'client', 'main.js'), '--version']);
    expect(await version.ended, version.stderr()).toBe(0);
  });
});
