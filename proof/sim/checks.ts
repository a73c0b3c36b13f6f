// What must hold after every step of a simulation, whatever goes wrong. Each rule says in one sentence what is promised;
// docs/reliability.md repeats them. A rule judges by the lab's own log and by what our activities asked for.
import type { RunStatus } from '../../domain/status.ts';
import { sameName } from '../../domain/names.ts';
import type { Effect } from '../../lab/records.ts';
import type { LabState } from '../../lab/state.ts';
import { did, type Act, type Ledger } from './ledger.ts';
import { statusOf, type ServerRun } from './server-run.ts';

/** What a rule may look at. */
export interface World {
  now: () => number;
  state: () => LabState;
  ledger: Ledger;
  /** Runs, oldest first. */
  runs: () => readonly ServerRun[];
}

export interface Check {
  rule: string;
  act?: (act: Act) => string | undefined;
  effect?: (effect: Effect) => string | undefined;
  /** After a completed workflow task. */
  task?: (run: ServerRun, status: RunStatus) => string | undefined;
  /** When a run has ended. */
  end?: (run: ServerRun, status: RunStatus) => string | undefined;
  beat?: (run: ServerRun, activityId: string, beat: Beat) => string | undefined;
}

export interface Beat {
  phase: string;
  percent: number | null;
}

type Make = (world: World) => Check;

const MOVE_ENDS: readonly Effect['kind'][] = ['move-finished', 'move-failed', 'move-cancelled'];

const oneMachine: Make = ({ state }) => ({
  rule: 'a VM exists once and runs on exactly one node, which is up',
  effect: ({ kind }) => {
    if (!['vm-created', 'vm-started', 'vm-restarted', 'move-finished', 'role-moved'].includes(kind))
      return undefined;
    const { vms, nodes } = state();
    const names = new Set<string>();
    for (const vm of vms) {
      if (names.has(vm.name.toLowerCase())) return `there are two VMs called ${vm.name}`;
      names.add(vm.name.toLowerCase());
      const owner = nodes.find((n) => n.name === vm.owner);
      if (vm.state === 'Running' && owner?.power !== 'running' && owner?.power !== 'stopping')
        return `${vm.name} runs on ${vm.owner}, which is ${owner?.power ?? 'unknown'}`;
    }
    return undefined;
  },
});

const oneMove: Make = () => {
  const moving = new Map<string, string>();
  return {
    rule: 'no VM is moved twice at a time',
    effect: ({ kind, subject, detail }) => {
      if (MOVE_ENDS.includes(kind)) moving.delete(subject);
      if (kind === 'move-queued') {
        if (moving.has(subject))
          return `a second move of ${subject} is queued (${detail}) during ${moving.get(subject) ?? ''}`;
        moving.set(subject, `queued ${detail}`);
      }
      if (kind !== 'move-started') return undefined;
      const before = moving.get(subject);
      if (before !== undefined && before !== `queued ${detail}`)
        return `a second move of ${subject} starts (${detail}) during ${before}`;
      moving.set(subject, detail);
      return undefined;
    },
  };
};

const ends = (detail: string): string[] => (/^(\S+) -> (\S+)/.exec(detail) ?? []).slice(1);

const limits: Make = ({ state }) => {
  const at = new Map<string, number>();
  const count = (detail: string, by: number): void => {
    for (const node of ends(detail)) at.set(node, Math.max(0, (at.get(node) ?? 0) + by));
  };
  const running = new Map<string, string>();
  return {
    rule: 'no node takes part in more moves than the cluster allows',
    effect: ({ kind, subject, detail }) => {
      if (MOVE_ENDS.includes(kind)) {
        const started = running.get(subject);
        if (started !== undefined) count(started, -1);
        running.delete(subject);
      }
      if (kind !== 'move-started') return undefined;
      running.set(subject, detail);
      count(detail, 1);
      const limit = state().cluster.maximumParallelMigrations;
      const over = ends(detail).find((node) => (at.get(node) ?? 0) > limit);
      return over === undefined
        ? undefined
        : `${over} takes part in ${String(at.get(over))} moves, ${String(limit)} are allowed`;
    },
  };
};

/** docs/decisions/0004: a look at free slots precedes a run's move; nothing is reserved, and the cluster queues the rest. */
const looksForSlots: Make = ({ ledger, runs }) => ({
  rule: 'a run asks for its move only after it saw a free slot at both ends, or a person skipped that',
  act: (act) => {
    if (act.op !== 'startMove') return undefined;
    const effect = act.effects.find((e) => e.kind === 'move-started' || e.kind === 'move-queued');
    // What is tried again does not wait again, and may go elsewhere.
    const earlier = ledger.acts.some(
      (a) => a !== act && a.runId === act.runId && a.op === 'startMove',
    );
    if (effect === undefined || earlier) return undefined;
    const run = runs().find((r) => r.runId === act.runId);
    const slot =
      run === undefined ? undefined : statusOf(run)?.steps.find((s) => s.id.endsWith('/slot'));
    if (slot?.state === 'skipped') return undefined;
    if (
      slot?.state === 'succeeded' &&
      ledger.sawFreeSlot(act.runId, effect.subject, ends(effect.detail))
    )
      return undefined;
    return `${act.workflowId} started its move (${effect.detail}) without having seen a free slot`;
  },
});

const pausedNodes: Make = ({ ledger, now }) => {
  const since = new Map<string, number>();
  return {
    rule: 'a paused node receives nothing from us',
    effect: ({ kind, subject }) => {
      if (kind === 'node-paused') since.set(subject, now());
      if (kind === 'node-resumed') since.delete(subject);
      return undefined;
    },
    act: (act) => {
      const target =
        act.op === 'startMove' && did(act, 'move-started', 'move-queued')
          ? String(act.args['node'])
          : act.op === 'createVm' && did(act, 'vm-created')
            ? act.node
            : undefined;
      const paused = target === undefined ? undefined : since.get(target);
      // Paused after the run looked: nobody can know that in time, and the cluster refuses moves by itself.
      const looked = ledger.lastRead(act.runId, 'readNodes') ?? Infinity;
      return paused !== undefined && paused < looked
        ? `${act.workflowId} sent ${String(act.args['name'] ?? act.args['vmId'])} to ${target ?? ''}, which had been paused`
        : undefined;
    },
  };
};

const restarts: Make = ({ state, ledger }) => {
  const perRun = new Map<string, number>();
  const perBoot = new Set<string>();
  return {
    rule: 'a node is restarted by us once, without a running VM on it or on its way to it, and with quorum afterwards',
    act: (act) => {
      if (act.op !== 'restartNode' || !did(act, 'restart-requested')) return undefined;
      const { nodes, vms, moves, cluster } = state();
      const self = nodes.find((n) => n.name === act.node);
      const times = (perRun.get(act.runId) ?? 0) + 1;
      perRun.set(act.runId, times);
      if (times > 1) return `${act.workflowId} restarted ${act.node} ${String(times)} times`;
      const boot = `${act.node} ${self?.bootTime ?? ''}`;
      if (perBoot.has(boot)) return `${act.node} is restarted twice in one boot`;
      perBoot.add(boot);
      const looked = ledger.lastRead(act.runId, 'readVms') ?? -Infinity;
      const running = vms.filter(
        (vm) => vm.owner === act.node && (vm.state === 'Running' || vm.state === 'Starting'),
      );
      const known = running.filter((vm) => ledger.arrivedAt(vm.name) <= looked);
      if (known.length > 0)
        return `${act.node} was restarted under ${known.map((vm) => vm.name).join(', ')}`;
      const coming = moves.filter(
        (m) => m.to === act.node && m.by === 'request' && ledger.startedBefore(m.vm, looked),
      );
      if (coming.length > 0)
        return `${act.node} was restarted while ${coming.map((m) => m.vm).join(', ')} was on its way to it`;
      const witness = cluster.witness.kind === 'None' ? 0 : 1;
      const all = nodes.reduce((sum, n) => sum + n.nodeWeight, witness);
      const left = nodes
        .filter((n) => n.name !== act.node && (n.state === 'Up' || n.state === 'Paused'))
        .reduce((sum, n) => sum + n.nodeWeight, cluster.witness.online ? witness : 0);
      const changed = ledger.membersChangedAt;
      const lookedAtNodes = ledger.lastRead(act.runId, 'readNodes') ?? -Infinity;
      if (left * 2 <= all && changed <= lookedAtNodes)
        return `${act.node} was restarted although ${String(left)} of ${String(all)} votes remain`;
      return undefined;
    },
  };
};

const uptime: Make = ({ runs }) => {
  let current: Act | undefined;
  return {
    rule: 'no VM is stopped or saved by us, but one that the run made itself and takes back',
    act: (act) => {
      current = act;
      const stopped = act.effects.find(
        // What happens in the very moment of a call is not its doing.
        (e) =>
          e.kind === 'vm-saved' || (e.kind === 'vm-stopped' && !/quorum|went down/.test(e.detail)),
      );
      if (stopped === undefined) return undefined;
      const owner = runs().find((r) => r.runId === act.runId);
      const undoing =
        owner === undefined
          ? false
          : statusOf(owner)?.steps.some((s) => s.id.startsWith('undo/') && s.endedAt === null);
      return act.activity === 'removeOwnVm' && undoing === true
        ? undefined
        : `${act.activity} of ${act.workflowId} made ${stopped.kind} of ${stopped.subject}`;
    },
    effect: (effect) => {
      if (effect.kind !== 'vm-saved' || current?.effects.includes(effect) === true)
        return undefined;
      return /was restarted while it ran there/.test(effect.detail)
        ? `${effect.subject} was saved because its node restarted under it`
        : undefined;
    },
  };
};

const onceEach: Make = () => {
  const features = new Map<string, number>();
  const things = new Map<string, number>();
  const bump = (map: Map<string, number>, key: string, by: number): number => {
    const value = (map.get(key) ?? 0) + by;
    map.set(key, value);
    return value;
  };
  return {
    rule: 'every effect happens once per intent',
    effect: ({ kind, node, subject }) => {
      switch (kind) {
        case 'feature-installed':
          return bump(features, `${node} ${subject}`, 1) > 1
            ? `${subject} was installed twice on ${node}`
            : undefined;
        case 'vm-created':
        case 'role-added':
          return bump(things, `${kind} ${subject}`, 1) > 1
            ? `${kind} of ${subject} happened twice`
            : undefined;
        case 'vm-removed':
          bump(things, `vm-created ${subject}`, -1);
          return undefined;
        case 'role-removed':
          bump(things, `role-added ${subject}`, -1);
          return undefined;
        default:
          return undefined;
      }
    },
  };
};

/** A run that has moved its VM does not move it again, unless a person asked for that step once more. */
const movesOnce: Make = () => {
  const started = new Map<string, { vm: string; target: string }>();
  const finished = new Set<string>();
  return {
    rule: 'a run moves its VM once',
    act: (act) => {
      if (act.op !== 'startMove' || !did(act, 'move-started', 'move-queued')) return undefined;
      const [effect] = act.effects.filter(
        (e) => e.kind === 'move-started' || e.kind === 'move-queued',
      );
      const intent = `${act.runId} ${act.activityId}`;
      if (finished.has(intent))
        return `${act.workflowId} moved ${effect?.subject ?? ''} again after it had arrived`;
      started.set(intent, { vm: effect?.subject ?? '', target: String(act.args['node']) });
      return undefined;
    },
    effect: ({ kind, subject, detail }) => {
      if (!MOVE_ENDS.includes(kind)) return undefined;
      for (const [intent, { vm, target }] of started) {
        if (vm !== subject) continue;
        started.delete(intent);
        if (kind === 'move-finished' && ends(detail)[1] === target) finished.add(intent);
      }
      return undefined;
    },
  };
};

/** What only an operation can do. */
const DEEDS: readonly Effect['kind'][] = [
  'restart-requested',
  'host-configured',
  'cluster-configured',
  'vm-created',
  'vm-removed',
  'role-added',
  'role-removed',
  'role-stopped',
  'node-paused',
  'node-resumed',
  'move-queued',
  'move-started',
];

const nothingUnasked: Make = ({ ledger }) => {
  const queued = new Set<string>();
  return {
    rule: 'one call of an operation does one thing',
    effect: ({ kind, subject, detail, seq }) => {
      const fromQueue = kind === 'move-started' && queued.delete(subject);
      if (kind === 'move-queued') queued.add(subject);
      if (MOVE_ENDS.includes(kind)) queued.delete(subject);
      if (!DEEDS.includes(kind) || fromQueue || /balancer/.test(detail)) return undefined;
      return ledger.wasAskedFor(seq)
        ? undefined
        : `${kind} of ${subject} (${detail}) was no call's own effect`;
    },
    act: (act) => {
      const deeds = act.effects.filter((e) => DEEDS.includes(e.kind));
      return deeds.length > 1 && act.op !== 'configureCluster' && act.op !== 'cancelMove'
        ? `one ${act.op} made ${deeds.map((e) => e.kind).join(' and ')}`
        : undefined;
    },
  };
};

const cancelsOnlyWhenAsked: Make = ({ runs }) => ({
  rule: 'a move is cancelled by us only when its run is cancelled or aborted',
  act: (act) => {
    if (act.op !== 'cancelMove' || !did(act, 'move-cancelled')) return undefined;
    const run = runs().find((r) => r.runId === act.runId);
    const aborted =
      run === undefined ? false : JSON.stringify(statusOf(run)).includes('"action":"abort"');
    return run?.cancelRequested === true || aborted
      ? undefined
      : `${act.workflowId} cancelled its move although nobody asked for that`;
  },
});

const progress: Make = () => {
  const shown = new Map<string, Beat>();
  return {
    rule: 'progress never goes backwards within a phase of one move',
    beat: (run, activityId, { phase, percent }) => {
      const key = `${run.runId} ${activityId}`;
      // Asked for anew: another move.
      if (phase === 'starting') shown.delete(key);
      if (percent === null) return undefined;
      const before = shown.get(key);
      shown.set(key, { phase, percent });
      return before?.phase === phase && before.percent !== null && percent < before.percent
        ? `${run.id} showed ${String(before.percent)} % of ${phase} and then ${String(percent)} %`
        : undefined;
    },
  };
};

const waitsWithReason: Make = () => ({
  rule: 'a run that waits says for what, and a step that needs a person says why',
  task: (run, status) => {
    if (run.state !== 'open') return undefined;
    const needy = status.steps.filter((s) => s.state === 'needs-operator');
    const mute = needy.find(
      (s) => s.failure === null || s.failure.message === '' || s.waitingFor === null,
    );
    if (mute !== undefined) return `${run.id}: ${mute.id} needs a person and does not say why`;
    if (needy.length > 0 && (status.state !== 'needs-operator' || status.waitingFor === null))
      return `${run.id} waits for a person and shows ${status.state}, ${status.waitingFor ?? 'nothing'}`;
    const idle =
      run.activities.size === 0 &&
      run.timers.size === 0 &&
      run.children.size === 0 &&
      run.buffered.length === 0;
    const retrying = status.steps.find((s) => s.state === 'waiting' && s.waitingFor === null);
    if (retrying !== undefined) return `${run.id}: ${retrying.id} waits and does not say for what`;
    return idle && run.updates.length === 0 && run.task === undefined
      ? `${run.id} hangs: nothing will ever wake it`
      : undefined;
  },
});

const endsSettled: Make = ({ state, ledger }) => ({
  rule: 'at its end a run has settled its steps, its moves and the nodes that it paused',
  end: (run, status) => {
    if (status.endedAt === null) return `${run.id} has ended and says ${status.state}`;
    const open = status.steps.find((s) =>
      ['running', 'waiting', 'needs-operator'].includes(s.state),
    );
    if (open !== undefined)
      return `${run.id} has ended, and its step ${open.id} is still ${open.state}`;
    if (run.state === 'failed' && !status.steps.some((s) => s.failure !== null))
      return `${run.id} has failed, and no step says why`;
    const text = JSON.stringify(status.steps);
    for (const act of ledger.acts) {
      if (act.runId !== run.runId) continue;
      const started = act.effects.find(
        (e) => e.kind === 'move-started' || e.kind === 'move-queued',
      );
      if (act.op !== 'startMove' || started === undefined) continue;
      const move = status.steps.find((s) => s.id.endsWith('/move'));
      if (move?.failure == null && move?.evidence['how'] === undefined)
        return `${run.id} started a move of ${started.subject} and its report says nothing of it`;
      const running = state().moves.find(
        (m) => m.vm === started.subject && m.to === act.args['node'] && m.by === 'request',
      );
      const isOurs = running !== undefined && !ledger.endedSince(started.subject, started.seq);
      if (isOurs && !/left running|"(MoveStalled|SlotsBusy)"/.test(text))
        return `${run.id} has ended while its move of ${started.subject} still runs, and does not say so`;
    }
    return undefined;
  },
});

const resumes: Make = ({ ledger }) => ({
  rule: 'a node that a run paused is resumed at its end, or the report says that it could not be',
  end: (run, status) => {
    const paused = new Set<string>();
    for (const act of ledger.acts) {
      if (act.runId !== run.runId) continue;
      for (const e of act.effects) {
        if (e.kind === 'node-paused') paused.add(e.subject);
        if (e.kind === 'node-resumed') paused.delete(e.subject);
      }
    }
    const [node] = [...paused].filter((n) => ledger.stillPausedBy(run.runId, n));
    if (node === undefined) return undefined;
    const told = status.steps.some(
      (s) =>
        /pause|resume/.test(s.id) &&
        s.state === 'failed' &&
        sameName(s.id.split('/').at(s.id.startsWith('undo/') ? 1 : 0) ?? '', node),
    );
    return told ? undefined : `${run.id} has ended and left ${node} paused`;
  },
});

const MAKERS: readonly Make[] = [
  oneMachine,
  oneMove,
  limits,
  looksForSlots,
  pausedNodes,
  restarts,
  uptime,
  onceEach,
  movesOnce,
  nothingUnasked,
  cancelsOnlyWhenAsked,
  progress,
  waitsWithReason,
  endsSettled,
  resumes,
];

/** All rules at once, fed by the simulation. */
export class Checks {
  private readonly checks: Check[];
  private readonly violated: (what: string) => void;

  constructor(world: World, violated: (what: string) => void) {
    this.checks = MAKERS.map((make) => make(world));
    this.violated = violated;
  }

  get rules(): string[] {
    return this.checks.map((check) => check.rule);
  }

  act(act: Act): void {
    this.each((c) => c.act?.(act));
  }
  effect(effect: Effect): void {
    this.each((c) => c.effect?.(effect));
  }
  task(run: ServerRun, status: RunStatus): void {
    this.each((c) => c.task?.(run, status));
  }
  end(run: ServerRun, status: RunStatus): void {
    this.each((c) => c.end?.(run, status));
  }
  beat(run: ServerRun, activityId: string, beat: Beat): void {
    this.each((c) => c.beat?.(run, activityId, beat));
  }

  private each(look: (check: Check) => string | undefined): void {
    for (const check of this.checks) {
      const what = look(check);
      if (what !== undefined) this.violated(`${check.rule}: ${what}`);
    }
  }
}
