// The lab's state as tables for a terminal.
import { durationText, sizeText } from '../domain/units.ts';
import type { LabState } from './machine/state.ts';

function table(title: string, head: string[], rows: string[][]): string[] {
  if (rows.length === 0) return [];
  const widths = head.map((h, i) =>
    Math.max(h.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: string[]): string =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd();
  return ['', title, line(head), ...rows.map(line)];
}

export function showState(state: LabState): string {
  const { cluster } = state;
  const pace = state.speed === 0 ? 'stands still until told' : `runs ${state.speed} times as fast`;
  const quorum = cluster.quorate ? '' : ', without quorum';
  return [
    `${cluster.name}${quorum}: ${state.now}, time ${pace}`,
    `MaximumParallelMigrations ${cluster.maximumParallelMigrations}`,
    ...table(
      'Nodes',
      ['NAME', 'POWER', 'CLUSTER', 'HYPER-V', 'MEMORY', 'FREE', 'BOOTED'],
      state.nodes.map((node) => [
        node.name,
        node.power,
        node.quarantined ? `${node.state} (quarantined)` : node.state,
        node.features['Hyper-V'] ?? 'Available',
        sizeText(node.memoryBytes),
        sizeText(node.freeMemoryBytes),
        node.bootTime,
      ]),
    ),
    ...table(
      'Virtual machines',
      ['NAME', 'OWNER', 'STATE', 'ROLE', 'MEMORY', 'UPTIME', 'HEARTBEAT'],
      state.vms.map((vm) => [
        vm.name,
        vm.owner,
        vm.state,
        state.roles.find((role) => role.vmId === vm.id)?.state ?? '-',
        sizeText(vm.memoryStartupBytes),
        durationText(vm.uptimeSeconds * 1000),
        vm.heartbeat,
      ]),
    ),
    ...table(
      'Live migrations',
      ['VM', 'FROM', 'TO', 'PHASE', 'PERCENT', 'BY'],
      state.moves.map((m) => [m.vm, m.from, m.to, m.phase, String(m.percent), m.by]),
    ),
    ...table(
      'Faults to come',
      ['ON', 'ABOUT', 'TIMES', 'DETAIL'],
      state.faults.map(({ fault, left }) => [
        fault.on,
        [fault.node, fault.vm].filter((name) => name !== undefined).join(' ') || '-',
        left === null ? 'always' : String(left),
        JSON.stringify({ at: fault.at, when: fault.when, error: fault.error }),
      ]),
    ),
  ].join('\n');
}
