// What tsc does not do for dist/: PowerShell and the lab's tables are copied, and the compiled workflows are bundled
// into dist/workflow-bundle*.js, so that no worker ever runs webpack; not again when neither they nor the SDK changed.
// Part of `npm run build`.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, 'dist');
const entry = path.join(dist, 'workflows', 'index.js');
/**
 * Twice the same but for how a failure is written: with encryption its message becomes a payload, which is unreadable.
 */
const failures = path.join(dist, 'config', 'temporal', 'encoded-failures.js');
const targets = [
  { file: path.join(dist, 'workflow-bundle.js'), options: {} },
  {
    file: path.join(dist, 'workflow-bundle-encrypted.js'),
    options: { failureConverterPath: failures },
  },
];
const hashFile = path.join(dist, '.bundle-hash');
const require = createRequire(import.meta.url);

function inputsHash() {
  const hash = createHash('sha256');
  // A bundle must be built with the exact SDK that loads it.
  hash.update(require('@temporalio/worker/package.json').version);
  hash.update(fs.readFileSync(fileURLToPath(import.meta.url)));
  hash.update(fs.readFileSync(failures));
  for (const folder of ['workflows', 'domain']) {
    const files = fs.readdirSync(path.join(dist, folder), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.endsWith('.js')).sort()) {
      hash.update(`${folder}/${file}\0`).update(fs.readFileSync(path.join(dist, folder, file)));
    }
  }
  return hash.digest('hex');
}

/**
 * Stacks of failures show the map's file names, in every history: names of the project, not of the machine that built
 * it.
 */
function withoutPaths(code) {
  const [map, base64] =
    /\/\/# sourceMappingURL=data:application\/json;[^,]*base64,(\S+)/.exec(code) ?? [];
  if (map === undefined) throw new Error('The bundle has no source map where one was expected.');
  const json = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  json.sources = json.sources.map((source) => {
    const file = source.replace(/^webpack:\/\/[^/]*\//, '').replaceAll('\\', '/');
    return file.replace(root.replaceAll('\\', '/'), '').replace(/^\//, '');
  });
  const portable = Buffer.from(JSON.stringify(json)).toString('base64');
  return code.replace(base64, () => portable);
}

for (const folder of ['hyperv/powershell', 'hyperv/service', 'lab/powershell']) {
  for (const file of fs.readdirSync(path.join(root, folder))) {
    if (!/\.(ps1|psm1|psd1|json)$/.test(file)) continue;
    fs.copyFileSync(path.join(root, folder, file), path.join(dist, folder, file));
  }
}

const hash = inputsHash();
const known = fs.existsSync(hashFile) ? fs.readFileSync(hashFile, 'utf8') : '';
if (known !== hash || !targets.every(({ file }) => fs.existsSync(file))) {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  for (const { file, options } of targets) {
    const { code } = await bundleWorkflowCode({
      workflowsPath: entry,
      ...options,
      // Webpack's own lines say nothing that its errors do not say too.
      logger: new DefaultLogger('ERROR'),
    });
    const portable = withoutPaths(code);
    // A worker may be loading the old one: it sees either the old file or the new one, never a half.
    const draft = `${file}.${process.pid}`;
    fs.writeFileSync(draft, portable);
    fs.renameSync(draft, file);
  }
  fs.writeFileSync(hashFile, hash);
}
