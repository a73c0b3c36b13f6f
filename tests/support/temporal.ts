// The Temporal server of a test run: found or fetched like the product does it, on free ports, in memory, and ended
// with the run. A test that kills its server starts its own with `serverOnFile` of proof/rig/servers.ts.
import path from 'node:path';
import type {} from 'vitest';
import { serverInMemory } from '../../proof/rig/servers.ts';
import { findCli } from '../../proof/rig/temporal-cli.ts';
import { ROOT } from './built-setup.ts';
import { removeFolder } from './folders.ts';

/** What a test gets from `inject('temporal')`. */
export interface TestTemporal {
  address: string;
  namespace: string;
  uiUrl: string;
  /** For tests that run `temporal` itself or start a server of their own. */
  cliPath: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    temporal: TestTemporal;
  }
}

/** The cache is the checkout's own, so that the CLI is fetched once and not once per run. */
export async function findCliForTests(): Promise<string> {
  const { path: cliPath } = await findCli(
    (line) => {
      process.stderr.write(`${line}\n`);
    },
    path.join(ROOT, '.watari'),
  );
  return cliPath;
}

export interface SharedServer {
  temporal: TestTemporal;
  stop(): Promise<void>;
}

export async function startSharedServer(): Promise<SharedServer> {
  const cliPath = await findCliForTests();
  const server = await serverInMemory(cliPath, removeFolder);
  const { address, namespace, uiUrl } = server;
  return { temporal: { address, namespace, uiUrl, cliPath }, stop: () => server.stop() };
}
