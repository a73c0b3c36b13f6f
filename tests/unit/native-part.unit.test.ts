// What is said when Temporal's native part cannot be loaded: with fakes of a Windows, and with a file that really is
// none.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { asClientError } from '../../client/foreign-errors.ts';
import { tryNativePart } from '../../client/service/native-part.ts';
import { nativeProblem, type NativeMachine } from '../../config/native-part.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

const ends = endsWithAll();
const folder = temporaryFolder('watari native 渡り ', ends);
const refused = Object.assign(
  new Error('指定されたモジュールが見つかりません。\r\n\\\\?\\C:\\index.node'),
  {
    code: 'ERR_DLOPEN_FAILED',
  },
);

function windows(has: readonly string[]): NativeMachine {
  return { platform: 'win32', systemRoot: 'C:\\Windows', isThere: (file) => has.includes(file) };
}
const RUNTIME = 'C:\\Windows\\System32\\VCRUNTIME140.dll';

/** A package @temporalio/worker whose native file is text, where Node would find it. */
function brokenInstallation(): string {
  const worker = path.join(folder, 'node_modules', '@temporalio', 'worker');
  fs.mkdirSync(worker, { recursive: true });
  fs.writeFileSync(path.join(worker, 'broken.node'), 'no library of any system');
  fs.writeFileSync(path.join(worker, 'index.js'), "require('./broken.node');\n");
  return folder;
}

describe('a native part that cannot be loaded', () => {
  it('is explained by the runtime that Windows lacks, whatever language the loader speaks', () => {
    const problem = nativeProblem(refused, windows([]));
    expect(problem).toMatchObject({ code: 'VisualCppMissing' });
    expect(problem?.message).toContain(RUNTIME);
    expect(problem?.hint).toContain('vc_redist.x64.exe');
  });

  it('is not blamed on a runtime that is there', () => {
    const problem = nativeProblem(refused, windows([RUNTIME]));
    expect(problem).toMatchObject({ code: 'NativePartUnusable' });
    expect(problem?.message).toContain(refused.message);
  });

  it('is found under what others have wrapped it in', () => {
    const wrapped = new Error('Failed to start', { cause: new Error('no', { cause: refused }) });
    expect(nativeProblem(wrapped, windows([]))?.code).toBe('VisualCppMissing');
  });

  it('may be one that this computer has none of', () => {
    const none = Object.assign(new Error('No prebuilt module for arch ia32'), {
      name: 'PrebuildError',
    });
    const linux: NativeMachine = { ...windows([]), platform: 'linux' };
    expect(nativeProblem(none, linux)?.message).toContain('arch ia32');
  });

  it('is no other error', () => {
    const other = Object.assign(new Error('x'), { code: 'ERR_MODULE_NOT_FOUND' });
    for (const err of [other, new Error('x'), 'x', null]) {
      expect(nativeProblem(err, windows([]))).toBeNull();
    }
  });

  it('is told in words by the command that meets it', () => {
    const file = path.join(brokenInstallation(), 'node_modules', '@temporalio', 'worker');
    let thrown: unknown = null;
    try {
      createRequire(import.meta.url)(file);
    } catch (err) {
      thrown = err;
    }
    // On a Windows without the runtime it would be the other one.
    const { code, message, exitCode } = asClientError(thrown);
    expect(code).toMatch(/^(NativePartUnusable|VisualCppMissing)$/);
    expect(message).toContain('cannot be loaded');
    expect(exitCode).toBe(1);
  });
});

describe('the trial before a worker is installed', () => {
  const program = process.execPath;

  it('loads what the worker will load', async () => {
    await tryNativePart({ program, root: ROOT });
  });

  it('refuses a native part that is none, with the remedy, and says that nothing was registered', async () => {
    const trial = { program, root: brokenInstallation(), machine: windows([]) };
    await expect(tryNativePart(trial)).rejects.toMatchObject({
      code: 'VisualCppMissing',
      hint: expect.stringMatching(/vc_redist\.x64\.exe .*\nNothing was registered\.$/) as string,
    });
    await expect(tryNativePart({ ...trial, machine: windows([RUNTIME]) })).rejects.toMatchObject({
      code: 'NativePartUnusable',
    });
  });

  it('refuses a folder in which packages are missing, and a program that says nothing', async () => {
    const empty = temporaryFolder('watari-empty-', ends);
    await expect(tryNativePart({ program, root: empty })).rejects.toMatchObject({
      code: 'WorkerNotLoadable',
      message: expect.stringContaining('@temporalio/worker') as string,
    });
    const run = async () => ({ code: 9, text: '' });
    await expect(tryNativePart({ program, root: ROOT, run })).rejects.toMatchObject({
      code: 'WorkerNotLoadable',
    });
  });
});
