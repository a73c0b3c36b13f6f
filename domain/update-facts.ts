// What a node tells of Windows Update: what it lacks, what is being installed, whether servicing owes a restart. Plain
// data, made by the port (hyperv/), read by updates.ts. Names follow the Windows Update Agent's.
import type { IsoTime } from './facts.ts';

export interface UpdateFacts {
  /** IUpdateIdentity.UpdateID, lower case. */
  id: string;
  revision: number;
  title: string;
  /** `KB5070001`. */
  kbs: string[];
  /** MaxDownloadSize: an upper bound. */
  bytes: number;
  /** MsrcSeverity; null: none is told. */
  severity: string | null;
  /** InstallationBehavior.RebootBehavior. */
  restart: 'never' | 'always' | 'maybe';
  /** InstallationBehavior.Impact; `exclusive` must be installed alone. */
  impact: 'normal' | 'minor' | 'exclusive';
  /** It may show a window, and nobody is there to see it. */
  canRequestInput: boolean;
  eulaAccepted: boolean;
  categories: string[];
  downloaded: boolean;
}

/** OperationResultCode of the Windows Update Agent. */
export const RESULT_CODES = [
  'not-started',
  'in-progress',
  'succeeded',
  'succeeded-with-errors',
  'failed',
  'aborted',
] as const;
export type ResultCode = (typeof RESULT_CODES)[number];

export interface UpdateSearchFacts {
  result: ResultCode;
  /** HRESULTs of what could not be asked, where the search succeeded all the same. */
  warnings: string[];
  updates: UpdateFacts[];
}

/** How one update of a job ended. */
export interface UpdateResult {
  id: string;
  result: ResultCode;
  hresult: string;
  restartNeeded: boolean;
}

/** The latest download or installation that was started on a node, whoever asks. */
export interface UpdateJobFacts {
  kind: 'download' | 'install';
  /** `lost`: its process ended before its work did, without a restart; `cut-off`: the machine restarted meanwhile. */
  state: 'running' | 'ended' | 'lost' | 'cut-off';
  ids: string[];
  /** Those that have ended, in order. The one after them is at work. */
  results: UpdateResult[];
  startedAt: IsoTime;
  /** When it last wrote something down. */
  changedAt: IsoTime;
  /** Why it could not go on; null: nothing stopped it. */
  error: { hresult: string; message: string } | null;
}

export interface ServicingFacts {
  /** ISystemInformation.RebootRequired, or one of the keys of servicing. */
  restartNeeded: boolean;
  /** After a restart servicing still works (ServicingInProgress 2 of Component Based Servicing). */
  working: boolean;
  /** Another installation is under way: IUpdateInstaller.IsBusy. */
  installerBusy: boolean;
  /** IUpdateInstaller.RebootRequiredBeforeInstallation. */
  restartFirst: boolean;
  /** `26100.4652`: what proves that an update is in. */
  build: string;
  boot: string;
}
