// README.md and README.ja.md tell the same story, and it is the code's.
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../client/exit-codes.ts';
import { readProjectFile } from '../support/tree.ts';

const README = { en: readProjectFile('README.md'), ja: readProjectFile('README.ja.md') };

const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(/^ *```(\w+)\n([^]*?)```/gm)]
    .filter(([, found]) => found === language)
    .map(([, , block = '']) => block.replace(/\s*#.*$/gm, ''));

const links = (text: string): string[] =>
  [...new Set([...text.matchAll(/\]\(((?:docs|[A-Z])[^)#]*)\)/g)].map(([, to = '']) => to))]
    .filter((to) => !to.startsWith('README'))
    .sort();

describe('README.ja.md', () => {
  it.each(['sh', 'powershell', 'yaml', 'text'])('shows the same %s as README.md', (language) => {
    expect(blocks(README.en, language)).not.toEqual([]);
    expect(blocks(README.ja, language)).toEqual(blocks(README.en, language));
  });

  it('links to the same pages as README.md', () => {
    expect(links(README.en).length).toBeGreaterThan(7);
    expect(links(README.ja)).toEqual(links(README.en));
  });
});

describe.each(Object.entries(README))('the README (%s)', (_, text) => {
  it('lists the exit codes of the watari command', () => {
    const listed = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect(listed).toEqual(Object.values(EXIT));
  });
});
