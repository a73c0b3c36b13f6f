// watari in another version, installed beside the one of this checkout: what a node has in the middle of an upgrade.
// Everything is the real product, but for the changes that make the version.
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './built-setup.ts';
import { variantBundle, variantFolder, type Change } from './variants.ts';
import type { Program } from '../../proof/rig/processes.ts';
import { startNode } from './processes.ts';

export interface Installation {
  version: string;
  /** The worker of a node of a lab. */
  worker(on: {
    cluster: string;
    node: string;
    labUrl: string;
    env: Record<string, string>;
  }): Program;
  remove(): void;
}

/** What a worker needs; the rest of dist/ is not copied. */
const PARTS = ['activities', 'config', 'domain', 'hyperv', 'lab', 'workers', 'workflows'];

export async function installation(
  version: string,
  changes: readonly Change[],
): Promise<Installation> {
  const bundle = await variantBundle(changes);
  const folder = variantFolder();
  const dist = path.join(folder, 'dist');
  for (const part of PARTS) {
    fs.cpSync(path.join(ROOT, 'dist', part), path.join(dist, part), { recursive: true });
  }
  fs.writeFileSync(path.join(dist, 'workflow-bundle.js'), bundle);
  fs.writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ name: 'watari', version, type: 'module' }),
  );
  return {
    version,
    worker: ({ cluster, node, labUrl, env }) =>
      startNode(
        [
          path.join(dist, 'workers', 'main.js'),
          ...['--cluster', cluster, '--node', node, '--lab', labUrl],
        ],
        { env },
      ),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}
