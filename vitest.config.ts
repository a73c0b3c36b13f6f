// The kinds of tests and what each needs. Kinds run group after group, so that processes of the end-to-end tests
// do not fight with anything else for the cores.
import { defineConfig } from 'vitest/config';

interface Kind {
  name: string;
  group: number;
  /** Longest test, in seconds. Nothing may hang. */
  seconds: number;
  globalSetup?: string[];
  /** false shares one module graph between the files of a worker: safe where nothing keeps state in modules. */
  isolate?: boolean;
  maxWorkers?: number;
}

const BUILT = ['tests/support/built-setup.ts'];
const SERVER = ['tests/support/server-setup.ts'];

const kinds: Kind[] = [
  { name: 'unit', group: 0, seconds: 20 },
  { name: 'contract', group: 0, seconds: 60, globalSetup: BUILT },
  { name: 'house', group: 0, seconds: 30 },
  { name: 'replay', group: 1, seconds: 60, globalSetup: BUILT },
  { name: 'sim', group: 1, seconds: 120, globalSetup: BUILT },
  { name: 'workflows', group: 1, seconds: 60, globalSetup: SERVER },
  { name: 'e2e', group: 2, seconds: 120, globalSetup: SERVER, isolate: true },
];

export default defineConfig({
  test: {
    passWithNoTests: true,
    projects: kinds.map((kind) => ({
      test: {
        name: kind.name,
        include: [`tests/${kind.name}/**/*.test.ts`],
        pool: 'forks' as const,
        isolate: kind.isolate ?? false,
        maxWorkers: kind.maxWorkers ?? 2,
        testTimeout: kind.seconds * 1000,
        hookTimeout: Math.max(kind.seconds, 60) * 1000,
        teardownTimeout: 20_000,
        sequence: { groupOrder: kind.group },
        ...(kind.globalSetup ? { globalSetup: kind.globalSetup } : {}),
      },
    })),
  },
});
