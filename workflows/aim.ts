// The move step of migrateVm: the node was chosen before the wait for a slot, so everything is looked at again when the
// move begins. What watari chose it chooses anew, a node that a person named it never changes.
import type { IsoTime, RoleFacts, Snapshot, VmFacts } from '../domain/facts.ts';
import type { FailureCode } from '../domain/failures.ts';
import { sameName } from '../domain/names.ts';
import { placeMove, type Placement } from '../domain/placement.ts';
import { isMoving } from '../domain/slots.ts';
import { durationText } from '../domain/units.ts';
import type { MigrateVmInput } from '../domain/spec.ts';
import type { MoveResult } from '../activities/move.ts';
import type { Calls } from './calls.ts';
import { patched } from '@temporalio/workflow';
import {
  findRunning,
  reserveOf,
  roomAt,
  targetsOf,
  waitForSlot,
  type Chosen,
} from './choose-node.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { moveWithCause } from './move-with-cause.ts';
import type { OwnTurn } from './own-turn.ts';
import type { StepContext } from './run.ts';
import { takeSnapshot } from './snapshot.ts';
import type { Turn } from './turns.ts';

/** Failures that another node would not have. */
const OF_THE_TARGET: readonly FailureCode[] = [
  'TargetNodeDown',
  'TargetNodePaused',
  'TargetOutOfResources',
  'TargetOutOfMemory',
  'NotPossibleOwner',
  'SwitchMissingOnTarget',
];
/** A restart is told by an uptime that fell; the clocks of two looks differ by less. */
const UPTIME_SLACK_SECONDS = 5;

export class Aim {
  private readonly calls: Calls;
  private readonly input: MigrateVmInput;
  private readonly step: string;
  private role: RoleFacts;
  private readonly chosen: string;
  private target: string;
  /** The VM when its move began: what it is compared with afterwards. */
  vm: VmFacts;
  private ranking: Chosen['ranking'];
  private targets: Chosen['targets'] = {};
  private room: Chosen['room'];
  private apart: string[];
  /** Undefined in runs of earlier versions, and where a person skipped the wait. */
  private readonly turn: OwnTurn | undefined;
  /** What the nodes' own clocks showed when they were looked at last. */
  clocks: Readonly<Record<string, IsoTime>> = {};
  /** Nodes that have turned the VM down in this run. */
  private avoid: string[] = [];

  constructor(
    calls: Calls,
    input: MigrateVmInput,
    step: string,
    { role, vm, target, ranking, room, apart }: Chosen,
    turn?: OwnTurn,
  ) {
    this.calls = calls;
    this.input = input;
    this.step = step;
    this.role = role;
    this.vm = vm;
    this.chosen = target;
    this.target = target;
    this.ranking = ranking;
    this.room = room;
    this.apart = apart;
    this.turn = turn;
  }

  async move(c: StepContext): Promise<MoveResult> {
    const named = c.target ?? this.input.to;
    if (named !== undefined) this.target = named;
    if (!patched('aim-at-the-start')) {
      return this.moveTo(c.target ?? this.chosen, c);
    }
    // A person who says "again" has mended something.
    if (c.byOperator) this.avoid = [];
    for (;;) {
      await this.lookAgain(c, named);
      const { target } = this;
      if (this.turn !== undefined && this.lacksTurn(this.turn)) {
        const given = await this.takeTurn(this.turn, c);
        if ('refused' in given) {
          const refusal = stepFailure('TargetNotEligible', given.refused);
          await this.goElsewhere(named, given.refused, refusal, c);
        }
        continue;
      }
      try {
        return await this.moveTo(target, c);
      } catch (err) {
        const code = failureOf(err)?.code;
        if (code === undefined || !OF_THE_TARGET.some((one) => one === code)) throw err;
        await this.goElsewhere(named, `${target} failed with ${code}`, err, c);
      }
    }
  }

  private async moveTo(target: string, c: StepContext): Promise<MoveResult> {
    const { step, role, vm } = this;
    const { reasons = [] } = this.ranking.find(({ node }) => sameName(node, target)) ?? {};
    const known = { reasons, disks: vm.disks };
    try {
      return await moveWithCause(this.calls, { step, role, target, known }, c);
    } finally {
      await this.turn?.release();
    }
  }

  private lacksTurn(turn: OwnTurn): boolean {
    return !turn.isFor(this.target) && !sameName(this.role.owner, this.target);
  }

  private takeTurn(turn: OwnTurn, c: StepContext): Promise<Turn> {
    const { role, vm, target, apart, targets } = this;
    const known = this.room.filter(({ node }) => sameName(node, target));
    // What a person named is left to Windows to refuse, as long as the node takes VMs at all.
    const room = known.length > 0 ? known : [{ node: target, roomBytes: Number.MAX_SAFE_INTEGER }];
    return turn.take({ role, vm, room, apart, targets }, c);
  }

  private async goElsewhere(
    named: string | undefined,
    why: string,
    err: unknown,
    c: StepContext,
  ): Promise<void> {
    this.avoid.push(this.target);
    const other = await this.choose(c);
    if (other === null || named !== undefined) throw err;
    await this.turnTo(other, why, c);
  }

  /** Only the two ends are asked as long as the choice stands. */
  private async lookAgain(c: StepContext, named: string | undefined): Promise<void> {
    const snapshot = await this.look((owner) => [owner, this.target]);
    const now = this.findIn(snapshot);
    if (now === null) return;
    if (now.vm.uptimeSeconds + UPTIME_SLACK_SECONDS < this.vm.uptimeSeconds) {
      c.evidence({
        restartedBefore:
          `${now.role.name} restarted before this move began: it ran for ` +
          `${durationText(this.vm.uptimeSeconds * 1000)} when the node was chosen and for ` +
          `${durationText(now.vm.uptimeSeconds * 1000)} now`,
      });
    }
    Object.assign(this, now);
    const placement = this.place(snapshot, this.target);
    this.room = roomAt(snapshot, placement, this.input);
    if (named !== undefined || sameName(now.role.owner, this.target)) return;
    if (placement.target !== null && this.isTheOnlyWay(now.role)) return;
    const other = await this.choose(c);
    if (other === null || sameName(other, this.target)) return;
    await this.turnTo(other, `${this.target} cannot take it any more`, c);
  }

  /** The slot that was waited for was one of the other node. */
  private async turnTo(target: string, why: string, c: StepContext): Promise<void> {
    c.evidence({ chosenAnew: `${target}, since ${why}` });
    this.target = target;
    const { role, targets } = this;
    if (this.turn === undefined && !isMoving(role))
      await waitForSlot(this.calls, this.step, { role, target, targets });
  }

  /** No move to somewhere else is under way. */
  private isTheOnlyWay({ move }: RoleFacts): boolean {
    return move.target === null || sameName(move.target, this.target);
  }

  private async choose(c: StepContext): Promise<string | null> {
    const snapshot = await this.look();
    if (this.findIn(snapshot) === null) return null;
    this.targets = targetsOf(snapshot);
    const placement = this.place(snapshot);
    this.ranking = placement.ranking;
    this.room = roomAt(snapshot, placement, this.input);
    c.evidence({ ranking: placement.ranking });
    return placement.target;
  }

  private place(snapshot: Snapshot, only?: string): Placement {
    return placeMove(snapshot, this.role.vmId, {
      memoryReserveBytes: reserveOf(this.input),
      avoid: this.avoid,
      adopt: true,
      ...(only === undefined ? {} : { only }),
    });
  }

  private async look(only?: (owner: string) => string[]): Promise<Snapshot> {
    const { vmId } = this.role;
    const snapshot = await takeSnapshot(this.calls, {
      about: { role: vmId },
      step: this.step,
      ...(only === undefined
        ? {}
        : {
            only: (view) => only(view.roles.find((r) => r.vmId === vmId)?.owner ?? this.role.owner),
          }),
    });
    this.clocks = Object.fromEntries(
      Object.entries(snapshot.nodes).flatMap(([node, answer]) =>
        'view' in answer ? [[node, answer.view.host.now]] : [],
      ),
    );
    return snapshot;
  }

  /** null: the node that has it does not answer, so what was known before the wait has to do. */
  private findIn(snapshot: Snapshot): { role: RoleFacts; vm: VmFacts } | null {
    try {
      return findRunning(snapshot, this.role.vmId);
    } catch (err) {
      if (failureOf(err)?.code === 'NodeUnreachable') return null;
      throw err;
    }
  }
}
