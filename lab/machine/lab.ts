// The simulated cluster: one state machine behind every door (in-process, HTTP, PowerShell). It is advanced to its
// clock's time whenever somebody asks, from event to event, and never reads any other clock.
import {
  ACT_OPS,
  HypervError,
  type ActOp,
  type Op,
  type OpArgs,
  type OpFacts,
  type ReadOp,
  type Reply,
} from '../../hyperv/host.ts';
import { vmNameOfDisk, type KnownNames } from '../scenario/checks.ts';
import { isWorldEvent, type Fault } from '../scenario/fault-schema.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Done } from './acts.ts';
import { ARGUMENTS } from './arguments.ts';
import type { Instant, LabClock } from './clock.ts';
import { armBalancer, reviewQuorum } from './cluster.ts';
import { costOfOperation } from './costs.ts';
import { takeOpFault } from './faults.ts';
import { crash, powerOff, powerOn, removeFeature, shiftClock } from './nodes.ts';
import { READS } from './reads.ts';
import { recordCall, type CallRecord, type Effect } from './records.ts';
import { lost, refused } from './refusal.ts';
import { labState, type LabState } from './state.ts';
import { addFault, clearFaults, strike } from './strikes.ts';
import { ACTS } from './vm-acts.ts';
import { makeWorld } from './make-world.ts';
import { reviewStorage } from './storage.ts';
import { answers, findNode, vmOfId, type LabNode, type NodeChange, type World } from './world.ts';

/** What was asked has begun; how it ends is known at `readyAt`. */
export interface Answer<K extends Op> {
  readyAt: Instant;
  /** Only at or after `readyAt`. Throws a HypervError when the operation failed or the answer is lost. */
  settle: () => Reply<OpFacts<K>>;
}

const isAct = (op: Op): op is ActOp => (ACT_OPS as readonly Op[]).includes(op);

export class Lab {
  readonly clock: LabClock;
  /** For the doors that the lab has beside the operations of the port: rules take it, nobody else writes to it. */
  readonly world: World;
  private advancing = false;
  private readonly schedulers = new Set<() => void>();

  constructor(scenario: Scenario, clock: LabClock) {
    this.clock = clock;
    this.world = makeWorld(scenario, clock.now());
    this.world.strike = (fault) => {
      strike(this.world, fault);
    };
    this.world.agenda.onFirst = () => {
      for (const changed of this.schedulers) changed();
    };
    reviewQuorum(this.world);
    armBalancer(this.world);
    reviewStorage(this.world);
    for (const fault of scenario.faults) addFault(this.world, fault);
  }

  /** Lets everything happen that is due. */
  advance(): void {
    if (this.advancing) return;
    this.advancing = true;
    try {
      const now = Math.max(this.clock.now(), this.world.time);
      for (;;) {
        const entry = this.world.agenda.takeDue(now);
        if (entry === null) break;
        this.world.time = Math.max(this.world.time, entry.at);
        entry.run();
      }
      this.world.time = now;
    } finally {
      this.advancing = false;
    }
  }

  /** When something will happen by itself, if nobody asks for anything; null: never. */
  nextEventAt(): Instant | null {
    return this.world.agenda.next();
  }

  /** Calls back when `nextEventAt` may have become earlier. Answers a function that forgets it. */
  onSchedule(changed: () => void): () => void {
    this.schedulers.add(changed);
    return () => this.schedulers.delete(changed);
  }

  /** Calls back when a node has booted or gone down. Answers a function that forgets it. */
  onNodeChange(watcher: (change: NodeChange) => void): () => void {
    const { watchers } = this.world;
    watchers.push(watcher);
    return () => {
      watchers.splice(watchers.indexOf(watcher), 1);
    };
  }

  /** Names of the nodes, as the cluster writes them. */
  nodes(): string[] {
    return this.world.nodes.map((node) => node.name);
  }

  /** Names that a fault may use now. */
  knownNames(): KnownNames {
    const disks = this.world.disks.map((disk) => vmNameOfDisk(disk.path));
    return {
      nodes: this.nodes(),
      vms: [...[...this.world.vms.values()].map((vm) => vm.name), ...disks],
    };
  }

  isUp(node: string): boolean {
    this.advance();
    const found = findNode(this.world, node);
    return found !== undefined && answers(found);
  }

  /** Asks one node for one operation. Throws only for a node that does not exist. */
  ask<K extends Op>(nodeName: string, op: K, args: OpArgs<K>): Answer<K> {
    this.advance();
    const { world } = this;
    const node = findNode(world, nodeName);
    const none = (why: string): Answer<K> =>
      this.failed(args, lost(op, node?.name ?? nodeName, why), world.time);
    if (node === undefined) return none(`The lab has no node '${nodeName}', so nothing answers.`);
    if (!answers(node)) return none(`${node.name} does not answer: it is ${node.power}.`);
    const losses = node.losses;
    const { settle, readyAt } = this.perform(node, op, args);
    return {
      readyAt,
      settle: () => {
        this.advance();
        if (node.losses !== losses)
          throw lost(op, node.name, `${node.name} went down before it had answered ${op}.`);
        if (this.world.time < readyAt)
          throw new Error(`${op} on ${node.name} has not finished: ask for its answer later.`);
        return settle();
      },
    };
  }

  /** Asks, and answers at once. For operations that take time (see `answer`) this is a mistake. */
  call<K extends Op>(node: string, op: K, args: OpArgs<K>): Reply<OpFacts<K>> {
    return this.ask(node, op, args).settle();
  }

  /** Asks, and waits on the clock for the answer or for the node's death. */
  async answer<K extends Op>(node: string, op: K, args: OpArgs<K>): Promise<Reply<OpFacts<K>>> {
    const asked = this.ask(node, op, args);
    await this.until(findNode(this.world, node), asked.readyAt);
    return asked.settle();
  }

  /** Waits on the clock until then, or until the node goes down. */
  async until(node: LabNode | undefined, readyAt: Instant): Promise<void> {
    const losses = node?.losses;
    while (this.world.time < readyAt && node?.losses === losses) {
      const next = Math.min(readyAt, this.nextEventAt() ?? readyAt);
      await new Promise<void>((resolve) => this.clock.at(next, resolve));
      this.advance();
    }
  }

  private perform<K extends Op>(node: LabNode, op: K, args: OpArgs<K>): Answer<K> {
    const { world } = this;
    const fault = takeOpFault(world, node.name, op, this.vmsIn(args));
    const late =
      world.time + (fault?.fault.hangSeconds ?? 0) * 1000 + costOfOperation(world, node, op, args);
    if (fault !== null && fault.fault.at !== 'after-effect') {
      const error = faultError(node, op, fault.fault);
      if (error !== null) return this.failed(args, error, late);
    }
    let done: Done<OpFacts<K>>;
    try {
      done = run(world, node, op, args);
    } catch (error) {
      if (!(error instanceof HypervError)) throw error;
      return this.failed(args, error, late);
    }
    if (fault?.fault.at === 'after-effect') {
      const error = lost(op, node.name, `${node.name} did ${op}, but its answer was lost.`);
      return this.failed(args, error, late);
    }
    const changed = isAct(op) ? (done.facts as { changed: boolean }).changed : null;
    recordCall(world, { node: node.name, op, args, changed, error: null });
    const { cmdlets, read } = done;
    return {
      readyAt: Math.max(late, done.readyAt ?? world.time),
      settle: () => ({ facts: read === undefined ? done.facts : read(), cmdlets }),
    };
  }

  /** Names of the VMs that a call is about, for faults. */
  private vmsIn(args: object): string[] {
    if (this.world.faults.length === 0) return [];
    const { vmId, name } = args as { vmId?: unknown; name?: unknown };
    const vm = typeof vmId === 'string' ? vmOfId(this.world, vmId) : undefined;
    return [vm?.name, typeof name === 'string' ? name : undefined].filter((n) => n !== undefined);
  }

  /** Written down now, thrown when it is settled. */
  private failed<K extends Op>(args: object, error: HypervError, readyAt: Instant): Answer<K> {
    const { node, op, outcome, hresult, eventId, errorId } = error.info;
    const signs = {
      outcome,
      ...(hresult !== undefined && { hresult }),
      ...(eventId !== undefined && { eventId }),
      ...(errorId !== undefined && { errorId }),
    };
    recordCall(this.world, { node, op, args, changed: null, error: signs });
    return {
      readyAt,
      settle: () => {
        throw error;
      },
    };
  }

  /** What really happened, oldest first. */
  effects(after = 0): Effect[] {
    this.advance();
    const { effects, effectSeq } = this.world.records;
    // Numbered without a gap: whoever asks often need not go through all of them each time.
    return after >= effectSeq ? [] : effects.slice(-(effectSeq - Math.max(after, 0)));
  }

  /** What was asked, oldest first; the last ten thousand. */
  calls(): CallRecord[] {
    return [...this.world.records.calls];
  }

  /** Everything, as plain JSON. */
  state(): LabState {
    this.advance();
    return labState(this.world, this.clock.speed);
  }

  powerOn(node: string): boolean {
    return powerOn(this.world, this.known(node));
  }

  /** Pulls the plug. */
  powerOff(node: string): boolean {
    return powerOff(this.world, this.known(node));
  }

  /** Goes down at once and boots by itself. */
  crash(node: string): boolean {
    return crash(this.world, this.known(node));
  }

  /** Somebody takes a feature off a node behind watari's back; from then on it is missing. */
  removeFeature(node: string, feature: string): boolean {
    return removeFeature(this.world, this.known(node), feature);
  }

  /** Sets a node's clock ahead by so many seconds, or back. */
  shiftClock(node: string, seconds: number): boolean {
    return shiftClock(this.world, this.known(node), seconds);
  }

  addFault(fault: Fault): void {
    this.advance();
    addFault(this.world, fault);
  }

  /** Answers how many there were. */
  clearFaults(): number {
    this.advance();
    return clearFaults(this.world);
  }

  private known(name: string): LabNode {
    this.advance();
    const node = findNode(this.world, name);
    if (node === undefined)
      throw new RangeError(`The lab has no node '${name}'; it has ${this.nodes().join(', ')}.`);
    return node;
  }
}

function run<K extends Op>(world: World, node: LabNode, op: K, args: OpArgs<K>): Done<OpFacts<K>> {
  const asked = { world, node, op };
  const checked = ARGUMENTS[op].safeParse(args);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const where = issue?.path.join('.') ?? '';
    const message = `${op} cannot take these arguments: ${where} ${issue?.message ?? ''}.`;
    throw refused(asked, message, { errorId: 'BadRequest' });
  }
  const rules = { ...READS, ...ACTS } as { [P in ReadOp | ActOp]: unknown };
  const rule = rules[op] as (a: typeof asked, args: OpArgs<K>) => Done<OpFacts<K>>;
  return rule(asked, args);
}

/** The error that a fault answers with instead of doing anything; null when it only delays. */
function faultError(node: LabNode, op: Op, fault: Fault): HypervError | null {
  if (isWorldEvent(fault.on)) return null;
  if (fault.error === undefined)
    return fault.at === undefined && fault.hangSeconds !== undefined
      ? null
      : lost(op, node.name, `${node.name} did not answer ${op} (a fault of the scenario).`);
  const { message, hresult, eventId, errorId } = fault.error;
  return new HypervError(message ?? `${op} failed on ${node.name} (a fault of the scenario).`, {
    op,
    node: node.name,
    outcome: 'refused',
    ...(hresult !== undefined && { hresult }),
    ...(eventId !== undefined && { eventId }),
    ...(errorId !== undefined && { errorId }),
  });
}
