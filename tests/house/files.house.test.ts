// Rules about files that no linter knows. A failure lists the files, so that one run shows them all.
import { describe, expect, it } from 'vitest';
import { projectFiles, readProjectFile } from '../support/tree.ts';

const files = projectFiles();
const named = (pattern: RegExp): string[] => files.filter((file) => pattern.test(file));
const sources = named(/\.(ts|mjs)$/);
/** What people read or run; recordings and pictures are neither. */
const texts = named(/\.(ts|mjs|js|json|ya?ml|md|sh|ps1|psm1)$|Dockerfile$|\.env\.example$/).filter(
  (file) => file !== 'package-lock.json' && !file.startsWith('tests/replay/histories/'),
);

const offenders = (list: string[], isWrong: (text: string, file: string) => boolean): string[] =>
  list.filter((file) => isWrong(readProjectFile(file), file));

describe('every file', () => {
  it('of code opens with what it is for', () => {
    const commented = (text: string): boolean =>
      /^(#!.*\n)?(\/\/ \S.{20,}|\/\*\*?)/.test(text) || /^(#!.*\n)?\/\/ .+\n\/\/ /.test(text);
    expect(offenders(sources, (text) => !commented(text))).toEqual([]);
  });

  it('that a shell or compose reads opens with what it is for', () => {
    const scripts = named(/\.sh$|\.ya?ml$|Dockerfile$|^\.ci\/run$/);
    expect(offenders(scripts, (text) => !/^(#!.*\n)?# \S/.test(text))).toEqual([]);
  });

  it('is named in kebab-case by a word of its own', () => {
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/;
    const nameOf = (file: string): string => file.split('/').at(-1) ?? '';
    expect(sources.filter((file) => !kebab.test(nameOf(file)))).toEqual([]);
    const vague = /^(utils?|helpers?|common|misc|manager)\b/;
    expect(sources.filter((file) => vague.test(nameOf(file)))).toEqual([]);
  });

  it('is free of paths of somebody’s machine', () => {
    // Written in parts, or this file would be its own offender.
    const homes = ['/root' + '/', '/work' + '/'];
    const pattern = new RegExp(`(^|[\\s'"\`(=])(${homes.join('|')})`, 'm');
    expect(offenders(texts, (text) => pattern.test(text))).toEqual([]);
  });

  it('has comments of 120 columns at most', () => {
    const comment = /^ *(\/\/|#|\*|\/\*\*) \S/;
    const code = [...sources, ...named(/\.(js|psd?m?1)$/)];
    const found = code.flatMap((file) =>
      readProjectFile(file)
        .split('\n')
        .flatMap((line, i) =>
          line.length > 120 && comment.test(line) ? [`${file}:${i + 1}`] : [],
        ),
    );
    expect(found).toEqual([]);
  });

  it('that turns a rule off says why', () => {
    const silent = /eslint-disable(?!.* -- \S)/;
    const silenced = /@ts-(ignore|nocheck|expect-error)(?! \S)/;
    const others = sources.filter((file) => !file.startsWith('tests/house/'));
    expect(offenders(others, (text) => silent.test(text) || silenced.test(text))).toEqual([]);
  });

  it('is finished: no open notes, no test that is left out or runs alone', () => {
    const open = /\b(TODO|FIXME|XXX)\b|\b(it|test|describe)\.(only|skip|todo)\(/;
    const others = sources.filter((file) => !file.startsWith('tests/house/'));
    expect(offenders(others, (text) => open.test(text))).toEqual([]);
  });
});

describe('tests', () => {
  const kinds = [
    'unit',
    'contract',
    'house',
    'replay',
    'sim',
    'workflows',
    'e2e',
    'long',
    'production',
  ];

  it('are named by their subject and their kind, and lie in the folder of that kind', () => {
    const wrong = named(/\.test\.ts$/).filter((file) => {
      const [, kind = '', subject = ''] = /^tests\/([a-z0-9]+)\/(?:.+\/)?([^/]+)$/.exec(file) ?? [];
      return (
        !kinds.includes(kind) || !new RegExp(`^[a-z0-9-]+\\.${kind}\\.test\\.ts$`).test(subject)
      );
    });
    expect(wrong).toEqual([]);
  });

  it('need no module mocks: fakes are passed in', () => {
    const mocks = /\bvi\.(mock|doMock|hoisted)\(/;
    const others = named(/^tests\/.*\.ts$/).filter((file) => !file.startsWith('tests/house/'));
    expect(offenders(others, (text) => mocks.test(text))).toEqual([]);
  });
});
