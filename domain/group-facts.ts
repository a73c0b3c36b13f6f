// Groups of the cluster and links between its nodes, as facts.ts has the rest; imported through that file.

/** CLUSTER_GROUP_STATE. */
export type GroupState = 'Online' | 'Offline' | 'Failed' | 'PartialOnline' | 'Pending' | 'Unknown';

/**
 * What a group of the cluster is, by its GroupType: names are in the language of Windows. `core` holds the cluster's
 * name, address and witness.
 */
export type GroupKind = 'core' | 'available-storage' | 'vm' | 'other';

/** Any group of the cluster; shared volumes are none of them. */
export interface GroupFacts {
  name: string;
  kind: GroupKind;
  state: GroupState;
  owner: string;
  /** 3000 high, 2000 medium, 1000 low, 0 is not started by itself. */
  priority: number;
}

/** An interface of this node on a cluster network that live migration may use. */
export interface LinkFacts {
  network: string;
  /** null: Windows does not tell. */
  bytesPerSecond: number | null;
}
