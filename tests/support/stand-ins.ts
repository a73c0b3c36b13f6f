// A PowerShell on one node of a lab: runs a script against the stand-ins of the Windows modules and tells what it
// wrote.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, beforeEach } from 'vitest';
import { manualClock, type ManualClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { PowerShellDoor } from '../../lab/powershell/door.ts';
import { generateModules } from '../../lab/powershell/generate.ts';
import { standInEnvironment, standInsToLoad } from '../../lab/powershell/stand-ins.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { startLabServer, type LabServer } from '../../lab/server.ts';
import { engine } from './engine.ts';
import { endsWithAll, endsWithTest } from './ends.ts';
import { killAll, start } from './processes.ts';

export interface Ran {
  /** What the script gave to `Out-Test`, in order. */
  out: unknown[];
  stdout: string;
  stderr: string;
  code: number | string;
}

export interface StandIns {
  lab: Lab;
  door: PowerShellDoor;
  clock: ManualClock;
  url: string;
  modules: string;
  /** Runs a script on a node and waits for its end. */
  run(script: string, node?: string): Promise<Ran>;
  post(body: object): Promise<void>;
  close(): Promise<void>;
}

// Base64, because the console of Windows PowerShell has a code page of its own. The comma keeps a list whole.
const OUT_TEST = `
$ProgressPreference = 'SilentlyContinue'
function Out-Test($Value) {
  $json = ConvertTo-Json -InputObject $Value -Compress -Depth 8
  [Console]::Out.WriteLine('<out:' + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json)) + '>')
}
function Out-Failure($Record) {
  $chain = @(); $one = $Record.Exception
  while ($one) {
    $native = if ($one -is [ComponentModel.Win32Exception]) { $one.NativeErrorCode } else { $null }
    $chain += @{ type = $one.GetType().FullName; hresult = '0x{0:X8}' -f $one.HResult; native = $native }
    $one = $one.InnerException
  }
  Out-Test @{ id = [string]$Record.FullyQualifiedErrorId; category = [string]$Record.CategoryInfo.Category; chain = $chain }
}
`;

export interface Failure {
  id: string;
  category: string;
  chain: { type: string; hresult: string; native: number | null }[];
}

/** Values that the script cannot hold: PowerShell 5.1 reads scripts in the code page of the system. */
export const literal = (value: string): string => {
  const base64 = Buffer.from(value, 'utf8').toString('base64');
  return `([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('${base64}')))`;
};

const loading = (modules: string): string =>
  standInsToLoad(modules)
    .map((file) => `Import-Module -Name ${literal(file)}\n`)
    .join('');

/** One set of modules for a whole test file; a lab for each test. */
export async function standIns(scenario: string, modules: string): Promise<StandIns> {
  const clock = manualClock();
  const lab = new Lab(parseScenario(scenario, 'stand-ins.yaml'), clock);
  const door = new PowerShellDoor(lab);
  const server: LabServer = await startLabServer(lab, { port: 0, clock, powershell: door });
  const scripts = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-scripts-'));
  let count = 0;
  return {
    lab,
    door,
    clock,
    url: server.url,
    modules,
    async run(script, node = 'HV1') {
      count += 1;
      const file = path.join(scripts, `${count}.ps1`);
      fs.writeFileSync(file, loading(modules) + OUT_TEST + script);
      const bypass = process.platform === 'win32' ? ['-ExecutionPolicy', 'Bypass'] : [];
      const options = { env: standInEnvironment({ folder: modules, url: server.url, node }) };
      const running = start(
        engine(),
        ['-NoLogo', '-NoProfile', '-NonInteractive', ...bypass, '-File', file],
        options,
      );
      const code = await running.ended;
      const out = [...running.stdout().matchAll(/<out:([^>]*)>/g)].map(
        ([, text = '']) => JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as unknown,
      );
      return { out, stdout: running.stdout(), stderr: running.stderr(), code };
    },
    async post(body) {
      const response = await fetch(`${server.url}/control`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    async close() {
      await server.close();
      fs.rmSync(scripts, { recursive: true, force: true });
    },
  };
}

/** A lab for each test that follows, and one set of modules for all of them. */
export function standInsForEach(scenario: string, use: (made: StandIns) => void): void {
  const ends = { all: endsWithAll(), test: endsWithTest() };
  let modules = '';
  beforeAll(() => {
    modules = freshModules();
    ends.all(() => {
      fs.rmSync(modules, { recursive: true, force: true });
    });
  });
  beforeEach(async () => {
    use(ends.test(await standIns(scenario, modules)));
    ends.test(killAll);
  });
}

export function freshModules(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-modules-'));
  generateModules(folder);
  return folder;
}
