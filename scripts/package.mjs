// `npm run package`: what a machine without Node and npm gets. For Windows a .zip, for Linux a .tar.gz, each with
// Node.js, the product as `npm pack` has it, the packages that it needs there, and everybody's licences; and
// SHA256SUMS.
// --out FOLDER: elsewhere than .watari/package/. Names of platforms: these alone. --fetch: gets Node.js and stops.
// Needs a build and, once, the network; ends with 3 where that lacks.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { npmCommand } from './npm-command.mjs';
import { pack, sumLine } from './package/archives.mjs';
import {
  IMPORTED_IN_VAIN,
  licenceTexts,
  neededFiles,
  neededPackages,
} from './package/dependencies.mjs';
import { fetchNode, NotFetched, takeFromNode } from './package/node-program.mjs';
import { NODE_LICENSE_IN, NODE_VERSION, PLATFORMS } from './package/platforms.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const CACHE = path.join(root, '.watari', 'node-programs');
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));

function productFiles() {
  const [npm, ...first] = npmCommand();
  const words = [...first, 'pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'];
  const done = spawnSync(npm, words, { cwd: root, encoding: 'utf8', windowsHide: true });
  if (done.status !== 0) throw new Error(`npm pack failed: ${done.stderr}`);
  const files = JSON.parse(done.stdout)[0].files.map((file) => file.path);
  return files.filter((file) => !file.endsWith('.map') && file !== 'package.json');
}

/** What Node and a person ask of it; scripts and what they need are not there. */
function shippedManifest() {
  const { name, version, description, license, type, engines, bin, dependencies } = manifest;
  const kept = { name, version, description, license, private: true, type, engines, bin };
  return `${JSON.stringify({ ...kept, dependencies }, null, 2)}\n`;
}

const EMPTY_PACKAGE =
  '// Workflows were bundled when this watari was packed: the SDK imports this package and never uses it.\nmodule.exports = {};\n';

const RULE = `${'-'.repeat(80)}\n`;
const LICENCES_HEAD = `The packages that are part of watari ${manifest.version}, each with its licence. That of Node.js is in LICENSE-node.txt.
The native part of Temporal's SDK (@temporalio/core-bridge) is built from the Rust crates that its Cargo.lock lists.
`;

function put(folder, name, text) {
  const target = path.join(folder, name);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.writeFileSync(target, text);
}

function copy(folder, source, name = source) {
  fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  fs.copyFileSync(path.join(root, source), path.join(folder, name));
}

/** Copies them, and answers the licences of all. */
function putDependencies(folder, core) {
  const licences = [LICENCES_HEAD];
  for (const one of neededPackages(root)) {
    const files = neededFiles(root, one, core);
    for (const file of files) copy(folder, `${one.key}/${file}`);
    const texts = licenceTexts(root, one, files).map((file) =>
      fs.readFileSync(path.join(root, file), 'utf8').replaceAll('\r\n', '\n').trim(),
    );
    licences.push(`${RULE}${one.name} ${one.version} (${one.license})\n\n${texts.join('\n\n')}\n`);
  }
  for (const name of IMPORTED_IN_VAIN) {
    const { version, license } = manifest;
    put(folder, `node_modules/${name}/package.json`, JSON.stringify({ name, version, license }));
    put(folder, `node_modules/${name}/index.js`, EMPTY_PACKAGE);
  }
  return licences.join('\n');
}

async function make(name, out) {
  const { archive, launcher, core, node } = PLATFORMS[name];
  const title = `watari-${manifest.version}-${name}`;
  const staging = fs.mkdtempSync(path.join(out, '.staging-'));
  try {
    const folder = path.join(staging, title);
    for (const file of productFiles()) copy(folder, file);
    put(folder, 'package.json', shippedManifest());
    put(folder, 'THIRD-PARTY-LICENSES.txt', putDependencies(folder, core));
    const script = fs.readFileSync(path.join(root, 'deploy', 'package', launcher), 'utf8');
    put(folder, launcher, archive === 'zip' ? script.replace(/\r?\n/g, '\r\n') : script);
    const program = path.join(folder, node.program);
    const member = `bin/${node.program}`;
    await takeFromNode(node.package, member, program, CACHE);
    const licence = path.join(folder, 'LICENSE-node.txt');
    await takeFromNode(NODE_LICENSE_IN, 'LICENSE', licence, CACHE);
    const target = path.join(out, `${title}.${archive}`);
    await pack(archive, staging, target, [launcher, node.program]);
    const megabytes = (fs.statSync(target).size / 1e6).toFixed(1);
    console.log(`${target} (${megabytes} MB, Node.js ${NODE_VERSION})`);
    return target;
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { out: { type: 'string' }, fetch: { type: 'boolean' } },
    allowPositionals: true,
  });
  const unknown = positionals.find((name) => !(name in PLATFORMS));
  if (unknown !== undefined)
    throw new Error(`${unknown}: packages are made for ${Object.keys(PLATFORMS).join(', ')}`);
  const names = positionals.length > 0 ? positionals : Object.keys(PLATFORMS);
  // Before anything takes its time.
  for (const { node } of Object.values(PLATFORMS)) fetchNode(node.package, CACHE);
  if (values.fetch) return;
  const out = path.resolve(values.out ?? path.join(root, '.watari', 'package'));
  fs.mkdirSync(out, { recursive: true });
  const made = [];
  for (const name of names) made.push(await make(name, out));
  fs.writeFileSync(path.join(out, 'SHA256SUMS'), made.map(sumLine).join(''));
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = error instanceof NotFetched ? 3 : 1;
}
