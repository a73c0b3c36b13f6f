// Why the native part of Temporal's SDK cannot be loaded, as a sentence with its remedy. For whatever loads it: the
// watari command, the worker of a node, the check before one is installed. Reads the disk, never the words of the
// system's loader, which are translated.
import fs from 'node:fs';
import path from 'node:path';
import { readServicePlaces } from './service-places.ts';

export interface NativeProblem {
  code: 'VisualCppMissing' | 'NativePartUnusable';
  message: string;
  hint: string;
}

export interface NativeMachine {
  platform: NodeJS.Platform;
  systemRoot: string;
  isThere: (file: string) => boolean;
}

const thisMachine = (): NativeMachine => ({
  platform: process.platform,
  systemRoot: readServicePlaces().systemRoot,
  isThere: fs.existsSync,
});

/** Neither part of Windows nor of Node.js; the native part names this one in its table of imports, and no other. */
const RUNTIME = 'VCRUNTIME140.dll';
export const RUNTIME_INSTALLER = 'https://aka.ms/vs/17/release/vc_redist.x64.exe';

const SEEN_MAX = 5;

/** Node's own refusal to load, or the SDK's that it has no file for this computer; wrapped or not. */
function refusalIn(err: unknown): Error | null {
  let seen: unknown = err;
  for (let depth = 0; seen instanceof Error && depth < SEEN_MAX; depth += 1) {
    if (seen.name === 'PrebuildError') return seen;
    if ('code' in seen && seen.code === 'ERR_DLOPEN_FAILED') return seen;
    seen = seen.cause;
  }
  return null;
}

/** null for any other error. */
export function nativeProblem(
  err: unknown,
  machine: NativeMachine = thisMachine(),
): NativeProblem | null {
  const refusal = refusalIn(err);
  if (refusal === null) return null;
  const runtime = path.win32.join(machine.systemRoot, 'System32', RUNTIME);
  if (machine.platform === 'win32' && !machine.isThere(runtime)) {
    return {
      code: 'VisualCppMissing',
      message: `this Windows lacks the Microsoft Visual C++ runtime (there is no ${runtime}), without which the native part of Temporal's SDK cannot be loaded`,
      hint: `Install vc_redist.x64.exe of Microsoft (${RUNTIME_INSTALLER}) on this computer, then run the command again.`,
    };
  }
  return {
    code: 'NativePartUnusable',
    message: `the native part of Temporal's SDK cannot be loaded: ${refusal.message.trim()}`,
    hint:
      machine.platform === 'win32'
        ? `Unpack watari anew: the file may be damaged. If it stays so, look whether a policy forbids the file (event log\nMicrosoft-Windows-CodeIntegrity/Operational), and repair the Visual C++ runtime: ${RUNTIME_INSTALLER}`
        : 'It is made for x64 and arm64 with glibc. Use the package of this system, or run npm ci again in a checkout.',
  };
}
