// Rules about machines: a VM is there once and keeps running, a paused node receives nothing, a node restarts once,
// empty and with quorum, and every effect happens once.
import { did, moveBegunBy, type Act } from './ledger.ts';
import { unlessExcused, type Make } from './rule.ts';

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
        moveBegunBy(act) !== undefined
          ? String(act.args['node'])
          : act.op === 'createVm' && did(act, 'vm-created')
            ? act.node
            : undefined;
      const paused = target === undefined ? undefined : since.get(target);
      // Paused after the run looked: nobody can know that in time, and the cluster refuses moves by itself.
      const looked = ledger.lastRead(act.runId, 'readNodes') ?? Infinity;
      return paused !== undefined && paused < looked
        ? `${act.workflowId} sent ${String(act.args['name'] ?? act.args['vmId'])} to ` +
            `${target ?? ''}, which had been paused`
        : undefined;
    },
  };
};

const restarts: Make = ({ state, ledger }) => {
  const perRun = new Map<string, number>();
  const perBoot = new Set<string>();
  return {
    rule: 'a node is restarted by us once, without a running VM on it or on its way to it, and with quorum afterwards',
    effect: ({ kind, node, subject }) => {
      // Windows took an installation back or owes one more restart: what is asked for again is another restart.
      const owesMore = kind === 'fault' && ['bootOwes', 'bootReverts'].includes(subject);
      // So does each update.
      if (owesMore || kind === 'update-installed')
        for (const run of perRun.keys()) if (run.startsWith(`${node} `)) perRun.delete(run);
      return undefined;
    },
    act: (act) => {
      if (act.op !== 'restartNode' || !did(act, 'restart-requested')) return undefined;
      const { nodes, vms, moves, cluster } = state();
      const self = nodes.find((n) => n.name === act.node);
      const run = `${act.node} ${act.runId}`;
      const times = (perRun.get(run) ?? 0) + 1;
      perRun.set(run, times);
      if (times > 1) return `${act.workflowId} restarted ${act.node} ${times} times`;
      const boot = `${act.node} ${self?.boot ?? ''}`;
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
        return `${act.node} was restarted although ${left} of ${all} votes remain`;
      return undefined;
    },
  };
};

const wholeStorage: Make = ({ state, ledger }) => ({
  rule: 'a node is restarted by us only when the run has seen the storage of the others whole',
  act: (act) => {
    if (act.op !== 'restartNode' || !did(act, 'restart-requested')) return undefined;
    const { nodes, storage } = state();
    const away = nodes.filter(({ name, power }) => name !== act.node && power !== 'running');
    const isWhole = away.length === 0 && storage.jobs.length === 0;
    if (!storage.direct || isWhole) return undefined;
    const looked = ledger.lastRead(act.runId, 'readStorage') ?? Infinity;
    // Whole when the run looked, and broken since: nobody can know that in time.
    if (ledger.membersChangedAt > looked) return undefined;
    const what =
      storage.jobs.length > 0
        ? 'data was being repaired'
        : `${away.map(({ name }) => name).join(', ')} was away`;
    return `${act.workflowId} restarted ${act.node} while ${what}`;
  },
});

const uptime: Make = (world) => {
  let current: Act | undefined;
  return {
    rule: 'no VM is stopped or saved by us, but one that the run made itself and takes back',
    act: (act) => {
      current = act;
      const stopped = act.effects.find(
        // What happens in the very moment of a call is not its doing.
        (e) =>
          ['vm-saved', 'quick-move-started'].includes(e.kind) ||
          (e.kind === 'vm-stopped' && !/quorum|went down/.test(e.detail)),
      );
      if (stopped === undefined) return undefined;
      const what = `${act.activity} of ${act.workflowId} made ${stopped.kind} of ${stopped.subject}`;
      if (act.activity !== 'removeOwnVm') return what;
      return unlessExcused(world, act, what, (run) => {
        const steps = run.status()?.steps ?? [];
        return steps.some((s) => s.id.startsWith('undo/') && s.startedAt !== null);
      });
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
    effect: ({ kind, node, subject, detail }) => {
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
        case 'fault':
          // Windows took it back, so it is installed again.
          if (subject === 'bootReverts')
            for (const name of detail.split(',')) bump(features, `${node} ${name}`, -1);
          return undefined;
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

const noLocks: Make = ({ state }) => ({
  rule: 'no account is locked by wrong sign-ins of ours',
  end: (run) => {
    const locked = state().nodes.find((node) => node.lockedAccounts.length > 0);
    return locked === undefined
      ? undefined
      : `${locked.lockedAccounts.join(', ')} is locked on ${locked.name} at the end of ${run.id}`;
  },
});

export const MACHINE_RULES: readonly Make[] = [
  oneMachine,
  pausedNodes,
  restarts,
  wholeStorage,
  uptime,
  onceEach,
  noLocks,
];
