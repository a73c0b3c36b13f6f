// What a PowerShell is given so that it meets the stand-in modules instead of Windows: for the lab's workers, the bench
// and the tests.
import path from 'node:path';
import { readPowerShellPlaces } from '../../config/powershell-environment.ts';
import { OWN_MODULE } from './catalogue.ts';

export interface StandInPlace {
  /** Where generateModules wrote them. */
  folder: string;
  /** Address of the lab. */
  url: string;
  /** The node that this PowerShell is on. */
  node: string;
}

/**
 * The stand-ins alone, and on Windows its own modules behind them: Windows PowerShell takes PSModulePath as it is and
 * would lack even ConvertTo-Json.
 */
export function standInPath(folder: string, platform = process.platform): string {
  if (platform !== 'win32') return folder;
  const windows = readPowerShellPlaces().systemRoot ?? 'C:\\Windows';
  return [
    folder,
    path.win32.join(windows, 'System32', 'WindowsPowerShell', 'v1.0', 'Modules'),
  ].join(';');
}

export const standInEnvironment = ({ folder, url, node }: StandInPlace) => ({
  LAB_URL: url,
  LAB_NODE: node,
  PSModulePath: standInPath(folder),
});

/**
 * Modules that a PowerShell on Windows has of its own, where 7 looks first, whatever the path; and watari's own, which
 * lies beside the module that needs it.
 */
const LOADED_FIRST = ['CimCmdlets', 'Microsoft.PowerShell.Diagnostics', OWN_MODULE];

/** To be imported by path before anything else: what is loaded already is not looked for. */
export const standInsToLoad = (folder: string): string[] =>
  LOADED_FIRST.map((name) => path.join(folder, name, `${name}.psd1`));
