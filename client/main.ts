#!/usr/bin/env node
// The watari command. Puts the real terminal, clock and environment together; everything else is in program.ts.
import process from 'node:process';
import { readEnvironment } from '../config/environment.ts';
import { payloadHandling } from '../config/temporal/encryption.ts';
import { childEnvironment, readProcessEnvironment } from '../config/process-environment.ts';
import { loadTemporalConnection } from '../config/temporal/connection.ts';
import { connect, type TemporalTarget } from './temporal/connection.ts';
import { systemContext, userAtComputer, type Context } from './context.ts';
import { runCli } from './program.ts';
import { nodeTerminal } from './terminal.ts';

const { debug, uiBase, searchPath, dumbTerminal } = readProcessEnvironment();
const terminal = nodeTerminal(dumbTerminal);

function context(): Context {
  const { cluster, labUrl, dataDir, temporalCliPath, encryptionKeys } = readEnvironment();
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
    payloads: payloadHandling(encryptionKeys),
    temporalTarget,
    connect: () => connect(temporalTarget(), `${userAtComputer()}/${process.pid}`),
  });
}

// A reader that goes away (`| head`) ends the command, not with a stack trace.
process.stdout.on('error', (err: NodeJS.ErrnoException) => {
  if (err.code === 'EPIPE') process.exit(0);
  throw err;
});

const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });

const code = await runCli(process.argv.slice(2), { terminal, context, debug });
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
// Not left to the event loop: a call that the SDK is about to repeat would find its channel closed, and throw.
process.exit(code);
