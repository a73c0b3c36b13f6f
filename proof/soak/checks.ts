// What must be true after a soak, read from the lab's log of effects and from the reports of the runs. Pure: a wrong
// log makes a violation, and a test shows that it does. The lab is the witness: it says what happened, not what was
// asked.
import { sameName } from '../../domain/names.ts';
import type { StepStatus } from '../../domain/status.ts';
import type { Effect, EffectKind } from '../../lab/machine/records.ts';
import type { RunRecord } from './run-records.ts';

export interface Evidence {
  effects: readonly Effect[];
  runs: readonly RunRecord[];
  /** Node of each VM when the soak began. */
  owners: ReadonlyMap<string, string>;
  /** Nodes that the soak took down, at real times. */
  nodeStrikes: readonly { node: string; atMs: number }[];
  /** This computer's time of an effect. */
  realMs: (effect: Effect) => number;
}

/** The lab's clock is read over HTTP, and a run's end is written a moment after the last look. */
const TOLERANCE_MS = 1_500;

const MOVE_ENDS: readonly EffectKind[] = ['move-finished', 'move-failed', 'move-cancelled'];

export function findViolations(e: Evidence): string[] {
  return [
    ...createdOnce(e),
    ...featuresOnce(e),
    ...movesOneByOne(e),
    ...movesHaveARun(e),
    ...moveRunsToldTrue(e),
    ...restartsHaveARun(e),
    ...uptimesUnbroken(e),
    ...pausesReturned(e),
    ...runsEnded(e),
  ];
}

const ofKind = (e: Evidence, ...kinds: EffectKind[]): Effect[] =>
  e.effects.filter((effect) => kinds.includes(effect.kind));

const where = (effect: Effect): string =>
  `effect ${effect.seq} at ${effect.at}: ${effect.kind} ${effect.subject} on ${effect.node} (${effect.detail})`;

function grouped<T>(list: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const group = groups.get(key(item)) ?? [];
    group.push(item);
    groups.set(key(item), group);
  }
  return groups;
}

function createdOnce(e: Evidence): string[] {
  return [...grouped(ofKind(e, 'vm-created'), (made) => made.subject)]
    .filter(([, made]) => made.length > 1)
    .map(([vm, made]) => `${vm} was created ${made.length} times: ${made.map(where).join('; ')}`);
}

/** Between two installations of one feature somebody must have taken it away. */
function featuresOnce(e: Evidence): string[] {
  const removed = e.effects.filter((f) => f.kind === 'fault' && f.subject === 'remove-feature');
  const changes = [
    ...ofKind(e, 'feature-installed').map((f) => ({ f, feature: f.subject, there: true })),
    ...removed.map((f) => ({ f, feature: f.detail, there: false })),
  ].sort((a, b) => a.f.seq - b.f.seq);
  return [...grouped(changes, ({ f, feature }) => `${feature} on ${f.node}`)].flatMap(
    ([what, list]) =>
      list
        .filter(({ there }, i) => there && list[i - 1]?.there === true)
        .map(({ f }) => `${what} was installed twice: ${where(f)}`),
  );
}

function movesOneByOne(e: Evidence): string[] {
  const wrong: string[] = [];
  const open = new Map<string, Effect>();
  for (const effect of e.effects) {
    if (effect.kind === 'move-started') {
      const before = open.get(effect.subject);
      if (before !== undefined)
        wrong.push(`a second move beside the first: ${where(before)}; ${where(effect)}`);
      open.set(effect.subject, effect);
    } else if (MOVE_ENDS.includes(effect.kind)) open.delete(effect.subject);
  }
  return [...wrong, ...[...open.values()].map((effect) => `a move never ended: ${where(effect)}`)];
}

const vmOf = (run: RunRecord): string => /\/vm\/([^/]+)\/migrate$/.exec(run.run)?.[1] ?? '';
const isMigrate = (run: RunRecord): boolean => run.workflow === 'migrateVm';

/** Effects that fall into the time of a run. */
function within(e: Evidence, run: RunRecord, effects: readonly Effect[]): Effect[] {
  const end = (run.endedMs ?? Infinity) + TOLERANCE_MS;
  return effects.filter((f) => {
    const at = e.realMs(f);
    return at >= run.startedMs - TOLERANCE_MS && at <= end;
  });
}

/** Two clocks of one computer. */
const CLOCK_MS = 100;

/**
 * Which run each effect of a VM belongs to: the last one that had started by then, unless it was over. The end of a
 * move belongs to the run of its beginning, however soon the next run follows. Runs of one VM never overlap: their id
 * is the lock.
 */
function runOfEffects(e: Evidence): Map<Effect, RunRecord | undefined> {
  const found = new Map<Effect, RunRecord | undefined>();
  const moving = new Map<string, RunRecord | undefined>();
  const runs = e.runs.filter(isMigrate);
  for (const f of e.effects) {
    if (MOVE_ENDS.includes(f.kind) && moving.has(f.subject)) {
      found.set(f, moving.get(f.subject));
      moving.delete(f.subject);
      continue;
    }
    const at = e.realMs(f);
    const last = runs.findLast(
      (run) => sameName(vmOf(run), f.subject) && run.startedMs - CLOCK_MS <= at,
    );
    const over = last !== undefined && at > (last.endedMs ?? Infinity) + TOLERANCE_MS;
    const run = over ? undefined : last;
    found.set(f, run);
    if (f.kind === 'move-started') moving.set(f.subject, run);
  }
  return found;
}

function movesHaveARun(e: Evidence): string[] {
  const runs = runOfEffects(e);
  return ofKind(e, 'move-started')
    .filter((f) => runs.get(f) === undefined && campaignsOf(e, f).length === 0)
    .map((f) => `no run was there for a move: ${where(f)}`);
}

/** Runs that move many VMs and had that one's step under way then. */
const campaignsOf = (e: Evidence, f: Effect): RunRecord[] =>
  e.runs.filter((run) => {
    const at = e.realMs(f);
    return stepsAbout(run, f.subject).some(
      ({ startedAt, endedAt }) =>
        startedAt !== null &&
        at >= Date.parse(startedAt) - TOLERANCE_MS &&
        at <= (endedAt === null ? Infinity : Date.parse(endedAt)) + TOLERANCE_MS,
    );
  });

const stepsAbout = (run: RunRecord, vm: string): StepStatus[] =>
  isMigrate(run)
    ? []
    : (run.status?.steps ?? []).filter(({ id }) => {
        const [kind, name = '', deed = ''] = id.split('/');
        return kind === 'vm' && sameName(name, vm) && /^(move|return)/.test(deed);
      });

/** Which of two runs that are about the same VM has moved it, no effect tells. */
const isContested = (e: Evidence, run: RunRecord): boolean =>
  e.runs.some((other) =>
    stepsAbout(other, vmOf(run)).some(
      ({ startedAt, endedAt }) =>
        startedAt !== null &&
        Date.parse(startedAt) <= (run.endedMs ?? Infinity) + TOLERANCE_MS &&
        (endedAt === null || Date.parse(endedAt) >= run.startedMs - TOLERANCE_MS),
    ),
  );

/** Where a VM is after each effect that changes it. */
const changesOwner = (f: Effect): boolean =>
  f.kind === 'move-finished' || f.kind === 'role-moved' || f.kind === 'vm-created';

/** What each run reports about its move, against what the lab saw in its time. */
function moveRunsToldTrue(e: Evidence): string[] {
  const runs = runOfEffects(e);
  return e.runs.filter(isMigrate).flatMap((run) => {
    if (isContested(e, run)) return [];
    const own = e.effects.filter((f) => runs.get(f) === run);
    return [...movedOnce(run, own), ...settled(e, run, own), ...reportedTrue(e, run, own)];
  });
}

/** A second move in one run needs a reason: the first failed, or the VM was thrown out of where it had arrived. */
function movedOnce(run: RunRecord, own: readonly Effect[]): string[] {
  const wrong: string[] = [];
  let arrived: Effect | undefined;
  for (const f of own) {
    if (f.kind === 'move-finished') arrived = f;
    else if (['role-moved', 'vm-stopped', 'vm-restarted'].includes(f.kind)) arrived = undefined;
    else if (f.kind === 'move-started' && arrived !== undefined) {
      wrong.push(`${run.run} moved again after it had arrived: ${where(arrived)}; ${where(f)}`);
    }
  }
  return wrong;
}

function settled(e: Evidence, run: RunRecord, own: readonly Effect[]): string[] {
  const last = own.filter((f) => f.kind === 'move-started' || MOVE_ENDS.includes(f.kind)).at(-1);
  const end = (run.endedMs ?? Infinity) + TOLERANCE_MS;
  const wentOn = last !== undefined && (last.kind === 'move-started' || e.realMs(last) > end);
  return wentOn && run.endedMs !== null
    ? [`${run.run} ended (${run.outcome}) and its move went on: ${where(last)}`]
    : [];
}

interface MoveReport {
  changed: boolean;
  from: string;
  to: string;
}

function reportedTrue(e: Evidence, run: RunRecord, own: readonly Effect[]): string[] {
  if (run.outcome !== 'COMPLETED') return [];
  const report = run.result as MoveReport;
  const step = run.status?.steps.find((s) => s.id.endsWith('/move'));
  if (step?.state === 'skipped') return [];
  const arrivals = own.filter((f) => f.kind === 'move-finished' && sameName(f.node, report.to));
  if (!report.changed) {
    return own.some((f) => f.kind === 'move-started')
      ? [`${run.run} says that it changed nothing, and a move was started in its time`]
      : [];
  }
  // A VM that a crash put where it was to go needs no move any more.
  const thrownThere = own.some((f) => f.kind === 'role-moved' && sameName(f.node, report.to));
  if (arrivals.length === 0 && !thrownThere) {
    return [
      `${run.run} reports a move from ${report.from} to ${report.to} that the lab never finished`,
    ];
  }
  return wrongSource(e, run, report);
}

function wrongSource(e: Evidence, run: RunRecord, report: MoveReport): string[] {
  const vm = vmOf(run);
  const owners = new Set<string>();
  let owner = [...e.owners].find(([name]) => sameName(name, vm))?.[1];
  for (const f of e.effects) {
    if (e.realMs(f) > (run.endedMs ?? Infinity) + TOLERANCE_MS) break;
    if (!sameName(f.subject, vm) || !changesOwner(f)) continue;
    if (owner !== undefined && e.realMs(f) >= run.startedMs - TOLERANCE_MS) owners.add(owner);
    owner = f.node;
  }
  if (owner !== undefined) owners.add(owner);
  return owners.has(report.from)
    ? []
    : [
        `${run.run} reports that ${vm} came from ${report.from}, where it was not: ${[...owners].join(', ')}`,
      ];
}

function restartsHaveARun(e: Evidence): string[] {
  const restarts = ofKind(e, 'restart-requested');
  const prepares = e.runs.filter((run) => ['prepareNode', 'maintainNode'].includes(run.workflow));
  const ofRun = (run: RunRecord): Effect[] =>
    within(
      e,
      run,
      restarts.filter((f) =>
        ['prepare', 'maintain'].some((deed) =>
          run.run.toLowerCase().endsWith(`/node/${f.node.toLowerCase()}/${deed}`),
        ),
      ),
    );
  const counted = prepares.flatMap(ofRun);
  return [
    ...restarts
      .filter((f) => !counted.includes(f))
      .map((f) => `no run was there for a restart: ${where(f)}`),
    ...prepares
      .filter((run) => ofRun(run).length > 1)
      .map(
        (run) =>
          `${run.run} restarted its node ${ofRun(run).length} times: ${ofRun(run).map(where).join('; ')}`,
      ),
    ...ofKind(e, 'vm-saved').map((f) => `a node was restarted while a VM ran there: ${where(f)}`),
  ];
}

/** A VM may stop only because we took its node away, and start anew only after that. */
function uptimesUnbroken(e: Evidence): string[] {
  const wrong: string[] = ofKind(e, 'quorum-lost').map(
    (f) => `the cluster lost its quorum: ${where(f)}`,
  );
  const stopped = new Set<string>();
  for (const f of ofKind(e, 'vm-stopped', 'vm-restarted')) {
    if (f.kind === 'vm-stopped') {
      stopped.add(f.subject);
      const ours = e.nodeStrikes.some(
        ({ node, atMs }) => sameName(node, f.node) && Math.abs(e.realMs(f) - atMs) < TOLERANCE_MS,
      );
      if (!ours) wrong.push(`a VM stopped, and not because we took its node away: ${where(f)}`);
    } else if (!stopped.delete(f.subject)) {
      wrong.push(`a VM that ran was started anew: ${where(f)}`);
    }
  }
  return wrong;
}

function pausesReturned(e: Evidence): string[] {
  const changes = ofKind(e, 'node-paused', 'node-resumed');
  return [...grouped(changes, (f) => f.node)]
    .filter(([, list]) => list.at(-1)?.kind === 'node-paused')
    .map(([node]) => `${node} was paused and never resumed`);
}

function runsEnded(e: Evidence): string[] {
  return e.runs.flatMap((run) => [
    ...(['COMPLETED', 'CANCELLED'].includes(run.outcome)
      ? []
      : [`${run.run} (${run.runId}) is ${run.outcome}: ${openSteps(run)}`]),
    ...run.taskFailures.map(
      (failure) => `${run.run} (${run.runId}) had a failed workflow task: ${failure}`,
    ),
  ]);
}

const openSteps = (run: RunRecord): string =>
  (run.status?.steps ?? [])
    .filter((s) => s.state !== 'succeeded' && s.state !== 'pending')
    .map((s) => `${s.id} ${s.state} ${s.failure?.code ?? ''} ${s.failure?.message ?? ''}`.trim())
    .join('; ');
