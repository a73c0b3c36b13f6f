// A computer with a Task Scheduler for tests: the stand-in modules of tests/support/windows-service on a world that a
// test makes and reads.
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { WorkerTasksOptions } from '../../hyperv/service/worker-tasks.ts';
import { standInPath } from '../../lab/powershell/stand-ins.ts';
import { ROOT } from './built-setup.ts';
import { engine } from './engine.ts';

export const STAND_INS = path.join(ROOT, 'tests', 'support', 'windows-service');
const MODULES = ['ScheduledTasks', 'Microsoft.PowerShell.LocalAccounts', 'CimCmdlets'];

export interface StandInAccount {
  name: string;
  rid: number;
  password: string;
  disabled?: boolean;
  /** Not an administrator. */
  limited?: boolean;
  /** HRESULT with which its registration is refused. */
  refuses?: string;
}

const taskSchema = z.object({
  TaskName: z.string(),
  TaskPath: z.string(),
  State: z.string(),
  Description: z.string(),
  Settings: z.looseObject({ Enabled: z.boolean() }),
  Principal: z.object({ UserId: z.string(), LogonType: z.string(), RunLevel: z.string() }),
  Actions: z.array(
    z.object({ Execute: z.string(), Arguments: z.string(), WorkingDirectory: z.string() }),
  ),
  Triggers: z.array(z.unknown()),
  info: z.object({ LastRunTime: z.string(), LastTaskResult: z.int() }),
});

export interface StandInWorld {
  elevated: boolean;
  accounts: StandInAccount[];
  tasks: z.output<typeof taskSchema>[];
  processes: { pid: number; task: string; commandLine: string }[];
  lastPid: number;
  /** Workers heed no stop file. */
  deaf: boolean;
  /** Tasks whose program ends at once with 2. */
  broken: string[];
  groupUnreadable: boolean;
}

export interface StandInComputer {
  options: WorkerTasksOptions;
  calls(): { cmdlet: string; bound: Record<string, unknown> }[];
  /** The record as it is on the disk. */
  callsText(): string;
  world(): StandInWorld;
  change(change: Partial<StandInWorld>): void;
  reset(): void;
}

const FRESH: StandInWorld = {
  elevated: true,
  accounts: [],
  tasks: [],
  processes: [],
  lastPid: 4710,
  deaf: false,
  broken: [],
  groupUnreadable: false,
};

export function standInComputer(folder: string, accounts: StandInAccount[]): StandInComputer {
  const worldFile = path.join(folder, 'world.json');
  const callsFile = path.join(folder, 'calls.jsonl');
  const write = (world: StandInWorld): void =>
    fs.writeFileSync(worldFile, JSON.stringify(world, null, 1));
  const read = (): StandInWorld => {
    const world = JSON.parse(fs.readFileSync(worldFile, 'utf8')) as StandInWorld;
    return { ...world, tasks: z.array(taskSchema).parse(world.tasks) };
  };
  const callsText = (): string => fs.readFileSync(callsFile, 'utf8');
  const reset = (): void => {
    write({ ...FRESH, accounts });
    fs.writeFileSync(callsFile, '');
  };
  reset();
  return {
    options: {
      engine: engine(),
      env: {
        PSModulePath: standInPath(STAND_INS),
        SERVICE_WORLD: worldFile,
        SERVICE_CALLS: callsFile,
      },
      loadFirst: MODULES.map((name) => path.join(STAND_INS, name, `${name}.psm1`)),
    },
    callsText,
    calls: () =>
      callsText()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { cmdlet: string; bound: Record<string, unknown> }),
    world: read,
    change: (change) => write({ ...read(), ...change }),
    reset,
  };
}
