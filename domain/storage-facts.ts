// What a node tells of Storage Spaces Direct: virtual disks, repairs, pools, and which nodes' drives are in maintenance
// mode. On storage that is not the cluster's own there is nothing of it. Plain data, read by storage-gate.ts.

/** HealthStatus of the storage classes: 0, 1, 2, anything else. */
export const HEALTHS = ['Healthy', 'Warning', 'Unhealthy', 'Unknown'] as const;
export type Health = (typeof HEALTHS)[number];

export interface StorageFacts {
  /** Storage Spaces Direct is on; false: everything below is empty. */
  direct: boolean;
  virtualDisks: { name: string; health: Health }[];
  pools: { name: string; health: Health }[];
  /** Those that have not ended. */
  jobs: StorageJobFacts[];
  /** Nodes whose storage scale unit is in maintenance mode. */
  inMaintenance: string[];
}

export interface StorageJobFacts {
  name: string;
  /** A job that waits for somebody or something; Windows goes on with it by itself, or not. */
  suspended: boolean;
  bytesDone: number;
  bytesTotal: number;
}
