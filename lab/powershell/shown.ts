// What the stand-ins show of themselves: types, properties and kinds, for whoever holds them against Windows (tests,
// and scripts/contact-json.mjs). Reads a small cluster that has one of each thing.
import { manualClock } from '../machine/clock.ts';
import { Lab } from '../machine/lab.ts';
import { parseScenario } from '../scenario/read.ts';
import { CLASS_NAMES } from './cim-classes.ts';
import { PowerShellDoor } from './door.ts';
import type { Wire, WireObject } from './wire.ts';

/** Type names of stand-in objects -> property -> .NET type; '' for what may be any. */
export type Seen = Map<string, Map<string, string>>;

const SCENARIO = `
cluster: evidence
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
witness: { kind: Disk }
storage: { direct: true }
virtualMachines:
  - { name: a, owner: HV1, memory: 4GB, tpm: true, gpuPartitions: 1, passThroughDevices: [x], switches: [LAN, null], dvds: ['C:\\ClusterStorage\\Volume1\\a.iso'], parents: ['C:\\ClusterStorage\\Volume1\\b.vhdx'], disks: ['C:\\ClusterStorage\\Volume1\\a.vhdx', PHYSICALDRIVE3] }
`;

/** How the stand-ins refuse what is not there. */
export async function refusalsOfStandIns(
  asked: Readonly<Record<string, { cmdlet: string; bound: Record<string, unknown> }>>,
): Promise<Record<string, { id: string; category: string }>> {
  const door = new PowerShellDoor(new Lab(parseScenario(SCENARIO, 'evidence'), manualClock()));
  const refusals: Record<string, { id: string; category: string }> = {};
  for (const [name, ask] of Object.entries(asked)) {
    const reply = await door.cmdlet({ node: 'HV1', ...ask });
    const [error] = reply?.errors ?? [];
    if (error !== undefined) refusals[name] = { id: error.fqid, category: error.category };
  }
  return refusals;
}

const ARGUMENTS: Readonly<Record<string, Record<string, unknown>>> = {
  'Get-VHD': { Path: ['C:\\ClusterStorage\\Volume1\\a.vhdx'] },
  'Get-ClusterParameter': { InputObject: [{ $ref: 'resource:*' }] },
  'Get-ClusterOwnerNode': { Group: 'a' },
};

/** Everything that the stand-ins of reading cmdlets answer about a cluster that has one of each thing. */
export async function seenOfStandIns(cmdlets: readonly string[]): Promise<{
  seen: Seen;
  /** Cmdlet -> types that it gives; of Get-CimInstance by `Get-CimInstance Class`. */
  given: Map<string, Set<string>>;
}> {
  const lab = new Lab(parseScenario(SCENARIO, 'evidence'), manualClock());
  const door = new PowerShellDoor(lab);
  const vmId = lab.state().vms[0]?.id ?? '';
  const seen: Seen = new Map();
  const given = new Map<string, Set<string>>();
  const ask = async (key: string, cmdlet: string, bound: Record<string, unknown>) => {
    const reply = await door.cmdlet({ node: 'HV1', cmdlet, bound });
    const out = reply?.out ?? [];
    for (const value of out) note(seen, value);
    given.set(
      key.toLowerCase(),
      new Set(out.flatMap((value) => (isObject(value) ? [nameOf(value)] : []))),
    );
  };
  for (const cmdlet of cmdlets) {
    const named = /^Get-VM[A-Z]/.test(cmdlet) && !/Host|Switch|Network$/.test(cmdlet);
    const bound = named ? { VMName: ['a'] } : (ARGUMENTS[cmdlet] ?? {});
    const text = JSON.stringify(bound).replaceAll('*', vmId);
    await ask(cmdlet, cmdlet, JSON.parse(text) as Record<string, unknown>);
  }
  for (const name of CLASS_NAMES) {
    const [, namespace = '', ClassName = ''] = /^(.*)\/(\w+)$/.exec(name) ?? [];
    const Filter =
      ClassName === 'cim_datafile' ? "Name='C:\\\\ClusterStorage\\\\Volume1\\\\a.vhdx'" : undefined;
    const bound = { ClassName, Namespace: namespace, ...(Filter !== undefined && { Filter }) };
    await ask(`Get-CimInstance ${ClassName}`, 'Get-CimInstance', bound);
  }
  return { seen, given };
}

const isObject = (value: Wire): value is WireObject =>
  value !== null && typeof value === 'object' && '$t' in value;

/** `…CimInstance#root/cimv2/Win32_Service` is `root/cimv2/Win32_Service`. */
const nameOf = ({ $t }: WireObject): string => $t.replace(/^.*#/, '');

const MARKS: Readonly<Record<string, string>> = {
  $s: 'System.String',
  $g: 'System.Guid',
  $v: 'System.Version',
  $i8: 'System.Int64',
  $u4: 'System.UInt32',
  $u8: 'System.UInt64',
  $d: 'System.DateTime',
  $span: 'System.TimeSpan',
};

function typeOf(value: Wire): string {
  if (typeof value === 'string') return 'System.String';
  if (typeof value === 'boolean') return 'System.Boolean';
  // As the engine reads it from JSON.
  if (typeof value === 'number') return 'System.Int32';
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return '';
  if (isObject(value)) return nameOf(value);
  const enumeration = (value as { $e?: [string, number] }).$e;
  if (enumeration !== undefined) return enumeration[0];
  const mark = Object.keys(value).find((key) => key in MARKS);
  return mark === undefined ? '' : (MARKS[mark] ?? '');
}

function note(seen: Seen, value: Wire): void {
  if (value === null || typeof value !== 'object') return;
  if (!isObject(value)) {
    for (const part of Array.isArray(value) ? (value as Wire[]) : Object.values(value as object))
      note(seen, part as Wire);
    return;
  }
  const properties = seen.get(nameOf(value)) ?? new Map<string, string>();
  seen.set(nameOf(value), properties);
  for (const [name, part] of Object.entries(value.p)) {
    properties.set(name, typeOf(part) || (properties.get(name) ?? ''));
    note(seen, part);
  }
}
