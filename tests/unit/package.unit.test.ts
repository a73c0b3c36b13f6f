// What `npm run package` decides before it fetches anything: which packages and files go in, whose licence is where,
// and that an archive is made of its files alone. The whole is tests/long/package.long.test.ts.
import fs from 'node:fs';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { extract } from 'tar';
import { describe, expect, it } from 'vitest';
import { pack, sumLine } from '../../scripts/package/archives.mjs';
import {
  IMPORTED_IN_VAIN,
  licenceTexts,
  neededFiles,
  neededPackages,
} from '../../scripts/package/dependencies.mjs';
import { NODE_INTEGRITY, NODE_VERSION, PLATFORMS } from '../../scripts/package/platforms.mjs';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

const needed = neededPackages(ROOT);
const folder = temporaryFolder('watari-package-', endsWithAll());

describe.each(Object.entries(PLATFORMS))('the package for %s', (_, { core, node }) => {
  it('has the Node.js of .node-version, with a hash that was written down', () => {
    expect(NODE_INTEGRITY[`${node.package}@${NODE_VERSION}`]).toMatch(/^sha512-[\w+/]{86}==$/);
  });

  it('has a licence for everything in it', () => {
    const words = needed.flatMap((one) =>
      licenceTexts(ROOT, one, neededFiles(ROOT, one, core)).map((file) =>
        fs.readFileSync(path.join(ROOT, file), 'utf8'),
      ),
    );
    expect(words.filter((text) => !/licen[cs]e|permission|copyright/i.test(text))).toEqual([]);
    expect(words.length).toBeGreaterThanOrEqual(needed.length);
  });

  it('has one native part, its own, and neither sources nor types', () => {
    const files = needed.flatMap((one) =>
      neededFiles(ROOT, one, core).map((file) => `${one.name}/${file}`),
    );
    expect(files.filter((file) => file.endsWith('.node'))).toEqual([
      `@temporalio/core-bridge/releases/${core}/index.node`,
    ]);
    expect(files.filter((file) => /\.(map|[cm]?ts|rs)$|\/tests?\//.test(file))).toEqual([]);
  });
});

describe('the packages that go along', () => {
  const names = needed.map(({ name }) => name);

  it('are those of the product, and what they need in turn', () => {
    expect(names).toEqual(expect.arrayContaining(['commander', '@temporalio/worker', 'rxjs']));
  });

  it('are neither the bundler nor anything for developers', () => {
    const not = [...IMPORTED_IN_VAIN, '@swc/core', 'terser', 'vitest', 'typescript', 'tar'];
    expect(names.filter((name) => not.includes(name))).toEqual([]);
  });

  it('are not packed when one of them has no licence', () => {
    const one = { key: 'x', name: 'x', version: '1.0.0', license: 'MIT' };
    expect(() => licenceTexts(ROOT, one, ['index.js'])).toThrow('x has no text of its licence');
  });
});

describe.each(['zip', 'tar.gz'] as const)('an archive (%s)', (kind) => {
  const made = path.join(folder, kind);
  const at = (name: string): string => path.join(made, name);

  async function packed(files: readonly string[], age: number): Promise<string> {
    for (const file of files) {
      fs.mkdirSync(path.dirname(at(`in/${file}`)), { recursive: true });
      fs.writeFileSync(at(`in/${file}`), file, { mode: age > 0 ? 0o600 : 0o644 });
      fs.utimesSync(at(`in/${file}`), age, age);
    }
    await pack(kind, at('in'), at('made'), ['watari']);
    fs.rmSync(at('in'), { recursive: true });
    return sumLine(at('made'));
  }

  it('is the same whenever and in whatever order its files were written', async () => {
    const files = ['p/watari', 'p/Z.js', 'p/a/ä.json'];
    expect(await packed(files, 0)).toBe(await packed(files.toReversed(), 1_700_000_000));
    if (kind === 'zip') {
      const names = Object.keys(unzipSync(fs.readFileSync(at('made'))));
      expect(names).toEqual(files.toSorted());
    } else {
      fs.mkdirSync(at('out'));
      await extract({ file: at('made'), cwd: at('out') });
      expect(fs.readFileSync(at('out/p/a/ä.json'), 'utf8')).toBe('p/a/ä.json');
      if (process.platform !== 'win32')
        expect(fs.statSync(at('out/p/watari')).mode & 0o111).toBe(0o111);
    }
  });
});
