// Global setup of the kinds that need a Temporal server: dist/ is up to date and one server runs, shared by all kinds
// of this run.
import type { TestProject } from 'vitest/node';
import buildDist from './built-setup.ts';
import { startSharedServer } from './temporal.ts';

interface Shared {
  server: ReturnType<typeof startSharedServer>;
  users: number;
}

// Each kind loads this file anew, so the one server is kept where all of them look.
const place = globalThis as { watariTestServer?: Shared | undefined };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  buildDist();
  const shared = (place.watariTestServer ??= { server: startSharedServer(), users: 0 });
  shared.users += 1;
  const server = await shared.server;
  project.provide('temporal', server.temporal);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    place.watariTestServer = undefined;
    await server.stop();
  };
}
