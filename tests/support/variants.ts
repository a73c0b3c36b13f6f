// Another version of watari's workflows, made for a test: the sources with a change, bundled as the build bundles them.
// What a test says about upgrades is then said about real code, and not about a fake of it.
import fs from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { ROOT } from './built-setup.ts';

/** A text of a source file, and what stands in its place. The text must be there once. */
export interface Change {
  file: string;
  from: string;
  to: string;
}

/** Below dist/, so that the copy finds the packages of the project and nothing else finds the copy. */
export function variantFolder(): string {
  const variants = path.join(ROOT, 'dist', 'variants');
  fs.mkdirSync(variants, { recursive: true });
  return fs.mkdtempSync(path.join(variants, 'v'));
}

/** @returns the code of the bundle */
export async function variantBundle(changes: readonly Change[]): Promise<string> {
  const folder = variantFolder();
  try {
    for (const part of ['workflows', 'domain']) {
      fs.cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
    }
    for (const change of changes) apply(folder, change);
    const { code } = await bundleWorkflowCode({
      workflowsPath: path.join(folder, 'workflows', 'index.ts'),
      logger: new DefaultLogger('ERROR'),
    });
    return code;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function apply(folder: string, { file, from, to }: Change): void {
  const place = path.join(folder, file);
  const parts = fs.readFileSync(place, 'utf8').split(from);
  if (parts.length !== 2) {
    throw new Error(
      `The change of this test does not fit ${file} any more: ${JSON.stringify(from)} is there ${parts.length - 1} times, and must be once. Adapt the test.`,
    );
  }
  fs.writeFileSync(place, parts.join(to));
}
