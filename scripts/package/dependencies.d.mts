// Types of dependencies.mjs, for the tests.
export interface NeededPackage {
  key: string;
  name: string;
  version: string;
  license: string;
}
export const IMPORTED_IN_VAIN: readonly string[];
export function neededPackages(root: string): NeededPackage[];
export function neededFiles(root: string, one: NeededPackage, core: string): string[];
export function licenceTexts(root: string, one: NeededPackage, files: readonly string[]): string[];
