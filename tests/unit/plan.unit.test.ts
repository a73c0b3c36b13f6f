// The difference between cluster.yaml and a snapshot: steps, their order, blockers, what stays.
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../domain/facts.ts';
import { planCluster } from '../../domain/plan.ts';
import { quorumWithout } from '../../domain/quorum.ts';
import type { ClusterSpec } from '../../domain/spec.ts';
import {
  aNode,
  aNodeView,
  aRole,
  aSnapshot,
  aSpec,
  aVm,
  GB,
  makeBare,
  VHD,
  viewIn,
} from '../support/snapshot-builder.ts';

const plan = (change?: (s: Snapshot) => void, spec: Partial<ClusterSpec> = {}) =>
  planCluster(aSpec(spec), aSnapshot(change));
const ids = (p: ReturnType<typeof plan>): string[] => p.steps.map((s) => s.id);
const noVm = (s: Snapshot): void => {
  s.view.roles = [];
  viewIn(s, 'HV1').vms = [];
};

describe('the plan of a converged cluster', () => {
  it('has no steps and no blockers and tells what it looked at', () => {
    const p = plan();
    expect(p.steps).toEqual([]);
    expect(p.blockers).toEqual([]);
    expect(p.unchanged).toEqual([
      'HV1 has Hyper-V and Failover-Clustering',
      'HV2 has Hyper-V and Failover-Clustering',
      'HV3 has Hyper-V and Failover-Clustering',
      'cluster hv-lab: MaximumParallelMigrations is 2',
      'HV1 has the wanted live migration settings',
      'HV2 has the wanted live migration settings',
      'HV3 has the wanted live migration settings',
      'VM web-1 is in the cluster and runs on HV1',
    ]);
  });

  it('still proves the live migration when that is asked for', () => {
    const p = planCluster(aSpec(), aSnapshot(), { proveAlways: true });
    expect(p.steps).toEqual([
      {
        id: 'vm/web-1/move',
        kind: 'prove',
        title: 'Live-migrate VM web-1 to show that it works',
        node: null,
        vm: 'web-1',
        restarts: false,
        changes: [{ what: 'owner', from: 'HV1', to: 'the best other node' }],
      },
    ]);
  });

  it('does not depend on the case in which names are written', () => {
    const p = plan(undefined, {
      cluster: 'HV-LAB',
      nodes: ['hv1', 'hv2', 'hv3'],
      virtualMachines: [{ ...aSpec().virtualMachines[0]!, name: 'WEB-1' }],
      prove: ['Web-1'],
    });
    expect(p.steps).toEqual([]);
    expect(p.blockers).toEqual([]);
  });

  it('mentions a node that only the cluster has', () => {
    const p = plan(undefined, { nodes: ['HV1', 'HV2'] });
    expect(p.unchanged.at(-1)).toBe(
      'HV3 is in the cluster but not in cluster.yaml and is left alone',
    );
  });

  it('tells that an existing VM has other memory, and leaves it', () => {
    const p = plan((s) => (viewIn(s, 'HV1').vms[0]!.memoryStartupBytes = 8 * GB));
    expect(p.steps).toEqual([]);
    expect(p.unchanged.at(-1)).toBe(
      'VM web-1 is in the cluster and runs on HV1 (with 8 GB, not 10 GB; existing VMs are not changed)',
    );
  });
});

describe('the plan of a bare cluster', () => {
  const bare = (s: Snapshot): void => {
    noVm(s);
    for (const node of ['HV1', 'HV2']) makeBare(s, node);
    s.view.cluster.maximumParallelMigrations = 1;
    viewIn(s, 'HV3').migration!.maximumMigrations = 1;
  };

  it('prepares, sets up the cluster, the nodes, creates and proves, in this order', () => {
    const p = plan(bare);
    expect(p.blockers).toEqual([]);
    expect(ids(p)).toEqual([
      'hv1/prepare',
      'hv2/prepare',
      'cluster/settings',
      'hv1/migration-settings',
      'hv2/migration-settings',
      'hv3/migration-settings',
      'vm/web-1/create',
      'vm/web-1/move',
    ]);
    expect(p.steps.filter((s) => s.restarts).map((s) => s.id)).toEqual([
      'hv1/prepare',
      'hv2/prepare',
    ]);
  });

  it('says of each step what changes from what', () => {
    const steps = new Map(plan(bare).steps.map((s) => [s.id, s]));
    expect(steps.get('hv1/prepare')).toMatchObject({
      title: 'Prepare HV1: install Hyper-V',
      changes: [{ what: 'feature Hyper-V', from: 'not installed', to: 'installed' }],
    });
    expect(steps.get('cluster/settings')?.changes).toEqual([
      { what: 'MaximumParallelMigrations', from: '1', to: '2' },
    ]);
    expect(steps.get('hv1/migration-settings')?.changes).toContainEqual({
      what: 'VirtualMachineMigrationEnabled',
      from: 'unknown until Hyper-V is installed',
      to: 'true',
    });
    expect(steps.get('hv3/migration-settings')?.changes).toEqual([
      { what: 'MaximumVirtualMachineMigrations', from: '1', to: '2' },
    ]);
    expect(steps.get('vm/web-1/create')?.changes).toEqual([
      { what: 'VM', from: 'none', to: 'created on the best node with 10 GB' },
      { what: 'cluster role', from: 'none', to: 'web-1' },
      { what: 'state', from: 'none', to: 'Running' },
    ]);
  });

  it('restarts nodes without VMs first', () => {
    const p = plan((s) => {
      for (const node of ['HV1', 'HV2', 'HV3']) makeBare(s, node);
      s.view.roles.push(aRole({ vmId: 'x', name: 'x', owner: 'HV2' }));
      s.view.roles.push(aRole({ vmId: 'y', name: 'y', owner: 'HV2' }));
    });
    expect(ids(p).slice(0, 3)).toEqual(['hv3/prepare', 'hv1/prepare', 'hv2/prepare']);
  });

  it('prepares a node again that still owes the restart of its installation', () => {
    const p = plan((s) => (viewIn(s, 'HV2').features[0]!.state = 'InstallPending'));
    expect(p.steps[0]).toMatchObject({
      id: 'hv2/prepare',
      restarts: true,
      changes: [{ what: 'feature Hyper-V', from: 'installed, restart owed', to: 'installed' }],
    });
  });
});

describe('a VM of the file', () => {
  it.each<[string, (s: Snapshot) => void, unknown]>([
    [
      'that exists outside the cluster with its disk is registered and started',
      (s) => {
        s.view.roles = [];
        Object.assign(viewIn(s, 'HV1').vms[0]!, { clustered: false, state: 'Off' });
      },
      {
        title: 'Complete VM web-1',
        node: 'HV1',
        changes: [
          { what: 'cluster role', from: 'none', to: 'web-1' },
          { what: 'state', from: 'Off', to: 'Running' },
        ],
      },
    ],
    [
      'that is a role and off is started',
      (s) => {
        s.view.roles[0]!.state = 'Offline';
        viewIn(s, 'HV1').vms[0]!.state = 'Saved';
      },
      { changes: [{ what: 'state', from: 'Saved', to: 'Running' }] },
    ],
    [
      'whose role is Online but which is paused is resumed',
      (s) => (viewIn(s, 'HV1').vms[0]!.state = 'Paused'),
      { changes: [{ what: 'state', from: 'Paused', to: 'Running' }] },
    ],
  ])('%s', (_name, change, step) => {
    const p = plan(change);
    expect(p.blockers).toEqual([]);
    expect(ids(p)).toEqual(['vm/web-1/create', 'vm/web-1/move']);
    expect(p.steps[0]).toMatchObject(step as object);
  });

  it('is found under a role of another name', () => {
    const p = plan((s) => (s.view.roles[0]!.name = 'Web server'));
    expect(p.steps).toEqual([]);
    expect(p.blockers).toEqual([]);
  });
});

interface BlockerRow {
  code: string;
  when: string;
  subject: string;
  says: string;
  change?: (s: Snapshot) => void;
  spec?: Partial<ClusterSpec>;
}

const vm = aSpec().virtualMachines[0]!;
const BLOCKERS: BlockerRow[] = [
  {
    code: 'cluster-name',
    when: 'the workers serve another cluster',
    subject: 'other',
    says: 'belongs to the cluster hv-lab, not to other',
    spec: { cluster: 'other' },
  },
  {
    code: 'unknown-node',
    when: 'the cluster has no such node',
    subject: 'HV9',
    says: 'has no node HV9; it has HV1, HV2 and HV3',
    spec: { nodes: ['HV1', 'HV2', 'HV9'] },
  },
  {
    code: 'no-answer',
    when: 'a node is silent',
    subject: 'HV2',
    says: 'HV2 did not answer: no worker took it',
    change: (s) => (s.nodes['HV2'] = { noAnswer: { code: 'X', message: 'no worker took it' } }),
  },
  {
    code: 'too-few-nodes',
    when: 'only one node is Up',
    subject: 'hv-lab',
    says: 'needs two nodes that are Up; HV1 is Up, HV2 is Down and HV3 is Paused',
    change: (s) => {
      s.view.nodes[1]!.state = 'Down';
      s.view.nodes[2]!.state = 'Paused';
    },
  },
  {
    code: 'vhd-missing',
    when: 'no node sees the disk',
    subject: 'web-1',
    says: `${VHD} is not there`,
    change: (s) => {
      noVm(s);
      for (const node of ['HV1', 'HV2', 'HV3']) viewIn(s, node).files[0]!.exists = false;
    },
  },
  {
    code: 'vhd-local',
    when: 'the disk is on a local path',
    subject: 'web-1',
    says: 'D:\\web-1.vhdx is neither on a cluster shared volume nor on a share',
    change: noVm,
    spec: { virtualMachines: [{ ...vm, vhd: 'D:\\web-1.vhdx' }] },
  },
  {
    code: 'volume-not-online',
    when: 'the volume of the disk is paused',
    subject: 'web-1',
    says: 'C:\\ClusterStorage\\Volume1 is Paused',
    change: (s) => {
      noVm(s);
      s.view.sharedVolumes[0]!.state = 'Paused';
    },
  },
  {
    code: 'switch-missing',
    when: 'only one node has the switch',
    subject: 'web-1',
    says: 'Fewer than two nodes have an external virtual switch named LAN; HV1 and HV2 have none',
    change: (s) => {
      noVm(s);
      viewIn(s, 'HV1').switches = [];
      viewIn(s, 'HV2').switches = [{ name: 'LAN', type: 'Internal' }];
    },
  },
  {
    code: 'name-taken',
    when: 'a VM with another disk has the name',
    subject: 'web-1',
    says: 'Another VM named web-1 is on HV2 outside the cluster, with D:\\old.vhdx',
    change: (s) => {
      noVm(s);
      viewIn(s, 'HV2').vms = [aVm({ id: 'x', clustered: false, disks: ['D:\\old.vhdx'] })];
    },
  },
  {
    code: 'disk-of-another-vm',
    when: 'another VM that is saved has the disk',
    subject: 'web-1',
    says: `${VHD} is the disk of web-old, which is Saved on HV2`,
    change: (s) => {
      noVm(s);
      viewIn(s, 'HV2').vms = [
        aVm({ id: 'x', name: 'web-old', state: 'Saved', disks: [VHD.toUpperCase()] }),
      ];
    },
  },
  {
    code: 'disk-of-another-vm',
    when: 'another VM has a checkpoint of the disk',
    subject: 'web-1',
    says: `${VHD} is the disk of web-old, which is Running on HV2`,
    change: (s) => {
      noVm(s);
      const disk = VHD.replace('.vhdx', '_6F9619FF-8B86-D011-B42D-00CF4FC964FF.avhdx');
      viewIn(s, 'HV2').vms = [aVm({ id: 'x', name: 'web-old', disks: [disk] })];
    },
  },
  {
    code: 'ambiguous-vm',
    when: 'two VMs have the name',
    subject: 'web-1',
    says: 'There are 2 VMs named web-1: id-web-1 on HV1 and x on HV2',
    change: (s) => viewIn(s, 'HV2').vms.push(aVm({ id: 'x', name: 'WEB-1' })),
  },
  {
    code: 'quorum',
    when: 'the restart of one of two nodes without witness takes the majority',
    subject: 'HV2',
    says: 'A restart of HV2 would leave 1 of 2 votes',
    change: (s) => {
      s.view.nodes.pop();
      makeBare(s, 'HV2');
    },
    spec: { nodes: ['HV1', 'HV2'] },
  },
  {
    code: 'prove-unknown',
    when: 'a VM to prove is nowhere',
    subject: 'nope',
    says: 'neither in the cluster nor in virtualMachines',
    spec: { prove: ['nope'] },
  },
  {
    code: 'memory',
    when: 'the VM is larger than any node',
    subject: 'web-1',
    says: 'It needs 127 GB of memory plus a reserve of 2 GB; the largest node has 128 GB',
    change: noVm,
    spec: { virtualMachines: [{ ...vm, memoryBytes: 127 * GB }] },
  },
  {
    code: 'unknown-node',
    when: 'the VM is wanted on a node that the file does not name',
    subject: 'web-1',
    says: 'It is wanted on HV9, which is not one of HV1, HV2 and HV3',
    change: noVm,
    spec: { virtualMachines: [{ ...vm, node: 'HV9' }] },
  },
];

describe('a blocker', () => {
  it.each(BLOCKERS)(
    '$code stands in the way when $when',
    ({ code, subject, says, change, spec }) => {
      const p = plan(change, spec);
      const found = p.blockers.filter((b) => b.code === code);
      expect(found).toHaveLength(1);
      expect(found[0]!.subject).toBe(subject);
      expect(found[0]!.message).toContain(says);
      expect(found[0]!.hint).toMatch(/^[A-Z].*\.$/);
    },
  );

  it('is none for a paused node, of which the plan tells', () => {
    const p = plan((s) => (s.view.nodes[2]!.state = 'Paused'));
    expect(p.blockers).toEqual([]);
    expect(p.unchanged).toContain(
      'HV3 is paused, takes no VMs and stays so: Resume-ClusterNode -Name HV3 -Failback NoFailback resumes it',
    );
  });

  it('is not raised alone: one look shows all', () => {
    const p = plan(
      (s) => {
        noVm(s);
        delete s.nodes['HV3'];
      },
      { virtualMachines: [{ ...vm, vhd: 'D:\\x.vhdx' }], prove: ['nope'] },
    );
    expect(p.blockers.map((b) => b.code).sort()).toEqual([
      'no-answer',
      'prove-unknown',
      'vhd-local',
    ]);
  });

  it.each<[string, (s: Snapshot) => void, Partial<ClusterSpec>]>([
    [
      'a switch that nodes without Hyper-V may still have',
      (s) => {
        noVm(s);
        makeBare(s, 'HV1');
        makeBare(s, 'HV2');
        viewIn(s, 'HV3').switches = [];
      },
      {},
    ],
    [
      'a switch that two of three nodes have',
      (s) => {
        noVm(s);
        viewIn(s, 'HV3').switches = [];
      },
      {},
    ],
    ['a VM to prove that only the cluster has', () => {}, { virtualMachines: [] }],
    [
      'a disk that one node sees and another cannot look at',
      (s) => {
        noVm(s);
        viewIn(s, 'HV1').files = [];
        viewIn(s, 'HV2').files[0]!.exists = false;
      },
      {},
    ],
    [
      'the restart of one of two nodes with a witness',
      (s) => {
        s.view.nodes.pop();
        s.view.cluster.witness = { kind: 'Cloud', online: true };
        makeBare(s, 'HV2');
      },
      { nodes: ['HV1', 'HV2'] },
    ],
    [
      'the disk of a VM that exists and holds it',
      (s) => {
        for (const node of ['HV1', 'HV2', 'HV3']) viewIn(s, node).files[0]!.exists = false;
      },
      {},
    ],
  ])('is not %s', (_name, change, spec) => {
    expect(plan(change, spec).blockers).toEqual([]);
  });
});

describe('the quorum without a node', () => {
  const nodes = (...weights: number[]) => weights.map((w, i) => aNode(`N${i}`, { nodeWeight: w }));
  it.each<[string, ReturnType<typeof nodes>, boolean, boolean | null]>([
    ['survives in a cluster of three', nodes(1, 1, 1), true, null],
    ['is lost in a cluster of two without witness', nodes(1, 1), false, null],
    ['survives in a cluster of two with a witness', nodes(1, 1), true, true],
    ['is lost in a cluster of two whose witness is offline', nodes(1, 1), false, false],
    ['survives when the node has no vote', nodes(0, 1), true, null],
    [
      'is lost when another of three is down',
      [...nodes(1, 1), aNode('N2', { state: 'Down' })],
      false,
      null,
    ],
    [
      'counts a paused node, which keeps its vote',
      [...nodes(1, 1), aNode('N2', { state: 'Paused' })],
      true,
      null,
    ],
  ])('%s', (_name, list, survives, witness) => {
    const s = aSnapshot((x) => {
      x.view.nodes = list;
      if (witness !== null) x.view.cluster.witness = { kind: 'Disk', online: witness };
    });
    expect(quorumWithout(s.view, 'n0').survives).toBe(survives);
  });
});

it('plans the same whatever the order of the nodes in the snapshot', () => {
  const s = aSnapshot((x) => {
    noVm(x);
    makeBare(x, 'HV2');
    x.nodes['HV2'] = { view: aNodeView('HV2', { features: [] }) };
  });
  const reversed = structuredClone(s);
  reversed.view.nodes.reverse();
  reversed.nodes = Object.fromEntries(Object.entries(s.nodes).reverse());
  expect(planCluster(aSpec(), reversed)).toEqual(planCluster(aSpec(), s));
});
