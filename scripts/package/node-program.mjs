// Node.js itself out of npm's packages of it: fetched by npm, believed only when its hash is the one that is written in
// platforms.mjs, and kept in .watari/ for the next time.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { extract } from 'tar';
import { npmCommand } from '../npm-command.mjs';
import { NODE_INTEGRITY, NODE_VERSION } from './platforms.mjs';

const integrityOf = (file) =>
  `sha512-${createHash('sha512').update(fs.readFileSync(file)).digest('base64')}`;

/** No network, most likely. */
export class NotFetched extends Error {}

/** Path of npm's package `name` as a file, checked. */
export function fetchNode(name, cache) {
  const spec = `${name}@${NODE_VERSION}`;
  const wanted = NODE_INTEGRITY[spec];
  if (wanted === undefined)
    throw new Error(
      `scripts/package/platforms.mjs has no hash of ${spec}: npm view ${spec} dist.integrity`,
    );
  const file = path.join(cache, `${name}-${NODE_VERSION}.tgz`);
  if (!fs.existsSync(file)) {
    fs.mkdirSync(cache, { recursive: true });
    const [npm, ...first] = npmCommand();
    const words = [...first, 'pack', spec, '--pack-destination', cache, '--loglevel=error'];
    const done = spawnSync(npm, words, { cwd: cache, encoding: 'utf8', windowsHide: true });
    if (done.status !== 0) throw new NotFetched(`npm could not fetch ${spec}: ${done.stderr}`);
  }
  const found = integrityOf(file);
  if (found === wanted) return file;
  fs.rmSync(file);
  throw new Error(`${spec} is not what it was when its hash was written down: ${found}`);
}

/** Puts one file of it to `target`. */
export async function takeFromNode(name, member, target, cache) {
  const file = fetchNode(name, cache);
  const folder = fs.mkdtempSync(path.join(cache, 'unpacked-'));
  try {
    await extract({ file, cwd: folder, strict: true }, [`package/${member}`]);
    fs.copyFileSync(path.join(folder, 'package', member), target);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
