// What `cluster doctor` prints, and how large its answers can become.
import { describe, expect, it } from 'vitest';
import { askingLine, doctorLines } from '../../client/render/doctor.ts';
import { stringWidth } from '../../client/render/format.ts';
import { CHECKS, diagnose } from '../../domain/doctor/diagnose.ts';
import { manualClock } from '../../lab/machine/clock.ts';
import { inProcessHost } from '../../lab/host.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { noColors } from '../support/client-fakes.ts';
import {
  healthy,
  reportOf,
  scenarioText,
  viewOfLab,
  type Sketch,
} from '../support/doctor-world.ts';

const viewOf = (sketch: Sketch) => {
  const lab = new Lab(parseScenario(scenarioText(sketch), 'doctor.yaml'), manualClock());
  return viewOfLab(lab, sketch, (node) => inProcessHost(lab, node));
};

const sick = (): Sketch => {
  const sketch = healthy();
  sketch.workers['HV3'] = 'none';
  const [first, second] = sketch.nodes;
  if (first === undefined || second === undefined) throw new Error('there are no nodes');
  first.setup = { trustedHosts: ['HV2'] };
  second.setup = { localAccountTokenFilterPolicy: null };
  sketch.virtualMachines.push({
    name: 'web-日本',
    owner: 'HV2',
    memory: '4GB',
    dvds: ['C:\\ISO\\setup.iso'],
  });
  return sketch;
};

const printed = async (sketch: Sketch, columns: number): Promise<string[]> =>
  doctorLines(reportOf(await viewOf(sketch)), { columns, colors: noColors });

describe('the report of the doctor on a terminal', () => {
  it('shows blockers first, each with a block to paste, then warnings, then what is well', async () => {
    expect((await printed(sick(), 100)).join('\n')).toMatchInlineSnapshot(`
      "Cluster hv-lab: 3 blockers, 1 warning, 60 checks ok
        HV1, HV2 answered

      3 blockers
        a live migration or a restart will fail, or is not safe

        x HV3  workers
          no worker of HV3 is running: nobody asks for its work
          Mend it, on HV3:
            watari worker start --cluster hv-lab

        x HV2  token-filter
          LocalAccountTokenFilterPolicy is not set, and watari is not the built-in Administrator
          Mend it, on HV2:
            New-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System' -Name 'LocalAccountTokenFilterPolicy' -PropertyType DWord -Value 1 -Force

        x web-日本  iso
          C:\\ISO\\setup.iso is in its DVD drive
          Mend it, on HV2:
            Get-VMDvdDrive -VMName 'web-日本' | Set-VMDvdDrive -Path $null

      1 warning
        it may fail, or something else is wrong

        ! HV1  trusted-hosts
          TrustedHosts lacks HV3
          Mend it, on HV1:
            Set-Item WSMan:\\localhost\\Client\\TrustedHosts -Value 'HV3' -Concatenate -Force

        ok  workers   3 of 4  readable, worker-version, worker-runtime
        ok  Windows 12 of 12  os-version, update-level, pending-restart, workgroup, dns-suffix, pku2u, c..
        ok  account  8 of 10  administrator, elevated, same-account, cluster-sign-in, sign-in, lockout, ..
        ok  network   3 of 3  names, ports, networks
        ok  cluster 10 of 10  cluster-answers, members, node-state, witness, quorum, core-group, memory,..
        ok  Hyper-V 10 of 10  features, services, migration-enabled, parallel-migrations, performance-op..
        ok  VMs     14 of 17  vm-version, pass-through, gpu-partition, critical, vtpm, vm-files, shared-..
        -   not checked, to try it: watari vm migrate web-1 -c hv-lab: move-proof
        -   not checked, no cluster.yaml was given: file"
    `);
  });

  it('fits a narrow window but for commands, which could not be pasted when wrapped', async () => {
    const lines = await printed(sick(), 50);
    const wide = lines.filter((line) => stringWidth(line) > 50);
    expect(wide.length).toBeGreaterThan(0);
    expect(wide.filter((line) => !/^ {6}\S/.test(line))).toEqual([]);
  });

  it('is a few lines when all is well', async () => {
    expect((await printed(healthy(), 80)).join('\n')).toMatchInlineSnapshot(`
      "Cluster hv-lab: no blockers, no warnings, 64 checks ok
        HV1, HV2, HV3 answered

        ok  workers   4 of 4  workers, readable, worker-version, worker-runtime
        ok  Windows 12 of 12  os-version, update-level, pending-restart, workgroup, ..
        ok  account 10 of 10  administrator, elevated, same-account, token-filter, c..
        ok  network   3 of 3  names, ports, networks
        ok  cluster 10 of 10  cluster-answers, members, node-state, witness, quorum,..
        ok  Hyper-V 10 of 10  features, services, migration-enabled, parallel-migrat..
        ok  VMs     15 of 17  vm-version, iso, pass-through, gpu-partition, critical..
        -   not checked, to try it: watari vm migrate web-1 -c hv-lab: move-proof
        -   not checked, no cluster.yaml was given: file"
    `);
  });

  it('says that nobody answered when there is no worker at all', () => {
    const silent = { noAnswer: { code: 'NodeNotServed', message: 'no worker of HV1 is running' } };
    const report = diagnose(
      { cluster: 'hv-lab', view: silent, nodes: { HV1: silent }, wanted: null },
      { run: null, startedBy: 'ito@ADMIN-PC', takenAt: '2026-11-24T09:00:00.000Z' },
    );
    expect(report.findings.map((f) => [f.check, f.level, f.subject])).toEqual([
      ['workers', 'blocker', 'HV1'],
    ]);
    expect(report.unchecked).toHaveLength(CHECKS.length - 1);
    const lines = doctorLines(report, { columns: 80, colors: noColors });
    expect(lines.slice(0, 2)).toEqual([
      'Cluster hv-lab: 1 blocker, no warnings, 0 checks ok',
      '  no node answered',
    ]);
  });

  it('never writes a wait wider than the window', () => {
    const names = Array.from({ length: 16 }, (_, i) => `HV${i + 1}`);
    expect(askingLine(names, 2100, 60)).toBe(
      'asking HV1, HV2, HV3, HV4, HV5, HV6, HV7, HV8, .. .. (2.1 s)',
    );
    expect(askingLine(['HV1'], 12_000, 60)).toBe('asking HV1 .. (12 s)');
  });
});

describe('answers of a large cluster', () => {
  /** 16 nodes with 64 VMs each, and everything wrong that can be wrong with each VM. */
  const large = (): Sketch => {
    const sketch = healthy();
    sketch.nodes = Array.from({ length: 16 }, (_, i) => ({
      name: `HYPERV-NODE-${String(i + 1).padStart(2, '0')}`,
      memory: '2TB',
      features: ['Hyper-V'],
      switches: ['LAN'],
      setup: {
        password: String(i),
        closedPorts: [6600, 445],
        microcode: `2B0000${i + 10}`,
      },
      events: Array.from({ length: 60 }, (_e, j) => ({
        log: 'System' as const,
        id: 1000 + j,
        message: 'x'.repeat(500),
      })),
    }));
    sketch.virtualMachines = sketch.nodes.flatMap(({ name }, i) =>
      Array.from({ length: 64 }, (_v, j) => ({
        name: `virtual-machine-${i}-${j}`,
        owner: name,
        memory: '4GB',
        dvds: ['D:\\images\\installation-media.iso'],
        disks: [1, 2, 3].map((n) => `D:\\VMs\\virtual-machine-${i}-${j}\\disk-${n}.vhdx`),
        passThroughDevices: ['PCIROOT(0)#PCI(0300)'],
        possibleOwners: [name],
        heartbeat: false,
        busy: true,
      })),
    );
    return sketch;
  };

  it('fit into one result each: those of a node, and the report', async () => {
    const view = await viewOf(large());
    const before = process.cpuUsage();
    const report = reportOf(view);
    // A workflow that computes for a second is taken for dead.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(800);
    const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
    const exams = Object.values(view.nodes).map(bytes);
    // Temporal takes 2 MB, and warns at 512 KB.
    expect(Math.max(...exams)).toBeLessThan(256 * 1024);
    expect(bytes(report)).toBeLessThan(256 * 1024);
    const iso = report.findings.filter((f) => f.check === 'iso');
    expect(iso).toHaveLength(16);
    expect(iso.at(-1)?.subject).toBe('1009 more');
  });
});
