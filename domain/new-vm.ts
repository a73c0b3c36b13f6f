// What a VM must be that is to be made: asked by cluster.yaml, by every workflow's input, and by each door that makes
// one. A VM that is there already may be called anything that Windows allows. Pure.
import { sizeText } from './units.ts';
import { quoteValue } from './quoting.ts';
import type { VmSpec } from './spec.ts';
import { STEERING_WORDS, steers } from './steering.ts';
import { isSharedPath, nativePath } from './storage.ts';

export interface NewVmFault {
  field: keyof VmSpec;
  message: string;
  hint?: string;
}

const MB = 1024 ** 2;
const TB = 1024 ** 4;

export const NEW_VM_LIMITS = {
  nameChars: 100,
  /** MAX_PATH without the final zero: what Windows' own tools still take. */
  pathChars: 259,
  /** Hyper-V takes 32 MB up to 240 TB (generation 2), in steps of 2 MB. */
  memoryBytes: { min: 32 * MB, max: 240 * TB, step: 2 * MB },
  /** Generation 1 ends at 1 TB. */
  memoryGeneration1Bytes: TB,
} as const;

/** Device names that Windows takes for no folder, whatever stands behind a dot. */
const DEVICE =
  /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$) *(?:\.|$)/i;

export type Wrong = Omit<NewVmFault, 'field'> | undefined;

/** Name of the VM, of its role, and of its folder on the shared volume. */
export function wrongName(name: string): Wrong {
  const shown = quoteValue(name);
  if (name === '') return { message: 'is empty', hint: 'write a name of 1 to 100 characters' };
  if (steers(name)) return { message: `${shown} contains ${STEERING_WORDS}` };
  if (name.length > NEW_VM_LIMITS.nameChars) {
    return { message: `${shown} is too long`, hint: 'use at most 100 characters' };
  }
  if (/[\\/:*?"<>|]/.test(name)) {
    const hint = 'it names a folder too, so none of \\ / : * ? " < > | can be in it';
    return { message: `${shown} is not a name for a new VM`, hint };
  }
  if (name !== name.trim() || name.endsWith('.')) {
    return { message: `${shown} begins or ends with a space or ends with a dot` };
  }
  if (DEVICE.test(name)) {
    return { message: `${shown} is a device name of Windows`, hint: 'choose another name' };
  }
  return undefined;
}

export function wrongMemory(bytes: number): Wrong {
  const { min, max, step } = NEW_VM_LIMITS.memoryBytes;
  if (bytes < min || bytes > max) {
    return { message: `must be between 32MB and 240TB, but is ${sizeText(bytes)}` };
  }
  if (bytes % step === 0) return undefined;
  const next = Math.ceil(bytes / step) * step;
  const hint = `the next one is ${next / MB}MB (${next} bytes)`;
  return { message: 'must be a multiple of 2 MB', hint };
}

const EXAMPLE = "'C:\\ClusterStorage\\Volume1\\web-1.vhdx'";
/** Drive or share, and a file there. */
const FULL = /^(?:[a-z]:\\|\\\\[^\\]+\\[^\\]+\\)./i;
/** The yen and won signs, which Japanese and Korean fonts once drew in place of a backslash. */
const LOOKS_LIKE_BACKSLASH = /[\u00a5\uffe5\u20a9\uffe6\uff3c]/;

/** Of a path of Windows with backslashes. */
export function wrongPath(path: string): Wrong {
  const shown = quoteValue(path);
  const rest = path.replace(/^[a-z]:/i, '');
  if (path === '') return { message: 'is empty' };
  if (steers(path)) return { message: `${shown} contains ${STEERING_WORDS}` };
  if (path.length > NEW_VM_LIMITS.pathChars) return { message: `${shown} is too long for Windows` };
  const halved = path.replaceAll('\\\\', '\\');
  if (halved !== path && FULL.test(halved)) {
    const hint = `between single quotes a backslash is written once: '${halved}'`;
    return { message: `${shown} has doubled backslashes`, hint };
  }
  const sign = LOOKS_LIKE_BACKSLASH.exec(path)?.[0];
  if (sign !== undefined && !FULL.test(path)) {
    const meant = path.normalize('NFKC').replace(/[\u00a5\u20a9\\]/g, '\\');
    const code = `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    return {
      message: `${shown} has the character ${sign} (${code}), which is no backslash`,
      hint: `write '${meant}'`,
    };
  }
  if (/[:*?"<>|]/.test(rest) || path.split('\\').includes('..')) {
    return { message: `${shown} is not a path of Windows` };
  }
  if (!FULL.test(path)) {
    return {
      message: `${shown} is not a full path`,
      hint: `write it in full, for example ${EXAMPLE}`,
    };
  }
  return undefined;
}

export function wrongDisk(path: string): Wrong {
  const wrong = wrongPath(path);
  if (wrong !== undefined) return wrong;
  const shown = quoteValue(path);
  if (/\.vhds$/i.test(path)) {
    const hint = 'give the VM a disk of its own, a .vhdx';
    return { message: `${shown} is a VHD set, which the VMs of a guest cluster share`, hint };
  }
  if (!/\.vhdx?$/i.test(path)) {
    return { message: `${shown} is not a virtual disk`, hint: 'it ends with .vhdx' };
  }
  if (isSharedPath(path, [])) return undefined;
  return {
    message: `${shown} is on a disk of one node, where no other node can run the VM`,
    hint: `put it on a cluster shared volume, for example ${EXAMPLE}`,
  };
}

type NewVm = Pick<VmSpec, 'name' | 'memoryBytes' | 'vhd' | 'generation'>;

/** What each value may be, but not with that generation. */
export function generationFaults({ generation, memoryBytes, vhd }: NewVm): NewVmFault[] {
  if (generation === 1) {
    const fits = memoryBytes <= NEW_VM_LIMITS.memoryGeneration1Bytes;
    const message = 'a VM of generation 1 takes at most 1TB';
    return fits ? [] : [{ field: 'memoryBytes', message }];
  }
  const hint = 'use a .vhdx (Convert-VHD makes one), or generation: 1';
  const message = 'a VM of generation 2 cannot start from a .vhd';
  return /\.vhd$/i.test(vhd) ? [{ field: 'vhd', message, hint }] : [];
}

/** Everything that is wrong with it. */
export function newVmFaults(vm: NewVm): NewVmFault[] {
  const fields: [NewVmFault['field'], Wrong][] = [
    ['name', wrongName(vm.name)],
    ['memoryBytes', wrongMemory(vm.memoryBytes)],
    ['vhd', wrongDisk(nativePath(vm.vhd))],
  ];
  const faults = fields.flatMap(([field, wrong]) =>
    wrong === undefined ? [] : [{ field, ...wrong }],
  );
  return [...faults, ...generationFaults(vm)];
}
