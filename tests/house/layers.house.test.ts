// The lint rule that keeps the arrow from turning: what it lets through and what it stops. That the code obeys is
// shown by `npm run lint`.
import { describe, expect, it } from 'vitest';
import {
  circleThrough,
  LAYERS,
  readImports,
  roomOf,
  ROOMS,
  whyNot,
} from '../../scripts/layers.mjs';
import { ROOT } from '../support/built-setup.ts';
import { ATTRIBUTE } from '../../domain/names.ts';
import { projectFiles, readProjectFile } from '../support/tree.ts';

type Kind = 'value' | 'type' | 'dynamic';
type Row = [file: string, source: string, kind: Kind];

describe('a file may import', () => {
  it.each<Row>([
    ['client/watch.ts', '../domain/names.ts', 'value'],
    ['client/commands/run.ts', '../../workflows/messages.ts', 'value'],
    ['client/commands/processes.ts', '../../workers/node-worker.ts', 'dynamic'],
    ['workflows/steps.ts', '../activities/index.ts', 'type'],
    ['workflows/steps.ts', '@temporalio/workflow', 'value'],
    ['activities/move.ts', '../hyperv/host.ts', 'value'],
    ['hyperv/powershell/shell.ts', 'node-powershell', 'value'],
    ['lab/host.ts', '../hyperv/host.ts', 'value'],
    ['workers/main.ts', '../lab/client.ts', 'value'],
    ['domain/plan.ts', './facts.ts', 'value'],
    ['proof/rig/servers.ts', '../../client/temporal-server/start.ts', 'value'],
    ['proof/sim/main.ts', '../../activities/index.ts', 'value'],
    ['proof/sim/main.ts', '@temporalio/worker', 'value'],
    ['tests/unit/plan.unit.test.ts', '../../client/watch.ts', 'value'],
    ['client/watch.ts', './render/steps.ts', 'value'],
    ['client/cluster/name.ts', '../runs/list.ts', 'value'],
    ['client/runs/list.ts', '../temporal/connection.ts', 'value'],
    ['config/temporal/keys.ts', '../variables.ts', 'type'],
    ['domain/doctor/checks/vms.ts', '../check.ts', 'value'],
    ['lab/powershell/door.ts', '../machine/lab.ts', 'value'],
    ['proof/bench/measures/doctor.ts', '../bench.ts', 'type'],
    ['proof/bench/measures/doctor.ts', '../../rig/lab.ts', 'value'],
    ['proof/sim/temporal/server.ts', '../../../domain/status.ts', 'type'],
  ])('%s <- %s (%s)', (file, source, kind) => {
    expect(whyNot(file, source, kind)).toBeNull();
  });
});

describe('a file may not import', () => {
  it.each<Row>([
    ['domain/plan.ts', '../config/cluster-file.ts', 'value'],
    ['domain/plan.ts', '../config/cluster-file.ts', 'type'],
    ['domain/plan.ts', 'zod', 'value'],
    ['domain/plan.ts', 'node:crypto', 'value'],
    ['config/cluster-file.ts', '../hyperv/host.ts', 'value'],
    ['hyperv/host.ts', '../lab/machine/lab.ts', 'value'],
    ['hyperv/host.ts', '../activities/move.ts', 'value'],
    ['hyperv/host.ts', 'node-powershell', 'value'],
    ['activities/move.ts', '../workflows/steps.ts', 'value'],
    ['activities/move.ts', '../lab/machine/lab.ts', 'value'],
    ['workflows/steps.ts', '../activities/index.ts', 'value'],
    ['workflows/steps.ts', '../hyperv/host.ts', 'value'],
    ['workflows/steps.ts', 'zod', 'value'],
    ['workflows/steps.ts', 'node:fs', 'value'],
    ['workflows/steps.ts', '@temporalio/activity', 'value'],
    ['client/watch.ts', '../workers/node-worker.ts', 'dynamic'],
    ['client/commands/processes.ts', '../../workers/node-worker.ts', 'value'],
    ['client/commands/demo.ts', '../../lab/machine/lab.ts', 'value'],
    ['client/temporal/connection.ts', '@temporalio/worker', 'value'],
    ['client/temporal/connection.ts', '@temporalio/worker', 'dynamic'],
    ['lab/host.ts', '../activities/move.ts', 'value'],
    ['workers/main.ts', '../client/watch.ts', 'value'],
    ['proof/bench/main.ts', '../../tests/support/processes.ts', 'value'],
    ['client/watch.ts', '../proof/rig/random.ts', 'value'],
    ['client/runs/list.ts', '../render/run-list.ts', 'value'],
    ['client/runs/list.ts', '../render/run-list.ts', 'type'],
    ['client/temporal/connection.ts', '../runs/list.ts', 'value'],
    ['client/new-room/deed.ts', '../runs/list.ts', 'value'],
    ['client/runs/list.ts', '../new-room/deed.ts', 'value'],
    ['lab/machine/lab.ts', '../powershell/door.ts', 'value'],
    ['lab/machine/lab.ts', '../host.ts', 'type'],
    ['proof/rig/servers.ts', '../bench/figures.ts', 'type'],
    ['proof/sim/temporal/server.ts', '../sim-worker.ts', 'type'],
    ['proof/sim/temporal/server.ts', '../../../domain/names.ts', 'value'],
  ])('%s <- %s (%s)', (file, source, kind) => {
    expect(whyNot(file, source, kind)).toMatch(/\w/);
  });
});

it('knows every folder of the product', () => {
  const outside = ['tests', 'scripts', 'deploy', 'docs', '.github', '.ci'];
  const folders = projectFiles()
    .filter((file) => file.includes('/'))
    .map((file) => file.split('/')[0] ?? '')
    .filter((folder) => !outside.includes(folder));
  expect(Object.keys(LAYERS).sort()).toEqual([...new Set(folders)].sort());
});

it('knows every room of a folder that has rooms', () => {
  const unknown = projectFiles()
    .filter((file) => /\.m?ts$/.test(file) && (file.split('/')[0] ?? '') in ROOMS)
    .filter((file) => roomOf(file) === undefined);
  expect(unknown).toEqual([]);
});

describe('a circle of imports', () => {
  const graph = new Map([
    ['a.ts', ['b.ts', 'd.ts']],
    ['b.ts', ['c.ts']],
    ['c.ts', ['a.ts']],
    ['d.ts', []],
  ]);

  it('is told as the way from a file back to itself', () => {
    expect(circleThrough(graph, 'a.ts', 'b.ts')).toEqual(['a.ts', 'b.ts', 'c.ts', 'a.ts']);
    expect(circleThrough(graph, 'a.ts', 'd.ts')).toBeNull();
  });

  it('is nowhere in the tree, not even of types', () => {
    const imports = readImports(ROOT, Object.keys(LAYERS));
    expect(imports.get('client/main.ts')).toContain('client/program.ts');
    const circles = [...imports].flatMap(([file, targets]) =>
      targets.flatMap((target) => circleThrough(imports, file, target)?.join(' -> ') ?? []),
    );
    expect(circles).toEqual([]);
  });
});

it('search attributes and the first part of ids are spelled in domain/names.ts alone', () => {
  const elsewhere = projectFiles()
    .filter((file) => file.endsWith('.ts') && (file.split('/')[0] ?? '') in LAYERS)
    .filter((file) => file !== 'domain/names.ts')
    .filter((file) => {
      const text = readProjectFile(file);
      return (
        Object.values(ATTRIBUTE).some(
          (name) => text.includes(`'${name}`) || text.includes(`${name} =`),
        ) || /[`']watari\/[$']/.test(text)
      );
    });
  expect(elsewhere).toEqual([]);
});
