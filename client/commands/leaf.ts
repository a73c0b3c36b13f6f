// What every command has in common: --json, an example in its help, a context when it runs.
import type { Command } from 'commander';
import type { Temporal } from '../temporal/connection.ts';
import type { Context } from '../context.ts';

/** Made when a command really runs, so that `--help` needs no environment. */
export type ContextSource = () => Context;

export interface JsonOption {
  json?: boolean;
}

export function leaf(
  parent: Command,
  spec: string,
  description: string,
  examples: readonly string[],
): Command {
  const lines = examples.map((e) => `  $ ${e}`).join('\n');
  return parent
    .command(spec)
    .description(description)
    .option('--json', 'print one JSON document on standard output')
    .addHelpText('after', `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${lines}`);
}

/** Connects, does it, and lets go of the connection, or the process would not end. */
export async function withTemporal<T>(
  ctx: Context,
  deed: (temporal: Temporal) => Promise<T>,
): Promise<T> {
  const temporal = await ctx.connect();
  try {
    return await deed(temporal);
  } finally {
    await temporal.close();
  }
}

/** Aborts at Ctrl+C for as long as `deed` runs. */
export async function interruptible<T>(
  ctx: Context,
  deed: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const stop = ctx.terminal.onInterrupt(() => {
    abort.abort();
  });
  try {
    return await deed(abort.signal);
  } finally {
    stop();
  }
}
