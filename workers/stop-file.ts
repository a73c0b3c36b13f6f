// How a worker that nobody has at a keyboard is asked to end in good order: by a file. Windows has no signal for
// another session's process, and Task Scheduler's own stop is TerminateProcess for a program without windows (it tries
// WM_CLOSE first: ITaskSettings::get_AllowHardTerminate), which cuts a cmdlet in two.
import { isHeld } from '../config/service-files.ts';

const LOOK_EVERY_MS = 500;

export interface StopRequest {
  /** The worker shall not even start. */
  now(): boolean;
  /** Calls `end` from when it is asked for, and again until the answer is called: what starts meanwhile ends too. */
  whenAsked(end: () => void): () => void;
}

export function heedStopFile(file: string | undefined, log: (line: string) => void): StopRequest {
  if (file === undefined) return { now: () => false, whenAsked: () => () => undefined };
  const held = (): boolean => isHeld(file, Date.now());
  return {
    now: () => {
      const asked = held();
      if (asked) log(`asked not to run, by ${file}`);
      return asked;
    },
    whenAsked: (end) => {
      let told = false;
      const timer = setInterval(() => {
        if (!told && !held()) return;
        if (!told) log(`asked to end, by ${file}: what is in hand is finished or handed back`);
        told = true;
        end();
      }, LOOK_EVERY_MS);
      return () => {
        clearInterval(timer);
      };
    },
  };
}
