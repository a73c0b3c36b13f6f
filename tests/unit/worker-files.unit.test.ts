// What a worker that Windows runs has on the disk: its log, its settings, the file that asks it to end.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../../config/config-error.ts';
import { hold, isHeld, lastLines, logFiles, release } from '../../config/service-files.ts';
import {
  applySettingsFile,
  readServicePlaces,
  readSettingsFile,
} from '../../config/service-places.ts';
import { openLogFile } from '../../workers/log-file.ts';
import { heedStopFile } from '../../workers/stop-file.ts';
import { waitFor } from '../../proof/rig/waiting.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari 渡り '));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});
const at = (name: string): string => path.join(folder, name);
const write = (name: string, text: string): string => {
  fs.writeFileSync(at(name), text);
  return at(name);
};

describe('the log of a worker', () => {
  const NOW = new Date('2026-11-24T09:05:03.120Z');
  const open = (o: { now?: () => Date; bytesMax?: number; filesMax?: number } = {}) =>
    openLogFile({ folder: at('logs'), now: () => NOW, ...o });
  const names = (): string[] => logFiles(at('logs')).map((file) => path.basename(file));
  const everything = (): string =>
    logFiles(at('logs'))
      .map((file) => fs.readFileSync(file, 'utf8'))
      .join('');

  it('has the time in front of every line, once, and is UTF-8', () => {
    const log = open();
    log('HV1 serves cluster 支店');
    log('2026-11-24T01:02:03.004Z WARN of the SDK');
    expect(everything()).toBe(
      '2026-11-24T09:05:03.120Z HV1 serves cluster 支店\n2026-11-24T01:02:03.004Z WARN of the SDK\n',
    );
    expect(names()).toEqual(['worker-20261124-090503.log']);
  });

  it('is bounded in size and number, and keeps the newest', () => {
    let second = 0;
    const now = (): Date => new Date(NOW.getTime() + (second += 1) * 1000);
    const log = open({ now, bytesMax: 1000, filesMax: 3 });
    for (let i = 0; i < 300; i += 1) log(`line ${i}`);
    const sizes = logFiles(at('logs')).map((file) => fs.statSync(file).size);
    expect(sizes.length).toBe(3);
    expect(Math.max(...sizes)).toBeLessThan(1100);
    expect(everything()).toMatch(/line 299\n$/);
    const numbers = [...everything().matchAll(/line (\d+)/g)].map(([, n]) => Number(n));
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  });

  it('goes on in a new file when it fills within a second or the clock is set back', () => {
    const log = open({ bytesMax: 60 });
    for (let i = 0; i < 4; i += 1) log(`line ${i}`);
    open({ now: () => new Date('2020-01-01T00:00:00Z'), bytesMax: 60 })('of an old clock');
    expect(names()).toEqual([...names()].sort());
    expect(everything().trim().split('\n').length).toBe(5);
    expect(everything()).toMatch(/of an old clock\n$/);
  });

  it('goes on where a worker that was killed stopped, after its half line too', () => {
    open()('first life');
    fs.appendFileSync(logFiles(at('logs')).at(-1) ?? '', 'half a li');
    open()('second life');
    expect(names().length).toBe(1);
    expect(everything()).toMatch(/ first life\nhalf a li\n\S+ second life\n$/);
  });

  it('holds the lines of two workers whole, while one replaces the other', () => {
    const [one, other] = [open({ bytesMax: 2000 }), open({ bytesMax: 2000 })];
    for (let i = 0; i < 50; i += 1) {
      one(`one ${i} ${'あ'.repeat(20)}`);
      other(`other ${i} ${'い'.repeat(20)}`);
    }
    const lines = everything().trim().split('\n');
    expect(lines.length).toBe(100);
    expect(names().length).toBeGreaterThan(1);
    expect(lines.every((line) => /^\S+ (one \d+ あ{20}|other \d+ い{20})$/.test(line))).toBe(true);
  });

  it('cuts a line that would never end, and survives a folder that is gone', () => {
    const log = open();
    log('x'.repeat(100_000));
    expect(everything().length).toBeLessThan(21_000);
    fs.rmSync(at('logs'), { recursive: true });
    fs.writeFileSync(at('logs'), 'a file now');
    expect(() => log('nobody hears this')).not.toThrow();
  });

  it('is read from its end, without a line that is still being written', () => {
    const file = write('worker-20261124-090503.log', `${'x'.repeat(70_000)}\none\ntwo\nthr`);
    expect(lastLines(file, 2)).toEqual(['one', 'two']);
    expect(lastLines(file, 9)).toEqual(['one', 'two']);
    expect(lastLines(at('none.log'), 9)).toEqual([]);
  });
});

describe('the settings file', () => {
  it('gives variables with the paths of Windows as they are', () => {
    const file = write(
      'worker.env',
      '\ufeff# Temporal\r\nTEMPORAL_CONFIG_FILE=C:\\ProgramData\\watari\\new\\temporal.toml\r\n\r\nWATARI_LAB="http://127.0.0.1:7400"\r\n',
    );
    expect(readSettingsFile(file)).toEqual({
      TEMPORAL_CONFIG_FILE: 'C:\\ProgramData\\watari\\new\\temporal.toml',
      WATARI_LAB: 'http://127.0.0.1:7400',
    });
  });

  it('wins over what the environment says, and leaves the rest', () => {
    const env = { TEMPORAL_ADDRESS: 'old:7233', PATH: '/bin' };
    applySettingsFile(write('worker.env', 'TEMPORAL_ADDRESS=new:7233\n'), env);
    expect(env).toEqual({ TEMPORAL_ADDRESS: 'new:7233', PATH: '/bin' });
  });

  it.each([
    ['PATH=C:\\evil\n', /:1:1 PATH: only TEMPORAL_ and WATARI_ variables/],
    ['NODE_OPTIONS=--require x\n', /NODE_OPTIONS/],
    ['TEMPORAL_ADDRESS=a:1\nhello\n', /:2:1: "hello" is no setting; write NAME=value/],
  ])('refuses %j with the line', (text, message) => {
    const file = write('worker.env', text);
    expect(() => readSettingsFile(file)).toThrow(ConfigError);
    expect(() => readSettingsFile(file)).toThrow(message);
  });

  it('is named when it is not there', () => {
    expect(() => readSettingsFile(at('none.env'))).toThrow(
      /none\.env: it cannot be read \(it is not there\)/,
    );
  });

  it('is looked for in ProgramData, however the variable is written', () => {
    expect(readServicePlaces({ ProgramData: folder }).home).toBe(at('watari'));
    expect(readServicePlaces({ PROGRAMDATA: folder, WATARI_LOG_FOLDER: 'D:\\logs' })).toMatchObject(
      {
        home: at('watari'),
        logFolder: 'D:\\logs',
      },
    );
  });
});

describe('a stop file', () => {
  it('holds for two minutes, so that a request that nobody takes back ends by itself', () => {
    const file = at('worker-1.stop');
    const now = Date.now();
    expect(isHeld(file, now)).toBe(false);
    hold(file);
    expect(isHeld(file, now)).toBe(true);
    expect(isHeld(file, now + 121_000)).toBe(false);
    release(file);
    expect(isHeld(file, now)).toBe(false);
    release(file);
  });

  it('keeps a worker from starting', () => {
    const said: string[] = [];
    const file = at('worker-1.stop');
    expect(heedStopFile(file, (line) => said.push(line)).now()).toBe(false);
    hold(file);
    expect(heedStopFile(file, (line) => said.push(line)).now()).toBe(true);
    expect(said).toEqual([`asked not to run, by ${file}`]);
  });

  it('ends a worker again and again until it has ended, also when it is taken back meanwhile', async () => {
    const file = at('worker-1.stop');
    let asked = 0;
    const cancel = heedStopFile(file, () => undefined).whenAsked(() => (asked += 1));
    hold(file);
    await waitFor('the worker to be asked', () => asked > 0);
    release(file);
    const before = asked;
    await waitFor('the worker to be asked again', () => asked > before);
    cancel();
  });
});
