// Which of the runs inside a run are asked at a look: all that go on, and of those that are over the latest, up to a
// number of events, as each has to be replayed.
import { expect, it } from 'vitest';
import { RunTracker } from '../../client/runs/tracker.ts';
import type { Temporal } from '../../client/temporal/connection.ts';
import type { RunStatus } from '../../domain/status.ts';
import { step, view } from '../support/client-fakes.ts';

const RUN = 'watari/hv-lab/campaign';
const nodes = ['hv1', 'hv2', 'hv3', 'hv4'];
const childOf = (node: string): string => `watari/hv-lab/node/${node}/maintain`;

interface Kept {
  status: RunStatus;
  isOver: boolean;
  events: number;
}

function serverWith(runs: Record<string, Kept>): { temporal: Temporal; asked: string[] } {
  const asked: string[] = [];
  const handle = (id: string) => ({
    describe: () =>
      Promise.resolve({
        ...{ workflowId: id, runId: 'r', type: 'maintainNode', memo: {} },
        status: { name: runs[id]?.isOver === true ? 'COMPLETED' : 'RUNNING' },
        startTime: new Date(0),
        historyLength: runs[id]?.events,
        raw: { pendingActivities: [] },
      }),
    query: () => {
      asked.push(id);
      return Promise.resolve(runs[id]?.status);
    },
  });
  const temporal = {
    client: { workflow: { getHandle: handle }, options: {} },
    connection: { withDeadline: (_: number, call: () => Promise<unknown>) => call() },
  } as unknown as Temporal;
  return { temporal, asked };
}

/** A maintenance of four nodes; `open` are not over. */
function maintenance(open: readonly string[], events: number): Record<string, Kept> {
  const steps = nodes.map((node) => step(`${node}/maintain`, { child: childOf(node) }));
  const root = { ...view(steps), run: RUN, children: nodes.map(childOf) };
  const inside = nodes.map((node): [string, Kept] => [
    childOf(node),
    {
      status: { ...view([step(`${node}/gate`)]), run: childOf(node), children: [] },
      isOver: !open.includes(node),
      events,
    },
  ]);
  return { [RUN]: { status: root, isOver: false, events: 50 }, ...Object.fromEntries(inside) };
}

const look = (temporal: Temporal) => new RunTracker(temporal, RUN, () => new Date(0)).look();

it('asks everybody once where histories are short', async () => {
  const { temporal, asked } = serverWith(maintenance(['hv4'], 100));
  const seen = await look(temporal);
  expect(seen.steps.map(({ id }) => id)).toEqual(nodes.map((node) => `${node}/gate`));
  expect(seen.notes).toEqual([]);
  expect(asked.toSorted()).toEqual([RUN, ...nodes.map(childOf)].toSorted());
});

it('asks the latest of those that are over and whoever goes on; the step stands for the others', async () => {
  const { temporal, asked } = serverWith(maintenance(['hv4'], 700));
  const seen = await look(temporal);
  expect(seen.steps.map(({ id }) => id)).toEqual([
    ...['hv1/maintain', 'hv2/gate', 'hv3/gate', 'hv4/gate'],
  ]);
  expect(asked).not.toContain(childOf('hv1'));
  expect(seen.notes).toEqual([
    `one run inside it that is over was not looked into; watari run show ${childOf('hv1')}`,
  ]);
});

it('goes on asking a run that it has seen at work until it has told its end', async () => {
  const runs = maintenance(nodes, 5000);
  const { temporal } = serverWith(runs);
  const tracker = new RunTracker(temporal, RUN, () => new Date(0));
  await tracker.look();
  for (const node of nodes) runs[childOf(node)]!.isOver = true;
  const seen = await tracker.look();
  expect(seen.steps.map(({ id }) => id)).toEqual(nodes.map((node) => `${node}/gate`));
  expect(seen.notes).toEqual([]);
});
