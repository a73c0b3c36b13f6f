// Who did what to the cluster: every operation that one of our activities asked for, with the run and the attempt that
// asked and the effects that followed at once. What is in the lab's log and not in here was done by somebody else.
import { activityInfo } from '@temporalio/activity';
import { ACT_OPS, type ActOp, type Op } from '../../../hyperv/host.ts';
import type { Lab } from '../../../lab/machine/lab.ts';
import type { Effect } from '../../../lab/machine/records.ts';

export interface Act {
  /** Milliseconds of the simulated clock. */
  at: number;
  /** Of the node's worker that asked. */
  node: string;
  runId: string;
  workflowId: string;
  activity: string;
  activityId: string;
  attempt: number;
  op: ActOp;
  args: Record<string, unknown>;
  effects: Effect[];
}

const acting: ReadonlySet<string> = new Set(ACT_OPS);
export const isActing = (op: string): op is ActOp => acting.has(op);

export class Ledger {
  readonly acts: Act[] = [];
  /** Per run and operation: when it last was told something. */
  private readonly reads = new Map<string, number>();
  /** Effects that an operation was asked for, by us or by a person. */
  private readonly askedFor = new Set<number>();
  /** When a node last left the cluster. */
  membersChangedAt = -Infinity;
  private readonly arrivals = new Map<string, number>();
  private readonly starts = new Map<string, number>();
  private readonly ends = new Map<string, number>();
  private readonly pausedBy = new Map<string, string>();
  private seen = 0;
  private readonly lab: () => Lab;
  private readonly onAct: (act: Act) => void;

  constructor(lab: () => Lab, onAct: (act: Act) => void) {
    this.lab = lab;
    this.onAct = onAct;
  }

  /** When the run last got an answer to this read; undefined: never. */
  lastRead(runId: string, op: Op): number | undefined {
    return this.reads.get(`${runId} ${op}`);
  }

  wasAskedFor(seq: number): boolean {
    return this.askedFor.has(seq);
  }

  /** Something that a person does by hand, past us. */
  byPerson(call: () => void): void {
    const lab = this.lab();
    const before = this.newest(lab);
    try {
      call();
    } finally {
      for (const { seq } of lab.effects(before)) this.askedFor.add(seq);
    }
  }

  /** When the VM was last set running where it is now. */
  arrivedAt(vm: string): number {
    return this.arrivals.get(vm) ?? -Infinity;
  }

  startedBefore(vm: string, moment: number): boolean {
    return (this.starts.get(vm) ?? Infinity) <= moment;
  }

  /** Has a move of this VM ended after that effect? */
  endedSince(vm: string, seq: number): boolean {
    return (this.ends.get(vm) ?? 0) > seq;
  }

  stillPausedBy(runId: string, node: string): boolean {
    return this.pausedBy.get(node) === runId;
  }

  /** By a person, or by a run that has ended. */
  pausedByPerson(node: string, isOpen: (runId: string) => boolean = () => true): boolean {
    const by = this.pausedBy.get(node);
    return by === '' || (by !== undefined && !isOpen(by));
  }

  effect({ kind, subject, seq, node }: Effect, now: number): void {
    if (kind === 'role-moved') this.arrivals.set(this.vmOfRole(subject), now);
    if (kind === 'move-finished' || kind === 'vm-started' || kind === 'vm-restarted')
      this.arrivals.set(subject, now);
    if (kind === 'move-started' || kind === 'move-queued') this.starts.set(subject, now);
    if (kind === 'move-finished' || kind === 'move-failed' || kind === 'move-cancelled')
      this.ends.set(subject, seq);
    if (kind === 'node-down') this.membersChangedAt = now;
    if (kind === 'node-resumed') this.pausedBy.delete(node);
    // A pause by a person; our own is put right by the act that did it.
    if (kind === 'node-paused' && this.pausedBy.get(node) === undefined)
      this.pausedBy.set(node, '');
  }

  /** A role may be called otherwise than its VM. */
  private vmOfRole(name: string): string {
    const { roles, vms } = this.lab().state();
    const vmId = roles.find((role) => role.name === name)?.vmId;
    return vms.find((vm) => vm.id === vmId)?.name ?? name;
  }

  private newest(lab: Lab): number {
    this.seen = lab.effects(this.seen).at(-1)?.seq ?? this.seen;
    return this.seen;
  }

  /** Stands between an activity and the port. */
  async through(
    worker: { readonly node: string },
    op: string,
    args: object,
    call: () => Promise<unknown>,
  ): Promise<unknown> {
    const info = activityInfo();
    const lab = this.lab();
    const runId = info.workflowExecution?.runId ?? '';
    const at = lab.clock.now();
    if (!isActing(op)) {
      this.reads.set(`${runId} ${op}`, at);
      return call();
    }
    const before = this.newest(lab);
    // The lab acts before it answers: what is in its log now was done by this call.
    const answer = call();
    const effects = lab.effects(before);
    const act: Act = {
      at,
      node: worker.node,
      runId,
      workflowId: info.workflowExecution?.workflowId ?? '',
      activity: info.activityType,
      activityId: info.activityId,
      attempt: info.attempt,
      op,
      args: args as Record<string, unknown>,
      effects,
    };
    this.acts.push(act);
    for (const e of effects) {
      this.askedFor.add(e.seq);
      if (e.kind === 'node-paused') this.pausedBy.set(e.subject, runId);
    }
    this.onAct(act);
    return answer;
  }
}

/** What the act began, if it asked for a move and the cluster took it. */
export const moveBegunBy = ({ op, effects }: Act): Effect | undefined =>
  op === 'startMove'
    ? effects.find((e) => e.kind === 'move-started' || e.kind === 'move-queued')
    : undefined;

export const did = (act: Act, ...kinds: Effect['kind'][]): boolean =>
  act.effects.some((effect) => kinds.includes(effect.kind));
