// One soak: a server, a lab with workers, rounds of killing while work goes on and of calm in which a patient operator
// settles what waits; then the account.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { RealLab } from '../rig/lab.ts';
import { Programs } from '../rig/processes.ts';
import { connectTo } from '../rig/servers.ts';
import { sleep } from '../rig/waiting.ts';
import { castOf, scenarioText } from './cast.ts';
import { findViolations } from './checks.ts';
import { Clients } from './clients.ts';
import { Workload } from './jobs.ts';
import { Killer } from './killer.ts';
import { Operator } from './operator.ts';
import { adoptionTimes, countBy, drainsBy, movesBy, runsBy, type SoakReport } from './report.ts';
import { readRuns } from './run-records.ts';
import { roundOf, type Wish } from './schedule.ts';
import type { SoakServer } from './servers.ts';

export interface SoakOptions {
  seed: number;
  minutes: number;
  speed: number;
  startServer: (folder: string) => Promise<SoakServer>;
  say: (line: string) => void;
  /** Aborted by Ctrl+C: the round is finished, then the account is made. */
  signal: AbortSignal;
}

/** Of killing and working; then everything comes to rest. */
const CHAOS_MS = 45_000;
/** Once everything is back: the longest wait of a step is a minute for a node's worker, and retries double from 2 s. */
const CALM_MS = 240_000;
const FIRST_WISH: Wish = { simultaneousMigrations: 2, performance: 'Compression', newVms: 1 };

export async function soak(o: SoakOptions): Promise<SoakReport> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-soak-'));
  const programs = new Programs();
  const ends: (() => Promise<void>)[] = [() => programs.endAll()];
  try {
    const server = await o.startServer(folder);
    ends.unshift(() => server.stop());
    const report = await new Soak(o, folder, server, programs).run();
    if (report.violations.length > 0) return { ...report, folder };
    ends.push(() => fs.promises.rm(folder, { recursive: true, force: true }));
    return report;
  } finally {
    // The lab and its workers before the server: they say goodbye to one that still answers.
    await programs.endAll();
    for (const end of ends) await end();
  }
}

/** A soak in which nothing happened proves nothing. */
const idle = (happened: Record<string, number>): string[] =>
  Object.entries(happened).flatMap(([what, n]) =>
    n > 0 ? [] : [`there were no ${what}, so this soak shows nothing`],
  );

const pausedIn = async (lab: RealLab): Promise<string[]> =>
  (await lab.state()).nodes.filter(({ state }) => state === 'Paused').map(({ name }) => name);

class Soak {
  private readonly o: SoakOptions;
  readonly folder: string;
  readonly programs: Programs;
  private readonly server: SoakServer;
  private readonly cluster: string;
  private readonly violations: string[] = [];
  private readonly startedMs = Date.now();

  constructor(o: SoakOptions, folder: string, server: SoakServer, programs: Programs) {
    this.o = o;
    this.folder = folder;
    this.server = server;
    this.programs = programs;
    this.cluster = 'soak';
  }

  async run(): Promise<SoakReport> {
    const { speed, say } = this.o;
    const { address, namespace } = this.server;
    const temporal = await connectTo(this.server);
    try {
      const lab = await RealLab.start({ address, namespace, temporal }, this, {
        cluster: this.cluster,
        scenario: { yaml: scenarioText() },
        speed,
      });
      const clients = new Clients(lab);
      const killer = new Killer(lab, this.server, say);
      const work = new Workload({ lab, clients, say }, FIRST_WISH);
      const operator = new Operator(clients, () => work.fileFor(work.wish), say);
      const owners = new Map((await lab.state()).vms.map((vm) => [vm.name, vm.owner]));
      const rounds = await this.rounds(killer, work, operator, clients, lab);
      await this.finish(work, clients, lab);
      return await this.account({ lab, clients, killer, work, operator, owners, rounds });
    } finally {
      await temporal.close();
    }
  }

  private elapsed(): string {
    return `${((Date.now() - this.startedMs) / 1000).toFixed(1).padStart(6)} s`;
  }

  /** @returns how many there were. */
  private async rounds(
    killer: Killer,
    work: Workload,
    operator: Operator,
    clients: Clients,
    lab: RealLab,
  ): Promise<number> {
    const { seed, minutes, say, signal } = this.o;
    const cast = castOf(['worker', 'node-crash', 'node-power-off', ...this.server.suffers]);
    const endMs = this.startedMs + minutes * 60_000;
    const chaosMs = Math.min(CHAOS_MS, Math.max(5_000, (minutes * 60_000) / 2));
    for (let index = 0; ; index += 1) {
      const round = roundOf(seed, index, chaosMs, cast);
      say(`round ${index + 1}: ${round.strikes.length} strikes, ${round.jobs.length} jobs`);
      const now = Date.now();
      await Promise.all([killer.run(round.strikes, now), work.run(round.jobs, now)]);
      await sleep(Math.max(0, now + chaosMs - Date.now()));
      say('calm: the operator settles what waits');
      await clients.settle();
      await operator.apply();
      const open = await operator.settleAll(CALM_MS);
      if (open.length === 0) await operator.resume(await pausedIn(lab));
      if (open.length === 0 && !work.isMaintained) {
        await operator.maintain();
        open.push(...(await operator.settleAll(CALM_MS)));
      }
      this.violations.push(...open, ...(await this.restViolations(lab)));
      say(`at rest after ${this.elapsed()}`);
      if (this.violations.length > 0 || Date.now() >= endMs || signal.aborted) return index + 1;
    }
  }

  /** When nothing runs: every VM runs, on one node, and no node is held back. */
  private async restViolations(lab: RealLab): Promise<string[]> {
    const { vms, roles, nodes, moves } = await lab.state();
    const names = vms.map((vm) => vm.name);
    return [
      ...names
        .filter((name, i) => names.indexOf(name) !== i)
        .map((name) => `${name} is there more than once`),
      ...vms
        .filter((vm) => vm.state !== 'Running')
        .map(
          (vm) => `${vm.name} is ${vm.state} on ${vm.owner} although nothing is killed any more`,
        ),
      ...roles
        .filter((role) => !vms.some((vm) => vm.id === role.vmId && vm.owner === role.owner))
        .map((role) => `role ${role.name} is on ${role.owner}, its VM is not`),
      ...nodes
        .filter((node) => node.state !== 'Up')
        .map((node) => `${node.name} is ${node.state} although nothing works on it`),
      ...moves.map((move) => `${move.vm} still moves, and no run sees to it`),
    ];
  }

  /** The last wish is granted, and then nothing is left to do. */
  private async finish(work: Workload, clients: Clients, lab: RealLab): Promise<void> {
    if (this.violations.length > 0) return;
    const file = work.fileFor(work.wish);
    const applied = await clients.run(['cluster', 'apply', '-f', file, '--yes', '--json']);
    const planned = await clients.run(['cluster', 'plan', '-f', file]);
    if (applied.code !== 0 || planned.code !== 0) {
      this.violations.push(
        `the last cluster.yaml was not reached: apply ${String(applied.code)} ` +
          `${applied.stderr.slice(-800)}; plan ${String(planned.code)} ` +
          planned.stdout.slice(-800),
      );
    }
    this.violations.push(...(await this.restViolations(lab)));
  }

  private async account(x: {
    lab: RealLab;
    clients: Clients;
    killer: Killer;
    work: Workload;
    operator: Operator;
    owners: Map<string, string>;
    rounds: number;
  }): Promise<SoakReport> {
    const { lab, clients, killer } = x;
    this.o.say('reading what happened');
    const [effects, runs] = await Promise.all([
      lab.effects(),
      readRuns(lab.server.temporal, this.cluster),
    ]);
    const nodeStrikes = killer.struck
      .filter(({ kind }) => kind.startsWith('node-'))
      .map(({ whom, atMs }) => ({ node: whom, atMs }));
    const found = findViolations({
      effects,
      runs,
      owners: x.owners,
      nodeStrikes,
      realMs: (effect) => lab.realMs(effect.at),
    });
    const adopted = runs.flatMap((run) => run.adoptions);
    const times = adoptionTimes(adopted, killer.struck);
    const kills = [
      ...killer.struck.map(({ kind }) => kind),
      ...Array<string>(clients.killed).fill('client'),
    ];
    const moves = movesBy(effects);
    const drains = drainsBy(effects);
    const byKind = countBy(kills, (kind) => kind);
    return {
      seed: this.o.seed,
      server: this.server.what,
      seconds: Math.round((Date.now() - this.startedMs) / 1000),
      speed: this.o.speed,
      rounds: x.rounds,
      kills: { total: kills.length, byKind, skipped: killer.skipped },
      runs: { total: runs.length, byWorkflow: runsBy(runs) },
      moves,
      drains,
      effects: { total: effects.length, byKind: countBy(effects, (effect) => effect.kind) },
      decisions: x.operator.decisions,
      commands: {
        started: clients.started,
        exitCodes: clients.exitCodes,
        skippedJobs: x.work.skipped,
      },
      adoptions: {
        count: adopted.length,
        longestMs: times.length === 0 ? null : Math.round(Math.max(...times)),
      },
      longestServerOutageMs: killer.longestOutageMs,
      violations: [
        ...this.violations,
        ...clients.wrong,
        ...found,
        ...idle({
          ...{ kills: kills.length, moves: moves['started'] ?? 0, drains: drains.begun },
          maintenances: runs.filter((run) => run.workflow === 'maintainCluster').length,
        }),
      ],
      folder: null,
    };
  }
}
