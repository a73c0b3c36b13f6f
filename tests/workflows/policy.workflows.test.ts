// A run on nodes that do not let it: it waits for a person with the reason, nothing was done, and the same step goes on
// once the node allows it.
import { expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { EVERYTHING, policyOf, restrictedHost, type Policy } from '../../hyperv/policy.ts';
import { labCluster, TWO_NODES } from '../support/lab-cluster.ts';
import { endsWithTest } from '../support/ends.ts';

const ends = endsWithTest();

it('parks with NotAllowedHere, has moved nothing, and finishes after the node allows it', async () => {
  let policy: Policy = policyOf({ readOnly: true });
  const c = ends(
    await labCluster({
      temporal: inject('temporal'),
      scenario: TWO_NODES,
      // Looked at anew for each call, as a worker that was started again would.
      disturb: (host) =>
        new Proxy(host, {
          get: (target, op) => Reflect.get(restrictedHost(target, policy), op) as unknown,
        }),
    }),
  );
  const run = await c.start('migrateVm', runId.migrate(c.cluster, 'web-1'), { vm: 'web-1' });
  const parked = await run.until('a person to be needed', (s) => s.state === 'needs-operator');
  const step = parked.steps.find((s) => s.state === 'needs-operator');
  expect(step?.failure?.code).toBe('NotAllowedHere');
  expect(step?.failure?.message).toMatch(
    /startMove was refused on HV\d \(NotAllowedHere\): the worker of HV\d was started with --read-only/,
  );
  expect(step?.failure?.hint).toContain('--allow');
  expect(step?.attempt).toBe(1);
  expect(c.lab.effects()).toEqual([]);
  policy = EVERYTHING;
  await run.decide({ step: step?.id ?? '', action: 'retry' });
  expect(await run.result()).toMatchObject({ vm: 'web-1' });
  expect(c.count('move-started', 'web-1')).toBe(1);
});
