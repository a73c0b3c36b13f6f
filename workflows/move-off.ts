// One VM off a node that is to be empty: a run of its own, unless somebody else's run has the VM already. That one is
// waited for, and what it did is looked at: it may have taken the VM off the node.
import { patched, sleep } from '@temporalio/workflow';
import type { RoleFacts } from '../domain/facts.ts';
import { runId, sameName } from '../domain/names.ts';
import { isMoving, isQueued } from '../domain/slots.ts';
import type { MigrateVmInput } from '../domain/spec.ts';
import type { Calls } from './calls.ts';
import { runChild } from './child.ts';
import { failureOf } from './failure-of.ts';
import type { StepContext } from './run.ts';

export interface MoveOff {
  node: string;
  role: RoleFacts;
  /** Of the run that moves the VM. */
  input: MigrateVmInput;
  title: string;
}

/** Between looks at the other run's work; doubled from the first to the longest. */
const PAUSE_SECONDS = { first: 5, longest: 60 } as const;

export async function moveOff(calls: Calls, move: MoveOff, c: StepContext): Promise<void> {
  const id = runId.migrate(calls.cluster, move.role.name);
  let pause: number = PAUSE_SECONDS.first;
  for (let waited = 0; ; waited += pause, pause = Math.min(pause * 2, PAUSE_SECONDS.longest)) {
    try {
      await runChild(c, 'migrateVm', id, move.input, move.title);
      return;
    } catch (err) {
      // As long as for a slot: the other run may wait for one itself, or for a person.
      const isLate = waited >= calls.budgets.slotSeconds;
      if (failureOf(err)?.code !== 'AlreadyRunning' || isLate) throw err;
      // In runs of earlier versions a person was asked at once.
      if (!patched('wait-for-the-other-move')) throw err;
    }
    c.waitingFor(`${id}, which somebody else has started`);
    await sleep(pause * 1000, { summary: `${id} is somebody else's run` });
    if (await hasLeft(calls, move)) {
      c.evidence({ why: `${move.role.name} has left ${move.node} by another run` });
      return;
    }
  }
}

async function hasLeft(calls: Calls, { node, role }: MoveOff): Promise<boolean> {
  const { roles } = await calls
    .onCluster({
      summary: `Is ${role.name} still on ${node}?`,
      takeWithinSeconds: calls.patientSeconds,
    })
    .viewCluster({ about: role.name });
  const now = roles.find((r) => r.vmId === role.vmId);
  return now === undefined || (!sameName(now.owner, node) && !isMoving(now) && !isQueued(now));
}
