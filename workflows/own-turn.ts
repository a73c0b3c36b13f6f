// The turn of a run that moves one VM: taken before the move, for one of the nodes that are as good; held for one move;
// given back however that ends. migrateVm waits with it in its slot step and moves with it in aim.ts.
import { workflowInfo } from '@temporalio/workflow';
import type { RoleFacts, VmFacts } from '../domain/facts.ts';
import { sameName } from '../domain/names.ts';
import { isMoving } from '../domain/slots.ts';
import type { Calls } from './calls.ts';
import type { Chosen } from './choose-node.ts';
import type { StepContext } from './run.ts';
import { Turns, type Turn } from './turns.ts';

export type Wanted = Pick<Chosen, 'role' | 'vm' | 'room' | 'apart' | 'targets'>;

export class OwnTurn {
  private readonly turns: Turns;
  private held: { vmId: string; target: string } | undefined;

  constructor(calls: Calls) {
    // A run that another run has started is a part of it; a person's own goes before.
    this.turns = new Turns(calls, workflowInfo().parent === undefined ? 'person' : 'drain');
  }

  isFor(target: string): boolean {
    return this.held !== undefined && sameName(this.held.target, target);
  }

  /** Instead of the one that it may hold. */
  async take(wanted: Wanted, c: StepContext): Promise<Turn> {
    await this.release();
    const { role, vm, room, apart, targets } = wanted;
    const { vmId } = role;
    const want = {
      ...{ vm: role.name, vmId, from: role.owner, memoryBytes: memoryOf(role, vm) },
      ...{ targets: room, apart, order: 0 },
    };
    const turn = await this.turns.take(
      want,
      (why) => {
        c.waitingFor(why);
      },
      targets.targets,
    );
    c.waitingFor(null);
    if ('target' in turn) this.held = { vmId, target: turn.target };
    return turn;
  }

  async release(): Promise<void> {
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) await this.turns.release(held.vmId);
  }
}

/** What moves already has its memory at the other end. */
const memoryOf = (role: RoleFacts, { memoryAssignedBytes, memoryStartupBytes }: VmFacts): number =>
  isMoving(role) ? 0 : memoryAssignedBytes > 0 ? memoryAssignedBytes : memoryStartupBytes;
