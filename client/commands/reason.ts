// `--reason`: why somebody starts, decides or stops something, for the record of the run. Where a run loses work by a
// decision it is demanded.
import { START_REASON_CHARS_MAX } from '../../domain/bounded.ts';
import type { Context } from '../context.ts';
import { badInput } from '../errors.ts';

export interface ReasonOption {
  reason?: string;
}

/** For `Command.option`. */
export const REASON = [
  '--reason <text>',
  'why; kept in the record of the run',
  readReason,
] as const;

function readReason(text: string): string {
  if (text.length <= START_REASON_CHARS_MAX) return text.trim();
  throw badInput(
    `the reason is too long: ${text.length} characters, at most ${START_REASON_CHARS_MAX} are kept`,
    'Say it shorter, and name the ticket that says the rest.',
  );
}

/** As it was given; undefined for none, and for blanks. */
export const reasonOf = ({ reason = '' }: ReasonOption): string | undefined =>
  reason === '' ? undefined : reason;

/** Asks at a terminal, and refuses where nobody can be asked or nothing is answered. */
export async function demandReason(
  { terminal }: Context,
  deed: string,
  o: ReasonOption & { json?: boolean },
): Promise<string> {
  const given = reasonOf(o);
  if (given !== undefined) return given;
  const canAsk = terminal.canAsk && o.json !== true;
  const told = canAsk ? await terminal.ask(`Why ${deed}? (kept in the record of the run) `) : '';
  const answer = reasonOf({ reason: readReason(told) });
  if (answer !== undefined) return answer;
  throw badInput(
    `${deed} needs a reason: whoever reads the record of the run later must learn why`,
    `Give one:  watari run ${deed} RUN --reason "..."`,
    'ReasonMissing',
  );
}
