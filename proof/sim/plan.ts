// What one seed means, as plain data: a cluster, the work to be done on it, and what goes wrong when. Everything is
// drawn here, so that a fault can be left out without changing the others: that is how a failing seed is made small.
import { FAILURES } from '../../domain/failures.ts';
import { DEFAULT_BUDGETS, type Budgets, type ClusterSpec } from '../../domain/spec.ts';
import { ACT_OPS, READ_OPS, type Op } from '../../hyperv/host.ts';
import { scenarioSchema, type Scenario } from '../../lab/scenario/schema.ts';
import { Random } from '../rig/random.ts';

export const FAULT_KINDS = [
  'node-crash',
  'node-crash-mid-move',
  'power-off',
  'boot-fails',
  'boot-reverts',
  'boot-owes',
  'worker-crash',
  'eviction',
  'unreachable',
  'network-cut',
  'slow',
  'hang',
  'lost-request',
  'lost-reply',
  'refusal',
  'move-fails',
  'move-stands',
  'quorum-loss',
  'csv-paused',
  'csv-lost',
  'outside-move',
  'outside-cancel',
  'outside-pause',
  'balancer',
  'decision',
  'cancel',
  'duplicate',
  'clock-step',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** One thing that goes wrong. `pick` chooses among what is there at that moment. */
export interface PlannedFault {
  kind: FaultKind;
  /** Seconds after the start. */
  at: number;
  node: string;
  vm: string;
  op: Op;
  seconds: number;
  percent: number;
  hresult: string;
  pick: number;
}

export type Work =
  | { does: 'apply'; at: number; restarts: 'allowed' | 'ask' }
  | { does: 'migrate'; at: number; vm: string; to: string | undefined }
  | { does: 'prepare'; at: number; node: string; feature: string }
  | { does: 'create'; at: number; vm: string }
  | { does: 'doctor'; at: number }
  | { does: 'drain'; at: number; nodes: string[] }
  | { does: 'resume'; at: number; node: string; bringBack: boolean }
  | {
      does: 'maintain';
      at: number;
      action: 'restart' | 'none' | 'updates';
      bringBack: boolean;
      maxFailed: number;
    }
  | { does: 'balance'; at: number; withinPercent: number };

export interface Plan {
  seed: number;
  scenario: Scenario;
  /** The same as a scenario file says it, for a lab that is a process or a test of its own. */
  file: object;
  spec: ClusterSpec;
  work: Work[];
  faults: PlannedFault[];
  lookEveryMs: number;
  /** Apply twice more at the end: the second reaches the wanted state, the third changes nothing. */
  converges: boolean;
}

export const CLUSTER = 'sim';
const VOLUME = 'C:\\ClusterStorage\\Volume1';
const GB = 2 ** 30;

/** HRESULTs and error ids that really come, for operations that are refused. */
const HRESULTS = [...new Set(Object.values(FAILURES).flatMap((row) => row.hresults ?? []))].sort();

export interface Choice {
  /** Only faults of these kinds; default: all. */
  only?: readonly FaultKind[];
  without?: readonly FaultKind[];
}

export function planOf(seed: number, choice: Choice = {}): Plan {
  const random = new Random(seed).branch('plan');
  const drawn = drawCluster(random.branch('cluster'));
  const { spec } = drawn;
  const habits = withHabits(random.branch('habits'), drawn.file);
  const { isOld } = habits;
  const updates = random.branch('updates');
  const file = {
    ...habits.file,
    updates: drawUpdates(updates, drawn.file),
    storage: drawStorage(random.branch('storage')),
  };
  const scenario = scenarioSchema.parse(file);
  const work = [
    ...drawWork(random.branch('work'), scenario, spec),
    ...drawCampaigns(random.branch('campaigns'), scenario).map((one) =>
      one.does === 'maintain' && updates.chance(0.5) ? { ...one, action: 'updates' as const } : one,
    ),
  ];
  const faults = drawFaults(random.branch('faults'), scenario, spec).filter(
    ({ kind }) => (choice.only?.includes(kind) ?? true) && choice.without?.includes(kind) !== true,
  );
  const lookEveryMs = random.pick([1000, 2000]);
  // An older cluster cannot be told how many moves it may run at once, so it never is as its file wants it.
  const converges = random.chance(0.5) && !isOld;
  return { seed, scenario, file, spec, work, faults, lookEveryMs, converges };
}

function drawBudgets(random: Random): Budgets {
  return {
    ...DEFAULT_BUDGETS,
    restartSeconds: random.pick([240, 600]),
    answerSeconds: random.pick([15, 60]),
    stalledMoveSeconds: random.pick([60, 300]),
    heartbeatSeconds: random.pick([5, 10]),
    slotSeconds: random.pick([120, 600]),
    retrySeconds: random.pick([1, 2]),
  };
}

function drawCluster(random: Random): { file: DrawnFile; spec: ClusterSpec } {
  const count = random.int(2, 5);
  const nodes = Array.from({ length: count }, (_, i) => {
    const isBare = random.chance(0.3);
    return {
      name: `HV${i + 1}`,
      memory: '128GB',
      switches: ['LAN'],
      features: isBare ? [] : ['Hyper-V'],
      liveMigration: { enabled: !isBare && random.chance(0.85) },
      bootSeconds: random.int(20, 60),
      shutdownSeconds: random.int(2, 10),
      installSeconds: random.int(3, 15),
      serviceSeconds: random.int(2, 8),
      migrationNetwork: random.pick(['1Gbps', '10Gbps']),
    };
  });
  const hosts = nodes.filter((node) => node.features.length > 0).map((node) => node.name);
  const limit = random.int(1, 3);
  const names = Array.from({ length: random.int(1, 6) }, (_, i) => `vm-${i + 1}`);
  const existing = hosts.length === 0 ? [] : names.filter(() => random.chance(0.6));
  const virtualMachines = existing.map((name) => ({
    name,
    owner: random.pick(hosts),
    memory: `${random.int(1, 4)}GB`,
    dirtyRate: random.pick(['10MB/s', '40MB/s']),
  }));
  const wanted = names.filter((name) => !existing.includes(name)).slice(0, 3);
  const file = {
    cluster: CLUSTER,
    nodes,
    maximumParallelMigrations: random.int(1, 3),
    virtualMachines,
    disks: wanted.map((name) => diskOf(name)),
    failoverSeconds: random.int(5, 20),
    autoBalancer: random.chance(0.15)
      ? { mode: 2, level: 3, intervalSeconds: random.int(20, 90) }
      : {},
    migration: { setupSeconds: random.int(1, 3), movingGroupSeconds: random.int(1, 2) },
  };
  const spec: ClusterSpec = {
    cluster: CLUSTER,
    nodes: nodes.map((node) => node.name),
    liveMigration: {
      simultaneousMigrations: limit,
      simultaneousStorageMigrations: random.int(1, 3),
      performance: random.pick(['Compression', 'SMB', 'TCPIP']),
    },
    virtualMachines: wanted.map((name) => ({
      name,
      memoryBytes: random.int(1, 4) * GB,
      vhd: diskOf(name),
      switch: 'LAN',
      generation: 2 as const,
      node: random.chance(0.3) ? random.pick(nodes).name : null,
    })),
    prove: wanted.filter(() => random.chance(0.6)),
    memoryReserveBytes: 2 * GB,
    budgets: drawBudgets(random),
  };
  return { file, spec };
}

interface DrawnFile {
  nodes: { name: string }[];
  virtualMachines: { name: string }[];
  migration: object;
}

/**
 * What Windows is like on this cluster: its version and language, its clocks, what others do to it, what calls take.
 */
function withHabits(random: Random, drawn: DrawnFile): { file: object; isOld: boolean } {
  const build = random.chance(0.8) ? 2025 : random.pick([2019, 2022]);
  const upgraded = build < 2025 && random.chance(0.5) ? random.pick(drawn.nodes).name : null;
  const threshold = random.pick([0, 3, 5, 10]);
  const automatic = random.branch('automatic updates');
  const file = {
    ...drawn,
    build,
    culture: random.pick(['en-US', 'ja-JP']),
    marksNotes: random.chance(0.5),
    ...(random.chance(0.3) && { costs: {} }),
    nodes: drawn.nodes.map((node) => ({
      ...node,
      ...(node.name === upgraded && { build: 2025 }),
      setup: {
        clockAheadSeconds: random.chance(0.3) ? random.int(-600, 600) : 0,
        password: random.chance(0.15) ? 'other' : 'same',
        lockout: { threshold },
        ...(automatic.chance(0.2) && { noAutoUpdate: null }),
      },
    })),
    virtualMachines: drawn.virtualMachines.map((vm) => ({
      ...vm,
      ...(random.chance(0.3) && { role: `role of ${vm.name}` }),
    })),
    migration: {
      ...drawn.migration,
      eventsAt: random.pick(['both', 'source', 'target']),
      migrationState: build === 2019 && random.chance(0.5),
      queriesTellVmId: random.chance(0.5),
    },
  };
  return { file, isOld: build < 2025 };
}

/** What is offered to some or all nodes, and what may become of it. */
function drawUpdates(random: Random, { nodes }: DrawnFile): object[] {
  const names = nodes.map((node) => node.name);
  return Array.from({ length: random.int(0, 3) }, (_, i) => ({
    kb: `KB507000${i + 1}`,
    restart: random.pick(['always', 'maybe', 'never']),
    downloadSeconds: random.int(1, 60),
    installSeconds: random.int(1, 200),
    ...(random.chance(0.3) && { nodes: random.some(names, random.int(1, names.length)) }),
    ...(random.chance(0.3) && { impact: 'exclusive' }),
    ...(random.chance(0.2) && { servicingSeconds: random.int(5, 120) }),
    ...(random.chance(0.2) && { downloadFails: { hresult: random.pick(HRESULTS) } }),
    ...(random.chance(0.2) && {
      fails: { hresult: random.pick(HRESULTS), times: random.int(1, 4) },
    }),
    ...(random.chance(0.2) && { rollsBack: random.int(1, 2) }),
    ...(random.chance(0.2) && { dies: random.int(1, 3) }),
    ...(random.chance(0.2) && { restartsAfterSeconds: random.int(1, 60) }),
    // As definitions do; one that wants a restart each time would have the patient one restart for ever.
    ...(random.chance(0.2) && { comesBack: true, restart: 'never' }),
  }));
}

function drawStorage(random: Random): object {
  if (random.chance(0.6)) return {};
  // Suspended ones end as well: Windows goes on with them, or somebody has started them.
  return { direct: true, repairSeconds: random.int(5, 400), suspended: random.chance(0.2) };
}

const diskOf = (vm: string): string => `${VOLUME}\\${vm}.vhdx`;

function drawWork(random: Random, scenario: Scenario, spec: ClusterSpec): Work[] {
  const vms = scenario.virtualMachines.map((vm) => vm.name);
  const hosts = scenario.nodes.filter((n) => n.features.includes('Hyper-V')).map((n) => n.name);
  const work: Work[] = [];
  const restarts = random.chance(0.8) ? 'allowed' : 'ask';
  // Some at once, some in each other's way, some when the first are long over.
  const spread = random.pick([5, 30, 120]);
  const at = (): number => random.int(0, spread);
  if (random.chance(0.6)) work.push({ does: 'apply', at: at(), restarts });
  if (random.chance(0.6))
    for (const vm of random.some(vms, random.int(1, 6))) {
      const to = random.chance(0.4) ? random.pick(hosts) : undefined;
      work.push({ does: 'migrate', at: at(), vm, to });
    }
  for (let times = random.pick([0, 0, 1, 1, 2]); times > 0; times -= 1) {
    const node = random.pick(scenario.nodes).name;
    work.push({
      does: 'prepare',
      at: at(),
      node,
      feature: random.pick(['BitLocker', 'Data-Center-Bridging']),
    });
  }
  const free = spec.virtualMachines.map((vm) => vm.name);
  if (free.length > 0 && random.chance(0.3))
    work.push({ does: 'create', at: at(), vm: random.pick(free) });
  if (random.chance(0.2))
    for (let times = random.int(1, 3); times > 0; times -= 1)
      work.push({ does: 'doctor', at: at() });
  if (work.length === 0) work.push({ does: 'apply', at: 0, restarts });
  return work;
}

/** Beside the other work, and one after the other: a second one that comes too early is refused. */
function drawCampaigns(random: Random, scenario: Scenario): Work[] {
  if (random.chance(0.6)) return [];
  const nodes = scenario.nodes.map((node) => node.name);
  const work: Work[] = [];
  let at = random.int(0, 40);
  for (let times = random.int(1, 3); times > 0; times -= 1) {
    const bringBack = random.chance(0.5);
    const node = random.pick(nodes);
    const drawn: Work[] = [
      {
        does: 'drain',
        at,
        nodes: nodes.length > 3 ? random.some(nodes, random.int(1, 2)) : [node],
      },
      { does: 'resume', at, node, bringBack },
      {
        ...{ does: 'maintain', at, bringBack },
        action: random.pick(['restart', 'none'] as const),
        maxFailed: random.pick([0, 0, 1]),
      },
      { does: 'balance', at, withinPercent: random.int(1, 10) },
    ];
    const [drain] = drawn;
    work.push(random.pick(drawn));
    if (drain !== undefined && random.chance(0.3)) work.push({ ...drain, at: at + 1 });
    at += random.pick([5, 60, 200]);
  }
  return work;
}

function drawFaults(random: Random, scenario: Scenario, spec: ClusterSpec): PlannedFault[] {
  const drawn = FAULT_KINDS.filter((kind) => kind !== 'balancer');
  // Whole kinds are off in a seed: a bug that needs quiet in one corner is found too.
  const kinds = drawn.filter(() => random.chance(0.35));
  if (kinds.length === 0) return [];
  const stable = random.pick([0, 1, 5, 15]);
  const vms = [...scenario.virtualMachines, ...spec.virtualMachines].map((vm) => vm.name);
  const faults: PlannedFault[] = [];
  let at = random.int(0, 20);
  for (let left = random.int(0, 16); left > 0; left -= 1) {
    at += stable + random.next() * random.pick([1, 3, 15]);
    faults.push({
      kind: random.pick(kinds),
      at,
      node: random.pick(scenario.nodes).name,
      vm: random.pick(vms),
      op: random.chance(0.6) ? random.pick(ACT_OPS) : random.pick(READ_OPS),
      seconds: random.pick([1, 5, 15, 45, 150]),
      percent: random.int(0, 99),
      hresult: random.pick(HRESULTS),
      pick: random.int(0, 1_000_000),
    });
  }
  return faults;
}
