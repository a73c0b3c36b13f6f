// Arguments as Windows' programs take them apart. Two splitters that were written from the rules, not from our quoting,
// say whether what we quote arrives.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinArguments, quoteArgument, splitArguments } from '../../client/service/command-line.ts';

/**
 * CommandLineToArgvW as shellapi.h documents it and as its quotes behave: quotes in a row are counted from the one that
 * opened; the third is a quote, and after the second the quoted part is over.
 */
function commandLineToArgv(text: string): string[] {
  const out: string[] = [];
  let arg: string | null = null;
  let quotes = 0;
  for (let at = 0; at < text.length;) {
    const slashes = /^\\*/.exec(text.slice(at))?.[0].length ?? 0;
    at += slashes;
    const c = text[at];
    at += 1;
    if (c === '"' && slashes % 2 === 1) {
      arg = `${arg ?? ''}${'\\'.repeat((slashes - 1) / 2)}"`;
    } else if (c === '"') {
      arg = (arg ?? '') + '\\'.repeat(slashes / 2);
      for (quotes += 1; text[at] === '"'; at += 1) {
        quotes += 1;
        if (quotes === 3) {
          arg += '"';
          quotes = 0;
        }
      }
      if (quotes === 2) quotes = 0;
    } else {
      if (slashes > 0) arg = (arg ?? '') + '\\'.repeat(slashes);
      if (c !== undefined && (quotes > 0 || !/[ \t]/.test(c))) arg = (arg ?? '') + c;
      else if (arg !== null) {
        out.push(arg);
        arg = null;
      }
    }
  }
  return arg === null ? out : [...out, arg];
}

/** The C runtime since 2008, with which node.exe is built: inside of quotes two quotes are one. */
function crtSplit(text: string): string[] {
  const out: string[] = [];
  let at = 0;
  while (at < text.length) {
    while (text[at] === ' ' || text[at] === '\t') at += 1;
    if (at >= text.length) break;
    let arg = '';
    let quoted = false;
    for (;;) {
      let slashes = 0;
      while (text[at] === '\\') {
        slashes += 1;
        at += 1;
      }
      let copy = true;
      if (text[at] === '"') {
        if (slashes % 2 === 0) {
          if (quoted && text[at + 1] === '"') at += 1;
          else {
            copy = false;
            quoted = !quoted;
          }
        }
        slashes = Math.floor(slashes / 2);
      }
      arg += '\\'.repeat(slashes);
      const c = text[at];
      if (c === undefined || (!quoted && (c === ' ' || c === '\t'))) break;
      if (copy) arg += c;
      at += 1;
    }
    out.push(arg);
  }
  return out;
}

const nasty = fc.array(
  fc.oneof(
    fc.string({ unit: fc.constantFrom('"', '\\', ' ', '\t', 'a', '日', '$', '%', "'", '&', '^') }),
    fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
    fc.constantFrom('', 'C:\\Program Files\\nodejs\\', '\\\\server\\share\\', 'a\\"b', '--x=" "'),
  ),
  { maxLength: 6 },
);

describe('quoting of arguments', () => {
  it.each([
    ['CommandLineToArgvW', commandLineToArgv],
    ['the C runtime', crtSplit],
    ['our own reader', splitArguments],
  ])('brings any list of arguments through %s', (_, split) => {
    fc.assert(
      fc.property(nasty, (list) => {
        expect(split(joinArguments(list))).toEqual(list);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves alone what needs no quotes, so that people can read it', () => {
    expect(joinArguments(['worker', '--log-folder', 'C:\\ProgramData\\渡り\\logs'])).toBe(
      'worker --log-folder C:\\ProgramData\\渡り\\logs',
    );
  });

  it.each([
    ['', '""'],
    ['C:\\Program Files\\', '"C:\\Program Files\\\\"'],
    ['say "hi"', '"say \\"hi\\""'],
    ['a\\"b', '"a\\\\\\"b"'],
    // U+3000, the Japanese space, separates nothing in Windows; quotes do no harm.
    ['全角\u3000空白', '"全角\u3000空白"'],
  ])('quotes %j as %s', (argument, quoted) => {
    expect(quoteArgument(argument)).toBe(quoted);
  });

  it('is checked by readers that tell a wrong quoting', () => {
    const wrong = '"C:\\Program Files\\" next';
    expect(commandLineToArgv(wrong)).not.toEqual(['C:\\Program Files\\', 'next']);
    expect(crtSplit(wrong)).not.toEqual(['C:\\Program Files\\', 'next']);
  });
});
