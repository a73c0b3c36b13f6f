// Which PowerShell runs the cmdlets: always one executable by its absolute path, never whatever a name happens to mean.
import fs from 'node:fs';
import path from 'node:path';
import type { PowerShellPlaces } from '../../config/powershell-environment.ts';

/** PowerShell is not there or cannot be used. The message says what was looked at and what to do. */
export class EngineProblem extends Error {}

/** What the search sees of the machine; given in tests. */
export interface EngineMachine {
  platform: NodeJS.Platform;
  arch: string;
  isFile: (file: string) => boolean;
}

const thisMachine = (): EngineMachine => ({
  platform: process.platform,
  arch: process.arch,
  isFile: (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true,
});

/**
 * WATARI_PWSH; on Windows the Windows PowerShell 5.1 of the system, as FailoverClusters is not supported in 7;
 * elsewhere `pwsh` on PATH. Throws {@link EngineProblem}.
 */
export function findEngine(places: PowerShellPlaces, machine = thisMachine()): string {
  const { platform, isFile } = machine;
  if (places.chosen !== null) {
    const named = path.resolve(places.chosen);
    if (isFile(named)) return named;
    throw new EngineProblem(
      `WATARI_PWSH names ${named}, which is not a file. Correct it, or remove it to use the usual PowerShell.`,
    );
  }
  const tried = candidates(places, machine);
  const found = tried.find(isFile);
  if (found !== undefined) return found;
  const looked = tried.length === 0 ? 'PATH is empty' : `looked for ${tried.join(', ')}`;
  const next =
    platform === 'win32'
      ? 'Windows PowerShell 5.1 is a part of Windows; set WATARI_PWSH if it lies elsewhere.'
      : 'Install PowerShell 7, or set WATARI_PWSH to its executable.';
  throw new EngineProblem(`No PowerShell found: ${looked}. ${next}`);
}

function candidates(places: PowerShellPlaces, { platform, arch }: EngineMachine): string[] {
  if (platform === 'win32') {
    const windows = places.systemRoot ?? 'C:\\Windows';
    // A 32-bit Node is sent to SysWOW64, where the modules of Hyper-V and the cluster are missing.
    const folder = arch === 'ia32' ? 'Sysnative' : 'System32';
    return [path.win32.join(windows, folder, 'WindowsPowerShell', 'v1.0', 'powershell.exe')];
  }
  return places.searchPath
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, 'pwsh'));
}
