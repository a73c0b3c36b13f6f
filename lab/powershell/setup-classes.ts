// The CIM classes behind `Get-WatariSetup`: computer, firmware, accounts, the process that asks, what listens.
import type { AccountFacts } from '../../domain/facts.ts';
import type { Asked } from '../machine/refusal.ts';
import { accountOf, administratorsOf, isLocked, listens, PORTS } from '../machine/setup-reads.ts';
import { isOn, vmsOn, type LabNode, type World } from '../machine/world.ts';
import { date, text, uint32, uint64, type Wire } from './wire.ts';

type Values = Record<string, Wire>;

export const computerSystem = ({ node }: Asked): Values[] => {
  const { domain, workgroup } = node.is.setup;
  return [
    {
      Name: text(node.name),
      Domain: text(domain ?? workgroup ?? ''),
      Workgroup: domain === null ? workgroup : null,
      PartOfDomain: domain !== null,
      TotalPhysicalMemory: uint64(node.is.memory),
      NumberOfLogicalProcessors: uint32(node.is.logicalProcessors),
    },
  ];
};

export const bios = ({ node }: Asked): Values[] => [
  { Manufacturer: 'Lab', SMBIOSBIOSVersion: text(node.is.setup.bios) },
];

const userOf = (world: World, node: LabNode, account: AccountFacts): Values => ({
  Domain: text(node.name),
  Name: text(account.name),
  SID: text(account.sid),
  Disabled: !account.enabled,
  Lockout: isLocked(world, node, account.name),
  LocalAccount: true,
});

/** The node's own accounts. */
export const userAccounts = ({ world, node }: Asked): Values[] => {
  const own = accountOf(node);
  const administrators = administratorsOf(node);
  const others = administrators.some((one) => one.sid === own.sid) ? [] : [own];
  return [...administrators, ...others].map((account) => userOf(world, node, account));
};

/** Administrators, under a name that only some Windows has. */
export const groups = ({ node }: Asked): Values[] => [
  { Domain: text(node.name), Name: 'Administratoren', SID: 'S-1-5-32-544', LocalAccount: true },
];

/** Members of the group; in a domain, one of the domain's accounts is there too. */
export const administratorMembers = ({ world, node }: Asked): Values[] => {
  const { domain } = node.is.setup;
  const foreign: Values = {
    Domain: text(domain ?? ''),
    Name: 'hv-admins',
    SID: 'S-1-5-21-1-2-3-1104',
    Disabled: false,
    LocalAccount: false,
  };
  const local = administratorsOf(node).map((account) => userOf(world, node, account));
  return domain === null ? local : [foreign, ...local];
};

/** Beside those of Windows the one that a query names: whoever asks. */
export const processes = ({ world, node }: Asked, filter: string): Values[] => {
  const process = (id: number, name: string, began: number): Values => ({
    ProcessId: id,
    Name: name,
    // Noted once, by the clock of that moment.
    CreationDate: date(began),
  });
  const booted = node.kernelStart;
  const workers = vmsOn(world, node.name).filter(isOn);
  const known = [
    process(4, 'System', booted),
    process(640, 'wininit.exe', booted + 900),
    ...workers.map((_, i) => process(8000 + 4 * i, 'vmwp.exe', booted + 60_000)),
  ];
  const named = Number(/\bProcessId\s*=\s*(\d+)/i.exec(filter)?.[1] ?? 4);
  const isKnown = known.some((one) => one['ProcessId'] === named);
  return isKnown ? known : [...known, process(named, 'powershell.exe', booted + 120_000)];
};

export const ownerOf = ({ node }: Asked): Values => ({
  ReturnValue: uint32(0),
  User: text(accountOf(node).name),
  Domain: text(node.name),
});

export const ownerSidOf = ({ node }: Asked): Values => ({
  ReturnValue: uint32(0),
  Sid: text(accountOf(node).sid),
});

const LISTEN = 2;
const ESTABLISHED = 5;

/** What listens here; beside it a listener for this machine alone, and a connection. */
export const connections = ({ world, node }: Asked): Values[] => {
  const of = (LocalAddress: string, LocalPort: number, State: number): Values => ({
    LocalAddress: text(LocalAddress),
    LocalPort,
    State,
  });
  return [
    ...Object.values(PORTS)
      .filter((port) => listens(world, node, port))
      .map((port) => of('::', port, LISTEN)),
    of('127.0.0.1', 7233, LISTEN),
    of('10.0.0.1', 7234, ESTABLISHED),
  ];
};

/** Services that Windows numbers: 1 is Credential Guard, 2 memory integrity. */
export const deviceGuards = ({ node }: Asked): Values[] => {
  const guarded = node.is.setup.credentialGuard;
  if (guarded === null) return [];
  return [
    { SecurityServicesRunning: guarded ? [1, 2] : [2], VirtualizationBasedSecurityStatus: 2 },
  ];
};
