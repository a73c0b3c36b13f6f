// What PowerShell costs: operations through a shell that is kept, as a worker has them, and through a new process for
// each, as they would be without it. A real engine on the lab's stand-ins, so without what the cmdlets of Windows take.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_ROOT } from '../../../client/package-root.ts';
import {
  powerShellEnvironment,
  readPowerShellPlaces,
} from '../../../config/powershell-environment.ts';
import { EngineProblem, findEngine } from '../../../hyperv/powershell/engine.ts';
import { powershellHost } from '../../../hyperv/powershell/host.ts';
import { firstLine, newNonce, operationLine, readReply } from '../../../hyperv/powershell/reply.ts';
import { Shell } from '../../../hyperv/powershell/shell.ts';
import { manualClock } from '../../../lab/machine/clock.ts';
import { Lab } from '../../../lab/machine/lab.ts';
import { generateModules } from '../../../lab/powershell/generate.ts';
import { standInEnvironment, standInsToLoad } from '../../../lab/powershell/stand-ins.ts';
import { parseScenario } from '../../../lab/scenario/read.ts';
import { startLabServer } from '../../../lab/server.ts';
import { figure, type Figure } from '../figures.ts';
import { percentile } from '../../rig/statistics.ts';

/** `tuned`: through a shell that is kept; `plain`: a new process for each call. */
export const FIGURES = {
  trivial: figure('powershell-trivial', 'an operation without a cmdlet', {
    goal: { of: 'p50', limit: 10 },
  }),
  trivialRatio: figure('powershell-trivial-ratio', '  through a new process, times as long', {
    unit: 'ratio',
    goal: { of: 'p50', limit: 20, atLeast: true },
  }),
  four: figure('powershell-four', 'an operation of four cmdlets'),
  fourRatio: figure('powershell-four-ratio', '  through a new process, times as long', {
    unit: 'ratio',
    goal: { of: 'p50', limit: 20, atLeast: true },
  }),
  start: figure('powershell-start', 'start of a shell until it takes operations'),
  memory: figure('powershell-memory', 'memory of a shell (resident)', { unit: 'MB' }),
  rate: figure('powershell-rate', 'operations of four cmdlets, a node with its usual shells', {
    unit: '/s',
  }),
} satisfies Record<string, Figure>;

const NODE = 'HV1';

const SCENARIO = `
cluster: bench-powershell
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
`;

/** Nothing but the protocol; the driver greets every shell with it. */
const TRIVIAL = 'hello';
/** Get-CimInstance, Get-ClusterResourceType, Get-ClusterParameter and Get-ClusterNetwork. */
const FOUR = 'readNetworks';

/** As many as a worker has at most. */
const SHELLS = 3;
/** The first calls compile what all later ones run. */
const WARM_UP_CALLS = 20;
const WARM_CALLS = 200;
/** Each takes a second or two. */
const FRESH_CALLS = 5;
/** On a slow machine fewer, so that other measures get their time. */
const FRESH_WITHIN_MS = 12_000;
const RATE_SECONDS = 4;
const CALL_MS = 30_000;

const run = promisify(execFile);

interface Place {
  engine: string;
  env: Record<string, string>;
  /** What a shell loads, in this order. */
  modules: string[];
  loadFirst: string[];
}

/** Why there is nothing to measure; null when all has been measured. */
export async function measurePowerShell(bench: {
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
  const clock = manualClock();
  const server = await startLabServer(new Lab(parseScenario(SCENARIO, 'bench'), clock), {
    port: 0,
    clock,
  });
  const folder = path.join(bench.folder, 'modules');
  fs.mkdirSync(folder, { recursive: true });
  generateModules(folder);
  const own = path.join(PACKAGE_ROOT, 'dist', 'hyperv', 'powershell', 'Watari.HyperV.psd1');
  const loadFirst = standInsToLoad(folder);
  const place: Place = {
    engine,
    env: standInEnvironment({ folder, url: server.url, node: NODE }),
    modules: [...loadFirst, own],
    loadFirst,
  };
  try {
    bench.say('Asking PowerShell through shells that are kept');
    await measureShells(place);
    await measureRate(place);
    bench.say('Asking PowerShell through a new process each time');
    await measureFresh(place);
  } finally {
    await server.close();
  }
  for (const [of, ratio] of [
    [FIGURES.trivial, FIGURES.trivialRatio],
    [FIGURES.four, FIGURES.fourRatio],
  ] as const) {
    ratio.values.tuned.push(percentile(of.values.plain, 0.5) / percentile(of.values.tuned, 0.5));
  }
  return null;
}

async function measureShells(place: Place): Promise<void> {
  const shells: Shell[] = [];
  const pids: number[] = [];
  try {
    for (let i = 0; i < SHELLS; i += 1) {
      const began = performance.now();
      const shell = new Shell({
        executable: place.engine,
        modules: place.modules,
        env: powerShellEnvironment(place.env),
        startTimeoutMs: CALL_MS,
        systemRoot: readPowerShellPlaces().systemRoot,
        log: () => undefined,
      });
      shells.push(shell);
      const { pid } = await shell.start();
      pids.push(pid);
      FIGURES.start.values.tuned.push(performance.now() - began);
      for (let call = 0; call < WARM_UP_CALLS; call += 1) await ask(shell, FOUR);
    }
    const [shell] = shells;
    if (shell === undefined) return;
    for (let call = 0; call < WARM_UP_CALLS; call += 1) await ask(shell, TRIVIAL);
    // In turns, so that neither has the quieter minute.
    for (let call = 0; call < WARM_CALLS; call += 1) {
      FIGURES.trivial.values.tuned.push(await ask(shell, TRIVIAL));
      FIGURES.four.values.tuned.push(await ask(shell, FOUR));
    }
    FIGURES.memory.values.tuned.push(...(await residentMb(place, pids)));
  } finally {
    await Promise.all(shells.map((shell) => shell.kill()));
  }
}

/** How long it took, in milliseconds. */
async function ask(shell: Shell, op: string): Promise<number> {
  const began = performance.now();
  const reply = await shell.call(op, {}, CALL_MS);
  const took = performance.now() - began;
  if (!reply.ok) throw new Error(`${op} failed in PowerShell: ${reply.error.message}`);
  return took;
}

/** PowerShell knows it on every system. */
async function residentMb(place: Place, pids: number[]): Promise<number[]> {
  const ids = pids.join(', ');
  const text = await runFresh(
    place,
    `${ids} | ForEach-Object { [Diagnostics.Process]::GetProcessById($_).WorkingSet64 }`,
  );
  const bytes = text.trim().split(/\s+/).map(Number);
  if (bytes.length !== pids.length || bytes.some(Number.isNaN))
    throw new Error(`the memory of the shells is not known: ${text}`);
  return bytes.map((value) => value / 1024 ** 2);
}

async function measureFresh(place: Place): Promise<void> {
  const end = Date.now() + FRESH_WITHIN_MS;
  for (let call = 0; call < FRESH_CALLS && (call === 0 || Date.now() < end); call += 1) {
    FIGURES.trivial.values.plain.push(await askFresh(place, TRIVIAL));
    FIGURES.four.values.plain.push(await askFresh(place, FOUR));
  }
}

async function askFresh(place: Place, op: string): Promise<number> {
  const hello = newNonce();
  // Another one: two answers to one question are none.
  const nonce = op === TRIVIAL ? hello : newNonce();
  const began = performance.now();
  // The first line says hello by itself.
  const first = firstLine(hello, place.modules);
  const line = op === TRIVIAL ? first : `${first}; ${operationLine(nonce, op, {})}`;
  const read = readReply(nonce, await runFresh(place, line));
  const took = performance.now() - began;
  if (read.kind !== 'reply' || !read.reply.ok)
    throw new Error(`a new PowerShell did not answer ${op}: ${JSON.stringify(read)}`);
  return took;
}

async function runFresh({ engine, env }: Place, command: string): Promise<string> {
  const policy = process.platform === 'win32' ? ['-ExecutionPolicy', 'Bypass'] : [];
  const { stdout } = await run(
    engine,
    ['-NoLogo', '-NoProfile', '-NonInteractive', ...policy, '-Command', command],
    { env: powerShellEnvironment(env), timeout: CALL_MS, windowsHide: true },
  );
  return stdout;
}

/** As a worker asks: through its pool, with as many questions at once as it has shells. */
async function measureRate({ engine, env, loadFirst }: Place): Promise<void> {
  const moduleFolder = path.join(PACKAGE_ROOT, 'dist', 'hyperv', 'powershell');
  const host = powershellHost({ node: NODE, engine, env, loadFirst, moduleFolder });
  const seconds = Array.from({ length: RATE_SECONDS }, () => 0);
  const askUntil = async (end: number): Promise<void> => {
    while (performance.now() < end) {
      // The same question for all, but none is merged with another: none waits for a shell.
      await host.readNetworks({});
      const second = RATE_SECONDS - 1 - Math.floor((end - performance.now()) / 1000);
      if (second >= 0 && second < RATE_SECONDS) seconds[second] = (seconds[second] ?? 0) + 1;
    }
  };
  const all = (ms: number) => {
    const end = performance.now() + ms;
    return Promise.all(Array.from({ length: SHELLS }, () => askUntil(end)));
  };
  try {
    // Starts and warms every shell.
    await all(1000);
    await all(1000);
    seconds.fill(0);
    await all(RATE_SECONDS * 1000);
  } finally {
    await host.close();
  }
  FIGURES.rate.values.tuned.push(...seconds);
}
