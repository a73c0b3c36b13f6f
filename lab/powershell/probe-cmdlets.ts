// The lab's stand-in for watari's own module Watari.Probe, whose sockets and secedit.exe would see the real machine,
// the configuration of the SMB client, and local users.
import { sameName } from '../../domain/names.ts';
import { beginRestart } from '../machine/nodes.ts';
import {
  accountOf,
  addressOf,
  administratorsOf,
  passwordEnd,
  reaches,
} from '../machine/setup-reads.ts';
import { findNode } from '../machine/world.ts';
import { collect, objects, type Cmdlet } from './cmdlet.ts';
import { plainError } from './errors.ts';
import { CIM_INSTANCE } from './windows-types.ts';
import { date, texts, text, type Wire } from './wire.ts';

const numbers = (value: unknown): number[] =>
  (Array.isArray(value) ? (value as unknown[]) : [value]).filter((one) => typeof one === 'number');

const testReach: Cmdlet = {
  takes: ['Name', 'Port', 'TimeoutMs'],
  run: (call) => {
    const ports = numbers(call.bound.raw('Port'));
    const look = (name: string): Wire => {
      const peer = findNode(call.world, name);
      return {
        $t: 'Watari.Probe.Reach',
        p: {
          Name: text(name),
          Addresses: peer === undefined ? [] : [text(addressOf(call.world, peer))],
          Ports: ports.map((port) => ({
            $t: 'Watari.Probe.Port',
            p: { Port: port, Open: peer !== undefined && reaches(call, peer, port) },
          })),
        },
      };
    };
    return objects((call.bound.texts('Name') ?? []).map(look));
  },
};

/** Who has every right here beside the accounts that the scenario tells of. */
const OTHERS = ['S-1-5-32-544', 'S-1-5-80-0'];
const VIRTUAL_MACHINES = 'S-1-5-83-0';

const readSecurityPolicy: Cmdlet = {
  takes: ['Name'],
  run: (call) => {
    const { lockout, rights, virtualMachineRights } = call.node.is.setup;
    if (virtualMachineRights === null)
      throw plainError(call.cmdlet, {
        id: 'OperationStopped',
        category: 'OperationStopped',
        message: 'secedit.exe failed with code 1.',
        terminating: true,
      });
    const who = (has: boolean): string[] => (has ? [...OTHERS, VIRTUAL_MACHINES] : OTHERS);
    const says: Readonly<Record<string, readonly string[]>> = {
      SeCreateSymbolicLinkPrivilege: who(virtualMachineRights.createSymbolicLinks),
      SeServiceLogonRight: who(virtualMachineRights.logOnAsService),
      SeBatchLogonRight: rights.batch,
      SeDenyBatchLogonRight: rights.denyBatch,
      SeNetworkLogonRight: rights.network,
      SeDenyNetworkLogonRight: rights.denyNetwork,
      LockoutBadCount: [String(lockout.threshold)],
      // Not in the export where accounts are never locked.
      ...(lockout.threshold > 0 && {
        LockoutDuration: [String(lockout.minutes)],
        ResetLockoutCount: [String(lockout.windowMinutes)],
      }),
    };
    return objects(
      (call.bound.texts('Name') ?? []).map((name) => ({
        $t: 'Watari.Probe.Policy',
        p: { Name: text(name), Values: texts(says[name] ?? []) },
      })),
    );
  },
};

/** ERROR_SHUTDOWN_IN_PROGRESS */
const SHUTTING_DOWN = 1115;

/** shutdown.exe, which turns on the privilege that it needs. */
const restartMachine: Cmdlet = {
  takes: ['Reason'],
  run: ({ world, node, bound }) => {
    const code = node.power === 'stopping' ? SHUTTING_DOWN : 0;
    if (code === 0) beginRestart(world, node, bound.text('Reason') ?? '');
    return objects([{ $t: 'Watari.Probe.Exit', p: { ExitCode: code } }]);
  },
};

/** The account of the worker and the administrators, by name. */
const getLocalUser: Cmdlet = {
  takes: ['Name'],
  run: (call) => {
    const known = [accountOf(call.node), ...administratorsOf(call.node)];
    const { found, errors } = collect(call.bound.texts('Name') ?? [], (name) => {
      const user = known.find((one) => sameName(one.name, name));
      if (user !== undefined) return [user];
      return plainError(call.cmdlet, {
        id: 'UserNotFound',
        category: 'ObjectNotFound',
        message: `User ${name} was not found.`,
        target: name,
      });
    });
    const end = passwordEnd(call);
    const own = accountOf(call.node).name;
    return {
      out: found.map((user) => ({
        $t: 'Microsoft.PowerShell.Commands.LocalUser',
        text: 'Name',
        p: {
          Name: text(user.name),
          Enabled: user.enabled,
          PasswordExpires: end !== null && sameName(user.name, own) ? date(end) : null,
        },
      })),
      errors,
    };
  },
};

const getSmbClientConfiguration: Cmdlet = {
  takes: [],
  run: ({ node }) => {
    const { blockNtlm } = node.is.setup;
    return objects([
      {
        $t: `${CIM_INSTANCE}#ROOT/Microsoft/Windows/SMB/MSFT_SmbClientConfiguration`,
        base: CIM_INSTANCE,
        p: { RequireSecuritySignature: true, ...(blockNtlm !== null && { BlockNTLM: blockNtlm }) },
      },
    ]);
  },
};

export const PROBE_CMDLETS: Readonly<Record<string, Cmdlet>> = {
  'Test-Reach': testReach,
  'Read-SecurityPolicy': readSecurityPolicy,
  'Get-LocalUser': getLocalUser,
  'Restart-Machine': restartMachine,
  'Get-SmbClientConfiguration': getSmbClientConfiguration,
};
