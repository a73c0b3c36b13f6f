// migrateVm: one live migration. Choose the node with reasons, wait for a slot, move, verify that the VM is there and
// never stopped. The id is the lock of the VM.
import type { VmNow } from '../domain/facts.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import type { MigrateVmInput } from '../domain/spec.ts';
import type { Calls } from './calls.ts';
import { patched } from '@temporalio/workflow';
import { blackoutOf } from './blackout.ts';
import { choose, waitForSlot, type Chosen } from './choose-node.ts';
import { conduct, type Job } from './conduct.ts';
import { whereverItIs } from './follow.ts';
import { Aim } from './aim.ts';
import { OwnTurn } from './own-turn.ts';
import type { StepContext } from './run.ts';

export interface MigrateVmResult {
  vm: string;
  changed: boolean;
  from: string;
  to: string;
  /** Absent where nothing moved. */
  vmId?: string;
  /** Memory of the VM; absent, with `seconds`, where somebody else had begun the move. */
  bytes?: number;
  seconds?: number;
  /** How long the VM stood still at the end of it; absent where no event log tells. */
  blackoutSeconds?: number;
}

const NOT_TOLD = 'not known: no log of either node tells it';

export async function migrateVm(input: MigrateVmInput): Promise<MigrateVmResult> {
  return conduct('migrateVm', input, move, ({ cluster, vm, to, budgets }) => ({
    lock: runId.migrate(cluster, vm),
    title: `Move ${vm} to ${to ?? 'the best possible node'}`,
    cluster,
    vm,
    budgets,
  }));
}

async function move({ run, calls, input }: Job<MigrateVmInput>): Promise<MigrateVmResult> {
  const id = (deed: string): string => stepId.vm(input.vm, deed);
  const steps = {
    choose: { id: id('choose'), title: `Choose a node for ${input.vm}` },
    slot: { id: id('slot'), title: 'Wait for a migration slot', skippable: true },
    move: { id: id('move'), title: `Move ${input.vm}` },
    verify: { id: id('verify'), title: `Verify ${input.vm}`, skippable: true },
  } as const;
  run.expect(Object.values(steps));
  const chosen = await run.step(steps.choose, (c) => choose(calls, input, c));
  const { role, target } = chosen;
  if (sameName(role.owner, target)) {
    const why = `${role.name} is on ${target} already`;
    for (const spec of [steps.slot, steps.move, steps.verify]) {
      await run.step(spec, async (c) => {
        c.evidence({ why });
      });
    }
    return { vm: role.name, changed: false, from: role.owner, to: role.owner };
  }
  const turn = patched('turns') ? new OwnTurn(calls) : undefined;
  const { aim, moved } = await withTurn(turn, async () => {
    const promised = await run.step(steps.slot, (c) =>
      turn === undefined
        ? slot(calls, steps.slot.id, chosen, c)
        : promise(calls, input, chosen, turn, c),
    );
    // Who skips the wait moves without a turn.
    const own = promised === undefined ? undefined : turn;
    const aimed = new Aim(calls, input, steps.move.id, promised ?? chosen, own);
    return { aim: aimed, moved: await run.step(steps.move, (c) => aimed.move(c)) };
  });
  const at = { vm: role.name, vmId: role.vmId, node: moved.to };
  const tellsBlackout = moved.how !== 'already-there' && patched('blackout');
  const ends = tellsBlackout ? [moved.from, moved.to] : [];
  const blackout = await run.step(steps.verify, async (c) => {
    const [after, told] = await Promise.all([
      whereverItIs(calls, at, (node) =>
        verify(calls, node, steps.verify.id, { ...chosen, vm: aim.vm }),
      ),
      blackoutOf(calls, role, ends, aim.clocks),
    ]);
    c.evidence({
      owner: at.node,
      ...(sameName(at.node, moved.to) ? {} : { arrivedOn: moved.to }),
      ...(told ?? (tellsBlackout ? { blackout: NOT_TOLD } : {})),
      before: proof(aim.vm),
      after: proof(after),
    });
    return told;
  });
  // Where the move found it is no origin when somebody else had moved it there meanwhile.
  const from = moved.how === 'already-there' ? role.owner : moved.from;
  const { vmId } = role;
  const bytes = aim.vm.memoryAssignedBytes;
  const told = { vm: role.name, changed: true, from, to: moved.to, vmId, ...(blackout ?? {}) };
  return moved.how === 'started' ? { ...told, bytes, seconds: moved.seconds } : told;
}

/** Given back whatever becomes of the run. */
async function withTurn<T>(turn: OwnTurn | undefined, deed: () => Promise<T>): Promise<T> {
  try {
    return await deed();
  } finally {
    await turn?.release();
  }
}

async function slot(calls: Calls, step: string, chosen: Chosen, c: StepContext): Promise<Chosen> {
  const waited = await waitForSlot(calls, step, chosen);
  c.evidence({ ...waited });
  return chosen;
}

/** Its turn, for one of the nodes that are as good; chosen anew where none of them can take it any more. */
async function promise(
  calls: Calls,
  input: MigrateVmInput,
  chosen: Chosen,
  turn: OwnTurn,
  c: StepContext,
): Promise<Chosen> {
  const since = Date.now();
  let now = c.attempt === 1 ? chosen : await choose(calls, input, c);
  for (; ; now = await choose(calls, input, c)) {
    if (sameName(now.role.owner, now.target)) return now;
    const given = await turn.take(now, c);
    if ('target' in given) {
      c.evidence({ target: given.target, waitedMs: Date.now() - since });
      return { ...now, target: given.target };
    }
    c.evidence({ chosenAnew: given.refused });
  }
}

const verify = (calls: Calls, node: string, step: string, { role, vm }: Chosen): Promise<VmNow> =>
  calls
    .onNode(node, {
      summary: `Verify ${role.name} on ${node}`,
      seconds: 180,
      takeWithinSeconds: calls.patientSeconds,
    })
    .verifyVm({
      step,
      vm: role.name,
      vmId: role.vmId,
      uptimeAtLeastSeconds: vm.uptimeSeconds,
      heartbeat: vm.heartbeat === 'Ok',
      waitSeconds: 60,
    });

const proof = (vm: VmNow) => ({
  state: vm.state,
  uptimeSeconds: vm.uptimeSeconds,
  heartbeat: vm.heartbeat,
});
