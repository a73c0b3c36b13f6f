// Bundles the compiled workflows into dist/workflow-bundle.js, so that no worker ever runs webpack. Does nothing when
// neither the workflows nor the SDK changed. Part of `npm run build`.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, 'dist');
const entry = path.join(dist, 'workflows', 'index.js');
const target = path.join(dist, 'workflow-bundle.js');
const hashFile = path.join(dist, '.bundle-hash');
const require = createRequire(import.meta.url);

function inputsHash() {
  const hash = createHash('sha256');
  // A bundle must be built with the exact SDK that loads it.
  hash.update(require('@temporalio/worker/package.json').version);
  hash.update(fs.readFileSync(fileURLToPath(import.meta.url)));
  for (const folder of ['workflows', 'domain']) {
    const files = fs.readdirSync(path.join(dist, folder), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.endsWith('.js')).sort()) {
      hash.update(`${folder}/${file}\0`).update(fs.readFileSync(path.join(dist, folder, file)));
    }
  }
  return hash.digest('hex');
}

const hash = inputsHash();
const known = fs.existsSync(hashFile) ? fs.readFileSync(hashFile, 'utf8') : '';
if (known !== hash || !fs.existsSync(target)) {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: entry,
    // Webpack's own lines say nothing that its errors do not say too.
    logger: new DefaultLogger('ERROR'),
  });
  // A worker may be loading the old one: it sees either the old file or the new one, never a half.
  const draft = `${target}.${process.pid}`;
  fs.writeFileSync(draft, code);
  fs.renameSync(draft, target);
  fs.writeFileSync(hashFile, hash);
}
