// What a terminal cannot do it is not asked to do.
import { describe, expect, it } from 'vitest';
import { readProcessEnvironment } from '../../config/process-environment.ts';
import { asItIs, type OutStream } from '../../client/terminal.ts';

const stream = (more: Partial<OutStream>): OutStream & { written: string } => {
  return {
    written: '',
    write(text: string) {
      this.written += text;
    },
    ...more,
  };
};

describe('a terminal', () => {
  it.each<[string, Partial<OutStream>, boolean]>([
    ['TERM=dumb', { isTTY: true, columns: 120 }, true],
    ['0 columns', { isTTY: true, columns: 0 }, false],
    ['no size', { isTTY: true }, false],
  ])('with %s is written to as a pipe of 80 columns', (_, is, isDumb) => {
    const real = stream(is);
    const seen = asItIs(real, isDumb);
    expect(seen).toMatchObject({ isTTY: false, columns: 80 });
    seen.write('a line');
    expect(real.written).toBe('a line');
  });

  it('with a size stays what it is, and so does a pipe', () => {
    for (const real of [stream({ isTTY: true, columns: 40 }), stream({})]) {
      expect(asItIs(real, false)).toBe(real);
    }
    expect(readProcessEnvironment({ TERM: 'dumb' }).dumbTerminal).toBe(true);
    expect(readProcessEnvironment({ TERM: 'xterm' }).dumbTerminal).toBe(false);
  });
});
