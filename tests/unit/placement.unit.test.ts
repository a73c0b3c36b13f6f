// Placement: every reason shows when it applies and stays away when it does not.
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../domain/facts.ts';
import { explainPlacement, placeMove, placeNewVm, type Placement } from '../../domain/placement.ts';
import { WEIGHTS } from '../../domain/placement-rules.ts';
import type { VmSpec } from '../../domain/spec.ts';
import {
  aMove,
  aRole,
  aSnapshot,
  aSpec,
  aVm,
  GB,
  makeBare,
  viewIn,
} from '../support/snapshot-builder.ts';

const OPTIONS = { memoryReserveBytes: 2 * GB };
const verdict = (p: Placement, node: string) => p.ranking.find((v) => v.node === node)!;
const codes = (p: Placement, node: string, kind?: string): string[] =>
  verdict(p, node)
    .reasons.filter((r) => kind === undefined || r.kind === kind)
    .map((r) => r.code);
const reason = (p: Placement, node: string, code: string) =>
  verdict(p, node).reasons.find((r) => r.code === code);
const move = (change?: (s: Snapshot) => void, only?: string) =>
  placeMove(aSnapshot(change), 'id-web-1', { ...OPTIONS, ...(only === undefined ? {} : { only }) });

interface Row {
  code: string;
  when: string;
  kind?: 'blocker' | 'minus' | 'plus' | 'note';
  text: string;
  change: (s: Snapshot) => void;
}

/** What is done to HV2 (or to the VM), and the reason that HV2 then shows. HV2 has none of them before. */
const ROWS: Row[] = [
  {
    code: 'node-not-up',
    when: 'the node is down',
    text: 'the node is Down, not Up',
    change: (s) => (s.view.nodes[1]!.state = 'Down'),
  },
  {
    code: 'node-paused',
    when: 'the node is paused',
    text: 'the node is paused and takes no VMs',
    change: (s) => (s.view.nodes[1]!.state = 'Paused'),
  },
  {
    code: 'node-quarantined',
    when: 'the node is quarantined',
    text: 'the cluster has quarantined the node',
    change: (s) => (s.view.nodes[1]!.quarantined = true),
  },
  {
    code: 'no-answer',
    when: 'its worker did not answer',
    text: 'the node did not answer: no worker took it',
    change: (s) => (s.nodes['HV2'] = { noAnswer: { code: 'X', message: 'no worker took it' } }),
  },
  {
    code: 'no-answer',
    when: 'nobody asked it',
    text: 'the node did not answer: it was not asked',
    change: (s) => delete s.nodes['HV2'],
  },
  {
    code: 'hyper-v-missing',
    when: 'the role is not installed',
    text: 'Hyper-V is not installed on the node or owes a restart',
    change: (s) => makeBare(s, 'HV2'),
  },
  {
    code: 'hyper-v-missing',
    when: 'the role waits for a restart',
    text: 'Hyper-V is not installed on the node or owes a restart',
    change: (s) => (viewIn(s, 'HV2').features[0]!.state = 'InstallPending'),
  },
  {
    code: 'service-down',
    when: 'a service does not run',
    text: 'the service vmms is Stopped',
    change: (s) => (viewIn(s, 'HV2').services[0]!.state = 'Stopped'),
  },
  {
    code: 'migration-off',
    when: 'migration is off on the target',
    text: 'live migration is not enabled on the node',
    change: (s) => (viewIn(s, 'HV2').migration!.enabled = false),
  },
  {
    code: 'migration-off-at-owner',
    when: 'migration is off where the VM is',
    text: 'live migration is not enabled on HV1, where the VM is',
    change: (s) => (viewIn(s, 'HV1').migration!.enabled = false),
  },
  {
    code: 'not-possible-owner',
    when: 'it is not a possible owner',
    text: 'the possible owners of the VM are only HV1 and HV3',
    change: (s) => (s.view.roles[0]!.possibleOwners = ['HV1', 'HV3']),
  },
  {
    code: 'preferred-owner',
    when: 'it is a preferred owner',
    kind: 'plus',
    text: 'preferred owner 2 of 2',
    change: (s) => (s.view.roles[0]!.preferredOwners = ['HV1', 'hv2']),
  },
  {
    code: 'not-preferred',
    when: 'others are preferred',
    kind: 'note',
    text: 'the preferred owners are HV3',
    change: (s) => (s.view.roles[0]!.preferredOwners = ['HV3']),
  },
  {
    code: 'anti-affinity',
    when: 'an enforced class keeps it away',
    text: 'must be kept apart from web-2, which is there (AntiAffinityClassNames)',
    change: (s) => {
      s.view.cluster.enforcedAntiAffinity = true;
      s.view.roles[0]!.antiAffinityClassNames = ['web'];
      s.view.roles.push(
        aRole({ vmId: 'id-2', name: 'web-2', owner: 'HV2', antiAffinityClassNames: ['WEB'] }),
      );
    },
  },
  {
    code: 'anti-affinity',
    when: 'a class that is not enforced asks to keep away',
    kind: 'minus',
    text: 'should be kept apart from web-2, which is there (AntiAffinityClassNames)',
    change: (s) => {
      s.view.roles[0]!.antiAffinityClassNames = ['web'];
      s.view.roles.push(
        aRole({
          vmId: 'id-2',
          name: 'web-2',
          owner: 'HV1',
          antiAffinityClassNames: ['web'],
          move: aMove('HV2'),
        }),
      );
    },
  },
  {
    code: 'node-isolated',
    when: 'the cluster has isolated the node',
    text: 'the cluster has isolated the node',
    change: (s) => (s.view.nodes[1]!.status = 1),
  },
  {
    code: 'node-draining',
    when: 'the node is being drained',
    text: 'the node is being drained',
    change: (s) => (s.view.nodes[1]!.status = 4),
  },
  {
    code: 'node-avoided',
    when: 'placement is to avoid the node',
    text: 'the cluster avoids placing VMs on the node (AvoidPlacement)',
    change: (s) => (s.view.nodes[1]!.status = 32),
  },
  {
    code: 'role-locked',
    when: 'the role is locked from moving',
    text: 'the role is locked from moving (LockedFromMoving)',
    change: (s) => (s.view.roles[0]!.status = 1),
  },
  {
    code: 'volume-paused-there',
    when: 'the node alone cannot use the volume',
    text: 'the node cannot use the shared volume C:\\ClusterStorage\\Volume1 now',
    change: (s) => (s.view.sharedVolumes[0]!.pausedOn = ['hv2']),
  },
  {
    code: 'affinity-rule',
    when: 'an affinity rule keeps it apart from a VM there',
    text: 'the affinity rule apart keeps it apart from web-2, which is there',
    change: (s) => {
      s.view.cluster.affinityRules = [
        { name: 'apart', type: 'DifferentNode', groups: ['web-1', 'web-2'] },
      ];
      s.view.roles.push(aRole({ vmId: 'id-2', name: 'web-2', owner: 'HV1', move: aMove('HV2') }));
    },
  },
  {
    code: 'affinity-rule',
    when: 'an affinity rule wants it where another VM is',
    kind: 'minus',
    text: 'the affinity rule together wants it together with web-2, which is elsewhere',
    change: (s) => {
      s.view.cluster.affinityRules = [
        { name: 'together', type: 'SameNode', groups: ['web-1', 'web-2'] },
      ];
      s.view.roles.push(aRole({ vmId: 'id-2', name: 'web-2', owner: 'HV3' }));
    },
  },
  {
    code: 'memory',
    when: 'memory is short by one byte',
    text: 'free memory 12 GB, needs 10 GB plus a reserve of 2 GB',
    change: (s) => (viewIn(s, 'HV2').host.freeMemoryBytes = 12 * GB - 1),
  },
  {
    code: 'memory',
    when: 'a VM that is off asks for its startup memory',
    text: 'free memory 9 GB, needs 10 GB plus a reserve of 2 GB',
    change: (s) => {
      viewIn(s, 'HV1').vms[0]!.memoryAssignedBytes = 0;
      viewIn(s, 'HV2').host.freeMemoryBytes = 9 * GB;
    },
  },
  {
    code: 'switch-missing',
    when: 'the switch is not there',
    text: 'the node has no virtual switch named LAN',
    change: (s) => (viewIn(s, 'HV2').switches = []),
  },
  {
    code: 'switch-not-external',
    when: 'the switch is internal',
    text: 'the virtual switch LAN is Internal there, not External',
    change: (s) => (viewIn(s, 'HV2').switches[0]!.type = 'Internal'),
  },
  {
    code: 'no-free-slot',
    when: 'other moves come and go',
    kind: 'minus',
    text: 'no free migration slot (2 of 2 in use), the move would wait',
    change: (s) => {
      s.view.roles.push(
        aRole({ vmId: 'id-2', name: 'a', owner: 'HV1', move: aMove('HV2') }),
        aRole({ vmId: 'id-3', name: 'b', owner: 'HV2', move: aMove('HV1') }),
      );
    },
  },
  {
    code: 'owner-busy',
    when: 'the node that it leaves has no slot',
    kind: 'note',
    text: 'HV1, where the VM is, has no free migration slot (1 of 1 in use)',
    change: (s) => {
      s.view.cluster.maximumParallelMigrations = 1;
      s.view.roles.push(aRole({ vmId: 'id-2', name: 'a', owner: 'HV1', move: aMove('HV3') }));
    },
  },
  {
    code: 'cpu-vendor',
    when: 'the processor is of another vendor',
    text: 'the processor is from AuthenticAMD, the VM runs on one from GenuineIntel',
    change: (s) => (viewIn(s, 'HV2').host.cpuVendor = 'AuthenticAMD'),
  },
  {
    code: 'cpu-model',
    when: 'the processor is another model',
    kind: 'minus',
    text: 'the processor is Xeon 5, the VM runs on Xeon 6 without compatibility mode',
    change: (s) => (viewIn(s, 'HV2').host.cpuName = 'Xeon 5'),
  },
  {
    code: 'vm-version',
    when: 'the node takes only older VMs',
    text: 'the VM has version 12.0, the node takes 10.0 and 11.0',
    change: (s) => (viewIn(s, 'HV2').host.vmVersions = ['10.0', '11.0']),
  },
  {
    code: 'pending-restart',
    when: 'a restart is owed',
    kind: 'minus',
    text: 'the node owes a restart, so the VM would soon move again',
    change: (s) => (viewIn(s, 'HV2').host.pendingRestart = true),
  },
  {
    code: 'dvd-local',
    when: 'an ISO of a local disk is mounted',
    text: 'the DVD image D:\\iso\\tools.iso is mounted, which other nodes cannot read',
    change: (s) => (viewIn(s, 'HV1').vms[0]!.dvds = ['D:\\iso\\tools.iso']),
  },
  {
    code: 'pass-through',
    when: 'hardware is passed through',
    text: 'the VM holds hardware of its node: GPU 1',
    change: (s) => (viewIn(s, 'HV1').vms[0]!.passThroughDevices = ['GPU 1']),
  },
  {
    code: 'disk-local',
    when: 'a disk is local',
    text: 'the disk D:\\web-1.vhdx is not on storage that all nodes share',
    change: (s) => (viewIn(s, 'HV1').vms[0]!.disks = ['D:\\web-1.vhdx']),
  },
  {
    code: 'volume-not-online',
    when: 'its volume is paused',
    text: 'the shared volume C:\\ClusterStorage\\Volume1 is Paused',
    change: (s) => (s.view.sharedVolumes[0]!.state = 'Paused'),
  },
  {
    code: 'no-network',
    when: 'every network is excluded',
    text: 'no cluster network is Up and open to live migration',
    change: (s) => (s.view.networks[0]!.excludedFromMigration = true),
  },
  {
    code: 'vm-busy',
    when: 'a backup runs',
    kind: 'note',
    text: 'the VM is busy with a backup, checkpoint or merge; the move waits',
    change: (s) => (viewIn(s, 'HV1').vms[0]!.busy = true),
  },
  {
    code: 'tpm',
    when: 'the VM has a TPM',
    kind: 'note',
    text: 'the VM has a virtual TPM, whose certificates the node must have',
    change: (s) => (viewIn(s, 'HV1').vms[0]!.tpm = true),
  },
];

describe('placeMove', () => {
  it('prefers the emptier node of two that can take the VM', () => {
    const p = move((s) => (viewIn(s, 'HV2').host.freeMemoryBytes = 50 * GB));
    expect(p.target).toBe('HV3');
    expect(p.ranking.map((v) => [v.node, v.rank, v.eligible])).toEqual([
      ['HV3', 1, true],
      ['HV2', 2, true],
      ['HV1', 3, false],
    ]);
    expect(codes(p, 'HV1', 'blocker')).toEqual(['current-owner']);
    expect(codes(p, 'HV2')).toEqual(['memory']);
  });

  describe.each(ROWS)('$code, when $when', ({ code, kind = 'blocker', text, change }) => {
    it(`is told as a ${kind}`, () => {
      const p = move(change);
      expect(reason(p, 'HV2', code)).toEqual({ kind, code, text });
      expect(verdict(p, 'HV2').eligible).toBe(kind !== 'blocker');
      if (kind === 'blocker') expect(p.target).not.toBe('HV2');
    });

    it('is not told of a healthy cluster', () => {
      if (code === 'memory') expect(reason(move(), 'HV2', code)?.kind).toBe('plus');
      else expect(codes(move(), 'HV2')).not.toContain(code);
    });
  });

  it.each(ROWS.filter((r) => r.kind === 'minus'))(
    'sends the VM elsewhere because of $code, when $when',
    ({ change }) => {
      expect(move().target).toBe('HV2');
      expect(move(change).target).toBe('HV3');
    },
  );

  it('takes a node with exactly enough memory', () => {
    const p = move((s) => (viewIn(s, 'HV2').host.freeMemoryBytes = 12 * GB), 'HV2');
    expect(p.target).toBe('HV2');
  });

  it('lets the order of preferred owners beat free memory', () => {
    const p = move((s) => {
      s.view.roles[0]!.preferredOwners = ['HV2', 'HV3'];
      viewIn(s, 'HV2').host.freeMemoryBytes = 13 * GB;
    });
    expect(p.target).toBe('HV2');
    expect(p.ranking.map((v) => v.node)).toEqual(['HV2', 'HV3', 'HV1']);
  });

  it('does not count the own move of the VM against the slots', () => {
    const p = move((s) => {
      s.view.cluster.maximumParallelMigrations = 1;
      s.view.roles[0]!.move = aMove('HV2');
    });
    expect(codes(p, 'HV2')).not.toContain('no-free-slot');
  });

  it('does not count a failed move, whose state sticks, against the slots', () => {
    const p = move((s) => {
      s.view.cluster.maximumParallelMigrations = 1;
      s.view.roles.push(
        aRole({ vmId: 'x', name: 'x', owner: 'HV2', move: { ...aMove('HV3'), phase: 'failed' } }),
      );
    });
    expect(codes(p, 'HV2')).not.toContain('no-free-slot');
  });

  it('takes another processor model without a minus in compatibility mode', () => {
    const p = move((s) => {
      viewIn(s, 'HV2').host.cpuName = 'Xeon 5';
      viewIn(s, 'HV1').vms[0]!.compatibilityForMigration = true;
    });
    expect(codes(p, 'HV2')).not.toContain('cpu-model');
  });

  it.each(['C:\\ClusterStorage\\Volume1\\tools.iso', '\\\\nas\\iso\\tools.iso'])(
    'accepts the DVD image %s, which every node can read',
    (path) => {
      const p = move((s) => (viewIn(s, 'HV1').vms[0]!.dvds = [path]));
      expect(p.target).toBe('HV2');
    },
  );

  it('blocks every node when the node that holds the VM does not answer', () => {
    const p = move((s) => (s.nodes['HV1'] = { noAnswer: { code: 'X', message: 'it is silent' } }));
    expect(p.target).toBeNull();
    expect(reason(p, 'HV2', 'vm-unknown')?.text).toBe(
      'the VM should be on HV1, but it did not answer: it is silent',
    );
  });

  it('blocks every node for a VM that is not a role', () => {
    const p = placeMove(aSnapshot(), 'id-other', OPTIONS);
    expect(p.target).toBeNull();
    expect(p.ranking.map((v) => v.reasons[0]?.code)).toEqual(Array(3).fill('role-missing'));
  });

  it('ranks other nodes but chooses only the one that a person named', () => {
    const p = move((s) => (viewIn(s, 'HV2').host.freeMemoryBytes = 50 * GB), 'hv2');
    expect(p.target).toBe('HV2');
    expect(p.ranking[0]).toMatchObject({ node: 'HV3', eligible: true });
    expect(reason(p, 'HV3', 'not-chosen')?.text).toBe('hv2 was chosen');
  });

  it('chooses no other node when the named one cannot take the VM', () => {
    const p = move((s) => (s.view.nodes[1]!.state = 'Paused'), 'HV2');
    expect(p.target).toBeNull();
    expect(verdict(p, 'HV3').eligible).toBe(true);
  });

  it('names the nodes that there are when the named one is unknown', () => {
    const p = move(undefined, 'HV9');
    expect(p.target).toBeNull();
    expect(reason(p, 'HV9', 'unknown-node')?.text).toBe(
      'the cluster has no node of this name; it has HV1, HV2 and HV3',
    );
  });
});

describe('placeNewVm', () => {
  const spec = (over: Partial<VmSpec> = {}): VmSpec => ({
    ...aSpec().virtualMachines[0]!,
    name: 'new-1',
    ...over,
  });
  const place = (change?: (s: Snapshot) => void, vm: Partial<VmSpec> = {}) =>
    placeNewVm(aSnapshot(change), spec(vm), OPTIONS);

  it('takes the node with the largest free share, the first by name between equals', () => {
    expect(place().target).toBe('HV1');
    expect(place((s) => (viewIn(s, 'HV3').host.freeMemoryBytes = 120 * GB)).target).toBe('HV3');
  });

  it('does not ask for live migration, which may not be set up yet', () => {
    expect(place((s) => (viewIn(s, 'HV1').migration!.enabled = false)).target).toBe('HV1');
  });

  it('goes only to the node that the file names', () => {
    expect(place(undefined, { node: 'HV3' }).target).toBe('HV3');
    expect(place((s) => makeBare(s, 'HV3'), { node: 'HV3' }).target).toBeNull();
  });

  it('lets the options win over the file', () => {
    const p = placeNewVm(aSnapshot(), spec({ node: 'HV3' }), { ...OPTIONS, only: 'HV2' });
    expect(p.target).toBe('HV2');
  });

  it('stays with a VM of that name that exists outside the cluster', () => {
    const p = place((s) => {
      viewIn(s, 'HV2').vms.push(aVm({ id: 'x', name: 'NEW-1', clustered: false }));
      viewIn(s, 'HV2').host.freeMemoryBytes = GB;
    });
    expect(p.target).toBe('HV2');
    expect(reason(p, 'HV1', 'exists-elsewhere')?.text).toContain('is on HV2');
  });

  it.each<[string, string, (s: Snapshot) => void, Partial<VmSpec>]>([
    ['memory', 'too little is free', (s) => (viewIn(s, 'HV1').host.freeMemoryBytes = GB), {}],
    ['switch-missing', 'the switch is missing', (s) => (viewIn(s, 'HV1').switches = []), {}],
    [
      'disk-missing',
      'it does not see the disk',
      (s) => (viewIn(s, 'HV1').files[0]!.exists = false),
      {},
    ],
    ['hyper-v-missing', 'it is bare', (s) => makeBare(s, 'HV1'), {}],
    ['disk-local', 'the disk is local', () => {}, { vhd: 'D:\\x.vhdx' }],
  ])('has the blocker %s when %s', (code, _when, change, vm) => {
    expect(codes(place(change, vm), 'HV1', 'blocker')).toEqual([code]);
  });

  it('needs no switch for a VM without network', () => {
    expect(place((s) => (viewIn(s, 'HV1').switches = []), { switch: null }).target).toBe('HV1');
  });
});

describe('explainPlacement', () => {
  it('says in one line per node why, the losers with their blockers alone', () => {
    const p = move((s) => {
      s.view.roles[0]!.preferredOwners = ['HV2'];
      s.view.nodes[2]!.state = 'Paused';
    });
    expect(explainPlacement(p)).toEqual([
      'HV2  chosen, score 127: preferred owner 1 of 1; free memory 96 GB, needs 10 GB plus a reserve of 2 GB',
      'HV1  no: the VM is on this node now',
      'HV3  no: the node is paused and takes no VMs',
    ]);
  });
});

describe('the weights', () => {
  it('keep the order that their comment promises', () => {
    const { preferred, antiAffinity, noFreeSlot, pendingRestart, cpuModel, memory } = WEIGHTS;
    const sizes = [preferred, -antiAffinity, -noFreeSlot, -pendingRestart, -cpuModel, memory];
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(new Set(sizes).size).toBe(sizes.length);
  });
});
