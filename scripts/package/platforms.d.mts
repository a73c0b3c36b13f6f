// Types of platforms.mjs, for the tests.
export interface Platform {
  archive: 'zip' | 'tar.gz';
  launcher: string;
  core: string;
  node: { package: string; program: string };
}
export const PLATFORMS: Readonly<Record<'win-x64' | 'linux-x64', Platform>>;
export const NODE_VERSION: string;
export const NODE_INTEGRITY: Readonly<Record<string, string>>;
