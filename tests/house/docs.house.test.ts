// What the documents say against what is there: links, files that are named, the index, the tree of folders, and every
// command line that a reader could type.
import path from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../client/program.ts';
import { isThere, projectFiles, readProjectFile } from '../support/tree.ts';
import { fakeTerminal } from '../support/client-fakes.ts';

const files = projectFiles();
const documents = files.filter((file) => file.endsWith('.md'));
/** Of the first level; those of tools begin with a dot. */
const FOLDERS = new Set(
  files
    .filter((file) => file.includes('/') && !file.startsWith('.'))
    .map((file) => file.split('/')[0] ?? ''),
);

/** Headings as GitHub makes anchors of them. */
const anchorsOf = (file: string): string[] =>
  [...readProjectFile(file).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );

function brokenLinks(file: string): string[] {
  const text = readProjectFile(file).replace(/```[\s\S]*?```/g, '');
  const targets = [...text.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)|<img[^>]+src="([^"]+)"/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [to = '', anchor] = target.split('#');
      const linked = to === '' ? file : path.posix.join(path.posix.dirname(file), to);
      if (!isThere(linked)) return true;
      return anchor !== undefined && linked.endsWith('.md') && !anchorsOf(linked).includes(anchor);
    })
    .map((target) => `${file}: ${target}`);
}

describe('documents', () => {
  it('link to files and headings that exist', () => {
    expect(documents.flatMap(brokenLinks)).toEqual([]);
  });

  it('name files of ours that exist', () => {
    const ours = new RegExp(
      `^(${[...FOLDERS].join('|')})/[\\w./-]+\\.(ts|mjs|ps1|psm1|psd1|ya?ml|md)$`,
    );
    const wrong = documents.flatMap((file) =>
      [...readProjectFile(file).matchAll(/`([^`\n]+)`/g)]
        .map(([, span = '']) => span)
        .filter((span) => ours.test(span) && !isThere(span))
        .map((span) => `${file}: ${span}`),
    );
    expect(wrong).toEqual([]);
  });

  it('are all in the index of docs/', () => {
    const index = readProjectFile('docs/README.md');
    const linked = [...index.matchAll(/^\| \[[^\]]+\]\(([^)]+\.md)\) \|/gm)].map(
      ([, to = '']) => to,
    );
    const pages = documents
      .filter((file) => file.startsWith('docs/') && file !== 'docs/README.md')
      .map((file) => file.slice('docs/'.length));
    expect(linked.sort()).toEqual(pages.sort());
  });

  it('tell how soon a worker is started again, as its task is registered', () => {
    const module = readProjectFile('hyperv/service/Watari.Worker.psm1');
    const minutes = /-RepetitionInterval \(\[timespan\]::FromMinutes\((\d+)\)\)/.exec(module)?.[1];
    const said = `within ${['no', 'one', 'two', 'three', 'four', 'five'][Number(minutes)] ?? '?'} minutes`;
    const places = [
      'client/commands/worker-service.ts',
      'docs/operating.md',
      'docs/decisions/0006-the-worker-is-a-scheduled-task.md',
    ];
    expect(places.filter((file) => !readProjectFile(file).includes(said))).toEqual([]);
  });

  it('show the tree of folders that is on the disk', () => {
    const block =
      /```text\n(watari\/[\s\S]*?)```/.exec(readProjectFile('CONTRIBUTING.md'))?.[1] ?? '';
    const shown = [...block.matchAll(/^ {2}([\w.-]+)\//gm)].map(([, folder = '']) => folder);
    expect([...shown].sort()).toEqual([...FOLDERS].sort());
  });
});

describe('command lines in the documents', () => {
  const program = buildProgram(fakeTerminal(), () => {
    throw new Error('no command is run here');
  });

  /** Lines of code blocks and code spans that call watari. */
  const lines = documents.flatMap((file) => {
    const text = readProjectFile(file);
    const blocks = [...text.matchAll(/```[a-z]*\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
      block.split('\n').map((line) => line.replace(/^\s*(\$|>|PS>)\s+/, '').trim()),
    );
    const spans = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map(
      ([, span = '']) => span,
    );
    return [...blocks, ...spans]
      .filter((line) => /^(npx )?watari [a-z]/.test(line))
      .map((line) => ({ file, words: line.replace(/^npx /, '').split(/\s+/).slice(1) }));
  });

  /** null when the command and its options exist, else the word that does not. */
  function unknownWord(words: string[]): string | null {
    let command: Command = program;
    for (const [i, word] of words.entries()) {
      // Placeholders, comments and the rest of a pipe are no words of ours.
      if (/^[#|&<>[]/.test(word)) return null;
      if (word.startsWith('-')) {
        const flag = word.split('=')[0] ?? word;
        const known = command.options.some((o) => o.short === flag || o.long === flag);
        if (!known && !['--help', '-h'].includes(flag)) return word;
        continue;
      }
      const verbs = word.split('|');
      const next = command.commands.find((c) => verbs.includes(c.name()));
      const unknownVerb = verbs.find((verb) => !command.commands.some((c) => c.name() === verb));
      if (command.commands.length > 0 && (next === undefined || unknownVerb !== undefined)) {
        return words.slice(0, i + 1).join(' ');
      }
      // The lab has a program of its own.
      if (next?.name() === 'lab') return null;
      if (next) command = next;
    }
    return null;
  }

  it('exist', () => {
    const wrong = lines.flatMap(({ file, words }) => {
      const word = unknownWord(words);
      return word === null ? [] : [`${file}: watari ${words.join(' ')} (${word})`];
    });
    expect(wrong).toEqual([]);
  });

  it('are found at all, or the test above says nothing', () => {
    expect(lines.length).toBeGreaterThan(5);
  });
});
