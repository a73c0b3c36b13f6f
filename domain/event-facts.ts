// What the event logs of a node tell. Plain data, as in facts.ts.
import type { IsoTime } from './facts.ts';

export interface EventFacts {
  log: string;
  id: number;
  /** 1 critical, 2 error, 3 warning, 4 information. */
  level: number;
  recordId: number;
  node: string;
  time: IsoTime;
  /** In the language of the operating system: shown, never matched. */
  message: string;
  /** From the event's properties, when one is there. */
  hresult: string | null;
  /** Name of the VM that the event is about, from its properties or through the cluster, when that is sure. */
  vm: string | null;
  /** Ids in the event that may be those of VMs, and the one that the cluster has for a resource in it; lower-case. */
  vmIds: string[];
}

/** How long a VM stood still at the end of a live migration, as the log of a node tells it. */
export interface BlackoutFacts {
  /** Lower-case. */
  vmId: string;
  /** To a tenth. */
  seconds: number;
  recordId: number;
  /** By the clock of the node that wrote it. */
  time: IsoTime;
}
