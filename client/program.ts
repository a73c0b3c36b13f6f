// The command line: nouns, verbs, options, help. What a command does is in commands/; how it ends is decided here.
import { Command, CommanderError } from 'commander';
import { addClusterCommands } from './commands/cluster.ts';
import { addCodecCommands } from './commands/codec.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addContactCommands } from './commands/contact.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addLabCommand } from './commands/lab.ts';
import type { ContextSource } from './commands/leaf.ts';
import { addMaintainCommands } from './commands/maintain.ts';
import { addNodeCommands } from './commands/node.ts';
import { addNotifyCommands } from './commands/notify.ts';
import { addRunCommands } from './commands/run.ts';
import { addScheduleCommands } from './commands/schedule.ts';
import { addServerCommand } from './commands/server.ts';
import { addTlsCommands } from './commands/tls.ts';
import { addVmCommands } from './commands/vm.ts';
import { addWorkerCommands } from './commands/worker.ts';
import { reportError, type Context } from './context.ts';
import { badInput, Finished } from './errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { asClientError } from './foreign-errors.ts';
import { packageVersion } from './package-root.ts';
import type { Terminal } from './terminal.ts';

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 Temporal not reachable,
4 a person must decide, 5 changes pending (plan, node scan, balance, --dry-run, --out),
130 interrupted (runs go on).
Where Temporal is: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE or a profile, as for every Temporal tool.`;

export function buildProgram(terminal: Terminal, context: ContextSource): Command {
  const program = new Command('watari')
    .description('Live migration for Hyper-V workgroup clusters, as durable Temporal workflows.')
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      // Errors are reported once, by runCli; help that nobody asked for belongs to its error.
      writeErr: (text) => {
        if (text.startsWith('Usage:')) terminal.stderr.write(`${text}\n`);
      },
    })
    .version(packageVersion(), '-V, --version')
    .addHelpText('after', EXIT_CODES);
  addDemoCommand(program, context);
  addMaintainCommands(addClusterCommands(program, context), context);
  addNodeCommands(program, context);
  addVmCommands(program, context);
  addScheduleCommands(program, context);
  addRunCommands(program, context);
  addWorkerCommands(program, context);
  addContactCommands(program, context);
  addNotifyCommands(program, context);
  addLabCommand(program);
  addServerCommand(program, context);
  addTlsCommands(program, context);
  addCodecCommands(program, context);
  addCompletionCommand(program, terminal);
  return program;
}

export interface CliOptions {
  terminal: Terminal;
  context: () => Context;
  /** Stack traces, for those who mend watari itself. */
  debug: boolean;
}

/** Runs one command line (without `node` and the script) and answers its exit code; never throws. */
export async function runCli(argv: readonly string[], o: CliOptions): Promise<ExitCode> {
  const json = argv.includes('--json');
  try {
    await buildProgram(o.terminal, o.context).parseAsync([...argv], { from: 'user' });
    return EXIT.done;
  } catch (err) {
    if (err instanceof Finished) return err.exitCode;
    if (err instanceof CommanderError) return usage(err, o, json);
    return reportError(o.terminal, asClientError(err), { json, stack: o.debug });
  }
}

function usage(err: CommanderError, o: CliOptions, json: boolean): ExitCode {
  // Help and version were asked for; help without a command was not, and means a missing word.
  if (err.exitCode === 0) return EXIT.done;
  const asked = err.code === 'commander.help';
  const message = asked ? 'a command is missing' : err.message.replace(/^error: /, '');
  const [first = message, ...more] = message.split('\n');
  const hint = [...more, 'See:  watari --help, watari <command> --help'].join('\n');
  return reportError(o.terminal, badInput(first, hint, 'Usage'), { json, stack: false });
}
