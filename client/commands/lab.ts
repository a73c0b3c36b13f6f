// `watari lab`: the simulated cluster, which is a program of its own and no part of the client.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { Command } from 'commander';
import { finish } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { LAB_PROGRAM } from '../package-root.ts';

export function addLabCommand(program: Command): void {
  program
    .command('lab')
    .description('the simulated cluster: start|show|power-on|power-off|crash|modules|clear-faults')
    .argument('[words...]', 'passed on to the lab')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action((words: string[]) => runLab(words));
}

/** The lab is a program of its own and no part of the client: it talks to the terminal by itself. */
async function runLab(words: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [LAB_PROGRAM, ...words], { stdio: 'inherit' });
  // A terminal sends Ctrl+C to both, everybody else to us alone; being told twice does no harm. On Windows a signal to
  // a child is its sudden end, and consoles tell both there.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const pass = (signal: NodeJS.Signals): void => {
    if (process.platform !== 'win32') child.kill(signal);
  };
  for (const signal of signals) process.on(signal, pass);
  const [code] = (await once(child, 'exit')) as [number | null];
  for (const signal of signals) process.off(signal, pass);
  // The lab's exit codes are ours; without one it was ended by a signal.
  finish((code ?? EXIT.interrupted) as ExitCode);
}
