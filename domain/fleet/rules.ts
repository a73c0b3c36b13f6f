// The rules of placement (placement-rules.ts), asked about every VM of a survey and every node: what no moment changes.
// Memory, anti-affinity and slots change while a plan goes on; those are the planner's.
import type { ClusterNodeFacts, Snapshot } from '../facts.ts';
import { includesName } from '../names.ts';
import { ownerEndFindings } from '../placement.ts';
import { judgeNode, type Finding, type Need } from '../placement-rules.ts';
import type { Bar } from '../planner/problem.ts';
import { surveyOf, type NodeSurvey, type PlacedVm, type Survey } from './survey.ts';

export interface Ruling {
  never: Readonly<Record<string, readonly Bar[]>>;
  avoid: readonly string[];
}

/** Soft rules that a plan heeds as wishes; the others are about a moment, or are wishes of the VM itself. */
const AVOIDED = ['cpu-model', 'pending-restart'];
/** The rule that a node of the task breaks only until it is back. */
const PAUSED = 'node-paused';

export class Rules {
  private readonly snapshot: Snapshot;
  private readonly survey: Survey;
  private readonly reopened: readonly string[];
  /** A cluster has thousands of VMs and a few dozen kinds of them. */
  private readonly known = new Map<string, Ruling>();

  /** @param reopened nodes that are paused for as long as they are worked on. */
  constructor(survey: Survey, reopened: readonly string[]) {
    this.survey = survey;
    this.snapshot = snapshotOf(survey);
    this.reopened = reopened;
  }

  /** Nobody can say where it may go: it stays, and its memory counts. */
  nowhere(bar: Bar): Ruling {
    const never = this.snapshot.view.nodes.map(({ name }) => [name, [bar]] as const);
    return { never: Object.fromEntries(never), avoid: [] };
  }

  about(placed: PlacedVm): Ruling {
    const { vm, node } = placed;
    const kind = [
      vm.switches,
      vm.compatibility,
      vm.version,
      vm.possibleOwners,
      vm.bound,
      vm.volumes,
    ];
    const key = JSON.stringify([node, kind]);
    const ruling = this.known.get(key) ?? this.judge(placed);
    this.known.set(key, ruling);
    return ruling;
  }

  /** Why no VM may come to the node at all, whatever the VM; null: some may. */
  whyClosed(node: ClusterNodeFacts): string | null {
    const bars = barsIn(judgeNode(this.snapshot, node, ANY));
    return bars.length === 0 ? null : bars.map(({ text }) => text).join(', ');
  }

  private judge({ vm, node: owner }: PlacedVm): Ruling {
    const need = needOf(vm, owner, surveyOf(this.survey, owner));
    const own = [
      ...(vm.bound ?? []).map((text) => ({ code: 'bound', text })),
      ...barsIn(ownerEndFindings(this.snapshot, { owner, vmId: vm.vmId })),
    ];
    const never: Record<string, readonly Bar[]> = {};
    const avoid: string[] = [];
    for (const node of this.snapshot.view.nodes) {
      const findings = judgeNode(this.snapshot, node, need);
      const comesBack = includesName(this.reopened, node.name);
      const bars = [...barsIn(findings).filter((b) => !comesBack || b.code !== PAUSED), ...own];
      if (bars.length > 0) never[node.name] = bars;
      else if (findings.some(({ reason }) => AVOIDED.includes(reason.code))) avoid.push(node.name);
    }
    return { never, avoid };
  }
}

const barsIn = (findings: readonly Finding[]): Bar[] =>
  findings.flatMap(({ reason: { kind, code, text } }) =>
    kind === 'blocker' ? [{ code, text }] : [],
  );

/** Of a VM that asks for nothing. */
const ANY: Need = {
  vmId: null,
  // It may come back to where it is.
  owner: null,
  memoryBytes: 0,
  reserveBytes: 0,
  switches: [],
  version: null,
  cpu: null,
  possibleOwners: [],
  preferredOwners: [],
  antiAffinityClassNames: [],
  moves: true,
  comingTo: null,
  roleName: null,
  disks: [],
  vhd: null,
  boundTo: null,
};

/** As placement makes it of a VM that is to be moved, without what is of the moment. */
function needOf(vm: PlacedVm['vm'], owner: string, home: NodeSurvey | null): Need {
  return {
    ...ANY,
    vmId: vm.vmId,
    switches: vm.switches,
    version: vm.version,
    cpu:
      home === null
        ? null
        : { vendor: home.cpuVendor, name: home.cpuName, mustMatchModel: !vm.compatibility },
    possibleOwners: vm.possibleOwners ?? [owner],
    disks: (vm.volumes ?? []).map((volume) => `${volume}\\disk`),
  };
}

/** In the words of placement, as far as its rules ask. */
function snapshotOf(s: Survey): Snapshot {
  const { cluster, takenAt, answeredBy, nodes, networks, sharedVolumes } = s.cluster;
  const views = nodes.flatMap(({ name }): [string, Snapshot['nodes'][string]][] => {
    const answer = s.nodes[name];
    if (answer === undefined) return [];
    return [[name, 'survey' in answer ? { view: viewOf(s, name, answer.survey) } : answer]];
  });
  return {
    view: { takenAt, answeredBy, cluster, nodes, roles: [], networks, sharedVolumes },
    nodes: Object.fromEntries(views),
  };
}

function viewOf(s: Survey, node: string, told: NodeSurvey) {
  const { takenAt } = s.cluster;
  return {
    takenAt,
    host: {
      node,
      now: takenAt,
      osVersion: '',
      boot: '',
      bootTime: takenAt,
      memoryBytes: told.memoryBytes,
      freeMemoryBytes: told.freeBytes,
      cpuVendor: told.cpuVendor,
      cpuName: told.cpuName,
      logicalProcessors: 0,
      vmVersions: told.vmVersions,
      pendingRestart: told.pendingRestart,
    },
    features: [],
    services: told.servicesDown.map((name) => ({ name, state: 'Stopped' as const })),
    switches: told.switches.map((name) => ({ name, type: 'External' as const })),
    migration: {
      enabled: told.performance !== null,
      maximumMigrations: 0,
      maximumStorageMigrations: 0,
      performance: told.performance ?? 'Compression',
      authentication: 'CredSSP' as const,
      useAnyNetwork: true,
    },
    vms: [],
    files: [],
  };
}
