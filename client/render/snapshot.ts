// `cluster show`: nodes, virtual machines and the settings that decide about live migration, as they are now.
import { sizeText } from '../../domain/units.ts';
import type { NodeView, RoleFacts, Snapshot } from '../../domain/facts.ts';
import { includesName, sameName } from '../../domain/names.ts';
import type { Colors } from '../terminal.ts';
import { oneLine, table, wrap } from './format.ts';

interface Options {
  columns: number;
  colors: Colors;
}

export function snapshotLines(s: Snapshot, workers: readonly string[], o: Options): string[] {
  const { cluster, roles, sharedVolumes } = s.view;
  const witness =
    cluster.witness.kind === 'None' ? 'no witness' : `${cluster.witness.kind} witness`;
  const lines = [
    o.colors.bold(`Cluster ${oneLine(cluster.name)}`) +
      `  (told by ${s.view.answeredBy}, ${witness})`,
    `  Simultaneous live migrations: ${cluster.maximumParallelMigrations} (MaximumParallelMigrations)`,
  ];
  for (const v of sharedVolumes) lines.push(`  Volume ${v.path}: ${v.state}, owner ${v.owner}`);
  lines.push('', o.colors.bold('Nodes'), ...indented(nodeTable(s, workers, o)));
  lines.push(...silentLines(s, o));
  const vms = roles.length === 0 ? ['none'] : vmTable(s, roles, o);
  lines.push('', o.colors.bold('Virtual machines'), ...indented(vms));
  return lines;
}

const indented = (lines: readonly string[]): string[] => lines.map((l) => `  ${l}`);

const viewOf = (s: Snapshot, node: string): NodeView | null => {
  const entry = Object.entries(s.nodes).find(([name]) => sameName(name, node))?.[1];
  return entry !== undefined && 'view' in entry ? entry.view : null;
};

function nodeTable(s: Snapshot, workers: readonly string[], o: Options): string[] {
  const names = allNodes(s);
  const rows = names.map((name) => {
    const state = s.view.nodes.find((n) => sameName(n.name, name));
    const view = viewOf(s, name);
    const features = view?.features.filter((f) => f.state === 'Installed').map((f) => f.name) ?? [];
    const migration = view?.migration ?? null;
    return [
      name,
      state === undefined ? 'not a member' : state.quarantined ? 'Quarantined' : state.state,
      includesName(workers, name) ? 'yes' : 'no',
      view === null
        ? '?'
        : `${sizeText(view.host.freeMemoryBytes)} of ${sizeText(view.host.memoryBytes)}`,
      features.join(', ') || (view === null ? '?' : 'none'),
      migration === null ? '-' : migrationText(migration),
      view?.host.pendingRestart === true ? 'restart owed' : '',
    ];
  });
  const head = ['NODE', 'STATE', 'WORKER', 'MEMORY FREE', 'FEATURES', 'LIVE MIGRATION', ''];
  return table([head, ...rows], o.columns - 2);
}

function migrationText(m: NonNullable<NodeView['migration']>): string {
  if (!m.enabled) return 'off';
  return `${m.maximumMigrations} at once, ${m.performance}`;
}

/** Members first, in the cluster's order, then nodes that only have a worker. */
function allNodes(s: Snapshot): string[] {
  const names = s.view.nodes.map((n) => n.name);
  for (const name of Object.keys(s.nodes)) {
    if (!includesName(names, name)) names.push(name);
  }
  return names;
}

function silentLines(s: Snapshot, o: Options): string[] {
  return Object.entries(s.nodes).flatMap(([name, entry]) =>
    'noAnswer' in entry
      ? wrap(
          `${name} told nothing: ${entry.noAnswer.code}: ${entry.noAnswer.message}`,
          o.columns,
          '  ',
        )
      : [],
  );
}

function vmTable(s: Snapshot, roles: readonly RoleFacts[], o: Options): string[] {
  const vms = Object.values(s.nodes).flatMap((n) => ('view' in n ? n.view.vms : []));
  const rows = roles.map((role) => {
    const vm = vms.find((v) => v.id === role.vmId);
    return [
      // A role may be called otherwise than its VM; both names find it.
      vm === undefined || sameName(vm.name, role.name)
        ? oneLine(role.name)
        : `${oneLine(vm.name)} (role ${oneLine(role.name)})`,
      role.owner,
      vm?.state ?? role.state,
      vm === undefined ? '?' : sizeText(vm.memoryAssignedBytes || vm.memoryStartupBytes),
      moveText(role),
    ];
  });
  return table([['VM', 'OWNER', 'STATE', 'MEMORY', 'MOVE'], ...rows], o.columns - 2);
}

/** `failed` and `cancelled` stick until the next move, so they are history, not news. */
function moveText({ move }: RoleFacts): string {
  switch (move.phase) {
    case 'none':
    case 'unknown':
      return '';
    case 'cancelled':
    case 'failed':
      return `last one ${move.phase}`;
    case 'setup':
    case 'data-transfer':
    case 'moving-group':
    case 'migrating': {
      const target = move.target === null ? '' : ` to ${move.target}`;
      return `moving${target}, ${Math.floor(move.percent)} %`;
    }
  }
}
