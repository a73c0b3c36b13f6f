// What looks through PowerShell take on a cluster of some size, when the calls of Windows cost what they are taken to
// cost: a real engine, the lab's stand-ins, and a lab with `costs:`. One look each; a size is no matter of luck.
import fs from 'node:fs';
import path from 'node:path';
import { PACKAGE_ROOT } from '../../../client/package-root.ts';
import { readPowerShellPlaces } from '../../../config/powershell-environment.ts';
import { HypervError, type HypervHost } from '../../../hyperv/host.ts';
import { EngineProblem, findEngine } from '../../../hyperv/powershell/engine.ts';
import { powershellHost } from '../../../hyperv/powershell/host.ts';
import { scaledClock } from '../../../lab/machine/clock.ts';
import { Lab } from '../../../lab/machine/lab.ts';
import { PowerShellDoor } from '../../../lab/powershell/door.ts';
import { generateModules } from '../../../lab/powershell/generate.ts';
import { standInEnvironment, standInsToLoad } from '../../../lab/powershell/stand-ins.ts';
import { parseScenario } from '../../../lab/scenario/read.ts';
import { startLabServer } from '../../../lab/server.ts';
import { figure, type Figure } from '../figures.ts';

const goal = (limit: number) => ({ goal: { of: 'max', limit } as const });
const callsOf = (of: string, title: string) =>
  figure(`powershell-size-${of}-calls`, `  calls for it (${title})`, { unit: 'calls' });

/** Each look with the number of calls that it made. */
export const FIGURES = {
  roles200: figure('powershell-size-roles-200', 'a look at 200 roles'),
  roles200Calls: callsOf('roles-200', '200 roles'),
  roles1000: figure('powershell-size-roles-1000', 'a look at 1,000 roles', goal(10_000)),
  roles1000Calls: callsOf('roles-1000', '1,000 roles'),
  owners1000: figure('powershell-size-owners-1000', '  the same with who may own them'),
  owners1000Calls: callsOf('owners-1000', 'with owners'),
  poll: figure('powershell-size-poll', 'the poll of one move among 1,000 roles', goal(500)),
  pollCalls: callsOf('poll', 'the poll'),
  vms50: figure('powershell-size-vms-50', 'a look at 50 VMs of a node', goal(5_000)),
  vms50Calls: callsOf('vms-50', '50 VMs'),
  vm: figure('powershell-size-vm', 'a look at one of 50 VMs', goal(500)),
  vmCalls: callsOf('vm', 'one VM'),
} satisfies Record<string, Figure>;

/** As long as a worker waits; the shell of a look that takes longer is ended. */
const LOOK_MS = 60_000;

/** Prepared nodes, without the line that names the cluster; `running` of the VMs are on the node that is asked. */
const sizedScenario = (vms: number, running: number): string => `
costs: {}
nodes:
  - { name: HV1, memory: 4096GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 4096GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
virtualMachines:
${Array.from({ length: vms }, (_, i) => `  - { name: vm-${i}, owner: ${i < running ? 'HV1' : 'HV2'}, memory: 1GB }`).join('\n')}
`;

interface Sized {
  host: HypervHost;
  vmId: string;
  /** Milliseconds and calls of one look. */
  measure: (times: Figure, calls: Figure, look: () => Promise<unknown>) => Promise<void>;
}

async function withCluster(
  folder: string,
  engine: string,
  size: [vms: number, running: number],
  work: (at: Sized) => Promise<void>,
): Promise<void> {
  const clock = scaledClock(1, Date.now);
  const lab = new Lab(
    parseScenario(`cluster: bench-size\n${sizedScenario(...size)}`, 'bench'),
    clock,
  );
  const door = new PowerShellDoor(lab);
  const server = await startLabServer(lab, { port: 0, clock, powershell: door });
  const host = powershellHost({
    node: 'HV1',
    engine,
    moduleFolder: path.join(PACKAGE_ROOT, 'dist', 'hyperv', 'powershell'),
    env: standInEnvironment({ folder, url: server.url, node: 'HV1' }),
    loadFirst: standInsToLoad(folder),
    poolSize: 1,
    timeouts: { readMs: LOOK_MS },
  });
  try {
    await host.readServices({ names: ['vmms'] });
    await work({
      host,
      vmId: lab.state().vms[0]?.id ?? '',
      measure: async (times, calls, look) => {
        const before = door.cmdlets().at(-1)?.seq ?? 0;
        const began = performance.now();
        await look().catch((error: unknown) => {
          // Given up, as a worker gives up: the goal is missed, and by how much nobody knows.
          if (!(error instanceof HypervError) || error.info.outcome !== 'unknown') throw error;
        });
        times.values.tuned.push(performance.now() - began);
        calls.values.tuned.push((door.cmdlets().at(-1)?.seq ?? 0) - before);
      },
    });
  } finally {
    await host.close();
    await server.close();
  }
}

/** Why there is nothing to measure; null when all has been measured. */
export async function measureSizes(bench: {
  folder: string;
  say: (line: string) => void;
}): Promise<string | null> {
  let engine: string;
  try {
    engine = findEngine(readPowerShellPlaces());
  } catch (error) {
    if (error instanceof EngineProblem) return error.message;
    throw error;
  }
  const folder = path.join(bench.folder, 'sized-modules');
  fs.mkdirSync(folder, { recursive: true });
  generateModules(folder);
  const at = (size: [number, number], work: (sized: Sized) => Promise<void>) =>
    withCluster(folder, engine, size, work);
  bench.say('Looking at 50 VMs of a node');
  await at([50, 50], async ({ host, vmId, measure }) => {
    // The first compiles what all later ones run.
    await host.readVms({});
    await measure(FIGURES.vms50, FIGURES.vms50Calls, () => host.readVms({}));
    await measure(FIGURES.vm, FIGURES.vmCalls, () => host.readVm({ vmId }));
  });
  bench.say('Looking at 200 roles');
  await at([200, 0], ({ host, measure }) =>
    measure(FIGURES.roles200, FIGURES.roles200Calls, () => host.readRoles({})),
  );
  bench.say('Looking at 1,000 roles');
  await at([1000, 0], async ({ host, vmId, measure }) => {
    await measure(FIGURES.roles1000, FIGURES.roles1000Calls, () => host.readRoles({}));
    await measure(FIGURES.owners1000, FIGURES.owners1000Calls, () =>
      host.readRoles({ owners: true }),
    );
    // Its own looks compile what a poll runs; a move is polled for minutes.
    await host.startMove({ vmId, node: 'HV1' });
    await measure(FIGURES.poll, FIGURES.pollCalls, () => host.readRole({ vmId }));
  });
  return null;
}
