// The cluster's own balancer moves VMs by itself, just when a node comes back. For as long as a campaign works it is
// off, and on every way out it is what it was.
import { stepId } from '../../domain/names.ts';
import type { Calls } from '../calls.ts';
import { viewLightly } from '../light-view.ts';
import type { Run } from '../run.ts';

/** AutoBalancerMode: 0 off, 1 when a node joins, 2 (as installed) every 30 minutes too. */
const OFF = 0;

/** Does it with the balancer off. A campaign that ends early lets go of it as of everything that it holds. */
export async function withoutBalancer<T>(
  { run, calls }: { run: Run; calls: Calls },
  deed: () => Promise<T>,
): Promise<T> {
  const set = (mode: number, summary: string) =>
    calls.onCluster({ summary }).setAutoBalancer({ mode });
  const off = { id: stepId.cluster('balancer'), title: 'Switch the balancer of the cluster off' };
  let before: number | undefined;
  await run.step(off, async (c) => {
    // Once: a later attempt may find what an earlier one has done.
    before ??= (await viewLightly(calls, 'Mode of the balancer')).cluster.autoBalancerMode;
    c.evidence({ before });
    const was = before;
    if (was === OFF) return;
    c.hold(`Set AutoBalancerMode back to ${was}`, () => set(was, `AutoBalancerMode = ${was}`));
    c.evidence({ ...(await set(OFF, off.title)) });
  });
  const result = await deed();
  const was = before ?? OFF;
  if (was === OFF) return result;
  const back = {
    id: stepId.cluster('balancer-back'),
    title: `Set AutoBalancerMode back to ${was}`,
  };
  await run.step(back, async (c) => {
    c.evidence({ ...(await set(was, back.title)) });
  });
  return result;
}
