// The packages that a running watari needs, and of each the files that it needs: what node_modules holds beyond that
// (other platforms, sources, types, the bundler) is two thirds of it, and stays here.
import fs from 'node:fs';
import path from 'node:path';

/**
 * Workflows are bundled before they are packed, so nothing calls these. The SDK imports three of them all the same, and
 * finds an empty package in their place.
 */
const BUNDLER = ['webpack', 'memfs', 'unionfs', '@swc/core', 'swc-loader', 'source-map-loader'];
export const IMPORTED_IN_VAIN = ['webpack', 'memfs', 'unionfs'];
/** Types alone. */
const UNUSED = [...BUNDLER, '@types/node'];

/** Keys of package-lock.json, `node_modules/a/node_modules/b`, of everything that is reached from our dependencies. */
export function neededPackages(root) {
  const { packages } = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  const found = new Map();
  /** As Node looks for it: beside `key`, then further up. */
  const resolve = (key, name) => {
    for (let at = key; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
      if (candidate in packages) return candidate;
      if (at === '') throw new Error(`${key} needs ${name}, which package-lock.json does not have`);
    }
  };
  const visit = (key) => {
    if (found.has(key)) return;
    const { version, license, dependencies = {} } = packages[key];
    const name = key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length);
    found.set(key, { key, name, version, license });
    for (const next of Object.keys(dependencies))
      if (!UNUSED.includes(next)) visit(resolve(key, next));
  };
  for (const name of Object.keys(packages[''].dependencies)) visit(resolve('', name));
  return [...found.values()];
}

const LICENCE = /^(licen[cs]e|copying|notice|copyright)([.-].*)?$/i;
/** Everything else is source, types, maps and pages. */
const RUNS = /\.(c?js|mjs|json|wasm|node)$/;
const TESTS = /(^|\/)(__tests__|tests?|bench)\/|(^|[./])(test|bench)\.c?js$/;

/** Of the native part, this platform's alone, and what its own parts are licensed under. */
const ofCore = (core) => (file) =>
  /^(package\.json|index\.js|common\.js|Cargo\.lock|sdk-core\/LICENSE\.txt)$/.test(file) ||
  (file.startsWith('lib/') && file.endsWith('.js')) ||
  file === `releases/${core}/index.node`;

const isNeeded = (file) =>
  (RUNS.test(file) && !TESTS.test(file)) || LICENCE.test(path.posix.basename(file));

/** Paths below the package's folder, with `/`; not those of packages inside it. */
export function neededFiles(root, { key, name }, core) {
  const wanted = name === '@temporalio/core-bridge' ? ofCore(core) : isNeeded;
  const below = (folder) =>
    fs.readdirSync(path.join(root, key, folder), { withFileTypes: true }).flatMap((entry) => {
      const file = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (!entry.isDirectory()) return [file];
      return entry.name === 'node_modules' ? [] : below(file);
    });
  return below('').filter(wanted);
}

/** These came without a text of their own: that of the repository which they are made in. */
const TEXT_OF = {
  '@temporalio/core-bridge': 'node_modules/@temporalio/worker/LICENSE',
  'node-powershell': 'deploy/package/child-shell.license.txt',
  'child-shell': 'deploy/package/child-shell.license.txt',
  'accumulate-stream': 'deploy/package/child-shell.license.txt',
  'trim-buffer': 'deploy/package/child-shell.license.txt',
};

/** Paths, relative to the root, of the texts that a package is licensed under; never none. */
export function licenceTexts(root, { key, name }, files) {
  const own = files
    .filter((file) => LICENCE.test(path.posix.basename(file)))
    .map((file) => `${key}/${file}`);
  const found = name in TEXT_OF ? [TEXT_OF[name], ...own] : own;
  if (found.length === 0)
    throw new Error(
      `${name} has no text of its licence: see scripts/package/dependencies.mjs, TEXT_OF`,
    );
  return found;
}
