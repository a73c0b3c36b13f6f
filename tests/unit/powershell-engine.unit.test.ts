// Which PowerShell a worker takes, what environment it gets, and how an error's codes are read from its chain.
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  powerShellEnvironment,
  readPowerShellPlaces,
} from '../../config/powershell-environment.ts';
import { EngineProblem, findEngine, type EngineMachine } from '../../hyperv/powershell/engine.ts';
import { failureOf } from '../../hyperv/powershell/failures.ts';
import { encodeArgument, operationLine, readReply } from '../../hyperv/powershell/reply.ts';

const machine = (platform: NodeJS.Platform, files: string[], arch = 'x64'): EngineMachine => ({
  platform,
  arch,
  isFile: (file) => files.includes(file),
});
const WINDOWS = 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe';
const nothing = { chosen: null, systemRoot: null, searchPath: '' };

describe('findEngine', () => {
  it('takes Windows PowerShell by its absolute path on Windows, whatever PATH says', () => {
    const places = { ...nothing, systemRoot: 'C:\\Windows', searchPath: 'C:\\elsewhere' };
    expect(findEngine(places, machine('win32', [WINDOWS]))).toBe(WINDOWS);
  });

  it('goes around the redirection of a 32-bit Node', () => {
    const native = WINDOWS.replace('System32', 'Sysnative');
    expect(findEngine(nothing, machine('win32', [WINDOWS, native], 'ia32'))).toBe(native);
  });

  it('takes the first pwsh on PATH elsewhere, from absolute folders only', () => {
    const folders = ['bin', path.resolve('/opt/a'), path.resolve('/opt/b')];
    const places = { ...nothing, searchPath: folders.join(path.delimiter) };
    const last = path.join(folders[2] ?? '', 'pwsh');
    const files = [path.join('bin', 'pwsh'), last];
    expect(findEngine(places, machine('linux', files))).toBe(last);
  });

  it('takes what is named on purpose, and nothing else when that is not there', () => {
    const chosen = path.resolve('/opt/pwsh');
    const places = { ...nothing, chosen, searchPath: path.resolve('/usr/bin') };
    const other = path.join(path.resolve('/usr/bin'), 'pwsh');
    expect(findEngine(places, machine('linux', [chosen, other]))).toBe(chosen);
    expect(() => findEngine(places, machine('linux', [other]))).toThrow(chosen);
  });

  it('says where it has looked', () => {
    expect(() => findEngine(nothing, machine('win32', []))).toThrow(WINDOWS);
    expect(() => findEngine(nothing, machine('linux', []))).toThrow(EngineProblem);
  });
});

describe('the environment of a shell', () => {
  it('loses what would choose another executable or other modules, whatever its case', () => {
    const env = { Node_PowerShell: 'x', psmodulepath: 'y', SystemRoot: 'C:\\Windows', Path: 'p' };
    const out = powerShellEnvironment({}, env);
    expect(Object.keys(out).map((name) => name.toLowerCase())).not.toContain('psmodulepath');
    expect(Object.keys(out).map((name) => name.toLowerCase())).not.toContain('node_powershell');
    expect(out).toMatchObject({
      SystemRoot: 'C:\\Windows',
      Path: 'p',
      TERM: 'dumb',
      NO_COLOR: '1',
    });
  });

  it('has a module path that was given on purpose, once', () => {
    const out = powerShellEnvironment({ PSModulePath: 'ours' }, { PSMODULEPATH: 'theirs' });
    const paths = Object.entries(out).filter(([name]) => /^psmodulepath$/i.test(name));
    expect(paths).toEqual([['PSModulePath', 'ours']]);
  });

  it('is searched without case, and emptiness is not a value', () => {
    const places = readPowerShellPlaces({ systemroot: 'C:\\W', Path: 'a', WATARI_PWSH: ' ' });
    expect(places).toEqual({ chosen: null, systemRoot: 'C:\\W', searchPath: 'a' });
  });
});

describe('the line protocol', () => {
  it('marks every string, however deep, and leaves absent fields out', () => {
    expect(encodeArgument({ a: 'x', b: [1, 'y', null], c: undefined, d: true })).toEqual({
      a: '=x',
      b: [1, '=y', null],
      d: true,
    });
  });

  it('sends no value as script text', () => {
    const line = operationLine('n', 'readServices', { names: ["'; Stop-Computer; '"] });
    expect(line).toMatch(/^Invoke-WatariOperation '[A-Za-z0-9+/=]+'$/);
  });

  it('takes nothing for an answer that lacks the nonce of the question', () => {
    const body = Buffer.from('{"ok":true,"facts":1,"cmdlets":[],"log":[]}').toString('base64');
    const line = `${body.length}:${body}`;
    expect(readReply('abc', `noise <abc:${line}> more`)).toMatchObject({
      kind: 'reply',
      stray: 'noise  more',
    });
    expect(readReply('abd', `<abc:${line}>`).kind).toBe('none');
    expect(readReply('abc', `<abc:${line}`).kind).toBe('none');
    expect(readReply('abc', '<abc:4:e30=>').kind).toBe('none');
  });
});

describe('an error of PowerShell', () => {
  const failure = (codes: string[], errorId = 'Move-X,Some.Class') => ({
    errorId,
    category: 'NotSpecified',
    command: 'Move-X',
    message: 'it failed',
    chain: codes.map((hresult) => ({ type: 'T', hresult, message: 'm' })),
  });
  const infoOf = (codes: string[], errorId?: string) =>
    failureOf('startMove', 'HV1', failure(codes, errorId)).info;

  it('is known by its innermost code that says something', () => {
    const codes = ['0x80131501', '0x80071398', '0x80004005'];
    expect(infoOf(codes)).toMatchObject({
      hresult: '0x80071398',
      hresults: ['0x80071398', '0x80004005'],
      errorId: 'Move-X,Some.Class',
      outcome: 'refused',
    });
    expect(infoOf(['0x80131501', '0x80004005']).hresult).toBe('0x80004005');
    expect(infoOf(['0x80131501']).hresult).toBeUndefined();
  });

  it.each([
    ['Could not initialize memory: Ran out of memory (0x8007000E).', '0x8007000E'],
    ["'vm1' を起動できませんでした (0x80004005)。メモリ不足です (0x8007000e)。", '0x8007000E'],
    [
      'The source type is not supported. (0xC00CEF0B).\nIt failed. (Virtual machine ID 0)',
      '0xC00CEF0B',
    ],
    ['General failure (0x80004005).', '0x80004005'],
    ["'db (0x80070005)' failed to start.", undefined],
    ['No code (0x80131500) and success (0x00000000).', undefined],
  ])('of Hyper-V has its code in its text: %s', (message, hresult) => {
    const told = { ...failure(['0x80131500', '0x80131500']), message };
    expect(failureOf('startRole', 'HV1', told).info.hresult).toBe(hresult);
  });

  it('that carries a code is not known by its text', () => {
    const told = { ...failure(['0x80071398']), message: 'it failed (0x8007000E)' };
    expect(failureOf('startMove', 'HV1', told).info.hresult).toBe('0x80071398');
  });

  it('that says no such command is one of a missing module', () => {
    expect(infoOf([], 'CouldNotAutoLoadModule,Invoke-Recorded').errorId).toBe('ModuleMissing');
    expect(infoOf([], 'CommandNotFoundException').errorId).toBe('ModuleMissing');
  });
});
