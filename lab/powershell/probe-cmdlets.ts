// The lab's stand-in for watari's own module Watari.Probe, whose sockets and secedit.exe would see the real machine, and
// the configuration of the SMB client.
import { beginRestart } from '../machine/nodes.ts';
import { addressOf, reaches } from '../machine/setup-reads.ts';
import { findNode } from '../machine/world.ts';
import { objects, type Cmdlet } from './cmdlet.ts';
import { plainError } from './errors.ts';
import { CIM_INSTANCE } from './windows-types.ts';
import { texts, text, type Wire } from './wire.ts';

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

const readUserRight: Cmdlet = {
  takes: ['Name'],
  run: (call) => {
    const rights = call.node.is.setup.virtualMachineRights;
    if (rights === null)
      throw plainError(call.cmdlet, {
        id: 'OperationStopped',
        category: 'OperationStopped',
        message: 'secedit.exe failed with code 1.',
        terminating: true,
      });
    const has: Readonly<Record<string, boolean>> = {
      SeCreateSymbolicLinkPrivilege: rights.createSymbolicLinks,
      SeServiceLogonRight: rights.logOnAsService,
    };
    return objects(
      (call.bound.texts('Name') ?? []).map((name) => ({
        $t: 'Watari.Probe.Right',
        p: {
          Name: text(name),
          Sids: texts(has[name] === true ? [...OTHERS, VIRTUAL_MACHINES] : OTHERS),
        },
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
  'Read-UserRight': readUserRight,
  'Restart-Machine': restartMachine,
  'Get-SmbClientConfiguration': getSmbClientConfiguration,
};
