// The people of a simulation: one who starts the work, one who decides at bad moments, and, once nothing goes wrong any
// more, a patient one who mends what is broken and retries what waits for a person.
import { drainsAmong, type EndedCampaign } from '../../client/runs/drains.ts';
import { clusterQueue, LEDGER_WORKFLOW, runId, sameName } from '../../domain/names.ts';
import type { DrainOnRecord } from '../../domain/spec.ts';
import type { Decision, DecisionAction, StepStatus } from '../../domain/status.ts';
import { Random } from '../rig/random.ts';
import type { Plan, PlannedFault, Work } from './plan.ts';
import type { Ledger } from './rules/ledger.ts';
import type { Stage } from './stage.ts';
import type { SeenRun, StartRequest } from './temporal/seen-run.ts';

/** So often the patient operator tries a step before giving it up: where waiting does not help, and at all. */
const PATIENCE = { whole: 5, ever: 50 } as const;

/**
 * Failures that stand in a cluster in which everything is in order: no other node can hold the VM, it has restarted,
 * the Windows lacks what is set, an update is offered for ever, and what follows for the run that waits for such a one.
 * Whatever else is retried then has to go on: a person who has mended the cause and presses retry for ever is a promise
 * broken.
 */
const STANDS: readonly string[] = [
  'NoEligibleNode',
  'NoPlan',
  'TargetNotEligible',
  'VmRestarted',
  'WindowsTooOld',
  'UpdatesRemain',
  'Aborted',
  'AlreadyRunning',
];

/** @param runs what there is by then: a resumption knows the drain that it ends */
export function requestFor(
  { spec, scenario }: Plan,
  work: Work,
  runs: readonly SeenRun[] = [],
): StartRequest {
  const { cluster } = scenario;
  const queue = clusterQueue(cluster);
  const common = {
    cluster,
    startedBy: 'sim@lab',
    budgets: spec.budgets,
    memoryReserveBytes: spec.memoryReserveBytes,
  };
  switch (work.does) {
    case 'apply': {
      const input = { spec, restarts: work.restarts, startedBy: 'sim@lab' };
      return { type: 'applyCluster', id: runId.apply(cluster), queue, input };
    }
    case 'migrate': {
      const { vm, to } = work;
      const input = { ...common, vm, ...(to === undefined ? {} : { to }) };
      return { type: 'migrateVm', id: runId.migrate(cluster, vm), queue, input };
    }
    case 'prepare': {
      const input = { ...common, node: work.node, features: [work.feature], restarts: 'allowed' };
      return { type: 'prepareNode', id: runId.prepare(cluster, work.node), queue, input };
    }
    case 'doctor':
      return {
        type: 'doctor',
        id: runId.doctor(cluster),
        queue,
        input: { cluster, startedBy: 'sim@lab', budgets: spec.budgets, wanted: spec },
      };
    case 'create': {
      const vm = spec.virtualMachines.find((v) => v.name === work.vm);
      return {
        type: 'createVm',
        id: runId.create(cluster, work.vm),
        queue,
        input: { ...common, vm },
      };
    }
    default: {
      const id = runId.campaign(cluster);
      const { type, ...input } = campaignOf(cluster, work, runs);
      return { type, id, queue, input: { ...common, ...input } };
    }
  }
}

type Campaign = Extract<Work, { does: 'drain' | 'resume' | 'maintain' | 'balance' }>;

function campaignOf(cluster: string, work: Campaign, runs: readonly SeenRun[]) {
  switch (work.does) {
    case 'drain':
      return { type: 'drainNodes', nodes: work.nodes };
    case 'resume': {
      const { node, bringBack } = work;
      return {
        type: 'resumeNodes',
        nodes: [node],
        bringBack,
        drained: drainsOf(cluster, node, runs),
      };
    }
    case 'maintain': {
      const { action: kind, bringBack, maxFailed } = work;
      const action = kind === 'updates' ? { kind, choice: {} } : { kind };
      return { type: 'maintainCluster', action, bringBack, maxFailed };
    }
    case 'balance':
      return { type: 'balanceCluster', withinPercent: work.withinPercent };
  }
}

/** As the command finds it on record. */
function drainsOf(cluster: string, node: string, runs: readonly SeenRun[]): DrainOnRecord[] {
  const ended = runs.filter(
    ({ type, state }) => ['drainNodes', 'resumeNodes'].includes(type) && state === 'completed',
  );
  return drainsAmong(cluster, [node], (ended as unknown as EndedCampaign[]).toReversed()).drains;
}

/** The order of moves is nobody's run. */
const open = (c: Stage): SeenRun[] =>
  c.runs().filter((run) => run.state === 'open' && run.type !== LEDGER_WORKFLOW);
const needy = (run: SeenRun): StepStatus[] =>
  run.status()?.steps.filter((s) => s.state === 'needs-operator') ?? [];

/** As a person would have it before pressing retry. */
function isWhole({ lab }: Stage): boolean {
  const { cluster, nodes, vms, storage } = lab.state();
  return (
    cluster.quorate &&
    storage.jobs.length === 0 &&
    nodes.every((node) => node.state === 'Up') &&
    vms.every((vm) => vm.state === 'Running')
  );
}

export class Operator {
  private readonly c: Stage;
  private readonly tries = new Map<string, { ever: number; whole: number }>();
  /** Updates on their way: (run, step). */
  private readonly asked = new Set<string>();

  private readonly ledger: Ledger;

  constructor(c: Stage, ledger: Ledger) {
    this.c = c;
    this.ledger = ledger;
  }

  start(request: StartRequest): void {
    this.c.start(request, (run) => {
      if (run === undefined) this.c.tell(`${request.id} is running already`);
    });
  }

  /** Any decision, about any step, right or wrong, by any door. */
  decideSomehow({ pick }: PlannedFault): void {
    const random = new Random(pick);
    const runs = open(this.c);
    if (runs.length === 0) return;
    const waiting = runs.filter((run) => needy(run).length > 0);
    const run = random.pick(waiting.length > 0 && random.chance(0.7) ? waiting : runs);
    const steps = run.status()?.steps ?? [];
    const wanted = needy(run);
    const step =
      wanted.length > 0 && random.chance(0.8)
        ? random.pick(wanted)
        : steps.length > 0
          ? random.pick(steps)
          : undefined;
    const action = random.pick<DecisionAction>(['retry', 'retry', 'skip', 'abort']);
    const target = random.chance(0.2) ? { target: random.pick(this.c.lab.nodes()) } : {};
    const decision: Decision = {
      step: step?.id ?? 'no/such-step',
      action,
      reason: 'chance',
      by: 'somebody',
      ...target,
    };
    for (let times = random.chance(0.3) ? 2 : 1; times > 0; times -= 1) {
      if (random.chance(0.3)) this.c.signal(run.id, decision);
      else this.send(run, decision);
    }
  }

  cancelSomething({ pick }: PlannedFault): void {
    const runs = open(this.c);
    if (runs.length > 0) this.c.requestCancel(new Random(pick).pick(runs).id, 'somebody');
  }

  /** Puts the world in order, as a person would who has found out what is wrong. */
  mend(): void {
    const { lab } = this.c;
    const { nodes, roles, vms } = lab.state();
    for (const node of nodes) if (node.power === 'off') lab.powerOn(node.name);
    const member = nodes.find((n) => n.state === 'Up')?.name;
    const anyone = member ?? nodes.find((n) => n.state === 'Paused')?.name;
    for (const { name, state } of nodes) {
      // What a run has paused, it resumes itself; a run that could not has said so in its report.
      if (
        anyone !== undefined &&
        state === 'Paused' &&
        this.ledger.pausedByPerson(name, (runId) => open(this.c).some((run) => run.runId === runId))
      )
        this.byHand(anyone, 'resumeNode', { node: name });
    }
    if (member === undefined || nodes.some((n) => n.power !== 'running')) return;
    for (const role of roles) {
      const vm = vms.find((v) => v.id === role.vmId);
      if (
        (vm?.state === 'Off' || vm?.state === 'Saved') &&
        role.state !== 'Pending' &&
        !role.status
      )
        this.byHand(member, 'startRole', { vmId: role.vmId });
    }
  }

  /** Something done in Failover Cluster Manager, past us; refused is refused. */
  byHand(
    node: string,
    op: 'startRole' | 'resumeNode' | 'pauseNode' | 'startMove' | 'cancelMove',
    args: object,
  ): void {
    try {
      this.ledger.byPerson(() => {
        // Done when it is asked for; a person does not wait for the answer of a slow Windows.
        const { readyAt, settle } = this.c.lab.ask(node, op, args as never);
        if (readyAt <= this.c.lab.world.time) settle();
      });
      this.c.tell(`a person: ${op} ${JSON.stringify(args)} at ${node}`);
    } catch {
      this.c.tell(`a person: ${op} at ${node} was refused`);
    }
  }

  /** Retries what waits; after some patience skips it where that is allowed, else aborts. */
  bePatient(): void {
    const whole = isWhole(this.c);
    for (const run of open(this.c)) {
      for (const step of needy(run)) {
        const key = `${run.runId} ${step.id}`;
        if (this.asked.has(key)) continue;
        const tried = this.tries.get(key) ?? { ever: 0, whole: 0 };
        const tries = { ever: tried.ever + 1, whole: whole ? tried.whole + 1 : 0 };
        this.tries.set(key, tries);
        const enough = STANDS.includes(step.failure?.code ?? '') ? PATIENCE.whole : PATIENCE.ever;
        const givesUp = tries.whole > PATIENCE.whole || tries.ever > enough;
        const action = !givesUp ? 'retry' : step.skippable ? 'skip' : 'abort';
        if (tries.whole > PATIENCE.whole) this.complain(run, step);
        this.asked.add(key);
        const done = this.send(
          run,
          { step: step.id, action, reason: 'patience', by: 'patient' },
          () => {
            this.asked.delete(key);
          },
        );
        if (!done) this.asked.delete(key);
      }
    }
  }

  private complain(run: SeenRun, { id, failure }: StepStatus): void {
    if (failure === null || STANDS.includes(failure.code)) return;
    // Somebody skipped making the VM, so there is none to be moved.
    if (failure.code === 'RoleMissing' && !this.isThere(id.split('/')[1] ?? '')) return;
    // Somebody resumed a node that the run had found paused: what came to it then is theirs to move.
    if (failure.code === 'NodeNotDrained' && this.isOpen(id.split('/')[0] ?? '')) return;
    this.c.violated(
      `a retry cures what was mended: ${id} of ${run.id} fails with ${failure.code} although ` +
        `everything is in order: ${failure.message}`,
    );
  }

  private isOpen(node: string): boolean {
    const { nodes } = this.c.lab.state();
    return nodes.some(({ name, state }) => sameName(name, node) && state === 'Up');
  }

  private isThere(vm: string): boolean {
    return this.c.lab.state().vms.some((one) => sameName(one.name, vm));
  }

  private send(run: SeenRun, decision: Decision, then: () => void = () => undefined): boolean {
    this.c.tell(`${decision.by}: ${decision.action} ${decision.step} of ${run.id}`);
    return this.c.update(run.id, decision, (answer) => {
      if ('refused' in answer) this.c.tell(`${run.id} refuses: ${answer.refused}`);
      then();
    });
  }
}
