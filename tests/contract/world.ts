// What the contract suite needs of the world around a HypervHost: to let time pass, to cut power, to see what really
// happened. Written for any implementation; the suite never asks which one it has.
import type { HypervHost, Op } from '../../hyperv/host.ts';

/**
 * The cluster that every world starts with:
 * - `HV1` and `HV2`: up, Hyper-V installed, live migration enabled, External switch `LAN`, 64 GB of memory
 * - `HV3`: up, a member of the cluster, without Hyper-V
 * - `Mixed` is an Internal switch on HV1 alone
 * - VMs: `db-1` (HV1, running, clustered, 8 GB), `files-1` (HV1, running, clustered, 2 GB), `lone-1` (HV1, off, not
 *   clustered), `twin` twice (HV2, off, not clustered)
 * - groups that are no VMs: `share-1` and the cluster's own two; HV1 owns them and the shared volume
 * - Storage Spaces Direct, one virtual disk, a repair takes two minutes
 * - Windows Update offers every node KB5070001 (build 26100.5335, a restart) and HV3 also KB5070002 (no restart,
 * licence
 *   terms); `C:\\Updates\\2026-11` has packages of KB5070001
 * - unused VHDX on the shared volume: FREE_DISKS; MaximumParallelMigrations is 1
 */
export const CLUSTER = 'contract';
export const VOLUME = 'C:\\ClusterStorage\\Volume1';
export const FREE_DISKS = ['new-1', 'new-2', 'new-3', "it's 日本 [x]`$()"].map(
  (name) => `${VOLUME}\\${name}.vhdx`,
);
export const GIGABYTE = 2 ** 30;

/** What happened to the cluster, whoever reports it. */
export type Deed =
  | 'feature-installed'
  | 'restart-requested'
  | 'vm-created'
  | 'vm-removed'
  | 'role-added'
  | 'role-removed'
  | 'role-started'
  | 'role-stopped'
  | 'host-configured'
  | 'cluster-configured'
  | 'node-paused'
  | 'node-resumed'
  | 'move-started'
  | 'move-finished'
  | 'move-cancelled'
  | 'quick-move-started'
  | 'group-moved'
  | 'volume-moved'
  | 'update-downloaded'
  | 'update-installed'
  | 'updates-committed'
  | 'storage-resting';

export interface World {
  host(node: string): HypervHost;
  /** Lets this much of the cluster's time pass. */
  pass(seconds: number): Promise<void>;
  /** Lets time pass until the promise is settled. */
  until<T>(promise: Promise<T>): Promise<T>;
  powerOff(node: string): Promise<void>;
  powerOn(node: string): Promise<void>;
  /** Sets the node's clock ahead, or back. */
  shiftClock(node: string, seconds: number): Promise<void>;
  /** Nobody reaches the node over its network, and it reaches nobody. */
  cutOff(node: string): Promise<void>;
  /** How often this happened to this VM, node or feature since the world began. */
  count(deed: Deed, subject: string): Promise<number>;
  /** The next call of the operation does its work, and its answer gets lost. */
  loseAnswer(op: Op): Promise<void>;
  close(): Promise<void>;
}

/** What is not as it should be, in the words of a scenario (docs/lab.md). */
export interface Changes {
  /** By node: its `setup`. */
  setup?: Readonly<Record<string, object>>;
  /** By node: its `events`. */
  events?: Readonly<Record<string, readonly object[]>>;
  /** By VM: more keys of it. */
  vms?: Readonly<Record<string, object>>;
}

/** Makes a fresh world for each test. */
export type MakeWorld = (changes?: Changes) => Promise<World>;
