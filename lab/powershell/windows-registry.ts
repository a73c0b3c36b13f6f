// The registry of a node, as StdRegProv of WMI tells it: the keys and values of HKEY_LOCAL_MACHINE that watari asks
// for.
import type { Asked } from '../machine/refusal.ts';
import { trustedOf } from '../machine/setup-reads.ts';
import { buildNumberOf } from '../machine/update-reads.ts';
import type { LabNode } from '../machine/world.ts';
import { notImplemented } from './errors.ts';
import { text, texts, uint32, type Wire } from './wire.ts';

/** HKEY_LOCAL_MACHINE */
const LOCAL_MACHINE = 2147483650;
/** ERROR_FILE_NOT_FOUND: there is no such key or value. */
const ABSENT = 2;
/** ERROR_ACCESS_DENIED */
const DENIED = 5;
/** Of the access rights of a key, those that need an administrator below HKLM\SOFTWARE: all but reading. */
const WRITING = ~(0x1 | 0x8 | 0x10 | 0x20000);

/** After a restart; nothing is there otherwise. */
const SERVICING_WORKS = 2;

const CURRENT_VERSION = 'software\\microsoft\\windows\\currentversion';
const UPDATES = 'software\\policies\\microsoft\\windows\\windowsupdate\\au';
const CERTIFICATES = 'software\\microsoft\\systemcertificates';

/** Names of the keys below a key; null where it is absent. Keys are in lower case. */
function keysBelow(node: LabNode, key: string): string[] | null {
  const pendingFeature = [...node.features.values()].includes('InstallPending');
  const { shieldingCertificates } = node.is.setup;
  switch (key) {
    case `${CURRENT_VERSION}\\component based servicing\\rebootpending`:
      return pendingFeature ? [] : null;
    case `${CURRENT_VERSION}\\windowsupdate\\auto update\\rebootrequired`:
      return node.pendingRestart && !pendingFeature ? [] : null;
    // The store comes with its first certificate.
    case `${CERTIFICATES}\\shielded vm local certificates\\certificates`:
      return shieldingCertificates.length > 0 ? [...shieldingCertificates] : null;
    default:
      return null;
  }
}

/** Eight bytes; processors of Intel use the upper half, those of AMD the lower one. */
function microcodeBytes({ is }: LabNode): number[] {
  const number = Number.parseInt(is.setup.microcode, 16);
  const half = [0, 8, 16, 24].map((shift) => (number >>> shift) & 0xff);
  const none = [0, 0, 0, 0];
  return is.cpuVendor === 'AuthenticAMD' ? [...half, ...none] : [...none, ...half];
}

/** A DWORD is a number, text is text, and bytes are a list; null where the value is absent. */
function valueOf(asked: Asked, key: string, name: string): number | string | number[] | null {
  const { setup } = asked.node.is;
  switch (`${key}\\${name}`) {
    case 'system\\currentcontrolset\\services\\tcpip\\parameters\\nv domain':
      return setup.dnsSuffix === '' ? null : setup.dnsSuffix;
    case 'software\\microsoft\\windows nt\\currentversion\\ubr':
      return asked.node.updates.revision;
    case 'software\\microsoft\\windows nt\\currentversion\\currentbuildnumber':
      return buildNumberOf(asked.node);
    case `${CURRENT_VERSION}\\component based servicing\\interface\\servicinginprogress`:
      return asked.node.updates.servicingUntil > asked.world.time ? SERVICING_WORKS : null;
    case `${CURRENT_VERSION}\\policies\\system\\localaccounttokenfilterpolicy`:
      return setup.localAccountTokenFilterPolicy;
    case 'system\\currentcontrolset\\control\\lsa\\pku2u\\allowonlineid':
      return setup.allowPku2u;
    case 'software\\policies\\microsoft\\windows\\system\\allowcustomsspsaps':
      return setup.allowCustomSspsAps;
    case `${UPDATES}\\noautoupdate`:
      return setup.noAutoUpdate;
    case `${UPDATES}\\auoptions`:
      return setup.autoUpdateOption;
    case `${CURRENT_VERSION}\\wsman\\client\\trusted_hosts`:
      return trustedOf(asked).join(',');
    case 'hardware\\description\\system\\centralprocessor\\0\\update revision':
      return microcodeBytes(asked.node);
    default:
      return null;
  }
}

/** By method, where its answer is and which kind of value it is for. */
const GETTERS: Readonly<Record<string, { property: string; kind: string }>> = {
  getdwordvalue: { property: 'uValue', kind: 'number' },
  getstringvalue: { property: 'sValue', kind: 'string' },
  getbinaryvalue: { property: 'uValue', kind: 'object' },
};

const wire = (value: number | string | number[]): Wire =>
  typeof value === 'number' ? uint32(value) : typeof value === 'string' ? text(value) : value;

/**
 * The values that a method of StdRegProv answers with.
 * @param given its arguments by lower-case names
 */
export function registryAnswer(
  asked: Asked,
  cmdlet: string,
  method: string,
  given: ReadonlyMap<string, unknown>,
): Record<string, Wire> {
  const key = given.get('ssubkeyname');
  if (given.get('hdefkey') !== LOCAL_MACHINE || typeof key !== 'string')
    throw notImplemented(cmdlet, 'any part of the registry but HKEY_LOCAL_MACHINE');
  if (method === 'enumkey') {
    const names = keysBelow(asked.node, key.toLowerCase());
    if (names === null) return { ReturnValue: uint32(ABSENT), sNames: null };
    return { ReturnValue: uint32(0), sNames: names.length > 0 ? texts(names) : null };
  }
  if (method === 'checkaccess') {
    const reads = (Number(given.get('urequired') ?? 3) & WRITING) === 0;
    const granted = reads || asked.node.is.setup.elevated;
    return { ReturnValue: uint32(granted ? 0 : DENIED), bGranted: granted };
  }
  const getter = GETTERS[method];
  if (getter === undefined) throw notImplemented(cmdlet, `StdRegProv.${method}`);
  const name = given.get('svaluename');
  const value = valueOf(
    asked,
    key.toLowerCase(),
    typeof name === 'string' ? name.toLowerCase() : '',
  );
  const there = value !== null && typeof value === getter.kind;
  return {
    ReturnValue: uint32(there ? 0 : ABSENT),
    [getter.property]: there ? wire(value) : null,
  };
}
