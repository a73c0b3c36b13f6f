// `watari cluster doctor` as a user types it, on real processes: a cluster that lacks nothing, one whose cluster.yaml
// names a node without a worker, and one without any worker.
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { DoctorReport } from '../../domain/doctor/diagnose.ts';
import { runId } from '../../domain/names.ts';
import { realCluster, type RealCluster } from '../support/real-cluster.ts';
import { endsWithAll } from '../support/ends.ts';

const SCENARIO = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
maximumParallelMigrations: 2
virtualMachines:
  - { name: web-1, owner: HV1, memory: 8GB }
`;

describe('watari cluster doctor', () => {
  const ends = endsWithAll();
  let c: RealCluster;
  beforeAll(async () => {
    c = ends(await realCluster({ temporal: inject('temporal'), scenario: SCENARIO, speed: 1 }));
  });

  const doctor = async (...args: string[]) => {
    const command = c.watari('cluster', 'doctor', ...args);
    const code = await command.ended;
    return { code, stdout: command.stdout(), stderr: command.stderr() };
  };
  const withFile = (nodes: string): string => {
    const file = path.join(c.folder, 'wanted.yaml');
    fs.writeFileSync(
      file,
      `cluster: ${c.cluster}\nnodes: [${nodes}]\nliveMigration: { simultaneousMigrations: 2 }\n`,
    );
    return file;
  };

  it('ends with 0 and a few lines when all is well, and has changed nothing', async () => {
    const { code, stdout, stderr } = await doctor('-f', withFile('HV1, HV2'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Cluster ${c.cluster}: no blockers, no warnings, 65 checks ok`);
    expect(stdout).toContain('HV1, HV2 answered');
    // A move is the only proof that only a move can give.
    expect(stdout.match(/not checked.*/g)).toEqual([expect.stringMatching(/: move-proof$/)]);
    expect(await c.effects()).toEqual([]);
  });

  it('ends with 1 and names the node that has no worker, without waiting for it', async () => {
    const { code, stdout } = await doctor('-f', withFile('HV1, HV2, HV3'), '--json');
    const report = JSON.parse(stdout) as DoctorReport;
    expect(code).toBe(1);
    expect(report).toMatchObject({ cluster: c.cluster, run: runId.doctor(c.cluster), warnings: 2 });
    expect(report.findings.filter((f) => f.level === 'blocker')).toEqual([
      {
        check: 'workers',
        level: 'blocker',
        subject: 'HV3',
        seen: 'no worker of HV3 is running: nobody asks for its work',
        remedy: `watari worker start --cluster ${c.cluster}`,
        on: 'HV3',
      },
      expect.objectContaining({ check: 'names', subject: 'HV3' }),
      expect.objectContaining({ check: 'members', subject: 'HV3' }),
    ]);
    expect(await c.effects()).toEqual([]);
  });

  it('makes its report without a run where nobody serves the cluster', async () => {
    const { code, stdout } = await doctor('-c', `${c.cluster}-x`, '--json');
    const report = JSON.parse(stdout) as DoctorReport;
    expect(code).toBe(1);
    expect(report).toMatchObject({ run: null, blockers: 1, nodes: [] });
    expect(report.findings[0]?.seen).toContain(`no worker of cluster ${c.cluster}-x is running`);
  });
});
