// States that no cluster can be in, each with the place in the scenario file that says so.
import { sizeText } from '../../domain/units.ts';
import { includesName, sameName } from '../../domain/names.ts';
import type { Fault } from './fault-schema.ts';
import type { Scenario } from './schema.ts';

export interface Finding {
  path: (string | number)[];
  message: string;
  /** A name that is not known, and those that are: the loader adds the nearest. */
  unknown?: { name: string; known: string[] };
}

const find = <T extends { name: string }>(list: T[], name: string): T | undefined =>
  list.find((item) => sameName(item.name, name));

function duplicates(list: { name: string }[], key: string, what: string): Finding[] {
  return list.flatMap((item, i) => {
    const first = list.findIndex((other) => sameName(other.name, item.name));
    if (first === i) return [];
    return [{ path: [key, i, 'name'], message: `${what} '${item.name}' is there twice` }];
  });
}

function unknownNode(
  s: Scenario,
  name: string,
  path: (string | number)[],
  what: string,
): Finding[] {
  if (find(s.nodes, name) !== undefined) return [];
  const known = s.nodes.map((node) => node.name);
  return [{ path, message: `${what} '${name}' is not a node`, unknown: { name, known } }];
}

function checkVm(s: Scenario, i: number): Finding[] {
  const vm = s.virtualMachines[i];
  if (vm === undefined) return [];
  const at = (...rest: (string | number)[]): (string | number)[] => ['virtualMachines', i, ...rest];
  const found: Finding[] = unknownNode(s, vm.owner, at('owner'), `the owner of VM '${vm.name}',`);
  for (const key of ['preferredOwners', 'possibleOwners'] as const)
    (vm[key] ?? []).forEach((name, j) => {
      found.push(...unknownNode(s, name, at(key, j), `an owner of VM '${vm.name}',`));
    });
  const owner = find(s.nodes, vm.owner);
  if (owner === undefined) return found;
  const say = (key: string, message: string): void => {
    found.push({ path: at(key), message });
  };
  if (!includesName(owner.features, 'Hyper-V'))
    say('owner', `VM '${vm.name}' is on ${owner.name}, which does not have Hyper-V`);
  if (vm.memory > owner.memory - owner.reservedMemory)
    say(
      'memory',
      `VM '${vm.name}' has ${sizeText(vm.memory)} of memory, its owner ${owner.name} ` +
        `${sizeText(owner.memory)} less ${sizeText(owner.reservedMemory)} for itself`,
    );
  if (owner.power === 'off' && vm.clustered)
    say('owner', `clustered VM '${vm.name}' is on ${owner.name}, which is switched off`);
  if (owner.power === 'off' && vm.state === 'Running')
    say('state', `VM '${vm.name}' is running on ${owner.name}, which is switched off`);
  const possible = vm.possibleOwners ?? [];
  if (possible.length > 0 && !includesName(possible, owner.name))
    say('possibleOwners', `VM '${vm.name}' is on ${owner.name}, which is not a possible owner`);
  if (vm.parents.length > 0 && vm.disks?.length === 0)
    say('parents', `VM '${vm.name}' has parents of a disk, and no disk`);
  (vm.switches ?? []).forEach((name, j) => {
    if (name === null || find(owner.switches, name) !== undefined) return;
    const known = owner.switches.map((other) => other.name);
    const message = `VM '${vm.name}' is connected to '${name}', which ${owner.name} does not have`;
    found.push({ path: at('switches', j), message, unknown: { name, known } });
  });
  s.virtualMachines.slice(0, i).forEach((other) => {
    if (sameName(other.name, vm.name) && sameName(other.owner, vm.owner) && other.id === vm.id)
      say('name', `there are two VMs '${vm.name}' on ${owner.name}; tell them apart by 'id'`);
  });
  const ids = s.virtualMachines.slice(0, i).flatMap((other) => other.id ?? []);
  if (vm.id !== undefined && includesName(ids, vm.id))
    say('id', `VM '${vm.name}' has the id of another VM`);
  return found;
}

function checkUpdates(s: Scenario): Finding[] {
  const known = s.updates.map(({ kb }) => kb);
  const unknownKb = (kb: string, path: (string | number)[]): Finding[] =>
    known.includes(kb)
      ? []
      : [{ path, message: `${kb} is not among the updates`, unknown: { name: kb, known } }];
  return [
    ...s.updates.flatMap(({ kb }, i) =>
      known.indexOf(kb) === i
        ? []
        : [{ path: ['updates', i, 'kb'], message: `update '${kb}' is there twice` }],
    ),
    ...s.updates.flatMap(({ kb, nodes = [], after }, i) => [
      ...nodes.flatMap((name, j) =>
        unknownNode(s, name, ['updates', i, 'nodes', j], `a node of ${kb},`),
      ),
      ...(after === undefined ? [] : unknownKb(after, ['updates', i, 'after'])),
    ]),
    ...s.packages.flatMap(({ kbs }, i) =>
      kbs.flatMap((kb, j) => unknownKb(kb, ['packages', i, 'kbs', j])),
    ),
  ];
}

/** What no Windows could be set up to be. */
function checkSetup(s: Scenario, i: number): Finding[] {
  const node = s.nodes[i];
  if (node === undefined) return [];
  const found: Finding[] = [];
  const say = (path: (string | number)[], message: string): void => {
    found.push({ path: ['nodes', i, ...path], message });
  };
  const { domain, workgroup, administrators } = node.setup;
  if (domain === null && workgroup === null)
    say(['setup', 'workgroup'], `${node.name} is neither in a workgroup nor in a domain`);
  administrators.forEach(({ name, builtIn }, j) => {
    const before = administrators.slice(0, j);
    if (before.some((other) => sameName(other.name, name)))
      say(['setup', 'administrators', j, 'name'], `${node.name} has the account '${name}' twice`);
    if (builtIn && before.some((other) => other.builtIn))
      say(['setup', 'administrators', j, 'builtIn'], `${node.name} has two built-in accounts`);
  });
  const vms = s.virtualMachines.map((vm) => vm.name);
  node.events.forEach(({ vm }, j) => {
    if (vm === null || includesName(vms, vm)) return;
    found.push({
      path: ['nodes', i, 'events', j, 'vm'],
      message: `this event is about '${vm}', which is not a VM`,
      unknown: { name: vm, known: vms },
    });
  });
  return found;
}

function checkMemory(s: Scenario): Finding[] {
  return s.nodes.flatMap((node, i) => {
    const running = s.virtualMachines.filter(
      (vm) => sameName(vm.owner, node.name) && (vm.state === 'Running' || vm.state === 'Paused'),
    );
    const used = running.reduce((sum, vm) => sum + vm.memory, 0);
    const has = node.memory - node.reservedMemory;
    if (has < 0)
      return [
        { path: ['nodes', i, 'reservedMemory'], message: `${node.name} keeps more than it has` },
      ];
    if (used <= has || running.some((vm) => vm.memory > has)) return [];
    const message =
      `the VMs running on ${node.name} need ${sizeText(used)} of memory, ` +
      `it has ${sizeText(has)} for them`;
    return [{ path: ['nodes', i, 'memory'], message }];
  });
}

/** Of what a node owns that is no VM. */
function checkOwners(s: Scenario): Finding[] {
  const owned = [
    { owner: s.coreGroup.owner, path: ['coreGroup'], what: 'the core group' },
    { owner: s.availableStorage.owner, path: ['availableStorage'], what: 'the available storage' },
    ...s.groups.map(({ name, owner }, i) => ({
      owner,
      path: ['groups', i],
      what: `group '${name}'`,
    })),
    ...s.sharedVolumes.map(({ name, owner }, i) => ({
      owner,
      path: ['sharedVolumes', i],
      what: `shared volume '${name}'`,
    })),
  ];
  return owned.flatMap(({ owner, path, what }) => {
    if (owner === undefined) return [];
    const at = [...path, 'owner'];
    const says = `the owner of ${what},`;
    if (find(s.nodes, owner)?.power === 'off')
      return [{ path: at, message: `${says} '${owner}' is switched off` }];
    return unknownNode(s, owner, at, says);
  });
}

/** The cluster's own, of VMs, and the others: no two of them have one name. */
function checkGroups(s: Scenario): Finding[] {
  const groups: { name: string; path: (string | number)[] }[] = [
    ...['Cluster Group', 'Available Storage'].map((name) => ({ name, path: [] })),
    ...s.virtualMachines.flatMap(({ clustered, role, name }, i) => {
      const path = ['virtualMachines', i, role === undefined ? 'name' : 'role'];
      return clustered ? [{ name: role ?? name, path }] : [];
    }),
    ...s.groups.map(({ name }, i) => ({ name, path: ['groups', i, 'name'] })),
  ];
  const known = groups.map(({ name }) => name);
  const taken = groups.flatMap(({ name, path }, i) =>
    includesName(known.slice(0, i), name)
      ? [{ path, message: `there is a group '${name}' already` }]
      : [],
  );
  const unknown = s.affinityRules.flatMap((rule, i) =>
    rule.groups.flatMap((name, j) =>
      includesName(known, name)
        ? []
        : [
            {
              path: ['affinityRules', i, 'groups', j],
              message: `the rule '${rule.name}' is about '${name}', which is no group`,
              unknown: { name, known },
            },
          ],
    ),
  );
  return [...duplicates(s.affinityRules, 'affinityRules', 'rule'), ...taken, ...unknown];
}

/** Names that a fault may use. */
export interface KnownNames {
  nodes: string[];
  vms: string[];
}

/** A VM that is only going to be created is known by its disk file: `web-1.vhdx` promises a VM `web-1`. */
export const vmNameOfDisk = (path: string): string =>
  path.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '');

/** `where` is the path of the fault; faults can also be added to a running lab. */
export function checkFault(fault: Fault, known: KnownNames, where: (string | number)[]): Finding[] {
  const found: Finding[] = [];
  const look = (name: string, list: string[], path: string[], what: string): void => {
    if (includesName(list, name)) return;
    const message = `this fault is about '${name}', which is not ${what}`;
    found.push({ path: [...where, ...path], message, unknown: { name, known: list } });
  };
  const vm = 'the name of a VM here, nor of a file in `disks`';
  if (fault.node !== undefined) look(fault.node, known.nodes, ['node'], 'a node');
  if (fault.vm !== undefined) look(fault.vm, known.vms, ['vm'], vm);
  if (fault.when !== undefined && 'vm' in fault.when)
    look(fault.when.vm, known.vms, ['when', 'vm'], vm);
  return found;
}

export function checkScenario(s: Scenario): Finding[] {
  const found = [
    ...duplicates(s.nodes, 'nodes', 'node'),
    ...duplicates(s.networks, 'networks', 'network'),
    ...duplicates(s.sharedVolumes, 'sharedVolumes', 'shared volume'),
    ...s.virtualMachines.flatMap((_, i) => checkVm(s, i)),
    ...s.nodes.flatMap((_, i) => checkSetup(s, i)),
    ...checkUpdates(s),
    ...checkOwners(s),
    ...checkGroups(s),
    ...checkMemory(s),
  ];
  s.nodes.forEach((node, i) => {
    node.switches.forEach((item, j) => {
      const first = node.switches.findIndex((other) => sameName(other.name, item.name));
      if (first !== j)
        found.push({
          path: ['nodes', i, 'switches', j],
          message: `${node.name} has the switch '${item.name}' twice`,
        });
    });
  });
  s.disks.forEach((disk, i) => {
    if (disk.node !== null)
      found.push(...unknownNode(s, disk.node, ['disks', i, 'node'], 'the disk file holder'));
  });
  const known = {
    nodes: s.nodes.map((node) => node.name),
    vms: [
      ...s.virtualMachines.map((vm) => vm.name),
      ...s.disks.map((disk) => vmNameOfDisk(disk.path)),
    ],
  };
  s.faults.forEach((fault, i) => {
    found.push(...checkFault(fault, known, ['faults', i]));
  });
  return found;
}
