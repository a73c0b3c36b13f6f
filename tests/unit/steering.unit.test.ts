// What may steer a terminal or hide in it: one class of characters for every door and every screen.
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { liveScreen } from '../../client/render/live.ts';
import { oneLine } from '../../client/render/format.ts';
import { harmless } from '../../client/terminal.ts';
import { refuseInput } from '../../domain/inputs.ts';
import { runId } from '../../domain/names.ts';
import { spelledOut, steers, unsteered } from '../../domain/steering.ts';

const STEERING: [what: string, text: string][] = [
  ['the end of a string', '\u0000'],
  ['a tab', '\t'],
  ['a line break', '\n'],
  ['escape', '\u001b'],
  ['delete', '\u007f'],
  ['CSI in one character', '\u009b'],
  ['a soft hyphen', '\u00ad'],
  ['the Arabic letter mark', '\u061c'],
  ['a zero-width space', '\u200b'],
  ['a zero-width joiner', '\u200d'],
  ['left-to-right', '\u200e'],
  ['a line separator', '\u2028'],
  ['a paragraph separator', '\u2029'],
  ['right-to-left override', '\u202e'],
  ['a word joiner', '\u2060'],
  ['an isolate', '\u2066'],
  ['a byte order mark', '\ufeff'],
  ['a tag outside the basic plane', '\u{e0041}'],
];

describe.each(STEERING)('%s', (_, character) => {
  const name = `web${character}1`;

  it('is seen, replaced on screens, and spelled out in messages', () => {
    expect(steers(name)).toBe(true);
    expect(unsteered(name)).toBe('web?1');
    expect(spelledOut(name)).toMatch(/^web(\\u[0-9a-f]{4}){1,2}1$/);
    expect(JSON.parse(`"${spelledOut(name)}"`)).toBe(name);
  });

  it('is refused in a name that is given, and kept apart in an id', () => {
    const input = { cluster: 'hv', startedBy: 'me', node: name, restarts: 'ask' };
    expect(refuseInput('prepareNode', input)).toMatch(/^input\.node has control characters/);
    expect(steers(runId.migrate('hv', name))).toBe(false);
    expect(runId.migrate('hv', name)).not.toBe(runId.migrate('hv', 'web1'));
  });

  it('does not keep a VM that Windows calls so from being moved', () => {
    expect(refuseInput('migrateVm', { cluster: 'hv', startedBy: 'me', vm: name })).toBeUndefined();
  });

  it('reaches no screen: not a line, not the live part, not what is printed above it', () => {
    expect(steers(oneLine(name))).toBe(false);
    const stream = Object.assign(new PassThrough(), { columns: 80, rows: 24, isTTY: true });
    const screen = liveScreen(stream);
    screen.draw([`web${character}2 moves`]);
    screen.print([`web${character}3 has moved`]);
    screen.done();
    const shown = String(stream.read());
    // log-update writes `\n` itself; whatever else moves the cursor is its own escape sequence.
    // eslint-disable-next-line no-control-regex -- the sequences of log-update
    const ours = shown.replace(/\u001b\[[?\d;]*[A-Za-z]/g, '');
    for (const n of ['2', '3']) {
      if (character !== '\n') expect(ours).toContain(`web?${n}`);
    }
    expect(steers(ours.replaceAll('\n', ''))).toBe(false);
  });
});

it.each(['web-1', '経理 サーバー', 'Bücher', 'العربية', 'vm (old) [2]', '😀'])(
  '%s steers nothing and stays as it is',
  (name) => {
    expect(steers(name)).toBe(false);
    expect([unsteered(name), spelledOut(name), oneLine(name), harmless(name)]).toEqual(
      Array(4).fill(name),
    );
  },
);

it('our own colours and ends of lines pass', () => {
  expect(harmless('\u001b[1;31mred\u001b[0m\nnext')).toBe('\u001b[1;31mred\u001b[0m\nnext');
  expect(harmless('\u001b[2Jgone\u001b]0;title\u0007')).toBe('?[2Jgone?]0;title?');
});
