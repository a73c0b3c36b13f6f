// Types of archives.mjs, for the tests.
export function filesBelow(folder: string): string[];
export function pack(
  kind: 'zip' | 'tar.gz',
  folder: string,
  target: string,
  programs: readonly string[],
): Promise<void>;
export function sumLine(file: string): string;
