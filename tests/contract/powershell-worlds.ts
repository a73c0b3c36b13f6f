// The contract suite's world for the PowerShell implementation: the real engine runs the module against the lab's
// stand-ins of the Windows modules. Shells are kept from world to world, as starting them takes most of the time.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePorts } from '../../client/temporal-server/ports.ts';
import { HypervError, type HypervHost, type Op } from '../../hyperv/host.ts';
import { powershellHost, type PowerShellHost } from '../../hyperv/powershell/host.ts';
import { manualClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { disturbanceSchema } from '../../lab/powershell/disturbance.ts';
import { PowerShellDoor } from '../../lab/powershell/door.ts';
import { generateModules } from '../../lab/powershell/generate.ts';
import { standInEnvironment, standInsToLoad } from '../../lab/powershell/stand-ins.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { startLabServer } from '../../lab/server.ts';
import { engine, MODULE_FOLDER } from '../support/engine.ts';
import { labWorld, type Doors } from './lab-worlds.ts';
import type { MakeWorld, World } from './world.ts';

/** Every world listens where the shells already look. */
const freePort = async (): Promise<number> => (await freePorts('127.0.0.1', 1))[0] ?? 0;

export interface PowerShellWorlds {
  make: MakeWorld;
  /** A world whose nodes are asked whether they have power or not, and whose cmdlets can be watched. */
  makeBare: (onCmdlet?: Doors['onCmdlet']) => Promise<World>;
  close(): Promise<void>;
}

/**
 * A machine without power runs no worker, so nobody asks its PowerShell. Asked all the same, it ends without an answer
 * (powershell-module.contract.test.ts), and a new one for every second of a boot would make the suite take an hour.
 */
function whilePowered(lab: Lab, host: HypervHost): HypervHost {
  const isOn = (): boolean => lab.isUp(host.node);
  return new Proxy(host, {
    get: (target, op) => {
      const member: unknown = Reflect.get(target, op);
      if (typeof member !== 'function' || isOn()) return member;
      const info = { op: op as Op, node: host.node, outcome: 'unknown' } as const;
      return () => Promise.reject(new HypervError(`${host.node} has no power.`, info));
    },
  });
}

interface Shells {
  hostOf: (url: string, node: string) => PowerShellHost;
  close: () => Promise<void>;
}

function keptShells(poolSize: number): Shells {
  const hosts = new Map<string, PowerShellHost>();
  const modules = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-modules-'));
  generateModules(modules);
  return {
    hostOf: (url, node) => {
      const known = hosts.get(node);
      if (known !== undefined) return known;
      const made = powershellHost({
        node,
        engine: engine(),
        moduleFolder: MODULE_FOLDER,
        poolSize,
        env: standInEnvironment({ folder: modules, url, node }),
        loadFirst: standInsToLoad(modules),
      });
      hosts.set(node, made);
      return made;
    },
    close: async () => {
      await Promise.all([...hosts.values()].map((host) => host.close()));
      fs.rmSync(modules, { recursive: true, force: true });
    },
  };
}

export function powershellWorlds(): PowerShellWorlds {
  // Two calls at once are to meet in Windows, not in the pool.
  const { hostOf, close } = keptShells(2);
  let port: Promise<number> | null = null;

  return {
    make: async (changes) => {
      port ??= freePort();
      return labWorld({
        changes,
        hostFor: (lab, url, node) => whilePowered(lab, hostOf(url, node)),
        port: await port,
        cmdlets: true,
      });
    },
    makeBare: async (onCmdlet) => {
      port ??= freePort();
      return labWorld({
        hostFor: (_lab, url, node) => hostOf(url, node),
        port: await port,
        cmdlets: true,
        ...(onCmdlet !== undefined && { onCmdlet }),
      });
    },
    close,
  };
}

export interface PowerShellLab {
  lab: Lab;
  host: (node: string) => HypervHost;
  /** Lets the next call of a cmdlet fail. */
  fail: (cmdlet: string, times?: number) => void;
  /** Lets seconds of the cluster's time pass; by itself none does. */
  pass: (seconds: number) => void;
  /** Cmdlets that have been called so far, oldest first. */
  cmdlets: () => string[];
}

export interface PowerShellLabs {
  /** A lab of its own for each scenario, asked through the same shells. */
  with<T>(scenario: string, work: (at: PowerShellLab) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function powershellLabs(): PowerShellLabs {
  // Nothing here is faster with more: two cores start and run three of them.
  const { hostOf, close } = keptShells(1);
  let port: Promise<number> | null = null;
  return {
    with: async (scenario, work) => {
      port ??= freePort();
      const clock = manualClock();
      const lab = new Lab(parseScenario(scenario, 'lab.yaml'), clock);
      const powershell = new PowerShellDoor(lab);
      const server = await startLabServer(lab, { port: await port, clock, powershell });
      const fail = (cmdlet: string, times = 1): void => {
        const error = { fqid: `Failed,${cmdlet}`, message: `${cmdlet} failed` };
        powershell.disturb(disturbanceSchema.parse({ cmdlet, times, error }));
      };
      const pass = (seconds: number): void => {
        clock.advance(seconds * 1000);
        lab.advance();
      };
      try {
        const cmdlets = (): string[] => powershell.cmdlets().map((one) => one.cmdlet);
        return await work({
          lab,
          host: (node) => hostOf(server.url, node),
          pass,
          fail,
          cmdlets,
        });
      } finally {
        await server.close();
      }
    },
    close,
  };
}
