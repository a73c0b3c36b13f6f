// What the lab keeps of Windows Update on a node: plain data, part of the world (world.ts).
import type { UpdateScenario } from '../scenario/update-schema.ts';
import type { Entry } from './agenda.ts';
import type { Instant } from './clock.ts';

export interface LabUpdate {
  readonly id: string;
  readonly is: UpdateScenario;
  /** `pending`: installed, and a restart finishes it. */
  state: 'missing' | 'pending' | 'installed';
  downloaded: boolean;
  accepted: boolean;
  downloadFailsLeft: number;
  failsLeft: number;
  rollsBackLeft: number;
  diesLeft: number;
}

/** How one step with one update ended. */
export interface StepEnd {
  result: 'not-started' | 'succeeded' | 'failed';
  hresult: string;
  restartNeeded: boolean;
}

export interface LabUpdateJob {
  readonly kind: 'download' | 'install';
  readonly ids: readonly string[];
  readonly acceptEula: boolean;
  /** The boot that it belongs to. */
  readonly boot: string;
  readonly startedAt: Instant;
  changedAt: Instant;
  results: (StepEnd & { id: string })[];
  ended: boolean;
  /** The step under way; null when its process is gone. */
  entry: Entry | null;
}

/** DISM at work on the files of a folder. */
export interface LabFolderInstall {
  readonly folder: string;
  readonly readyAt: Instant;
  /** Its exit code; null while it works. */
  code: number | null;
}

export interface LabUpdates {
  readonly offers: LabUpdate[];
  revision: number;
  job: LabUpdateJob | null;
  folder: LabFolderInstall | null;
  /** Steps under way, whoever asked. */
  working: number;
  committedBoot: string;
  servicingUntil: Instant;
  /** What Write-Note of Watari.Probe kept. */
  readonly notes: Map<string, string>;
}
