// What the lab answers to one call of a stand-in cmdlet, and LabCore.ps1 acts on.
import type { ErrorRecord } from './errors.ts';
import type { Wire } from './wire.ts';

export interface CmdletReply {
  out: Wire[];
  errors?: ErrorRecord[];
  warnings?: string[];
  verbose?: string[];
  host?: string[];
  console?: string[];
  progress?: string;
  /** Ends the shell with this code: nobody will ever answer. */
  exit?: number;
}

/** Exit code of a shell whose node has died under it. */
const NODE_GONE = 70;
export const GONE: CmdletReply = { out: [], exit: NODE_GONE };
