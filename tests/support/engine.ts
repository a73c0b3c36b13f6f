// A PowerShell for tests: WATARI_PWSH, then the one of this machine, then a build that lies beside the repository.
// Tests that need one say so with `needs(POWERSHELL)` of needs.ts.
import fs from 'node:fs';
import path from 'node:path';
import { readPowerShellPlaces } from '../../config/powershell-environment.ts';
import { EngineProblem, findEngine } from '../../hyperv/powershell/engine.ts';
import { ROOT } from './built-setup.ts';

/** Beside the repository: a machine for development may keep a PowerShell for tests there. */
const NEIGHBOUR = path.join(ROOT, '..', 'shared', 'tools', 'pwsh', 'bin', 'pwsh');

function find(): string | null {
  try {
    return findEngine(readPowerShellPlaces());
  } catch (error) {
    if (!(error instanceof EngineProblem)) throw error;
    return fs.existsSync(NEIGHBOUR) ? NEIGHBOUR : null;
  }
}

/** Absolute path of the executable; null when there is none. */
export const ENGINE = find();

/** For tests that are skipped without an engine. */
export function engine(): string {
  if (ENGINE === null) throw new Error('There is no PowerShell, and this test was not skipped.');
  return ENGINE;
}

export const MODULE_FOLDER = path.join(ROOT, 'hyperv', 'powershell');
