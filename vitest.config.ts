// The kinds of tests and what each needs. Kinds run group after group.
import { defineConfig } from 'vitest/config';

interface Kind {
  name: string;
  group: number;
  /** Longest test, in seconds; default: LONGEST_SECONDS. */
  seconds?: number;
  globalSetup?: string[];
  /** false shares one module graph between the files of a worker: safe where nothing keeps state in modules. */
  isolate?: boolean;
  maxWorkers?: number;
  /** Default: every test in the folder of this name. */
  include?: string[];
  exclude?: string[];
  env?: Record<string, string>;
}

/**
 * Nothing may hang. But what a test waits for has two minutes (proof/rig/waiting.ts), says itself what did not come,
 * and is often not the only thing that the test waits for.
 */
const LONGEST_SECONDS = 600;

const BUILT = ['tests/support/built-setup.ts'];
const RECORDER = 'tests/replay/record.replay.test.ts';
const SERVER = ['tests/support/server-setup.ts'];

const kinds: Kind[] = [
  { name: 'unit', group: 0 },
  { name: 'contract', group: 0, globalSetup: BUILT },
  { name: 'house', group: 0 },
  { name: 'replay', group: 1, globalSetup: BUILT, exclude: [RECORDER] },
  { name: 'sim', group: 1, globalSetup: BUILT },
  // These two wait more than they compute: a third worker is worth a quarter of their time on two cores. One group: the
  // last test of one kind would hold up the other.
  { name: 'workflows', group: 2, globalSetup: SERVER, maxWorkers: 3 },
  { name: 'e2e', group: 2, globalSetup: SERVER, isolate: true, maxWorkers: 3 },
  // What takes a minute a file on two cores: `npm run test:long`, not in `npm test`, which has eight minutes in all.
  { name: 'long', group: 4, globalSetup: SERVER, isolate: true, maxWorkers: 1 },
  // The crash tests again, with every node's worker on a real PowerShell: `npm run test:powershell`, not in `npm test`,
  // because starting shells for each of them takes minutes.
  {
    name: 'powershell',
    group: 5,
    globalSetup: SERVER,
    isolate: true,
    maxWorkers: 1,
    include: ['tests/e2e/crashes.e2e.test.ts', 'tests/e2e/decisions.e2e.test.ts'],
    env: { WATARI_TEST_POWERSHELL: 'true' },
  },
  // `npm run histories`, not in `npm test`: it writes files.
  { name: 'record', group: 6, globalSetup: SERVER, include: [RECORDER] },
  // PostgreSQL and a Temporal server of its own, without containers: `npm run test:production`, not in `npm test`.
  { name: 'production', group: 7, seconds: 900, globalSetup: BUILT, isolate: true, maxWorkers: 1 },
];

export default defineConfig({
  test: {
    passWithNoTests: true,
    projects: kinds.map((kind) => ({
      test: {
        name: kind.name,
        include: kind.include ?? [`tests/${kind.name}/**/*.test.ts`],
        exclude: kind.exclude ?? [],
        env: kind.env ?? {},
        pool: 'forks' as const,
        isolate: kind.isolate ?? false,
        maxWorkers: kind.maxWorkers ?? 2,
        testTimeout: (kind.seconds ?? LONGEST_SECONDS) * 1000,
        hookTimeout: (kind.seconds ?? LONGEST_SECONDS) * 1000,
        teardownTimeout: 60_000,
        sequence: { groupOrder: kind.group },
        ...(kind.globalSetup ? { globalSetup: kind.globalSetup } : {}),
      },
    })),
  },
});
