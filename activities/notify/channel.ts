// What a channel to people is, and what it may answer. Implemented by the other files of this folder; used by the
// activity that watches runs and by `watari notify test`. Nothing in an answer comes from a secret.
import type { Message } from '../../domain/message.ts';

export type Answer =
  /** It is theirs now; whether somebody sees it, nobody tells. */
  | { got: 'taken'; how: string }
  /** Later perhaps, not before `afterMs` where the other side says that. */
  | { got: 'not-now'; why: string; afterMs?: number }
  /** This message will never be taken; another one may. */
  | { got: 'refused'; why: string }
  /** No message will be taken any more, until a person mends the settings. */
  | { got: 'closed'; why: string };

export interface Channel {
  name: string;
  kind: string;
  /** Never rejects. Ends at the latest when `signal` aborts, or after its own limit. */
  send: (message: Message, signal: AbortSignal) => Promise<Answer>;
}

/** Of one message, the connection included. */
export const SEND_MS = 10_000;
