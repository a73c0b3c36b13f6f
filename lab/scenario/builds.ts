// What the versions of Windows Server that the lab plays have and lack. Whoever makes a node of a scenario asks here.
export const BUILDS = [2019, 2022, 2025] as const;
export type Build = (typeof BUILDS)[number];

/** Get-VMHostSupportedVersion of Windows Server 2025; an older one ends sooner. */
const VM_VERSIONS = ['8.0', '8.1', '8.2', '8.3', '9.0', '9.1', '9.2', '10.0', '11.0', '12.0'];

const upTo = (version: string): readonly string[] =>
  VM_VERSIONS.slice(0, VM_VERSIONS.indexOf(version) + 1);

export const WINDOWS: Readonly<
  Record<Build, { osVersion: string; vmVersions: readonly string[] }>
> = {
  2019: { osVersion: '10.0.17763', vmVersions: upTo('9.0') },
  2022: { osVersion: '10.0.20348', vmVersions: upTo('10.0') },
  2025: { osVersion: '10.0.26100', vmVersions: VM_VERSIONS },
};

/** A module of 2023 lacks MaximumParallelMigrations, one of Windows Server 2025 has it. */
export const hasParallelLimit = (build: Build): boolean => build >= 2025;

// How long, nobody tells; long enough that a run which goes on as if nothing had happened fails.
const LOST_SECONDS = 60;

/**
 * How long there is no quorum after the owner of the core group was shut down. Microsoft calls it a known error of
 * Windows Server 2025 and says to move the core group first.
 */
export const quorumLostSeconds = (
  { quorumLostSeconds: told }: { quorumLostSeconds?: number | undefined },
  build: Build,
): number => told ?? (build === 2025 ? LOST_SECONDS : 0);
