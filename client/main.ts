#!/usr/bin/env node
// The watari command. Puts the real terminal, clock and environment together; everything else is in program.ts.
import process from 'node:process';
import { readEnvironment } from '../config/environment.ts';
import { childEnvironment, readProcessEnvironment } from '../config/process-environment.ts';
import { loadTemporalConnection } from '../config/temporal-connection.ts';
import { connect, type TemporalTarget } from './connection.ts';
import { systemContext, type Context } from './context.ts';
import { runCli } from './program.ts';
import { nodeTerminal } from './terminal.ts';

const { debug, uiBase, searchPath } = readProcessEnvironment();
const terminal = nodeTerminal();

function context(): Context {
  const { cluster, labUrl, dataDir, temporalCliPath } = readEnvironment();
  const temporalTarget = (): TemporalTarget => ({ ...loadTemporalConnection(), uiBase });
  return systemContext({
    terminal,
    defaultCluster: cluster,
    labUrl: labUrl ?? undefined,
    places: {
      dataDir,
      cliPath: temporalCliPath ?? undefined,
      searchPath,
      platform: process.platform,
      childEnvironment,
    },
    temporalTarget,
    connect: () => connect(temporalTarget()),
  });
}

// A reader that goes away (`| head`) ends the command, not with a stack trace.
process.stdout.on('error', (err: NodeJS.ErrnoException) => {
  if (err.code === 'EPIPE') process.exit(0);
  throw err;
});

process.exitCode = await runCli(process.argv.slice(2), { terminal, context, debug });
