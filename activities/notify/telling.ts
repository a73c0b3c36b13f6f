// Brings news to channels: each at its own pace, in order, again and again until it is taken. A channel that is down or
// slow delays itself and nobody else. Used by the activity that watches runs.
import type { Message } from '../../domain/message.ts';
import type { News, NewsKind, Watched } from '../../domain/news.ts';
import { durationText } from '../../domain/units.ts';
import type { Answer, Channel } from './channel.ts';
import { networkReason } from './http.ts';

export interface ToldChannel {
  channel: Channel;
  tell: readonly NewsKind[];
}

export interface TellingDeps {
  channels: readonly ToldChannel[];
  /** What is known now; changed only through `took`. */
  watched: () => Watched;
  /** @param told whether it was taken, and with it how many others were left out */
  took: (channel: string, seq: number, told: boolean) => void;
  message: (news: News, leftOut: number) => Message;
  log: (line: string) => void;
  elapsedMs: () => number;
  pause: (ms: number) => Promise<void>;
  signal: AbortSignal;
}

/** Slack takes one a second; the others take that too. */
const BETWEEN_MS = 1_000;
const AGAIN_MS = { first: 2_000, max: 5 * 60_000 };

interface Line extends ToldChannel {
  isBusy: boolean;
  /** Takes nothing more until the worker starts anew. */
  isClosed: boolean;
  failures: number;
  notBefore: number;
  said: string;
}

export class Telling {
  private readonly deps: TellingDeps;
  private readonly lines: Line[];
  private readonly busy = new Set<Promise<void>>();

  constructor(deps: TellingDeps) {
    this.deps = deps;
    this.lines = deps.channels.map((told) => ({
      ...told,
      ...{ isBusy: false, isClosed: false, failures: 0, notBefore: -Infinity, said: '' },
    }));
  }

  /** Lets every channel go on that has something to tell and is not waiting. */
  goOn(): void {
    for (const line of this.lines) {
      if (line.isBusy || this.deps.elapsedMs() < line.notBefore) continue;
      line.isBusy = true;
      const deed = this.empty(line).finally(() => {
        line.isBusy = false;
        this.busy.delete(deed);
      });
      this.busy.add(deed);
    }
  }

  /** Until what was being sent is sent or given up. */
  async ended(): Promise<void> {
    await Promise.all(this.busy);
  }

  private isOver(): boolean {
    return this.deps.signal.aborted;
  }

  private async empty(line: Line): Promise<void> {
    const { deps } = this;
    const { name } = line.channel;
    for (;;) {
      const { taken = 0, leftOut = 0 } = deps.watched().channels[name] ?? {};
      const news = deps.watched().news.find((n) => n.seq > taken);
      if (news === undefined || this.isOver()) return;
      if (line.isClosed || !line.tell.includes(news.kind)) {
        deps.took(name, news.seq, false);
        continue;
      }
      const answer = await this.send(line, deps.message(news, leftOut));
      if (this.isOver() && answer.got !== 'taken') return;
      this.heed(line, answer);
      if (answer.got === 'not-now') return;
      deps.took(name, news.seq, answer.got === 'taken');
      await deps.pause(BETWEEN_MS);
    }
  }

  /** Whatever goes wrong in a channel keeps none of the others from being told. */
  private async send(line: Line, message: Message): Promise<Answer> {
    try {
      return await line.channel.send(message, this.deps.signal);
    } catch (err) {
      return { got: 'not-now', why: networkReason(err) };
    }
  }

  private heed(line: Line, answer: Answer): void {
    const { name, kind } = line.channel;
    const about = `people are not told by ${name} (${kind})`;
    switch (answer.got) {
      case 'taken':
        if (line.failures > 0) this.deps.log(`people are told by ${name} (${kind}) again`);
        line.failures = 0;
        line.said = '';
        break;
      case 'refused':
        this.deps.log(`${about}: one message was refused, ${answer.why}`);
        break;
      case 'closed':
        line.isClosed = true;
        this.deps.log(
          `${about} any more: ${answer.why}. Mend its settings, try them with "watari notify test ${name}", and start this worker anew`,
        );
        break;
      case 'not-now': {
        const wait = Math.min(AGAIN_MS.first * 2 ** line.failures, AGAIN_MS.max);
        const pause = Math.max(wait, answer.afterMs ?? 0);
        line.failures += 1;
        line.notBefore = this.deps.elapsedMs() + pause;
        // Once for each reason: a channel may be down for days.
        if (line.said !== answer.why)
          this.deps.log(
            `${about} now: ${answer.why}; tried again in ${durationText(pause)} and so on`,
          );
        line.said = answer.why;
      }
    }
  }
}
