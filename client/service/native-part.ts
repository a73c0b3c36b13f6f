// Can the worker's program be loaded on this computer? Asked before Windows is told to start it each minute: what it
// says at the start of a task is read by nobody.
import { nativeProblem, type NativeMachine } from '../../config/native-part.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { PACKAGE_ROOT } from '../package-root.ts';
import { runProgram, type RunProgram } from './folders.ts';

/**
 * Loads what the worker loads, in a process of its own: a library that was missing once is missing for ever in ours.
 */
const TRIAL = `try { require(require.resolve('@temporalio/worker', { paths: [process.argv[1]] })); }
catch (err) { console.log(JSON.stringify({ name: err.name, code: err.code, message: err.message })); process.exitCode = 1; }`;

export interface Trial {
  /** node.exe, as it would be registered. */
  program: string;
  /** Where its packages are. Default: here. */
  root?: string;
  run?: RunProgram;
  machine?: NativeMachine;
}

/** Throws with the remedy when it cannot. */
export async function tryNativePart(trial: Trial): Promise<void> {
  const { program, root = PACKAGE_ROOT, run = runProgram, machine } = trial;
  const { code, text } = await run(program, ['-e', TRIAL, root]);
  if (code === 0) return;
  const problem = nativeProblem(told(text), machine);
  throw new ClientError({
    code: problem?.code ?? 'WorkerNotLoadable',
    message: problem?.message ?? `the worker's program cannot be loaded: ${text}`,
    hint: `${problem?.hint ?? 'Unpack watari anew.'}\nNothing was registered.`,
    exitCode: EXIT.failed,
  });
}

function told(text: string): Error {
  try {
    return Object.assign(new Error(), JSON.parse(text.split('\n').at(-1) ?? '') as object);
  } catch {
    return new Error(text);
  }
}
