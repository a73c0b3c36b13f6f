// The activities of a history as acts: what was done where, by whose worker, how long it took and what it answered.
import type { IsoTime } from '../facts.ts';
import {
  isPlain,
  numberAt,
  part,
  payload,
  textAt,
  UNREADABLE,
  type HistoryEvent,
  type Plain,
} from './event.ts';
import { readFailure } from './failure.ts';
import type { Act, ActKind } from './run-record.ts';

/** Acts by the number of the event that asked for them. */
export class Acts {
  readonly all: Act[] = [];
  private readonly byId = new Map<number, Act>();

  /** @param isBack the run takes back or lets go by now. */
  schedule({ id, at, data, summary }: HistoryEvent, isBack: boolean): void {
    const activity = textAt(part(data, 'activityType'), 'name') ?? 'unknown';
    const given = payload(data, 'input');
    const input = isPlain(given) ? given : {};
    const kind = kindOf(activity);
    const act: Act = {
      id,
      title: summary ?? activity,
      activity,
      kind: isBack && kind !== 'look' ? 'back' : kind,
      state: 'open',
      node: textAt(input, 'node') ?? queuedNode(textAt(part(data, 'taskQueue'), 'name')),
      doneBy: null,
      vm: vmOf(activity, input),
      askedAt: at,
      startedAt: null,
      endedAt: null,
      attempts: 1,
      why: textsOf(input['why']),
      failure: null,
      cmdlets: [],
      result: null,
    };
    this.byId.set(id, act);
    this.all.push(act);
  }

  start({ at, data }: HistoryEvent): void {
    const act = this.of(data);
    if (act === undefined) return;
    act.startedAt = at;
    act.attempts = Math.max(1, numberAt(data, 'attempt'));
    act.doneBy = textAt(data, 'identity')?.split('/')[0] ?? null;
    // Queues are spelled in small letters, workers as Windows spells them.
    if (act.doneBy?.toLowerCase() === act.node?.toLowerCase()) act.node = act.doneBy;
  }

  complete({ at, data }: HistoryEvent): unknown {
    const act = this.of(data);
    const answer = payload(data, 'result');
    if (act === undefined) return answer;
    end(act, 'done', at);
    if (!isPlain(answer)) return answer;
    const { cmdlets, ...rest } = answer;
    act.cmdlets = textsOf(cmdlets);
    // Whole clusters; what matters of them is told elsewhere.
    act.result = act.kind === 'look' ? null : rest;
    if (typeof answer['blackoutSeconds'] === 'number')
      this.tellMove(act, answer['blackoutSeconds']);
    return answer;
  }

  /** The logs of both ends may tell it of the same move. */
  private tellMove({ vm }: Act, blackoutSeconds: number): void {
    const move = this.all.findLast((one) => one.kind === 'move' && one.vm === vm);
    if (move?.result == null) return;
    const { blackoutSeconds: told } = move.result;
    const worst = typeof told === 'number' ? Math.max(told, blackoutSeconds) : blackoutSeconds;
    move.result = { ...move.result, blackoutSeconds: worst };
  }

  fail({ at, data }: HistoryEvent): void {
    const act = this.of(data);
    if (act === undefined) return;
    end(act, 'failed', at);
    act.failure = readFailure(data['failure']);
    const { details } = part(data, 'failure', 'applicationFailureInfo');
    const first = payload({ details }, 'details');
    if (isPlain(first)) act.cmdlets = textsOf(first['cmdlets']);
  }

  cancel({ at, data }: HistoryEvent): void {
    const act = this.of(data);
    if (act === undefined) return;
    end(act, 'cancelled', at);
    const details = payload(data, 'details');
    if (isPlain(details)) act.result = details;
  }

  of(data: Plain): Act | undefined {
    return this.byId.get(numberAt(data, 'scheduledEventId'));
  }
}

function end(act: Act, state: Act['state'], at: IsoTime): void {
  act.state = state;
  act.endedAt = at;
}

const textsOf = (given: unknown): string[] =>
  Array.isArray(given) ? given.filter((one) => typeof one === 'string') : [];

function kindOf(activity: string): ActKind {
  if (/^(view|read|examine)/.test(activity)) return 'look';
  if (/^(await|confirm)/.test(activity)) return 'wait';
  if (activity === 'moveVm') return 'move';
  if (activity.startsWith('verify')) return 'check';
  return 'act';
}

/** `hv1` of `watari.hv-lab.hv1`; names of clusters and nodes have no dots. */
const queuedNode = (queue: string | null): string | null => queue?.split('.')[2] ?? null;

function vmOf(activity: string, input: Plain): string | null {
  const { vm } = input;
  if (typeof vm === 'string') return vm === UNREADABLE ? null : vm;
  if (isPlain(vm)) return textAt(vm, 'name');
  return activity.endsWith('Vm') ? textAt(input, 'name') : null;
}
