// The workflow `doctor` on a real server: nodes without a worker, with a late one, with another version; and that it
// changes nothing. The tests run side by side, because one of them waits for twenty seconds.
import { describe, expect, inject, it } from 'vitest';
import type { DoctorReport } from '../../domain/doctor/diagnose.ts';
import type { Finding } from '../../domain/doctor/check.ts';
import { clusterQueue, runId } from '../../domain/names.ts';
import { MESSAGES, type RunStatus } from '../../domain/status.ts';
import { inProcessHost } from '../../lab/host.ts';
import { policyOf, restrictedHost } from '../../hyperv/policy.ts';
import {
  labCluster,
  TEST_BUDGETS,
  TEST_WORKER,
  type LabCluster,
  type LabClusterOptions,
} from '../support/lab-cluster.ts';
import { sleep } from '../../proof/rig/waiting.ts';

const HEALTHY = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
maximumParallelMigrations: 2
virtualMachines:
  - { name: web-1, owner: HV1, memory: 8GB }
`;

const LOCKS = 'lockout: { threshold: 3, minutes: 15, windowMinutes: 15 }';
/** Three wrong sign-ins lock the account, as Microsoft's baseline for members of a workgroup has it. */
const ONE_PASSWORD_DIFFERS = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true }, setup: { ${LOCKS} } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true }, setup: { password: other, ${LOCKS} } }
  - { name: HV3, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true }, setup: { ${LOCKS} } }
maximumParallelMigrations: 2
virtualMachines:
  - { name: web-1, owner: HV1, memory: 8GB }
`;

type Options = Omit<LabClusterOptions, 'temporal' | 'scenario'> & { scenario?: string };

async function inCluster<T>(options: Options, work: (c: LabCluster) => Promise<T>): Promise<T> {
  const c = await labCluster({
    temporal: inject('temporal'),
    speed: 1,
    ...options,
    scenario: options.scenario ?? HEALTHY,
  });
  try {
    return await work(c);
  } finally {
    await c.stop();
  }
}

const examine = async (c: LabCluster, input: object = {}): Promise<DoctorReport> => {
  const run = await c.start('doctor', runId.doctor(c.cluster), { nodes: ['HV1', 'HV2'], ...input });
  return (await run.result()) as DoctorReport;
};

const problems = (report: DoctorReport): Pick<Finding, 'check' | 'level' | 'subject'>[] =>
  report.findings
    .filter((f) => f.level !== 'ok')
    .map(({ check, level, subject }) => ({ check, level, subject }));

describe.concurrent('doctor', () => {
  it('finds nothing in a cluster that lacks nothing, and changes nothing, read only as well', () =>
    inCluster(
      { disturb: (host) => restrictedHost(host, policyOf({ readOnly: true })) },
      async (c) => {
        const report = await examine(c);
        expect(problems(report)).toEqual([]);
        expect(report.ok).toBeGreaterThan(50);
        expect(report.nodes.map((n) => [n.node, n.answered])).toEqual([
          ['HV1', true],
          ['HV2', true],
        ]);
        expect(c.lab.effects()).toEqual([]);
        expect(c.lab.calls().filter((call) => call.changed !== null)).toEqual([]);
      },
    ));

  it('does not wait for a node that is known to have no worker', () =>
    inCluster({ workers: ['HV1'] }, async (c) => {
      const startedAt = Date.now();
      const report = await examine(c, { nodes: ['HV1'], unserved: ['HV2'] });
      expect(Date.now() - startedAt).toBeLessThan(TEST_BUDGETS.answerSeconds * 1000);
      expect(problems(report)).toContainEqual({
        check: 'workers',
        level: 'blocker',
        subject: 'HV2',
      });
      const steps = (await statusOf(c)).steps.map((s) => [s.id, s.state, s.failure?.code]);
      expect(steps).toEqual([
        ['cluster/look', 'succeeded', undefined],
        ['hv1/examine', 'succeeded', undefined],
        ['hv2/examine', 'failed', 'NodeNotServed'],
        ['cluster/storage', 'succeeded', undefined],
      ]);
    }));

  it('waits a bounded time for one of which nothing is known', () =>
    inCluster({ workers: ['HV1'] }, async (c) => {
      const report = await examine(c, { nodes: [], budgets: { answerSeconds: 3 } });
      expect(problems(report)).toContainEqual({
        check: 'workers',
        level: 'blocker',
        subject: 'HV2',
      });
    }));

  it('counts a worker that answers after 20 s, and is joined by whoever asks meanwhile', () =>
    inCluster({ workers: ['HV1'] }, async (c) => {
      const budgets = { answerSeconds: 60 };
      const id = runId.doctor(c.cluster);
      const run = await c.start('doctor', id, { nodes: ['HV1', 'HV2'], budgets });
      await sleep(20_000);
      const second = await c.client.workflow.start('doctor', {
        workflowId: id,
        taskQueue: clusterQueue(c.cluster),
        args: [{ cluster: c.cluster, startedBy: 'other@lab' }],
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      await c.serve('HV2');
      const report = (await run.result()) as DoctorReport;
      expect(problems(report)).toEqual([]);
      expect(await second.result()).toEqual(report);
      const took = Date.parse(report.takenAt) - Date.parse((await statusOf(c)).startedAt);
      expect(took).toBeGreaterThan(19_000);
    }));

  it('leaves the account unlocked where one node has another password, however often it is asked', () =>
    inCluster({ scenario: ONE_PASSWORD_DIFFERS }, async (c) => {
      for (let i = 0; i < 4; i += 1) {
        const report = await examine(c, { nodes: ['HV1', 'HV2', 'HV3'] });
        expect(problems(report)).toEqual([{ check: 'sign-in', level: 'blocker', subject: 'HV2' }]);
      }
      for (const name of ['HV1', 'HV2', 'HV3']) {
        const { facts } = await inProcessHost(c.lab, name).readSetup({ ports: [] });
        expect(facts.security?.locked).toBe(false);
      }
      const asked = c.lab.calls().filter((call) => call.op === 'readPeers' && call.node === 'HV1');
      expect(asked).toHaveLength(5);
    }));

  it('tells workers of two versions apart', () =>
    inCluster(
      {
        worker: (node) => ({ ...TEST_WORKER, version: node === 'HV2' ? '0.0.9' : '0.1.0' }),
      },
      async (c) => {
        const report = await examine(c);
        expect(problems(report)).toEqual([
          { check: 'worker-version', level: 'warning', subject: 'HV2' },
        ]);
      },
    ));

  it('examines the nodes of a cluster that cannot be looked at', () =>
    inCluster(
      {
        scenario: `${HEALTHY}
faults: [{ on: readCluster, times: always, error: { errorId: ClusterUnreachable } }]
`,
      },
      async (c) => {
        const report = await examine(c);
        expect(problems(report)).toEqual([
          { check: 'cluster-answers', level: 'blocker', subject: c.cluster },
        ]);
        expect(report.nodes.every((n) => n.answered)).toBe(true);
        expect(report.unchecked.map((u) => u.check)).toContain('quorum');
      },
    ));
});

const statusOf = async (c: LabCluster) => {
  const handle = c.client.workflow.getHandle(runId.doctor(c.cluster));
  return handle.query<RunStatus>(MESSAGES.status);
};
