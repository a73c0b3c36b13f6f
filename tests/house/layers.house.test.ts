// The lint rule that keeps the arrow from turning: what it lets through and what it stops. That the code obeys is
// shown by `npm run lint`.
import { describe, expect, it } from 'vitest';
import { LAYERS, whyNot } from '../../scripts/layers.mjs';
import { projectFiles } from '../support/tree.ts';

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
    ['hyperv/host.ts', '../lab/lab.ts', 'value'],
    ['hyperv/host.ts', '../activities/move.ts', 'value'],
    ['hyperv/host.ts', 'node-powershell', 'value'],
    ['activities/move.ts', '../workflows/steps.ts', 'value'],
    ['activities/move.ts', '../lab/lab.ts', 'value'],
    ['workflows/steps.ts', '../activities/index.ts', 'value'],
    ['workflows/steps.ts', '../hyperv/host.ts', 'value'],
    ['workflows/steps.ts', 'zod', 'value'],
    ['workflows/steps.ts', 'node:fs', 'value'],
    ['workflows/steps.ts', '@temporalio/activity', 'value'],
    ['client/watch.ts', '../workers/node-worker.ts', 'dynamic'],
    ['client/commands/processes.ts', '../../workers/node-worker.ts', 'value'],
    ['client/commands/demo.ts', '../../lab/lab.ts', 'value'],
    ['client/temporal/connection.ts', '@temporalio/worker', 'value'],
    ['client/temporal/connection.ts', '@temporalio/worker', 'dynamic'],
    ['lab/host.ts', '../activities/move.ts', 'value'],
    ['workers/main.ts', '../client/watch.ts', 'value'],
    ['proof/bench/main.ts', '../../tests/support/processes.ts', 'value'],
    ['client/watch.ts', '../proof/rig/random.ts', 'value'],
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
