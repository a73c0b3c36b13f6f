// How each planned fault is done to the world, and how all of them are taken back.
import { faultSchema } from '../../lab/scenario/fault-schema.ts';
import { Random } from '../rig/random.ts';
import type { Operator } from './operator.ts';
import type { FaultKind, PlannedFault } from './plan.ts';
import type { Stage } from './stage.ts';

type Deed = (c: Stage, fault: PlannedFault, operator: Operator) => void;

const inLab: (make: (fault: PlannedFault) => object) => Deed = (make) => (c, fault) => {
  c.lab.addFault(faultSchema.parse(make(fault)));
};

const soon = { when: { seconds: 0 } };

/** A signal of `seconds` that is long for a cmdlet and short for the budgets. */
const outsider = (c: Stage): string | undefined =>
  c.lab.state().nodes.find((n) => n.state === 'Up' && n.power === 'running')?.name;

/** However it is called. */
function roleOf({ lab }: Stage, vm: string) {
  const { vms, roles } = lab.state();
  const id = vms.find((one) => one.name === vm)?.id;
  return roles.find((one) => one.vmId === id);
}

const DEEDS: Record<FaultKind, Deed> = {
  'node-crash': (c, { node }) => {
    c.lab.crash(node);
  },
  'node-crash-mid-move': inLab(({ node, vm, percent }) => ({
    on: 'nodeCrash',
    node,
    when: { vm, percent },
  })),
  'power-off': (c, { node, seconds }) => {
    if (!c.lab.powerOff(node)) return;
    c.clock.after(seconds * 1000, () => {
      c.lab.powerOn(node);
    });
  },
  'boot-fails': inLab(({ node }) => ({ on: 'bootFails', node })),
  'boot-reverts': inLab(({ node }) => ({ on: 'bootReverts', node })),
  'boot-owes': inLab(({ node }) => ({ on: 'bootOwes', node })),
  'worker-crash': (c, { node }) => {
    c.crew.killProcess(node);
  },
  eviction: (c) => {
    c.evict();
  },
  unreachable: (c, { node, seconds }) => {
    if (c.crew.cutOff(node, seconds)) c.tell(`${node} cannot reach Temporal for ${seconds} s`);
  },
  'network-cut': inLab(({ node, seconds }) => ({ on: 'networkDown', node, seconds, ...soon })),
  slow: (c, { node, seconds, percent }) => {
    c.crew.slow.set(node, 2 + percent);
    c.clock.after(seconds * 1000, () => {
      c.crew.slow.delete(node);
    });
  },
  hang: inLab(({ op, seconds, pick }) => ({
    on: op,
    hangSeconds: seconds,
    ...(pick % 3 === 0 ? { at: 'after-effect' } : pick % 3 === 1 ? { at: 'before-effect' } : {}),
  })),
  'lost-request': inLab(({ op }) => ({ on: op, at: 'before-effect' })),
  'lost-reply': inLab(({ op }) => ({ on: op, at: 'after-effect' })),
  refusal: inLab(({ op, hresult, pick }) => ({
    on: op,
    times: 1 + (pick % 2),
    error: { hresult },
  })),
  'move-fails': inLab(({ vm, hresult }) => ({ on: 'moveFails', vm, error: { hresult } })),
  'move-stands': inLab(({ vm, percent, seconds, pick }) => ({
    on: 'moveStands',
    vm,
    // Past every patience now and then.
    seconds: seconds * (pick % 3 === 0 ? 10 : 1),
    when: { vm, percent },
  })),
  'quorum-loss': inLab(({ seconds }) => ({ on: 'quorumLost', seconds, ...soon })),
  'csv-paused': inLab(({ seconds }) => ({ on: 'csvPaused', seconds, ...soon })),
  'csv-lost': inLab(({ node, seconds }) => ({ on: 'csvPaused', node, seconds, ...soon })),
  'outside-move': (c, { vm, node }, operator) => {
    const role = roleOf(c, vm);
    const at = outsider(c);
    if (role !== undefined && at !== undefined)
      operator.byHand(at, 'startMove', { vmId: role.vmId, node });
  },
  'outside-cancel': (c, { pick }, operator) => {
    const { moves } = c.lab.state();
    const at = outsider(c);
    if (moves.length === 0 || at === undefined) return;
    const move = new Random(pick).pick(moves);
    const role = roleOf(c, move.vm);
    if (role !== undefined) operator.byHand(at, 'cancelMove', { vmId: role.vmId });
  },
  'outside-pause': (c, { node, seconds }, operator) => {
    const at = outsider(c);
    if (at === undefined) return;
    operator.byHand(at, 'pauseNode', { node });
    c.clock.after(seconds * 1000, () => {
      const then = outsider(c) ?? node;
      operator.byHand(then, 'resumeNode', { node });
    });
  },
  balancer: () => undefined,
  decision: (_c, fault, operator) => {
    operator.decideSomehow(fault);
  },
  cancel: (_c, fault, operator) => {
    operator.cancelSomething(fault);
  },
  duplicate: (c, { pick }, operator) => {
    const runs = c.runs();
    if (runs.length === 0) return;
    const { type, id, queue, input } = new Random(pick).pick(runs);
    operator.start({ type, id, queue, input });
  },
  'clock-step': (c, { node, pick }) => {
    const seconds = ((pick % 2001) - 1000) * 0.6;
    c.crew.stepClock(node, seconds * 1000);
    c.lab.shiftClock(node, seconds);
  },
};

export function strike(c: Stage, fault: PlannedFault, operator: Operator): void {
  c.tell(`FAULT ${fault.kind}${describe(fault)}`);
  DEEDS[fault.kind](c, fault, operator);
}

/** What matters of a fault, in words. */
export function describe({ kind, node, vm, op, seconds, percent, hresult }: PlannedFault): string {
  switch (kind) {
    case 'node-crash':
    case 'boot-fails':
    case 'boot-reverts':
    case 'boot-owes':
    case 'worker-crash':
    case 'clock-step':
      return ` ${node}`;
    case 'node-crash-mid-move':
      return ` ${node} when ${vm} is at ${percent} %`;
    case 'power-off':
    case 'unreachable':
    case 'network-cut':
    case 'csv-lost':
    case 'outside-pause':
      return ` ${node} for ${seconds} s`;
    case 'slow':
      return ` ${node}, ${2 + percent} times for ${seconds} s`;
    case 'hang':
      return ` of ${op} for ${seconds} s`;
    case 'lost-request':
    case 'lost-reply':
      return ` of ${op}`;
    case 'refusal':
      return ` of ${op} with ${hresult}`;
    case 'move-stands':
      return ` of ${vm} at ${percent} %`;
    case 'move-fails':
      return ` of ${vm} with ${hresult}`;
    case 'quorum-loss':
    case 'csv-paused':
      return ` for ${seconds} s`;
    case 'outside-move':
      return ` of ${vm} to ${node}`;
    case 'outside-cancel':
    case 'balancer':
    case 'eviction':
    case 'decision':
    case 'cancel':
    case 'duplicate':
      return '';
  }
}

/** From now on nothing goes wrong. */
export function cure(c: Stage): void {
  c.lab.clearFaults();
  c.crew.slow.clear();
  c.reconnect();
}
