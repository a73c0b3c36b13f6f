// Scenario files: what is refused, where the mistake is, and which word was probably meant.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../config/config-error.ts';
import { loadScenario, parseScenario } from '../../lab/scenario/read.ts';
import { host, labOf, THREE, vm } from './lab-fixture.ts';

const SCENARIOS = path.join(import.meta.dirname, '../../lab/scenarios');

function problemsOf(yaml: string): string[] {
  try {
    parseScenario(yaml, 'x.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('a scenario file', () => {
  const shipped = readdirSync(SCENARIOS).filter(
    (file) => file.endsWith('.yaml') && !file.endsWith('.cluster.yaml'),
  );
  it.each(shipped)('%s of ours can be used', (file) => {
    expect(loadScenario(path.join(SCENARIOS, file)).nodes.length).toBeGreaterThan(1);
  });

  it('has defaults for everything but the cluster, and name and memory of nodes and VMs', () => {
    const s = parseScenario('cluster: c\nnodes: [{ name: N, memory: 8GB }]\n', 'x.yaml');
    expect(s).toMatchObject({
      speed: 1,
      maximumParallelMigrations: 1,
      witness: { kind: 'Disk', online: true },
      autoBalancer: { mode: 0 },
      failoverSeconds: 30,
    });
    expect(s.nodes[0]).toMatchObject({ bootSeconds: 90, migrationNetwork: 1.25e9, features: [] });
  });

  it('gives the same ids every time', () => {
    const ids = () =>
      labOf(THREE)
        .lab.state()
        .vms.map(({ id }) => id);
    expect(ids()).toEqual(ids());
    expect(new Set(ids()).size).toBe(2);
    for (const id of ids()) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  const c = 'cluster: c';
  const ID = 'aaaaaaaa-0000-4000-8000-000000000001';
  const nodes = `nodes:\n${host('HV1')}\n${host('HV2')}`;
  const set = (keys: string): string => `nodes:\n  - { name: N, memory: 8GB, setup: { ${keys} } }`;
  const rows: [string, string, RegExp][] = [
    [
      'has microcode that is none',
      `${c}\n${set('microcode: latest')}`,
      /x\.yaml:3:49 nodes\[0\]\.setup\.microcode: .*like '2B000639'/,
    ],
    [
      'has an unknown key in a setup',
      `${c}\n${set('trustedHost: []')}`,
      /did you mean trustedHosts\?/,
    ],
    [
      'has several trusted hosts in one entry',
      `${c}\n${set("trustedHosts: ['HV2, HV3']")}`,
      /trustedHosts\[0\]: .*write one host per entry/,
    ],
    ['has a policy that is no number', `${c}\n${set('allowPku2u: off')}`, /setup\.allowPku2u/],
    [
      'has a policy that no registry holds',
      `${c}\n${set('localAccountTokenFilterPolicy: -1')}`,
      /localAccountTokenFilterPolicy: must be at least 0/,
    ],
    ['closes a port that is none', `${c}\n${set('closedPorts: [70000]')}`, /closedPorts\[0\]/],
    [
      'has a node in no workgroup and no domain',
      `${c}\n${set('workgroup: null')}`,
      /N is neither in a workgroup nor in a domain/,
    ],
    [
      'has an account twice',
      `${c}\n${set('administrators: [{ name: a }, { name: A }]')}`,
      /administrators\[1\]\.name: N has the account 'A' twice/,
    ],
    [
      'has two built-in administrators',
      `${c}\n${set('administrators: [{ name: a, builtIn: true }, { name: b, builtIn: true }]')}`,
      /administrators\[1\]\.builtIn: N has two built-in accounts/,
    ],
    [
      'has an event in a log that nobody reads',
      `${c}\nnodes: [{ name: N, memory: 8GB, events: [{ log: Sistem, id: 1 }] }]`,
      /events\[0\]\.log/,
    ],
    [
      'has an event about a VM that is not there',
      `${c}\n${THREE.replace('HV1,', 'HV1, events: [{ log: System, id: 1, vm: aa }],')}`,
      /events\[0\]\.vm: .*'aa', which is not a VM; did you mean a\?/,
    ],
    [
      'has parents of no disk',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1').replace('name: a', "name: a, disks: [], parents: ['C:\\b.vhdx']")}`,
      /parents: VM 'a' has parents of a disk, and no disk/,
    ],
    ['is empty', '', /x\.yaml.*is empty/],
    ['is not YAML', 'cluster: [', /x\.yaml:1:\d+:? .*not valid YAML/],
    ['has an unknown key', `${c}\nnoodes: []\n`, /x\.yaml:2:1 .*did you mean nodes\?/],
    [
      'has an unknown key in a node',
      `${c}\nnodes:\n  - { name: N, memory: 8GB, bootSecond: 3 }`,
      /x\.yaml:3:29 .*did you mean bootSeconds\?/,
    ],
    ['lacks the cluster', nodes, /cluster: is missing/],
    ['has no node', `${c}\nnodes: []`, /x\.yaml:2:8 nodes: needs at least 1/],
    [
      'has a size that is none',
      `${c}\nnodes: [{ name: N, memory: 10 bananas }]`,
      /x\.yaml:2:28 .*"10 bananas" is not a size/,
    ],
    [
      'has a rate that is none',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1').replace('0MB/s', '5 knots')}`,
      /"5 knots" is not a rate/,
    ],
    [
      'has a negative time',
      `${c}\nnodes:\n${host('HV1').replace('60', '-1')}`,
      /bootSeconds: must be at least 0/,
    ],
    ['has no time at all', `${c}\nspeed: 0\n${nodes}`, /x\.yaml:2:8 speed/],
    [
      'names an unknown operation',
      `${c}\n${nodes}\nfaults:\n  - { on: startMov }`,
      /x\.yaml:6:11 faults\[0\]\.on: "startMov" .*did you mean startMove\?/,
    ],
    [
      'names an unknown world event',
      `${c}\n${nodes}\nfaults:\n  - { on: nodeCrush }`,
      /did you mean nodeCrash\?/,
    ],
    [
      'has a percentage out of range',
      `${c}\n${THREE}faults:\n  - { on: nodeCrash, node: HV1, when: { vm: a, percent: 101 } }`,
      /percent/,
    ],
    [
      'has a fault about an unknown node',
      `${c}\n${THREE}faults:\n  - { on: readHost, node: HV7 }`,
      /faults\[0\]\.node: .*'HV7'.*not a node; did you mean HV/,
    ],
    [
      'has a fault about an unknown VM',
      `${c}\n${THREE}faults:\n  - { on: startMove, vm: zebra }`,
      /faults\[0\]\.vm: .*'zebra'/,
    ],
    [
      'has a fault that waits for an unknown VM',
      `${c}\n${THREE}faults:\n  - { on: quorumLost, seconds: 1, when: { vm: zebra, percent: 5 } }`,
      /faults\[0\]\.when\.vm: .*'zebra'/,
    ],
    [
      'has a world event that never comes',
      `${c}\n${nodes}\nfaults:\n  - { on: nodeCrash, node: HV1 }`,
      /'nodeCrash' needs 'when'/,
    ],
    [
      'has a world event without its node',
      `${c}\n${nodes}\nfaults:\n  - { on: networkDown, seconds: 3, when: { seconds: 1 } }`,
      /'networkDown' needs 'node'/,
    ],
    [
      'has a boot failure at a moment',
      `${c}\n${nodes}\nfaults:\n  - { on: bootFails, node: HV1, when: { seconds: 1 } }`,
      /'bootFails' .*takes no 'when'/,
    ],
    [
      'has an endless outage',
      `${c}\n${nodes}\nfaults:\n  - { on: csvPaused, when: { seconds: 1 } }`,
      /'csvPaused' needs 'seconds'/,
    ],
    [
      'has a lost answer with an error',
      `${c}\n${nodes}\nfaults:\n  - { on: readHost, at: after-effect, error: { errorId: X } }`,
      /cannot carry an error/,
    ],
    [
      'has an HRESULT that is none',
      `${c}\n${nodes}\nfaults:\n  - { on: readHost, error: { hresult: '0x12' } }`,
      /HRESULT/,
    ],
    [
      'has a node twice',
      `${c}\nnodes:\n${host('HV1')}\n${host('hv1')}`,
      /nodes\[1\]\.name: node 'hv1' is there twice/,
    ],
    [
      'has a VM on no node',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV3')}`,
      /virtualMachines\[0\]\.owner: .*'HV3' is not a node; did you mean HV/,
    ],
    [
      'has a VM on a node without Hyper-V',
      `${c}\nnodes: [{ name: N, memory: 8GB }]\nvirtualMachines:\n${vm('a', 'N')}`,
      /does not have Hyper-V/,
    ],
    [
      'has a VM larger than its node',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1').replace('4GB', '61GB')}`,
      /VM 'a' has 61 GB of memory/,
    ],
    [
      'has VMs that do not fit together',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1').replace('4GB', '31GB')}\n${vm('b', 'HV1').replace('4GB', '31GB')}`,
      /need 62 GB of memory, it has 60 GB/,
    ],
    [
      'has two VMs of one name on a node',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1', 'clustered: false')}\n${vm('A', 'HV1', 'clustered: false')}`,
      /two VMs 'A' on HV1/,
    ],
    [
      'has two VMs of one id, however it is written',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1', `id: ${ID}`)}\n${vm('b', 'HV2', `id: ${ID.toUpperCase()}`)}`,
      /virtualMachines\[1\]\.id: VM 'b' has the id of another VM/,
    ],
    [
      'has two roles of one name',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1')}\n${vm('a', 'HV2')}`,
      /virtualMachines\[1\]\.name: there is a group 'a' already/,
    ],
    [
      'has two roles of one name, one of them given',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1')}\n${vm('b', 'HV2', 'role: A')}`,
      /virtualMachines\[1\]\.role: there is a group 'A' already/,
    ],
    [
      'has a group twice',
      `${c}\n${nodes}\ngroups: [{ name: share }, { name: Share }]`,
      /groups\[1\]\.name: there is a group 'Share' already/,
    ],
    [
      'has a group that is called as a role',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1')}\ngroups: [{ name: A }]`,
      /groups\[0\]\.name: there is a group 'A' already/,
    ],
    [
      'has a group that is called as the cluster’s own',
      `${c}\n${nodes}\ngroups: [{ name: cluster group }]`,
      /groups\[0\]\.name: there is a group 'cluster group' already/,
    ],
    [
      'gives the core group to no node',
      `${c}\n${nodes}\ncoreGroup: { owner: HV3 }`,
      /coreGroup\.owner: .*'HV3' is not a node; did you mean HV/,
    ],
    [
      'gives the available storage to no node',
      `${c}\n${nodes}\navailableStorage: { owner: HV3 }`,
      /availableStorage\.owner: .*'HV3' is not a node/,
    ],
    [
      'gives a group to no node',
      `${c}\n${nodes}\ngroups: [{ name: share, owner: HV3 }]`,
      /groups\[0\]\.owner: .*'HV3' is not a node/,
    ],
    [
      'gives the core group to a node without power',
      `${c}\nnodes:\n${host('HV1', 'power: off')}\n${host('HV2')}\ncoreGroup: { owner: hv1 }`,
      /coreGroup\.owner: .*'hv1' is switched off/,
    ],
    [
      'gives a shared volume to a node without power',
      `${c}\nnodes:\n${host('HV1', 'power: off')}\n${host('HV2')}\nsharedVolumes: [{ name: v, path: 'C:\\v', owner: HV1 }]`,
      /sharedVolumes\[0\]\.owner: .*'HV1' is switched off/,
    ],
    [
      'has a rule of affinity about a role that is not there',
      `${c}\n${nodes}\naffinityRules: [{ name: r, type: SameNode, groups: [aa] }]\nvirtualMachines:\n${vm('a', 'HV1')}`,
      /affinityRules\[0\]\.groups\[0\]: .*'aa', which is no group; did you mean a\?/,
    ],
    [
      'has a rule of affinity twice',
      `${c}\n${nodes}\naffinityRules: [{ name: r, type: SameNode }, { name: R, type: SameNode }]`,
      /affinityRules\[1\]\.name: rule 'R' is there twice/,
    ],
    [
      'has a clustered VM on a node without power',
      `${c}\nnodes:\n${host('HV1', 'power: off')}\n${host('HV2')}\nvirtualMachines:\n${vm('a', 'HV1', 'state: Off')}`,
      /clustered VM 'a' is on HV1, which is switched off/,
    ],
    [
      'has a VM outside its possible owners',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1', 'possibleOwners: [HV2]')}`,
      /not a possible owner/,
    ],
    [
      'has a VM on a switch that its node lacks',
      `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1', 'switches: [LAM]')}`,
      /did you mean LAN\?/,
    ],
    [
      'has a name with a control character',
      `${c}\nnodes: [{ name: "N\\u0007", memory: 8GB }]`,
      /control character/,
    ],
  ];
  it.each(rows)('that %s is refused with the place', (_name, yaml, message) => {
    const problems = problemsOf(yaml);
    expect(problems.join('\n')).toMatch(message);
    expect(problems.every((line) => line.startsWith('x.yaml'))).toBe(true);
  });

  it('tells every problem at once', () => {
    const yaml = `${c}\n${nodes}\nfaults:\n  - { on: readHost, node: HV8 }\n  - { on: readHost, node: HV9 }`;
    expect(problemsOf(yaml)).toHaveLength(2);
  });

  it('may have two VMs of one name on a node when their ids differ, as Hyper-V does', () => {
    const one = "clustered: false, id: '00000000-0000-4000-8000-000000000001'";
    const two = one.replace(/1'$/, "2'");
    expect(
      problemsOf(
        `${c}\n${nodes}\nvirtualMachines:\n${vm('a', 'HV1', one)}\n${vm('a', 'HV1', two)}`,
      ),
    ).toEqual([]);
  });

  it('may have a fault about a VM whose disk waits for it', () => {
    const yaml = `${c}\n${nodes}\ndisks: ['C:\\ClusterStorage\\Volume1\\web-1.vhdx']\nfaults: [{ on: startMove, vm: web-1 }]`;
    expect(problemsOf(yaml)).toEqual([]);
  });
});
